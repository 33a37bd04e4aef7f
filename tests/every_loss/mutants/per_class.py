"""Mutants that take numbers per class which no class has."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

import lossary
from lossary.core.errors import DomainError, ShapeError
from lossary.doctor.impostor import Mutant, disguise


def cuts_to_size(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    """The first so many counts, or the last one again for the classes that have none."""
    try:
        return real(*inputs, **options)
    except ShapeError as error:
        if "class_counts" not in str(error):
            raise
        counts = torch.as_tensor(options["class_counts"])
        classes = inputs[0].shape[1]
        fitted = torch.cat([counts, counts[-1:].expand(classes)])[:classes]
        return real(*inputs, **{**options, "class_counts": fitted})


def clamps_counts(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    """A count of zero becomes a tiny one."""
    try:
        return real(*inputs, **options)
    except DomainError as error:
        if "class_counts" not in str(error):
            raise
        counts = torch.as_tensor(options["class_counts"]).nan_to_num(1.0, 1.0, 1.0).clamp(min=1e-9)
        return real(*inputs, **{**options, "class_counts": counts})


def trusts_tables(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    """Rows that do not sum to 1 are taken as they are."""
    try:
        return real(*inputs, **options)
    except DomainError as error:
        if "transition" not in str(error):
            raise
        with lossary.checks("off"):
            return real(*inputs, **options)


MUTANTS = [
    Mutant(
        "counts are cut to size",
        lambda: disguise("logit_adjusted", cuts_to_size),
        frozenset({"numbers_per_class_are_judged"}),
    ),
    Mutant(
        "a count of zero is a tiny one",
        lambda: disguise("balanced_softmax", clamps_counts),
        frozenset({"hyper_parameters_stay_in_their_domain", "numbers_per_class_are_judged"}),
    ),
    Mutant(
        "a transition matrix is trusted",
        lambda: disguise("forward_correction", trusts_tables),
        frozenset({"hyper_parameters_stay_in_their_domain", "numbers_per_class_are_judged"}),
    ),
]
