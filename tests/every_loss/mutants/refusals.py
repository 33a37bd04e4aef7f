"""Mutants that take what should be refused, or refuse it in a way that helps nobody."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

import lossary
from lossary.core.errors import CallError, DomainError, DtypeError, OptionError, ShapeError
from lossary.doctor.impostor import Mutant, disguise


def _without(
    real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any], error: type[Exception], names: str
) -> Any:
    """What happens when a kind of error about ``names`` is not raised but computed through."""
    try:
        return real(*inputs, **options)
    except error as found:
        if not any(name in str(found).split(":")[0] for name in names.split()):
            raise
        with lossary.checks("off"):
            return real(*inputs, **options)


def broadcasts(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    """torch and Keras: (4, 1) against (4,) is 4 x 4."""
    try:
        return real(*inputs, **options)
    except ShapeError:
        if set(options) & {"weight", "mask"}:
            raise
        return real(*(each.clone() for each in torch.broadcast_tensors(*inputs)), **options)


def flattens(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    try:
        return real(*inputs, **options)
    except ShapeError:
        if inputs[0].numel() != inputs[1].numel():
            raise
        return real(inputs[0].flatten(), inputs[1].flatten(), **options)


def cuts_to_the_shorter(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    """zip: as many samples as both have."""
    try:
        return real(*inputs, **options)
    except ShapeError:
        if set(options) & {"weight", "mask"}:
            raise
        count = min(each.shape[0] for each in inputs)
        return real(*(each[:count] for each in inputs), **options)


def casts(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    inputs = tuple(
        each.float() if not each.is_floating_point() and not each.is_complex() else each for each in inputs
    )
    return real(*inputs, **options)


def casts_labels(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    target = inputs[1]
    if target.is_floating_point() and target.ndim == inputs[0].ndim - 1:
        inputs = (inputs[0], target.long())
    return real(*inputs, **options)


def casts_masks(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    mask = options.get("mask")
    return real(*inputs, **({**options, "mask": mask != 0} if mask is not None else options))


def moves(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    """Follows the second input to its device in silence."""
    if len({each.device for each in inputs}) > 1:
        inputs = tuple(torch.zeros_like(each, device="cpu") for each in inputs)
    return real(*inputs, **options)


def moves_weights(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    weight = options.get("weight")
    if weight is not None and weight.device != inputs[0].device:
        options = {**options, "weight": torch.ones_like(weight, device=inputs[0].device)}
    return real(*inputs, **options)


def stumbles_over_devices(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    try:
        return real(*inputs, **options)
    except DtypeError as error:
        if "meta" in str(error):
            raise RuntimeError("Expected all tensors to be on the same device") from None
        raise


def clamps_target(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    """imbalanced-losses and others: what lies outside is moved inside."""
    target = inputs[1]
    return real(inputs[0], target.clamp(0, 1) if target.is_floating_point() else target, **options)


def wraps_indices(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    target = inputs[1]
    if not target.is_floating_point() and target.ndim < inputs[0].ndim and not target.is_meta:
        classes = inputs[0].shape[1] if inputs[0].ndim > 1 else inputs[0].shape[0]
        inputs = (inputs[0], torch.where(target == -100, target, target % classes))
    return real(*inputs, **options)


def trusts_the_target(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    """torch: cross-entropy of rows that do not sum to 1 is a number."""
    return _without(real, inputs, options, DomainError, "(target)")


def says_only_no(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    """An error without a remedy."""
    try:
        return real(*inputs, **options)
    except CallError as error:
        raise type(error)("invalid argument") from None


def bare_value_error(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    try:
        return real(*inputs, **options)
    except (DomainError, ShapeError, OptionError) as error:
        raise ValueError(str(error)) from None


def trusts_weights(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    return _without(real, inputs, options, DomainError, "(weight)")


def takes_the_size_of_weights(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    weight = options.get("weight")
    if weight is not None and not weight.is_complex():
        options = {**options, "weight": weight.abs()}
    return real(*inputs, **options)


def pads_class_weights(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    """imbalanced-losses: a class weight of the wrong length is cut to size."""
    weight = options.get("class_weight")
    if weight is not None:
        options = {**options, "class_weight": weight[:2]}
    return real(*inputs, **options)


def trusts_hyper(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    return _without(real, inputs, options, DomainError, "(delta=...)")


def clamps_level(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    level = options.get("level", 0.5)
    if isinstance(level, float) and level == level:
        options = {**options, "level": min(max(level, 0.01), 0.99)}
    return real(*inputs, **options)


def default_for_nonsense(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    try:
        return real(*inputs, **options)
    except DomainError as error:
        if "margin" not in str(error).split(":")[0]:
            raise
        return real(*inputs, **{**options, "margin": 1.0})


def any_reduction(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    if options.get("reduction") == "average":
        options = {**options, "reduction": "mean"}
    return real(*inputs, **options)


def any_keyword(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    options.pop("weights", None)
    return real(*inputs, **options)


def any_denominator(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    if options.get("reduction", "mean") != "mean":
        options = {**options, "denominator": None}
    return real(*inputs, **options)


def falls_back(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    return real(*inputs, **{**options, "backend": "auto"})


def falls_back_from_triton(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    return real(
        *inputs, **({**options, "backend": "eager"} if options.get("backend") == "triton" else options)
    )


def eager_is_coarse(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    found = real(*inputs, **options)
    return found * 1.0001 if options.get("backend") == "eager" else found


def unchecked_is_coarse(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    from lossary.core import checks

    found = real(*inputs, **options)
    return found * 1.0001 if checks.level == "off" and inputs[0].dtype is torch.float32 else found


def full_checks_forget_masks(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    from lossary.core import checks

    return real(*inputs, **({**options, "mask": None} if checks.level == "full" else options))


def unchecked_forgets_weights(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    from lossary.core import checks

    return real(*inputs, **({**options, "weight": None} if checks.level == "off" else options))


MUTANTS = [
    Mutant("inputs broadcast", lambda: disguise("mse", broadcasts), frozenset({"nothing_broadcasts"})),
    Mutant(
        "inputs are flattened",
        lambda: disguise("mae", flattens),
        frozenset({"nothing_broadcasts", "weights_are_not_aligned_from_the_right"}),
    ),
    Mutant(
        "inputs are cut to the shorter",
        lambda: disguise("hinge", cuts_to_the_shorter),
        frozenset({"nothing_broadcasts"}),
    ),
    Mutant("integers are cast", lambda: disguise("mse", casts), frozenset({"wrong_dtypes_are_refused"})),
    Mutant(
        "float labels are cast",
        lambda: disguise("cross_entropy", casts_labels),
        frozenset({"wrong_dtypes_are_refused"}),
    ),
    Mutant(
        "masks of numbers are cast",
        lambda: disguise("mae", casts_masks),
        frozenset({"wrong_dtypes_are_refused"}),
    ),
    Mutant("inputs are moved", lambda: disguise("mse", moves), frozenset({"two_devices_are_refused"})),
    Mutant(
        "weights are moved", lambda: disguise("mae", moves_weights), frozenset({"two_devices_are_refused"})
    ),
    Mutant(
        "devices are torch's affair",
        lambda: disguise("hinge", stumbles_over_devices),
        frozenset({"two_devices_are_refused"}),
    ),
    Mutant(
        "targets are clamped",
        lambda: disguise("hinge", clamps_target),
        frozenset(
            {
                "an_ignored_index_is_a_mask",
                "values_outside_their_domain_are_refused",
                "what_does_not_count_has_no_say",
            }
        ),
    ),
    Mutant(
        "indices wrap around",
        lambda: disguise("cross_entropy", wraps_indices),
        frozenset(
            {
                "an_ignored_index_is_a_mask",
                "values_outside_their_domain_are_refused",
                "wrong_dtypes_are_refused",
            }
        ),
    ),
    Mutant(
        "targets are trusted",
        lambda: disguise("squared_hinge", trusts_the_target),
        frozenset({"values_outside_their_domain_are_refused"}),
    ),
    Mutant(
        "errors say only no",
        lambda: disguise("hinge", says_only_no),
        frozenset(
            {
                "no_backend_falls_back",
                "nothing_broadcasts",
                "options_that_make_no_sense_are_refused",
                "two_devices_are_refused",
                "values_outside_their_domain_are_refused",
                "weights_are_not_aligned_from_the_right",
                "weights_outside_their_domain_are_refused",
                "wrong_dtypes_are_refused",
            }
        ),
    ),
    Mutant(
        "errors are bare",
        lambda: disguise("huber", bare_value_error),
        frozenset(
            {
                "hyper_parameters_stay_in_their_domain",
                "no_backend_falls_back",
                "nothing_broadcasts",
                "options_that_make_no_sense_are_refused",
                "weights_are_not_aligned_from_the_right",
                "weights_outside_their_domain_are_refused",
            }
        ),
    ),
    Mutant(
        "weights are trusted",
        lambda: disguise("mse", trusts_weights),
        frozenset({"weights_outside_their_domain_are_refused"}),
    ),
    Mutant(
        "weights lose their sign",
        lambda: disguise("mae", takes_the_size_of_weights),
        frozenset({"a_weight_that_learns_is_not_silenced", "weights_outside_their_domain_are_refused"}),
    ),
    Mutant(
        "class weights are cut to size",
        lambda: disguise("hinge", pads_class_weights),
        frozenset({"weights_outside_their_domain_are_refused"}),
    ),
    Mutant(
        "hyper-parameters are trusted",
        lambda: disguise("huber", trusts_hyper),
        frozenset({"hyper_parameters_stay_in_their_domain"}),
    ),
    Mutant(
        "levels are clamped",
        lambda: disguise("quantile", clamps_level),
        frozenset({"hyper_parameters_stay_in_their_domain"}),
    ),
    Mutant(
        "a default for nonsense",
        lambda: disguise("triplet", default_for_nonsense),
        frozenset({"hyper_parameters_stay_in_their_domain"}),
    ),
    Mutant(
        "any reduction is a mean",
        lambda: disguise("mse", any_reduction),
        frozenset({"options_that_make_no_sense_are_refused"}),
    ),
    Mutant(
        "any keyword is taken",
        lambda: disguise("mae", any_keyword),
        frozenset({"options_that_make_no_sense_are_refused"}),
    ),
    Mutant(
        "any denominator is dropped",
        lambda: disguise("mse", any_denominator),
        frozenset({"options_that_make_no_sense_are_refused"}),
    ),
    Mutant(
        "every backend falls back", lambda: disguise("mse", falls_back), frozenset({"no_backend_falls_back"})
    ),
    Mutant(
        "triton falls back",
        lambda: disguise("mae", falls_back_from_triton),
        frozenset({"no_backend_falls_back"}),
    ),
    Mutant(
        "eager is another formula",
        lambda: disguise("hinge", eager_is_coarse),
        frozenset({"no_backend_falls_back"}),
    ),
    Mutant(
        "unchecked is another formula",
        lambda: disguise("mse", unchecked_is_coarse),
        frozenset({"checks_off_changes_no_value", "half_precision_is_float32_rounded_once"}),
    ),
    Mutant(
        "full checks forget masks",
        lambda: disguise("mae", full_checks_forget_masks),
        frozenset({"checks_off_changes_no_value"}),
    ),
    Mutant(
        "unchecked forgets weights",
        lambda: disguise("hinge", unchecked_forgets_weights),
        frozenset({"checks_off_changes_no_value"}),
    ),
]
