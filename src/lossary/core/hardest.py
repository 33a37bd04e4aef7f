"""The mean over the hardest units alone: online hard example mining, or top-k loss, around any loss."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor

from . import checks
from .call import Measured
from .domains import Domain, Interval, Whole
from .errors import DomainError, OptionError, ShapeError, sentence
from .modules import LossModule, Single
from .reduction import reduce

#: What else it is called; ``parse`` reads all of these.
NAMES = ("hardest", "ohem", "top_k")

_SHARE = Interval("a number above 0, and at most 1", 0.0, 1.0, False, True, (0.1, 0.25, 1.0))
_AT_LEAST = Whole(1)


class Hardest(LossModule):
    """The loss of the units it is greatest for; the others leave neither value nor gradient.

    Of the n units that count (not masked, not ignored, weight not 0) it keeps ``share``·n, rounded up, and
    ``at_least`` that many; of equal ones those that come first. Weights do not decide who is hard, they weigh those
    who are: ``mean`` is Σ measure·value / Σ measure over the kept units, ``none`` is 0 elsewhere.

    The hardest of a batch are not those of its parts, so that ``denominator``, ``group`` and ``gather`` are refused:
    each micro-batch, and each rank, has its own hardest units.
    """

    def __init__(self, loss: LossModule, share: float = 0.25, at_least: int = 1) -> None:
        """Wrap a loss, or a sum of losses whose units are of one shape and count alike.

        Raises:
            OptionError: ``loss`` is no loss module, or has a reduction of its own or a group.
            DomainError: ``share`` is not in (0, 1], or ``at_least`` no whole number from 1 on.
        """
        super().__init__()
        _check("share", share, _SHARE)
        _check("at_least", at_least, _AT_LEAST)
        if not isinstance(loss, LossModule):
            raise _refused(
                "loss", "a module of lossary.nn", type(loss).__name__, "wrap lossary.nn.Mse() or such"
            )
        for _, _, module in loss.parts():
            if not isinstance(module, Single):
                raise _refused("loss", "losses of single units", repr(module), "wrap them once")
            _alone(module.settings)
            if module.settings.get("reduction", "mean") != "mean":
                got = f"reduction={module.settings['reduction']!r}"
                raise _refused(
                    "loss", "losses that leave the reduction to it", got, "give the call the reduction"
                )
        self.loss, self.share, self.at_least = loss, share, at_least

    def forward(self, *inputs: Any, reduction: str = "mean", **options: Any) -> Tensor:
        """The loss of the hardest of these units; options as of the loss inside, but for those refused.

        Raises:
            OptionError: ``denominator``, ``group`` or ``gather``, or an unknown reduction.
            ShapeError: the parts of a sum differ in their units, or in what counts.
        """
        found = self.units(*inputs, reduction=reduction, **options)
        return reduce(found.values, found.measure, found.keep, reduction, None, None)

    def units(self, *inputs: Any, **options: Any) -> Measured:
        """Values per unit, their measure, and which of them are kept."""
        _alone(options)
        found = _together([_of(factor, module, inputs, options) for _, factor, module in self.loss.parts()])
        values, measure = found.values, found.measure
        counts = (
            torch.ones_like(values, dtype=torch.bool)
            if found.keep is None
            else found.keep.expand(values.shape)
        )
        if measure is not None and not measure.requires_grad:
            counts = counts & (measure != 0)
        kept = _greatest(values, counts, self._how_many(counts.sum()))
        return Measured(
            values, None if measure is None else torch.where(kept, measure, 0.0), kept, found.members
        )

    def _how_many(self, count: Tensor) -> Tensor:
        # In whole numbers, since a tenth of 30 is more than 3 in floating point and would be rounded up to 4.
        part = Fraction(self.share).limit_denominator(10**6)
        rounded_up = (count * part.numerator + part.denominator - 1) // part.denominator
        return rounded_up.clamp(min=self.at_least)

    def terms(self, *inputs: Any, **options: Any) -> dict[str, Tensor]:
        return {self.name: self(*inputs, **options)}

    def parts(self) -> Iterator[tuple[str, float, LossModule]]:
        yield self.name, 1.0, self

    @property
    def name(self) -> str:
        return "_".join(["hardest", *(name for name, _, _ in self.loss.parts())])

    def __repr__(self) -> str:
        settings = f"share={self.share!r}" + (f", at_least={self.at_least!r}" if self.at_least != 1 else "")
        return f"Hardest({self.loss!r}, {settings})"


def _of(factor: float, module: LossModule, inputs: tuple[Any, ...], options: dict[str, Any]) -> Measured:
    assert isinstance(module, Single)
    found: Measured = module.function.units(*inputs, **{**module.settings, **options})
    return found if factor == 1.0 else found._replace(values=factor * found.values)


def _together(parts: list[Measured]) -> Measured:
    """The sum of values that belong to the same units."""
    first, *others = parts
    for each in others:
        if each.values.shape != first.values.shape:
            got = f"units of shapes {tuple(first.values.shape)} and {tuple(each.values.shape)}"
            raise _unlike("a sum of losses with units of one shape", got)
        if checks.reads_values(first.values) and not (
            _alike(first.measure, each.measure) and _alike(first.keep, each.keep)
        ):
            raise _unlike("a sum of losses whose units count alike", "different measures")
        first = first._replace(values=first.values + each.values)
    return first


def _alike(one: Tensor | None, other: Tensor | None) -> bool:
    return one is other or (one is not None and other is not None and torch.equal(one, other))


def _greatest(values: Tensor, counts: Tensor, number: Tensor) -> Tensor:
    """The ``number`` greatest values of those that count, the first of equal ones; NaN is greater than all."""
    order = values.detach().flatten().argsort(descending=True, stable=True)
    sure = counts.flatten()[order]
    chosen = sure & (sure.cumsum(0) <= number)
    return torch.zeros_like(chosen).scatter(0, order, chosen).reshape(values.shape)


def _alone(options: dict[str, Any]) -> None:
    """Refuse what makes one batch part of another."""
    for name in ("denominator", "group", "gather"):
        if options.get(name) is not None:
            raise _refused(
                name,
                "a batch that is whole",
                f"{name}={options[name]!r}",
                f"leave {name} out: the hardest units of a batch are not those of its parts",
            )


def _check(name: str, value: object, domain: Domain) -> None:
    if not domain.holds(value):
        raise DomainError(
            sentence(
                f"Hardest({name}=...)", expected=domain.says, got=repr(value), remedy="choose one inside"
            )
        )


def _refused(name: str, expected: str, got: str, remedy: str) -> OptionError:
    return OptionError(sentence(f"Hardest({name}=...)", expected=expected, got=got, remedy=remedy))


def _unlike(expected: str, got: str) -> ShapeError:
    return ShapeError(
        sentence(
            "Hardest(loss=...)", expected=expected, got=got, remedy="add Hardest(one) and Hardest(other)"
        )
    )
