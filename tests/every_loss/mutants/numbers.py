"""Mutants of the math: textbook formulas in floating point, clamps and constants, and derivatives that jump."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

import lossary
from lossary.doctor.impostor import Mutant, disguise, exchange


def naive_log_cosh(prediction: Tensor, target: Tensor) -> Tensor:
    return torch.log(torch.cosh(prediction - target))


def keras_log_cosh(prediction: Tensor, target: Tensor) -> Tensor:
    gap = prediction - target
    return gap + torch.nn.functional.softplus(-2.0 * gap) - math.log(2.0)


def textbook_focal(logits: Any, target: Tensor, *, gamma: float, alpha: float | None) -> Tensor:
    """(1 - p)^gamma by itself: derivative NaN on saturated logits for gamma below 1."""
    p = logits.log_p.exp()
    right = torch.where(target > 0.5, p, 1.0 - p)
    cost = -((1.0 - right) ** gamma) * torch.log(right)
    share = 1.0 if alpha is None else alpha * target + (1.0 - alpha) * (1.0 - target)
    soft = lossary.get("focal").loss.block(logits, target, gamma=gamma, alpha=alpha)
    return torch.where((target == 0) | (target == 1), share * cost, soft)


def clamped_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Keras: probabilities are kept 1e-7 away from 0."""
    return lossary.get("cross_entropy").loss.block(logits.clamp(min=math.log(1e-7)), target)


def rounded_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """log-sum-exp with the winner inside the sum: a small loss is lost."""
    return lossary.get("cross_entropy").loss.block(torch.log(logits.exp()), target)


def euclidean_with_eps(
    anchor: Tensor, positive: Tensor, negative: Tensor, *, margin: float | None, distance: str
) -> Tensor:
    """torch's triplet loss: 1e-6 on every difference."""
    block = lossary.get("triplet").loss.block
    return block(anchor + 1e-6, positive, negative, margin=margin, distance=distance)


def mse_in_float32(prediction: Tensor, target: Tensor) -> Tensor:
    return (prediction.float() - target.float()).square().to(prediction.dtype)


def mae_always_float32(prediction: Tensor, target: Tensor) -> Tensor:
    return (prediction - target).abs().float()


def hinge_always_float64(scores: Tensor, target: Tensor) -> Tensor:
    return lossary.get("hinge").loss.block(scores, target).double()


def as_given(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    """A value in the dtype of its inputs."""
    return real(*inputs, **options).to(inputs[0].dtype)


def in_half(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    """A residual taken before it is widened."""
    if inputs[0].dtype in (torch.bfloat16, torch.float16) and inputs[0].shape == inputs[1].shape:
        inputs = (inputs[0] - inputs[1], torch.zeros_like(inputs[1]))
    return real(*inputs, **options)


def scaled_gradient(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    """A gradient that is rounded to half twice."""
    if inputs[0].dtype is torch.bfloat16:
        inputs = ((inputs[0] * 1.5) / 1.5, *inputs[1:])
    return real(*inputs, **options)


def float64_through_float32(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    found = real(*inputs, **options)
    return found.float() if found.dtype is torch.float64 else found


def none_in_float32(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    found = real(*inputs, **options)
    return found.float() if options.get("reduction") == "none" and inputs[0].dtype is torch.float64 else found


def under_autocast(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    if torch.is_autocast_enabled("cpu"):
        return real(inputs[0].bfloat16().to(inputs[0].dtype), *inputs[1:], **options)
    return real(*inputs, **options)


def half_under_autocast(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    found = real(*inputs, **options)
    return found.bfloat16() if torch.is_autocast_enabled("cpu") else found


def gradient_under_autocast(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    if torch.is_autocast_enabled("cpu"):
        first = inputs[0]
        return real((first - first.detach()) * 1.01 + first.detach(), *inputs[1:], **options)
    return real(*inputs, **options)


def root_of_square(prediction: Tensor, target: Tensor) -> Tensor:
    """|d| as sqrt(d²): a NaN at 0, an infinity beyond 1e19."""
    return (prediction - target).square().sqrt()


def one_sided_abs(prediction: Tensor, target: Tensor) -> Tensor:
    """A derivative of 1 where the residual is 0."""
    gap = prediction - target
    return torch.where(gap >= 0, gap, -gap)


def steep_hinge(scores: Tensor, target: Tensor) -> Tensor:
    """A derivative at the margin that is steeper than either side."""
    real = lossary.get("hinge").loss.block(scores, target)
    at = ((scores == 1) & (target == 1)) | ((scores == -1) & (target == 0))
    return real + torch.where(at, 3.0 * (scores - scores.detach()), 0.0)


def power_mse(prediction: Tensor, target: Tensor) -> Tensor:
    """|d|^1.5 beside the square: its second derivative is infinite at 0."""
    size = (prediction - target).abs()
    tiny = size < 1e-30
    return size.square() + torch.where(tiny, size, 0.0) ** 1.5


def sqrt_huber(prediction: Tensor, target: Tensor, *, delta: float) -> Tensor:
    """Huber's knee by a square root that is not differentiable twice at 0."""
    real = lossary.get("huber").loss.block(prediction, target, delta=delta)
    gap = prediction - target
    return real + 0.0 * (gap * gap.detach().abs().clamp(min=0) + (gap * gap) ** 0.75)


def squared_hinge_by_power(scores: Tensor, target: Tensor) -> Tensor:
    real = lossary.get("squared_hinge").loss.block(scores, target)
    left = torch.relu(1.0 - scores)
    return real + 0.0 * left**1.5


def wrong_slope(prediction: Tensor, target: Tensor) -> Tensor:
    return prediction - target


def slope_of_the_target(prediction: Tensor, target: Tensor) -> Tensor:
    return (target - prediction).sign()


def hard_slope(logits: Tensor, target: Tensor) -> Tensor:
    """A derivative that takes soft targets for hard ones."""
    hard = target.argmax(-1) if target.is_floating_point() else target
    return torch.softmax(logits, -1) - torch.nn.functional.one_hot(hard, logits.shape[-1])


def slope_at_the_kink(prediction: Tensor, target: Tensor) -> Tensor:
    return torch.where(prediction >= target, 1.0, -1.0).to(prediction.dtype)


def slope_at_the_margin(scores: Tensor, target: Tensor) -> Tensor:
    return (1.0 - target) * (scores >= -1.0) - target * (scores <= 1.0)


def slope_at_the_level(prediction: Tensor, target: Tensor, *, level: Any) -> Tensor:
    found = lossary.get("quantile").loss.slope(prediction, target, level=level)
    tied = prediction == (target if found.shape == target.shape else target.unsqueeze(-1))
    return torch.where(tied, 0.05, found)


def _mse(x: Any, t: Any, m: Any) -> Any:
    return (x - t) ** 2 / 2


def clamped_probabilities(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    """Probabilities kept away from the ends by more than they are worth."""
    if options.get("inputs") == "probabilities" and inputs[0].max() <= 1.0:
        return real(inputs[0] * 0.99 + 0.01 * inputs[0].shape[1] ** -1.0, *inputs[1:], **options)
    return real(*inputs, **options)


def probabilities_as_logits(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    return real(
        *inputs, **({**options, "inputs": "logits"} if options.get("inputs") == "probabilities" else options)
    )


def nan_at_the_ends(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    found = real(*inputs, **options)
    if options.get("inputs") == "probabilities" and options.get("reduction") == "none":
        return torch.where(found.isinf() | (found == 0), torch.nan, found)
    return found


def small_gradients_are_dropped(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    """A gradient that is exact by its row's norm: 256 eps of it are more than what 70,000 classes share."""
    first = inputs[0]
    if type(first) is Tensor and first.requires_grad and first.shape[-1] > 1000:
        first = first.clone()
        first.register_hook(
            lambda gradient: torch.where(gradient.abs() < 3e-5 * gradient.abs().max(), 0.0, gradient)
        )
    return real(first, *inputs[1:], **options)


def gradients_are_in_half(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    """A large head whose gradient is kept in half to save memory."""
    first = inputs[0]
    if type(first) is Tensor and first.requires_grad and first.shape[-1] > 1000:
        first = first.clone()
        first.register_hook(lambda gradient: gradient.half().float())
    return real(first, *inputs[1:], **options)


def winner_from_what_is_left(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    """log p from differences to the winner: its derivative is what is left of 1 when all others are taken away."""
    first = inputs[0]
    if type(first) is Tensor and first.requires_grad and first.shape[-1] > 1000:
        winner = first.detach().argmax(1, keepdim=True)
        gap = (first - first.gather(1, winner)).scatter(1, winner, 0.0)
        others = torch.exp(gap).scatter(1, winner, 0.0).sum(1, keepdim=True)
        return real(gap - torch.log1p(others), *inputs[1:], **{**options, "inputs": "log_probabilities"})
    return real(*inputs, **options)


MUTANTS = [
    Mutant(
        "small gradients are dropped",
        lambda: disguise("cross_entropy", small_gradients_are_dropped),
        frozenset({"many_equal_classes_are_treated_alike"}),
    ),
    Mutant(
        "large gradients are in half",
        lambda: disguise("cross_entropy", gradients_are_in_half),
        frozenset({"many_equal_classes_are_treated_alike"}),
    ),
    Mutant(
        "the winner gets what is left",
        lambda: disguise("cross_entropy", winner_from_what_is_left),
        frozenset({"many_equal_classes_are_treated_alike"}),
    ),
    Mutant(
        "none comes out as float32",
        lambda: disguise("mae", none_in_float32),
        frozenset({"convex_where_it_says_so", "float64_stays_float64", "keeps_to_its_lipschitz_constant"}),
    ),
    Mutant(
        "log(cosh)",
        lambda: exchange("log_cosh", block=naive_log_cosh),
        frozenset({"gradients_are_exact_at_extremes", "values_are_exact", "values_are_exact_at_extremes"}),
    ),
    Mutant(
        "Keras's log-cosh",
        lambda: exchange("log_cosh", block=keras_log_cosh),
        frozenset({"gradients_are_exact_at_extremes", "values_are_exact_at_extremes"}),
    ),
    Mutant(
        "(1 - p)^gamma",
        lambda: exchange("focal", block=textbook_focal),
        frozenset(
            {
                "convex_where_it_says_so",
                "gradients_are_exact_at_extremes",
                "probabilities_are_never_clamped",
                "values_are_exact_at_extremes",
            }
        ),
    ),
    Mutant(
        "probabilities are clamped",
        lambda: exchange("cross_entropy", block=clamped_cross_entropy),
        frozenset(
            {"convex_where_it_says_so", "gradients_are_exact_at_extremes", "values_are_exact_at_extremes"}
        ),
    ),
    Mutant(
        "the winner inside the sum",
        lambda: exchange("cross_entropy", block=rounded_cross_entropy),
        frozenset({"gradients_are_exact_at_extremes", "values_are_exact_at_extremes"}),
    ),
    Mutant(
        "1e-6 on every difference",
        lambda: exchange("triplet", block=euclidean_with_eps),
        frozenset(
            {
                "gradients_are_exact",
                "the_example_is_right",
                "values_are_exact",
                "values_are_exact_at_extremes",
            }
        ),
    ),
    Mutant(
        "float64 in float32",
        lambda: exchange("mse", block=mse_in_float32),
        frozenset(
            {
                "a_weight_of_k_is_k_copies",
                "convex_where_it_says_so",
                "differentiates_twice",
                "gradients_are_exact",
                "gradients_are_exact_at_extremes",
                "proper_where_it_says_so",
                "relatives_coincide",
                "runs_forward_mode",
                "the_slope_is_the_gradient",
                "values_are_exact",
                "values_are_exact_at_extremes",
            }
        ),
    ),
    Mutant(
        "always float32",
        lambda: exchange("mae", block=mae_always_float32),
        frozenset(
            {
                "a_weight_of_k_is_k_copies",
                "convex_where_it_says_so",
                "differentiates_twice",
                "float64_stays_float64",
                "keeps_to_its_lipschitz_constant",
                "micro_batches_sum_to_the_whole",
                "runs_forward_mode",
            }
        ),
    ),
    Mutant(
        "always float64",
        lambda: exchange("hinge", block=hinge_always_float64),
        frozenset(
            {
                "autocast_changes_nothing",
                "gradients_are_exact",
                "half_precision_is_float32_rounded_once",
                "none_is_measure_times_value",
                "values_are_exact",
                "values_are_exact_at_extremes",
            }
        ),
    ),
    Mutant(
        "float64 comes out as float32",
        lambda: disguise("mse", float64_through_float32),
        frozenset(
            {
                "convex_where_it_says_so",
                "differentiates_twice",
                "float64_stays_float64",
                "micro_batches_sum_to_the_whole",
                "proper_where_it_says_so",
            }
        ),
    ),
    Mutant(
        "a value in half",
        lambda: disguise("mse", as_given),
        frozenset({"autocast_changes_nothing", "half_precision_is_float32_rounded_once"}),
    ),
    Mutant(
        "a residual in half",
        lambda: disguise("mse", in_half),
        frozenset({"half_precision_is_float32_rounded_once"}),
    ),
    Mutant(
        "rounded twice",
        lambda: disguise("hinge", scaled_gradient),
        frozenset({"half_precision_is_float32_rounded_once"}),
    ),
    Mutant(
        "autocast rounds the input",
        lambda: disguise("mse", under_autocast),
        frozenset({"autocast_changes_nothing"}),
    ),
    Mutant(
        "autocast rounds the value",
        lambda: disguise("mae", half_under_autocast),
        frozenset({"autocast_changes_nothing"}),
    ),
    Mutant(
        "autocast changes the gradient",
        lambda: disguise("hinge", gradient_under_autocast),
        frozenset({"autocast_changes_nothing"}),
    ),
    Mutant(
        "|d| as a root",
        lambda: exchange("mae", block=root_of_square),
        frozenset(
            {
                "gradients_are_exact_at_extremes",
                "gradients_at_kinks_are_subgradients",
                "second_derivatives_are_finite_at_kinks",
                "the_slope_agrees_at_kinks",
                "values_are_exact_at_extremes",
            }
        ),
    ),
    Mutant(
        "|d| by cases",
        lambda: exchange("mae", block=one_sided_abs),
        frozenset({"gradients_at_kinks_are_subgradients", "the_slope_agrees_at_kinks"}),
    ),
    Mutant(
        "a steep margin",
        lambda: exchange("hinge", block=steep_hinge),
        frozenset({"gradients_at_kinks_are_subgradients", "the_slope_agrees_at_kinks"}),
    ),
    Mutant(
        "a power of 3/2",
        lambda: exchange("mse", block=power_mse),
        frozenset({"gradients_are_exact_at_extremes", "second_derivatives_are_finite_at_kinks"}),
    ),
    Mutant(
        "a power of 3/4",
        lambda: exchange("huber", block=sqrt_huber),
        frozenset(
            {
                "gradients_are_exact_at_extremes",
                "gradients_at_kinks_are_subgradients",
                "second_derivatives_are_finite_at_kinks",
                "smooth_where_it_says_so",
                "the_slope_agrees_at_kinks",
                "values_are_exact_at_extremes",
            }
        ),
    ),
    Mutant(
        "a margin by a power",
        lambda: exchange("squared_hinge", block=squared_hinge_by_power),
        frozenset({"values_are_exact_at_extremes"}),
    ),
    Mutant(
        "half the slope", lambda: exchange("mse", slope=wrong_slope), frozenset({"the_slope_is_the_gradient"})
    ),
    Mutant(
        "the slope in the target",
        lambda: exchange("mae", slope=slope_of_the_target),
        frozenset({"the_slope_is_the_gradient"}),
    ),
    Mutant(
        "a slope for hard targets",
        lambda: exchange("cross_entropy", slope=hard_slope),
        frozenset({"the_slope_is_the_gradient"}),
    ),
    Mutant(
        "a slope of 1 at the kink",
        lambda: exchange("mae", slope=slope_at_the_kink),
        frozenset({"the_slope_agrees_at_kinks"}),
    ),
    Mutant(
        "a slope of 1 at the margin",
        lambda: exchange("hinge", slope=slope_at_the_margin),
        frozenset({"the_slope_agrees_at_kinks"}),
    ),
    Mutant(
        "a slope of 0.05 at the level",
        lambda: exchange("quantile", slope=slope_at_the_level),
        frozenset({"the_slope_agrees_at_kinks"}),
    ),
    Mutant(
        "another definition",
        lambda: exchange("mse", definition=_mse),
        frozenset(
            {
                "gradients_are_exact",
                "gradients_are_exact_at_extremes",
                "the_example_is_right",
                "values_are_exact",
                "values_are_exact_at_extremes",
            }
        ),
    ),
    Mutant(
        "probabilities are softened",
        lambda: disguise("cross_entropy", clamped_probabilities),
        frozenset({"probabilities_are_never_clamped"}),
    ),
    Mutant(
        "probabilities taken for logits",
        lambda: disguise("cross_entropy", probabilities_as_logits),
        frozenset({"probabilities_are_never_clamped"}),
    ),
    Mutant(
        "NaN at the ends",
        lambda: disguise("kl", nan_at_the_ends),
        frozenset({"probabilities_are_never_clamped"}),
    ),
]
