"""Mutants that count wrongly: most of them are how another library counts."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lossary.doctor.impostor import Mutant, disguise, exchange


def divide_by_n(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    """torch's binary cross-entropy: a weighted mean over N and not over the weights."""
    if options.get("reduction", "mean") != "mean" or options.get("denominator") is not None:
        return real(*inputs, **options)
    found = real(*inputs, **{**options, "reduction": "none"})
    if "group" in options:
        return real(*inputs, **options)
    return found.mean() if found.numel() else found.sum()


def forget_weight_in_none(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    if options.get("reduction") == "none":
        real(*inputs, **options)
        options = {**options, "weight": None}
    return real(*inputs, **options)


def sum_is_mean(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    if (
        options.get("reduction") == "sum"
        and options.get("denominator") is None
        and options.get("group") is None
    ):
        options = {**options, "reduction": "mean"}
    return real(*inputs, **options)


def flatten_none(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    found = real(*inputs, **options)
    return found.flatten() if found.ndim > 1 else found


def drop_single(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    return real(*inputs, **options).squeeze()


def count_in_half(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    weight = options.get("weight")
    if weight is not None and weight.dtype is torch.bfloat16:
        return real.count(*inputs, **options).bfloat16()
    return real.count(*inputs, **options)


def count_in_eights(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    weight = options.get("weight")
    found = real.count(*inputs, **options)
    return found.bfloat16().float() if weight is not None and weight.dtype is torch.bfloat16 else found


def half_weights_are_one(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    weight = options.get("weight")
    if weight is not None and weight.dtype is torch.bfloat16:
        options = {**options, "weight": torch.ones_like(weight)}
    return real.count(*inputs, **options)


def count_units(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    """A count that knows masks and no weights."""
    return real.count(*inputs, **{**options, "weight": None})


def count_masked(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    return real.count(*inputs, **{**options, "mask": None})


def count_needs_all(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    if len(inputs) < 2:
        raise TypeError("missing 1 required positional argument: 'target'")
    return real.count(*inputs, **options)


def root_of_weight(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    weight = options.get("weight")
    return real(*inputs, **({**options, "weight": weight.sqrt()} if weight is not None else options))


def mask_as_weight_of_half(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    """A mask that weighs what it should leave out."""
    mask, weight = options.get("mask"), options.get("weight")
    if mask is None or mask.dtype is not torch.bool or weight is not None or mask.ndim != 1 or mask.is_meta:
        return real(*inputs, **options)
    if mask.shape != inputs[0].shape[:1]:
        return real(*inputs, **options)
    return real(*inputs, **{**options, "mask": None, "weight": 0.01 + mask.float()})


def values_less_the_batch_mean(prediction: Tensor, target: Tensor) -> Tensor:
    """A block that looks at the whole batch and does not say so."""
    return (prediction - prediction.detach().mean() * 1e-3 - target).square()


def _plain(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    return real(*inputs, **options)


def align_right(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    """A weight broadcast as tensors are."""
    samples = inputs[1].shape
    for name in ("weight", "mask"):
        given = options.get(name)
        if given is not None and given.shape != samples and not given.is_complex() and not given.is_meta:
            options = {**options, name: torch.broadcast_to(given, samples)}
    return real(*inputs, **options)


def flat_weight(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    """A weight taken for any shape with as many numbers."""
    weight = options.get("weight")
    if weight is not None and weight.numel() == inputs[1].numel() and not weight.is_meta:
        options = {**options, "weight": weight.reshape(inputs[1].shape)}
    return real(*inputs, **options)


def mean_of_prefix(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    """A prefix that is shared out among what lies under it."""
    weight = options.get("weight")
    if weight is not None and weight.ndim < inputs[1].ndim and options.get("reduction") == "none":
        found = real(*inputs, **options)
        return found / 2 if found.numel() else found
    return real(*inputs, **options)


def first_of_prefix(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    """A prefix that serves only the first entry under it."""
    mask = options.get("mask")
    samples = inputs[1].shape
    if (
        mask is not None
        and mask.dtype is torch.bool
        and 0 < mask.ndim < len(samples)
        and mask.shape == samples[: mask.ndim]
    ):
        wide = torch.zeros(samples, dtype=torch.bool, device=mask.device)
        index = (slice(None),) * mask.ndim + (0,) * (len(samples) - mask.ndim)
        wide[index] = mask
        options = {**options, "mask": wide}
    return real(*inputs, **options)


def no_denominator(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    real(*inputs, **options)
    return real(*inputs, **({**options, "denominator": None} if "denominator" in options else options))


def live_denominator(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    """A gradient through what should be a number."""
    found = real(*inputs, **options)
    denominator = options.get("denominator")
    if isinstance(denominator, Tensor) and denominator.ndim == 0:
        return found * denominator.detach() / denominator
    return found


def alone_forgets_masks(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    return real.count(*inputs, **({**options, "mask": None} if len(inputs) == 1 else options))


def alone_counts_samples(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    found = real.count(*inputs, **options)
    return found / inputs[0].shape[1] if len(inputs) == 1 and inputs[0].ndim > 1 else found


MUTANTS = [
    Mutant(
        "no denominator",
        lambda: disguise("mse", no_denominator),
        frozenset({"a_denominator_divides_the_sum", "micro_batches_sum_to_the_whole"}),
    ),
    Mutant(
        "a live denominator",
        lambda: disguise("mae", live_denominator),
        frozenset({"a_denominator_divides_the_sum"}),
    ),
    Mutant(
        "the target alone forgets masks",
        lambda: disguise("mse", _plain, alone_forgets_masks),
        frozenset({"the_target_alone_can_be_counted"}),
    ),
    Mutant(
        "the target alone counts samples",
        lambda: disguise("mae", _plain, alone_counts_samples),
        frozenset({"the_target_alone_can_be_counted"}),
    ),
    Mutant(
        "a weighted mean divides by N",
        lambda: disguise("mse", divide_by_n),
        frozenset(
            {
                "a_mask_is_leaving_out",
                "a_weight_of_k_is_k_copies",
                "mean_divides_by_the_measure",
                "micro_batches_sum_to_the_whole",
                "options_that_make_no_sense_are_refused",
            }
        ),
    ),
    Mutant(
        "none forgets the weight",
        lambda: disguise("mse", forget_weight_in_none),
        frozenset({"none_is_measure_times_value", "sum_adds_measured_values"}),
    ),
    Mutant(
        "sum is the mean",
        lambda: disguise("mae", sum_is_mean),
        frozenset(
            {
                "a_denominator_divides_the_sum",
                "a_weight_that_learns_is_not_silenced",
                "mean_divides_by_the_measure",
                "sum_adds_measured_values",
            }
        ),
    ),
    Mutant(
        "none is flat",
        lambda: disguise("mse", flatten_none),
        frozenset(
            {"none_has_the_declared_shape", "none_is_measure_times_value", "the_stated_constant_minimises"}
        ),
    ),
    Mutant(
        "axes of one are dropped",
        lambda: disguise("hinge", drop_single),
        frozenset({"none_has_the_declared_shape", "the_example_is_right"}),
    ),
    Mutant(
        "none of a triplet is flat",
        lambda: disguise("triplet", flatten_none),
        frozenset({"none_has_the_declared_shape", "none_is_measure_times_value"}),
    ),
    Mutant(
        "a count in half",
        lambda: disguise("mse", _plain, count_in_half),
        frozenset({"the_measure_is_never_half"}),
    ),
    Mutant(
        "a count rounded to half",
        lambda: disguise("mae", _plain, count_in_eights),
        frozenset({"the_measure_is_never_half"}),
    ),
    Mutant(
        "half weights count 1",
        lambda: disguise("mse", _plain, half_weights_are_one),
        frozenset({"the_measure_is_never_half"}),
    ),
    Mutant(
        "the count knows no weight",
        lambda: disguise("mse", _plain, count_units),
        frozenset(
            {"mean_divides_by_the_measure", "micro_batches_sum_to_the_whole", "the_measure_is_never_half"}
        ),
    ),
    Mutant(
        "the count knows no mask",
        lambda: disguise("mae", _plain, count_masked),
        frozenset({"mean_divides_by_the_measure", "micro_batches_sum_to_the_whole"}),
    ),
    Mutant(
        "the count needs the prediction",
        lambda: disguise("mse", _plain, count_needs_all),
        frozenset({"the_target_alone_can_be_counted"}),
    ),
    Mutant(
        "the square root of the weight",
        lambda: disguise("mse", root_of_weight),
        frozenset(
            {
                "a_weight_of_k_is_k_copies",
                "a_weight_that_learns_is_not_silenced",
                "mean_divides_by_the_measure",
                "micro_batches_sum_to_the_whole",
                "none_is_measure_times_value",
            }
        ),
    ),
    Mutant(
        "a mask leaves a hundredth",
        lambda: disguise("mse", mask_as_weight_of_half),
        frozenset(
            {
                "a_mask_is_leaving_out",
                "a_prefix_serves_what_lies_under_it",
                "mean_divides_by_the_measure",
                "micro_batches_sum_to_the_whole",
                "none_is_measure_times_value",
                "nothing_counts_is_an_attached_zero",
                "silence_reaches_second_derivatives",
                "what_does_not_count_has_no_say",
            }
        ),
    ),
    Mutant(
        "a value looks at its batch",
        lambda: exchange("mse", block=values_less_the_batch_mean),
        frozenset(
            {
                "a_mask_is_leaving_out",
                "a_weight_of_k_is_k_copies",
                "gradients_are_exact",
                "gradients_are_exact_at_extremes",
                "gradients_at_kinks_are_subgradients",
                "micro_batches_sum_to_the_whole",
                "none_is_measure_times_value",
                "proper_where_it_says_so",
                "relatives_coincide",
                "the_example_is_right",
                "the_slope_agrees_at_kinks",
                "the_slope_is_the_gradient",
                "the_stated_constant_minimises",
                "values_are_exact",
                "values_are_exact_at_extremes",
            }
        ),
    ),
    Mutant(
        "weights broadcast from the right",
        lambda: disguise("mse", align_right),
        frozenset(
            {
                "a_mask_is_leaving_out",
                "a_prefix_serves_what_lies_under_it",
                "a_weight_of_k_is_k_copies",
                "function_and_module_agree",
                "leaves_its_inputs_alone",
                "mean_divides_by_the_measure",
                "micro_batches_sum_to_the_whole",
                "none_is_measure_times_value",
                "nothing_counts_is_an_attached_zero",
                "runs_on_meta_and_fake_tensors",
                "sum_adds_measured_values",
                "takes_any_layout",
                "weights_are_not_aligned_from_the_right",
                "what_does_not_count_has_no_say",
            }
        ),
    ),
    Mutant(
        "masks broadcast from the right",
        lambda: disguise("hinge", align_right),
        frozenset(
            {
                "a_mask_is_leaving_out",
                "a_prefix_serves_what_lies_under_it",
                "a_weight_of_k_is_k_copies",
                "function_and_module_agree",
                "leaves_its_inputs_alone",
                "mean_divides_by_the_measure",
                "micro_batches_sum_to_the_whole",
                "none_is_measure_times_value",
                "nothing_counts_is_an_attached_zero",
                "runs_on_meta_and_fake_tensors",
                "smoothing_is_a_soft_target",
                "sum_adds_measured_values",
                "takes_any_layout",
                "weights_are_not_aligned_from_the_right",
                "what_does_not_count_has_no_say",
            }
        ),
    ),
    Mutant(
        "a weight of any shape",
        lambda: disguise("mae", flat_weight),
        frozenset({"weights_are_not_aligned_from_the_right"}),
    ),
    Mutant(
        "a prefix is shared out",
        lambda: disguise("mse", mean_of_prefix),
        frozenset({"none_is_measure_times_value", "sum_adds_measured_values"}),
    ),
    Mutant(
        "a prefix serves the first",
        lambda: disguise("mae", first_of_prefix),
        frozenset(
            {
                "a_mask_is_leaving_out",
                "a_prefix_serves_what_lies_under_it",
                "mean_divides_by_the_measure",
                "micro_batches_sum_to_the_whole",
                "none_is_measure_times_value",
            }
        ),
    ),
]
