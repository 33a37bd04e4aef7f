"""From a network's raw outputs to the one form that a kind of task has, whatever loss trained it.

Everything after the engine (metrics, ledger, results) sees canonical outputs: a logit, logits, log-probabilities, a
mean, a score. Which readout a loss needs is decided with the candidates; most need none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor
from torch.distributions import Distribution

from lossary.core import answers
from lossary.core.canonical import softplus
from lossary.core.errors import DataError, sentence
from lossary.core.function import LossFunction
from lossary.core.modules import Single
from lossary.lab.training.random_features import random_features
from lossary.nn import parse

Readout = Literal["identity", "exp", "softplus", "classes", "mean", "error", "surprise"]
# Raw outputs (..., rows, K) and the rows themselves (rows, ...) or (..., rows, ...) -> (..., rows, columns).
Reader = Callable[[Tensor, Tensor], Tensor]

LEAST = float(torch.finfo(torch.float32).tiny)  # of a probability, so that its logarithm is finite


def reader(readout: Readout, expression: str) -> Reader:
    """What turns the outputs of a network trained with `expression` into canonical ones.

    Raises DataError where the loss gives its outputs no such meaning, or the parts of a sum different ones.
    """
    if readout in ("classes", "mean"):
        return _agreed(readout, expression)
    if readout not in _READERS:
        known = ", ".join(("classes", "mean", *_READERS))
        raise DataError(
            sentence("readout", expected=f"one of {known}", got=repr(readout), remedy="choose one of them")
        )
    return _READERS[readout]


def own_of_loss(readout: Readout) -> bool:
    """Whether the readout asks the loss itself, so that another loss is read in another way."""
    return readout in ("classes", "mean")


def _error(raw: Tensor, x: Tensor) -> Tensor:
    """The mean squared distance of a row and what the network made of it: (..., rows, 1)."""
    return (raw - _flat(raw, x)).square().mean(-1, keepdim=True)


def _surprise(raw: Tensor, x: Tensor) -> Tensor:
    """The mean squared distance of the outputs and the random function that was learned: (..., rows, 1)."""
    return (raw - random_features(_flat(raw, x))).square().mean(-1, keepdim=True)


def _flat(raw: Tensor, x: Tensor) -> Tensor:
    return x.reshape(*x.shape[: _rows(raw, x) + 1], -1).to(raw.dtype)


def _rows(raw: Tensor, x: Tensor) -> int:
    """Which axis of x counts the rows: as in the outputs where it has members too, else the first."""
    lead = raw.ndim - 2
    return lead if x.ndim > lead + 1 and x.shape[lead : lead + 1] == raw.shape[-2:-1] else 0


_READERS: dict[str, Reader] = {
    "identity": lambda raw, x: raw,
    "exp": lambda raw, x: raw.exp(),
    "softplus": lambda raw, x: softplus(raw),
    "error": _error,
    "surprise": _surprise,
}


def _agreed(readout: str, expression: str) -> Reader:
    """The reader of every part of an expression, which must be one and the same."""
    made = []
    for name, _, part in parse(expression).parts():
        assert isinstance(part, Single)
        hyper = {each.name for each in part.function.loss.hyper}
        settings = {key: value for key, value in part.settings.items() if key in hyper}
        made.append((name, _of(readout, part.function, settings)))
    (first, read), *others = made
    if others:
        probe = torch.randn(5, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        for name, other in others:
            one, same = read(probe, probe), other(probe, probe)
            if one.shape != same.shape or not torch.allclose(one, same):
                raise DataError(
                    sentence(
                        f"readout of {expression}",
                        expected="parts that read the outputs alike",
                        got=f"{first} and {name}, which do not",
                        remedy="compare them apart",
                    )
                )
    return read


def _of(readout: str, function: LossFunction, settings: dict[str, object]) -> Reader:
    loss = function.loss
    if readout == "mean":
        law = loss.facts.law
        if law is None:
            raise DataError(
                sentence(
                    f"readout mean of {loss.name}",
                    expected="a loss whose outputs stand for a distribution",
                    got="one that names none",
                    remedy="compare it by another readout",
                )
            )
        named = answers.named(loss, law, settings)

        def mean(raw: Tensor, x: Tensor) -> Tensor:
            # A training that diverged has no mean. That is a NaN, as elsewhere, and no error of a distribution's.
            before = Distribution._validate_args
            Distribution.set_default_validate_args(False)
            try:
                return _column(law(raw, **named).mean, raw)
            finally:
                Distribution.set_default_validate_args(before)

        return mean

    def classes(raw: Tensor, x: Tensor) -> Tensor:
        found: Tensor = function.probabilities(raw, class_dim=-1, **settings)
        return found.clamp(min=LEAST).log()

    return classes


def _column(mean: Tensor, raw: Tensor) -> Tensor:
    """(..., rows, 1), whether the law reads a row of columns or every number for itself."""
    return mean if mean.ndim == raw.ndim else mean.unsqueeze(-1)
