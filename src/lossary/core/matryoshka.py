"""A loss of embeddings at several lengths at once, so that their first numbers are embeddings of their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from torch import Tensor

from .domains import Domain, NonNegative, Whole
from .errors import DomainError, OptionError, ShapeError, sentence
from .kinds import Form
from .modules import LossModule, Single


class Matryoshka(LossModule):
    """Σ weight · loss of the first ``width`` numbers of every vector, over widths (Kusupati et al. 2022, equation 1).

    What is cut, on its last axis, is every embedding, or vector of a class, that the loss takes; labels, scores and
    masks stay whole. Losses of cosines have no vector to cut: make their cosines at each width. Behind a linear head
    whose columns all widths share (the paper's MRL-E), it is the sum over m of ``lossary.linear(loss, hidden[..., :m],
    weight[:, :m], target)``.
    """

    def __init__(
        self, loss: LossModule, widths: Sequence[int], weights: Sequence[float] | None = None
    ) -> None:
        """Wrap a loss of embeddings, or a sum of such.

        Args:
            widths: how many of the first numbers make an embedding, each once; the whole length among them as a rule.
            weights: how much each width counts; None: 1 each.

        Raises:
            OptionError: ``loss`` is no module of losses of embeddings, or there are not as many weights as widths.
            DomainError: a width is no whole number from 1 on or stands twice, or a weight is negative.
        """
        super().__init__()
        if not isinstance(loss, LossModule):
            raise OptionError(
                _says("loss", "a module of lossary.nn", type(loss).__name__, "wrap lossary.nn.Clip() or such")
            )
        for _, _, part in loss.parts():
            if not isinstance(part, Single) or not any(_cut(part)):
                remedy = "cut what its cosines are made of instead"
                raise OptionError(_says("loss", "losses of embeddings", repr(part), remedy))
        self.loss, self.widths = loss, tuple(widths)
        self.weights = (1.0,) * len(self.widths) if weights is None else tuple(weights)
        _check("widths", self.widths, Whole(1))
        _check("weights", self.weights, NonNegative)
        if not self.widths or len(set(self.widths)) < len(self.widths):
            got = repr(self.widths)
            raise DomainError(_says("widths", "each width once, and one at least", got, "say each once"))
        if len(self.weights) != len(self.widths):
            got = f"{len(self.weights)} for {len(self.widths)} widths"
            raise OptionError(
                _says("weights", "one weight per width", got, "leave weights out: all count alike")
            )

    def forward(self, *inputs: Any, **options: Any) -> Tensor:
        """The weighted sum over the widths; inputs and options as of the loss inside.

        Raises:
            ShapeError: vectors have fewer numbers than a width.
        """
        return _sum(list(self.terms(*inputs, **options).values()))

    def terms(self, *inputs: Any, **options: Any) -> dict[str, Tensor]:
        return {
            f"{self.name}_{width}": weight * self._at(width, inputs, options)
            for width, weight in zip(self.widths, self.weights, strict=True)
        }

    def _at(self, width: int, inputs: tuple[Any, ...], options: dict[str, Any]) -> Tensor:
        """The loss of the first ``width`` numbers."""
        found = []
        for _, factor, part in self.loss.parts():
            assert isinstance(part, Single)
            cut = _cut(part)
            given = [
                _first(width, name, each) if name in cut else each
                for name, each in zip(_names(part), inputs, strict=False)
            ]
            named = {
                name: _first(width, name, each) if name in cut else each for name, each in options.items()
            }
            found.append(factor * part(*given, *inputs[len(given) :], **named))
        return _sum(found)

    def parts(self) -> Iterator[tuple[str, float, LossModule]]:
        yield self.name, 1.0, self

    @property
    def name(self) -> str:
        return "_".join(["matryoshka", *(name for name, _, _ in self.loss.parts())])

    def __repr__(self) -> str:
        weights = "" if set(self.weights) == {1.0} else f", weights={self.weights!r}"
        return f"Matryoshka({self.loss!r}, widths={self.widths!r}{weights})"


def _names(part: Single) -> list[str]:
    """The inputs that a user gives, in their order."""
    return [each.name for each in part.function.loss.inputs if not each.kind.supplied]


def _cut(part: Single) -> list[str]:
    """The inputs that are vectors."""
    return [each.name for each in part.function.loss.inputs if each.kind.form is Form.FEATURES]


def _first(width: int, name: str, vectors: Any) -> Any:
    # What is no tensor, or has no axis, is refused by the loss itself.
    if not isinstance(vectors, Tensor) or not vectors.ndim:
        return vectors
    if vectors.shape[-1] < width:
        expected = f"vectors of at least {width} numbers"
        raise ShapeError(_says(name, expected, f"shape {tuple(vectors.shape)}", "name smaller widths"))
    return vectors[..., :width]


def _sum(values: list[Tensor]) -> Tensor:
    total = values[0]
    for each in values[1:]:
        total = total + each
    return total


def _check(name: str, numbers: tuple[Any, ...], domain: Domain) -> None:
    for each in numbers:
        if not domain.holds(each):
            raise DomainError(_says(name, domain.says, repr(each), "choose one inside"))


def _says(name: str, expected: str, got: str, remedy: str) -> str:
    return sentence(f"Matryoshka({name}=...)", expected=expected, got=got, remedy=remedy)
