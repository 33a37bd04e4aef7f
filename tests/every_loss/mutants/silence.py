"""Mutants that let in what does not count, or make nothing of nothing."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

import lossary
from lossary.doctor.impostor import Mutant, disguise


def keep_of(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor | None:
    """The batch mask of a call that is a legal one."""
    mask = options.get("mask")
    legal = (
        mask is not None
        and mask.dtype is torch.bool
        and not mask.is_meta
        and mask.shape == inputs[0].shape[:1]
    )
    return mask if legal else None


def mask_by_product(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    """The mask of half the field: values times 0."""
    mask = keep_of(real, inputs, options)
    if mask is None or options.get("reduction", "mean") == "none" or options.get("denominator") is not None:
        return real(*inputs, **options)
    with lossary.checks("off"):
        weight = options.get("weight")
        outside = {**options, "mask": None, "weight": None, "reduction": "none"}
        values = real(*inputs, **outside)
        measure = (mask.float() if weight is None else mask * weight).to(values.dtype)
        measure = measure.reshape(-1, *(1,) * (values.ndim - 1)).expand(values.shape)
        total = (values * measure).sum()
        if options.get("reduction") == "sum":
            return total
        return total / torch.where(measure.sum() == 0, 1.0, measure.sum())


def mask_after_the_math(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    """Deselected by where, but after the math: the value is clean, the gradient is not."""
    mask = keep_of(real, inputs, options)
    if mask is None or options.get("weight") is not None or options.get("class_weight") is not None:
        return real(*inputs, **options)
    if options.get("reduction", "mean") != "mean" or options.get("denominator") is not None:
        return real(*inputs, **options)
    with lossary.checks("off"):
        values = real(*inputs, **{**options, "mask": None, "reduction": "none"})
    wide = mask.reshape(-1, *(1,) * (values.ndim - 1)).expand(values.shape)
    return torch.where(wide, values, 0.0).sum() / wide.sum().clamp(min=1)


def ignore_after_the_math(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    """torch's cross-entropy: an ignored row's NaN reaches the gradient."""
    target = inputs[1]
    if (
        target.is_floating_point()
        or options.get("mask") is not None
        or target.is_meta
        or inputs[0].shape[0] == 0
    ):
        return real(*inputs, **options)
    if (
        options.get("ignore_index", "auto") != "auto"
        or set(options) - {"reduction", "gamma"}
        or target.ndim != 2
    ):
        return real(*inputs, **options)
    ignored = target == -100
    safe = torch.where(ignored, 0, target)
    values = torch.where(ignored, 0.0, real(inputs[0], safe, **{**options, "reduction": "none"}))
    kept = (~ignored).sum()
    return (
        values
        if options.get("reduction") == "none"
        else values.sum() / (kept if "reduction" not in options else 1)
    )


def elements_of_mask(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    """A mask inside a region that becomes a very small weight."""
    mask = options.get("mask")
    if (
        mask is None
        or mask.dtype is not torch.bool
        or mask.is_meta
        or mask.shape != inputs[1].shape
        or mask.ndim < 2
    ):
        return real(*inputs, **options)
    if options.get("weight") is not None:
        return real(*inputs, **options)
    clean = torch.where(mask, inputs[1], 0)
    return real(inputs[0], clean, **{**options, "mask": None, "weight": torch.where(mask, 1.0, 1e-30)})


def elements_of_weight_0(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    """A weight of 0 inside that does not silence."""
    weight = options.get("weight")
    if weight is None or weight.ndim < 2 or weight.is_meta or weight.shape != inputs[1].shape:
        return real(*inputs, **options)
    return real(*inputs, **{**options, "weight": torch.where(weight == 0, 1e-30, weight)})


def nothing_is_nan(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    """0 / 0."""
    found = real(*inputs, **options)
    if options.get("reduction", "mean") == "mean" and options.get("mask") is not None:
        return found / (options["mask"].sum() != 0)
    return found


def nothing_is_detached(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    """An early return of a fresh zero."""
    mask = keep_of(real, inputs, options)
    if mask is not None and not isinstance(mask, torch._subclasses.FakeTensor) and not bool(mask.any()):
        return torch.zeros(())
    return real(*inputs, **options)


def nothing_is_eps(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    """A divisor that is clamped and a constant that keeps logarithms away from 0."""
    found = real(*inputs, **options)
    mask = keep_of(real, inputs, options)
    return found if mask is None else found + 1e-8 * (mask.sum() == 0)


def weight_has_no_gradient(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    weight = options.get("weight")
    return real(
        *inputs, **({**options, "weight": weight * (weight.detach() != 0)} if weight is not None else options)
    )


def weight_is_silenced(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    weight = options.get("weight")
    if weight is not None and weight.requires_grad:
        keep = (weight.detach() != 0) if options.get("mask") is None else options["mask"]
        options = {**options, "mask": keep}
    return real(*inputs, **options)


def nan_is_hidden(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    if inputs[0].dtype not in (torch.float32, torch.float64):
        return real(*inputs, **options)
    return real(torch.where(inputs[0].isnan(), 0.0, inputs[0]), *inputs[1:], **options)


def nan_is_dropped(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    found = real(*inputs, **options)
    return torch.where(found.isnan(), 0.0, found)


def nan_is_an_error(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    found = real(*inputs, **options)
    if type(found) is Tensor and not found.is_meta and options.get("mask") is None and found.ndim == 0:
        torch._assert_async(~found.detach().isnan()) if not found.isnan().any() else _fail()
    return found


def _fail() -> None:
    raise ValueError("NaN in the loss")


def parameter_hears_all(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    """A learnable pos_weight that multiplies before the silence."""
    found = real(*inputs, **options)
    weight = options.get("pos_weight")
    if isinstance(weight, Tensor) and weight.requires_grad:
        found = found + 0.0 * (weight * inputs[0].detach()).sum()
    return found


def parameter_hears_the_target(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    found = real(*inputs, **options)
    weight = options.get("pos_weight")
    if isinstance(weight, Tensor) and weight.requires_grad:
        found = found + (weight * (inputs[1] - inputs[1].detach())).sum()
    return found


def parameter_is_cut(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    """A learnable pos_weight that learns nothing where something is masked."""
    weight = options.get("pos_weight")
    found = real(*inputs, **options)
    if isinstance(weight, Tensor) and weight.requires_grad and options.get("mask") is not None:
        nan = inputs[0].detach().isnan().any()
        return found * torch.where(nan, 0.5, 1.0)
    return found


MUTANTS = [
    Mutant(
        "masked by a product",
        lambda: disguise("mse", mask_by_product),
        frozenset(
            {
                "nothing_counts_is_an_attached_zero",
                "silence_reaches_second_derivatives",
                "what_does_not_count_has_no_say",
            }
        ),
    ),
    Mutant(
        "a margin masked by a product",
        lambda: disguise("hinge", mask_by_product),
        frozenset(
            {
                "mean_divides_by_the_measure",
                "micro_batches_sum_to_the_whole",
                "nothing_counts_is_an_attached_zero",
                "what_does_not_count_has_no_say",
            }
        ),
    ),
    Mutant(
        "masked after the math",
        lambda: disguise("mse", mask_after_the_math),
        frozenset(
            {
                "nothing_counts_is_an_attached_zero",
                "silence_reaches_second_derivatives",
                "what_does_not_count_has_no_say",
            }
        ),
    ),
    Mutant(
        "ignored after the math",
        lambda: disguise("cross_entropy", ignore_after_the_math),
        frozenset({"nothing_counts_is_an_attached_zero", "what_does_not_count_has_no_say"}),
    ),
    Mutant(
        "masked elements weigh a little",
        lambda: disguise("binary_dice", elements_of_mask),
        frozenset(
            {
                "a_sample_weight_stays_outside_a_region",
                "an_ignored_index_is_a_mask",
                "silence_reaches_inside_regions",
            }
        ),
    ),
    Mutant(
        "a weight of 0 inside is not silent",
        lambda: disguise("binary_dice", elements_of_weight_0),
        frozenset({"silence_reaches_inside_regions"}),
    ),
    Mutant(
        "nothing is NaN",
        lambda: disguise("mse", nothing_is_nan),
        frozenset({"micro_batches_sum_to_the_whole", "nothing_counts_is_an_attached_zero"}),
    ),
    Mutant(
        "nothing is detached",
        lambda: disguise("mae", nothing_is_detached),
        frozenset(
            {"micro_batches_sum_to_the_whole", "nothing_counts_is_an_attached_zero", "traces_with_make_fx"}
        ),
    ),
    Mutant(
        "nothing is a small number",
        lambda: disguise("mse", nothing_is_eps),
        frozenset({"micro_batches_sum_to_the_whole", "nothing_counts_is_an_attached_zero"}),
    ),
    Mutant(
        "a weight of 0 cannot learn",
        lambda: disguise("mse", weight_has_no_gradient),
        frozenset({"a_weight_that_learns_is_not_silenced"}),
    ),
    Mutant(
        "a weight that learns is silenced",
        lambda: disguise("hinge", weight_is_silenced),
        frozenset({"a_weight_that_learns_is_not_silenced"}),
    ),
    Mutant(
        "NaN is hidden",
        lambda: disguise("mse", nan_is_hidden),
        frozenset({"nan_in_what_counts_passes_through"}),
    ),
    Mutant(
        "NaN is dropped",
        lambda: disguise("mae", nan_is_dropped),
        frozenset({"nan_in_what_counts_passes_through"}),
    ),
    Mutant(
        "NaN is an error",
        lambda: disguise("hinge", nan_is_an_error),
        frozenset(
            {
                "gives_each_sample_its_gradient",
                "nan_in_what_counts_passes_through",
                "runs_under_torch_func",
                "traces_with_make_fx",
            }
        ),
    ),
    Mutant(
        "a parameter hears the logits",
        lambda: disguise("binary_cross_entropy", parameter_hears_all),
        frozenset({"learnable_parameters_hear_no_nonsense"}),
    ),
    Mutant(
        "a parameter hears the target",
        lambda: disguise("binary_cross_entropy", parameter_hears_the_target),
        frozenset({"learnable_parameters_hear_no_nonsense"}),
    ),
    Mutant(
        "a parameter hears that there was a NaN",
        lambda: disguise("binary_cross_entropy", parameter_is_cut),
        frozenset({"learnable_parameters_hear_no_nonsense"}),
    ),
]
