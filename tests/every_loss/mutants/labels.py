"""Mutants that misread labels: their weights, what is soft of them, and what is to be ignored."""

from __future__ import annotations

from typing import Any

from torch import Tensor

import lossary
from lossary.doctor.impostor import Mutant, disguise, exchange


def class_weight_out_of_the_mean(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    """torch's class-weighted binary cross-entropy: weights multiply, N divides."""
    if options.get("class_weight") is None or options.get("reduction", "mean") != "mean":
        return real(*inputs, **options)
    if options.get("denominator") is not None:
        return real(*inputs, **options)
    total = real(*inputs, **{**options, "reduction": "sum"})
    return total / real.count(*inputs, **_measure(real, {**options, "class_weight": None})).clamp(min=1e-30)


def _measure(real: Any, options: dict[str, Any]) -> dict[str, Any]:
    outside = ("reduction", "denominator", "group", "backend")
    return {name: value for name, value in options.items() if name not in outside}


def class_weight_forgotten(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    real(*inputs, **options)
    return real(*inputs, **{**options, "class_weight": None})


def class_weights_turned(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    """The first class's weight for the last class."""
    weight = options.get("class_weight")
    return real(*inputs, **({**options, "class_weight": weight.flip(0)} if weight is not None else options))


def class_weight_squared(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    weight = options.get("class_weight")
    return real(
        *inputs,
        **({**options, "class_weight": weight.square() * weight.sign()} if weight is not None else options),
    )


def torch_soft_mean(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    """torch's cross-entropy: a mean over the weights for indices, over N for probabilities."""
    soft = len(inputs) > 1 and inputs[1].is_floating_point()
    return (class_weight_out_of_the_mean if soft else _plain)(real, inputs, options)


def _plain(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    return real(*inputs, **options)


def harden(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    """A soft target taken for its most probable class."""
    target = inputs[1]
    if (
        target.is_floating_point()
        and target.shape == inputs[0].shape
        and target.ndim > 1
        and not target.requires_grad
    ):
        real(*inputs, **options)
        inputs = (inputs[0], target.argmax(1))
    return real(*inputs, **options)


def smooth_towards_zero(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    """Keras's old slip: smoothing without its constant share."""
    smoothing = options.get("label_smoothing", 0.0)
    if 0.0 < smoothing < 1.0:
        return real(*inputs, **{**options, "label_smoothing": 0.0}) * (1 - smoothing)
    return real(*inputs, **options)


def smooth_over_the_others(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    """Smoothing that shares among the other classes only."""
    smoothing = options.get("label_smoothing", 0.0)
    return real(
        *inputs, **({**options, "label_smoothing": smoothing * 0.75} if smoothing != 1.0 else options)
    )


def smoothing_forgotten(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    real(*inputs, **options)
    return real(*inputs, **({**options, "label_smoothing": 0.0} if "label_smoothing" in options else options))


def round_target(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    """Soft binary targets taken for hard ones."""
    real(*inputs, **options)
    target = inputs[1]
    inputs = (inputs[0], target.round())
    return real(*inputs, **options)


def square_soft(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    real(*inputs, **options)
    target = inputs[1]
    inputs = (inputs[0], target.square())
    return real(*inputs, **options)


def ignore_only_minus_100(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    options = {**options, "ignore_index": "auto"} if "ignore_index" in options else options
    return real(*inputs, **options)


def ignore_never(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    return real(*inputs, **{**options, "ignore_index": None})


def ignore_twice(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    """An explicit index that counts its rows in the mean all the same."""
    if isinstance(options.get("ignore_index"), int) and options.get("reduction", "mean") == "mean":
        return real(*inputs, **{**options, "reduction": "sum"}) / inputs[1].numel()
    return real(*inputs, **options)


def rows_forget_class_weights(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    if inputs[1].is_floating_point() and inputs[1].shape == inputs[0].shape:
        options = {**options, "class_weight": None} if "class_weight" in options else options
    return real(*inputs, **options)


def rows_are_blurred(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    """Probabilities kept away from 0, against a logarithm that is not there."""
    real(*inputs, **options)
    target = inputs[1]
    if target.is_floating_point() and target.ndim > 1 and target.shape == inputs[0].shape:
        inputs = (inputs[0], target * 0.999 + 0.001 / target.shape[1])
    return real(*inputs, **options)


def _hardly(name: str, call: Any) -> Any:
    """A loss that gives probabilities no meaning and takes them all the same."""
    real = lossary.get(name)
    made = exchange(name, soft=None)

    def impostor(_: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
        return call(real, inputs, options)

    return lambda: disguise(made, impostor)


MUTANTS = [
    Mutant(
        "class weights are turned around",
        lambda: disguise("hinge", class_weights_turned),
        frozenset(
            {
                "class_weights_enter_the_measure",
                "mean_divides_by_the_measure",
                "micro_batches_sum_to_the_whole",
                "none_is_measure_times_value",
            }
        ),
    ),
    Mutant(
        "rows forget class weights",
        lambda: disguise("cross_entropy", rows_forget_class_weights),
        frozenset({"a_mixture_is_an_expectation", "one_hot_is_the_index", "smoothing_is_a_soft_target"}),
    ),
    Mutant(
        "rows are blurred",
        lambda: disguise("cross_entropy", rows_are_blurred),
        frozenset(
            {
                "a_mixture_is_an_expectation",
                "gradients_are_exact",
                "gradients_are_exact_at_extremes",
                "one_hot_is_the_index",
                "relatives_coincide",
                "smoothing_is_a_soft_target",
                "values_are_exact",
                "values_are_exact_at_extremes",
            }
        ),
    ),
    Mutant(
        "hard labels only, or their mode",
        _hardly("cross_entropy", harden),
        frozenset({"relatives_coincide", "soft_targets_are_refused"}),
    ),
    Mutant(
        "hard labels only, or rounded ones",
        _hardly("hinge", round_target),
        frozenset({"soft_targets_are_refused"}),
    ),
    Mutant(
        "hard labels only, or squared ones",
        _hardly("squared_hinge", square_soft),
        frozenset(
            {"an_ignored_index_is_a_mask", "soft_targets_are_refused", "what_does_not_count_has_no_say"}
        ),
    ),
    Mutant(
        "class weights divide by N",
        lambda: disguise("hinge", class_weight_out_of_the_mean),
        frozenset(
            {
                "class_weights_enter_the_measure",
                "mean_divides_by_the_measure",
                "micro_batches_sum_to_the_whole",
            }
        ),
    ),
    Mutant(
        "class weights are forgotten",
        lambda: disguise("hinge", class_weight_forgotten),
        frozenset(
            {
                "class_weights_enter_the_measure",
                "mean_divides_by_the_measure",
                "micro_batches_sum_to_the_whole",
                "none_is_measure_times_value",
            }
        ),
    ),
    Mutant(
        "class weights are squared",
        lambda: disguise("cross_entropy", class_weight_squared),
        frozenset(
            {"mean_divides_by_the_measure", "micro_batches_sum_to_the_whole", "none_is_measure_times_value"}
        ),
    ),
    Mutant(
        "probabilities divide by N",
        lambda: disguise("cross_entropy", torch_soft_mean),
        frozenset({"one_hot_is_the_index", "smoothing_is_a_soft_target"}),
    ),
    Mutant(
        "soft is hardened",
        lambda: disguise("cross_entropy", harden),
        frozenset(
            {
                "a_mixture_is_an_expectation",
                "gradients_are_exact",
                "gradients_are_exact_at_extremes",
                "relatives_coincide",
                "smoothing_is_a_soft_target",
                "values_are_exact",
                "values_are_exact_at_extremes",
            }
        ),
    ),
    Mutant(
        "smoothing forgets its constant",
        lambda: disguise("cross_entropy", smooth_towards_zero),
        frozenset({"smoothing_is_a_soft_target"}),
    ),
    Mutant(
        "smoothing spares the true class",
        lambda: disguise("hinge", smooth_over_the_others),
        frozenset({"smoothing_is_a_soft_target"}),
    ),
    Mutant(
        "smoothing is forgotten",
        lambda: disguise("squared_hinge", smoothing_forgotten),
        frozenset({"smoothing_is_a_soft_target"}),
    ),
    Mutant(
        "soft binary is rounded",
        lambda: disguise("hinge", round_target),
        frozenset(
            {
                "a_mixture_is_an_expectation",
                "gradients_are_exact",
                "gradients_are_exact_at_extremes",
                "smoothing_is_a_soft_target",
                "values_are_exact",
                "values_are_exact_at_extremes",
            }
        ),
    ),
    Mutant(
        "soft binary is squared",
        lambda: disguise("squared_hinge", square_soft),
        frozenset(
            {
                "a_mixture_is_an_expectation",
                "an_ignored_index_is_a_mask",
                "gradients_are_exact",
                "gradients_are_exact_at_extremes",
                "smoothing_is_a_soft_target",
                "values_are_exact",
                "values_are_exact_at_extremes",
                "what_does_not_count_has_no_say",
            }
        ),
    ),
    Mutant(
        "only -100 is ignored",
        lambda: disguise("cross_entropy", ignore_only_minus_100),
        frozenset({"an_ignored_index_is_a_mask"}),
    ),
    Mutant(
        "nothing is ignored",
        lambda: disguise("cross_entropy", ignore_never),
        frozenset(
            {
                "an_ignored_index_is_a_mask",
                "nothing_counts_is_an_attached_zero",
                "what_does_not_count_has_no_say",
            }
        ),
    ),
    Mutant(
        "ignored labels are counted",
        lambda: disguise("hinge", ignore_twice),
        frozenset({"an_ignored_index_is_a_mask", "what_does_not_count_has_no_say"}),
    ),
]
