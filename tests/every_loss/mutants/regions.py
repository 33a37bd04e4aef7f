"""Mutants that mistake the inside of a region or a set for its outside."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

import lossary
from lossary.doctor.impostor import Mutant, disguise, exchange


def _measure(real: Any, options: dict[str, Any]) -> dict[str, Any]:
    outside = ("reduction", "denominator", "group", "backend")
    return {name: value for name, value in options.items() if name not in outside}


def weight_inside(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    """A sample's weight that enters the sums of its region."""
    weight = options.get("weight")
    samples = torch.Size((inputs[0].shape[0], *inputs[0].shape[2:]))
    if weight is not None and weight.shape == samples[:1] and len(samples) > 1:
        options = {**options, "weight": weight.reshape(-1, *(1,) * (len(samples) - 1)).expand(samples)}
    return real(*inputs, **options)


def weight_inside_one_class(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    weight, samples = options.get("weight"), inputs[0].shape
    if weight is not None and weight.shape == samples[:1] and len(samples) > 1:
        options = {**options, "weight": weight.reshape(-1, *(1,) * (len(samples) - 1)).expand(samples)}
    return real(*inputs, **options)


def mask_keeps_the_region(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    """A mask inside that leaves an empty region counted."""
    mask = options.get("mask")
    if (
        mask is None
        or mask.ndim < 2
        or mask.dtype is not torch.bool
        or options.get("reduction", "mean") != "mean"
    ):
        return real(*inputs, **options)
    total = real(*inputs, **{**options, "reduction": "sum"})
    return total / real.count(*inputs, **_measure(real, {**options, "mask": None}))


def inner_weight_dropped(
    p: Any, target: Tensor, *, smooth: float, squared: bool, inner: Tensor | None = None
) -> Tensor:
    block = lossary.get("binary_dice").loss.block
    return block(
        p,
        target,
        smooth=smooth,
        squared=squared,
        inner=None if inner is None else (inner > 0).to(inner.dtype),
    )


def inner_weight_squared(
    logits: Any, target: Tensor, *, smooth: float, squared: bool, inner: Tensor | None = None
) -> Tensor:
    block = lossary.get("dice").loss.block
    return block(
        logits, target, smooth=smooth, squared=squared, inner=None if inner is None else inner.square()
    )


def masses_forgotten(x: Tensor, y: Tensor, *, x_weight: Any = None, y_weight: Any = None, p: float) -> Tensor:
    return lossary.get("wasserstein_1d").loss.block(x, y, x_weight=None, y_weight=y_weight, p=p)


def binary_inner_weight_squared(
    p: Any, target: Tensor, *, smooth: float, squared: bool, inner: Any = None
) -> Tensor:
    block = lossary.get("binary_dice").loss.block
    return block(p, target, smooth=smooth, squared=squared, inner=None if inner is None else inner.square())


MUTANTS = [
    Mutant(
        "inner weights of one class are squared",
        lambda: exchange("binary_dice", block=binary_inner_weight_squared),
        frozenset({"an_inner_weight_of_k_is_k_copies", "inner_weights_are_exact"}),
    ),
    Mutant(
        "a sample weight enters the sums",
        lambda: disguise("dice", weight_inside),
        frozenset(
            {
                "a_sample_weight_stays_outside_a_region",
                "a_weight_of_k_is_k_copies",
                "a_weight_that_learns_is_not_silenced",
                "mean_divides_by_the_measure",
                "micro_batches_sum_to_the_whole",
                "none_is_measure_times_value",
            }
        ),
    ),
    Mutant(
        "a sample weight enters one sum",
        lambda: disguise("binary_dice", weight_inside_one_class),
        frozenset(
            {
                "a_sample_weight_stays_outside_a_region",
                "a_weight_of_k_is_k_copies",
                "a_weight_that_learns_is_not_silenced",
                "mean_divides_by_the_measure",
                "micro_batches_sum_to_the_whole",
                "none_is_measure_times_value",
            }
        ),
    ),
    Mutant(
        "an empty region counts",
        lambda: disguise("dice", mask_keeps_the_region),
        frozenset(
            {
                "a_sample_weight_stays_outside_a_region",
                "an_ignored_index_is_a_mask",
                "silence_reaches_inside_regions",
            }
        ),
    ),
    Mutant(
        "inner weights are a mask",
        lambda: exchange("binary_dice", block=inner_weight_dropped),
        frozenset({"an_inner_weight_of_k_is_k_copies", "inner_weights_are_exact"}),
    ),
    Mutant(
        "inner weights are squared",
        lambda: exchange("dice", block=inner_weight_squared),
        frozenset({"an_inner_weight_of_k_is_k_copies", "inner_weights_are_exact"}),
    ),
    Mutant(
        "masses are forgotten",
        lambda: exchange("wasserstein_1d", block=masses_forgotten),
        frozenset(
            {
                "an_inner_weight_of_k_is_k_copies",
                "gradients_are_exact",
                "gradients_are_exact_at_extremes",
                "values_are_exact",
                "values_are_exact_at_extremes",
            }
        ),
    ),
]
