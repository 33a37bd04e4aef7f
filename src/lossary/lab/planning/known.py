"""What the laboratory must know of a loss expression: its canonical form, its parts, what it elicits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lossary import nn
from lossary.core import expression, registry
from lossary.core.card import Card
from lossary.core.declaration import REQUIRED
from lossary.core.errors import DataError
from lossary.core.loss import settle
from lossary.core.modules import LossModule, Single

# Of a sum of losses that elicit different things, the least that all of them agree on.
LEAST = ("probability", "order", "mode")
CENTRE = frozenset({"mean", "median", "between mean and median"})
COUNTS = "class_counts"  # the one setting that the training rows fill in


@dataclass(frozen=True)
class Known:
    """The facts of an expression such as "0.5*mse + huber(delta=2)"."""

    expression: str  # canonical: equal losses have equal expressions, whatever alias they were asked for by
    name: str  # of the loss, or the expression where several are summed
    elicits: str
    cards: tuple[Card, ...]  # of its parts

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks of its parts, each once: "regression", "binary", ..."""
        return tuple(dict.fromkeys(card.task.value for card in self.cards))


def known(text: str, counts: Sequence[float] = ()) -> Known:
    """The facts of an expression. `counts` are the training rows of each class, for the losses that must know them.

    Raises LossaryError for one that cannot be read.
    """

    def build(name: str, settings: dict[str, object]) -> LossModule:
        hyper = registry.get(name).loss.hyper
        if counts and any(each.name == COUNTS and each.default is REQUIRED for each in hyper):
            settings = {COUNTS: tuple(float(count) for count in counts), **settings}
        return nn.build(name, settings)

    module = expression.parse(text, build)
    parts = [(factor, _single(part)) for _, factor, part in module.parts()]
    cards = tuple(part.function.card for _, part in parts)
    return Known(
        expression=" + ".join(_written(factor, part) for factor, part in parts),
        name=cards[0].name if len(cards) == 1 else " + ".join(card.name for card in cards),
        elicits=_together([_elicits(part) for _, part in parts]),
        cards=cards,
    )


def _single(part: LossModule) -> Single:
    if not isinstance(part, Single):
        raise DataError(
            f"losses: expected losses that are means over all rows, got {part!r}; compare the loss inside it."
        )
    return part


def _written(factor: float, part: Single) -> str:
    settings = ", ".join(f"{name}={value}" for name, value in _settings(part))
    call = part.function.loss.name + (f"({settings})" if settings else "")
    return call if factor == 1 else f"{float(factor)!r}*{call}"


def _settings(part: Single) -> Iterator[tuple[str, str]]:
    """Settings that differ from their defaults, by name, as Python writes them."""
    defaults = part.function.loss.defaults
    for name, value in sorted(part.settings.items()):
        if name in defaults and defaults[name] == value:
            continue
        if name == COUNTS and isinstance(value, (tuple, list)):
            yield name, repr(tuple(map(float, value)))
        elif isinstance(value, (bool, str)) and name in {each.name for each in part.function.loss.hyper}:
            yield name, repr(value)
        elif isinstance(value, bool) or not isinstance(value, (int, float)):
            raise DataError(
                f"losses: expected settings that are numbers, got {name}={value!r} in {part!r}; "
                "give each loss one number a setting."
            )
        else:
            yield name, repr(float(value))


def _elicits(part: Single) -> str:
    loss = part.function.loss
    hyper = {**loss.defaults, **{k: v for k, v in part.settings.items() if k in loss.defaults}}
    return str(settle(loss.facts.elicits, hyper).value)


def _together(elicited: list[str]) -> str:
    found = set(elicited)
    if len(found) == 1:
        return elicited[0]
    if found <= CENTRE:
        return "between mean and median"
    if found <= set(LEAST):
        return max(found, key=LEAST.index)
    return " and ".join(sorted(found))
