"""What the laboratory must know of a loss expression: its canonical form, its task, what it elicits, its link."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lossary import nn
from lossary.core.card import Link
from lossary.core.errors import DataError
from lossary.core.kinds import Form
from lossary.core.loss import settle
from lossary.core.modules import LossModule, Single

# Of a sum of losses that elicit different things, the least that all of them agree on.
LEAST = ("probability", "order", "mode")
CENTRE = frozenset({"mean", "median", "between mean and median"})
#: What the laboratory's networks put out, and the target beside it.
SERVED = {
    (Form.REAL, Form.REAL),
    (Form.LOGIT, Form.BINARY),
    (Form.SCORE, Form.BINARY),
    (Form.LOGITS, Form.CLASS),
    (Form.SCORES, Form.CLASS),
}
#: Tasks whose losses all predict something else, which the task itself is told about.
TRIED = ("regression", "binary", "multiclass")


@dataclass(frozen=True)
class Known:
    """The facts of an expression such as "0.5*mse + huber(delta=2)"."""

    expression: str  # canonical: equal losses have equal expressions, whatever alias they were asked for by
    name: str  # of the loss, or the expression where several are summed
    task: str  # "regression", "binary", ...; of a sum, "regression and binary" where its parts differ
    elicits: str
    link: str  # what turns its outputs into the answer: "identity", "sigmoid", "softmax", "sign"


def known(text: str) -> Known:
    """The facts of an expression. Raises LossaryError for one that cannot be read."""
    module = nn.parse(text)
    parts = [(factor, _single(part)) for _, factor, part in module.parts()]
    cards = [part.function.card for _, part in parts]
    tasks = list(dict.fromkeys(card.task.value for card in cards))
    links = list(dict.fromkeys(card.link.value for card in cards))
    for _, part in parts:
        _check(part)
    alone = len(parts) == 1
    return Known(
        expression=" + ".join(_written(factor, part) for factor, part in parts),
        name=cards[0].name if alone else " + ".join(card.name for card in cards),
        task=" and ".join(tasks),
        elicits=_together([_elicits(part) for _, part in parts]),
        link=links[0] if len(links) == 1 else "sign",
    )


def _single(part: LossModule) -> Single:
    if not isinstance(part, Single):
        raise DataError(
            f"losses: expected losses that are means over all rows, got {part!r}; compare the loss inside it."
        )
    return part


def _check(part: Single) -> None:
    """Refuse a loss of the laboratory's tasks whose outputs its networks do not have, or read otherwise."""
    loss = part.function.loss
    if loss.facts.task.value not in TRIED:
        return
    forms = tuple(each.kind.form for each in loss.required)
    odd = loss.bounded or loss.facts.link is Link.EXP or any(each.kind.fewer for each in loss.inputs)
    if forms not in SERVED or odd:
        takes = " and ".join(f"{each.name} ({each.kind.says})" for each in loss.required)
        raise DataError(
            f"losses: expected losses of a number or a logit per class, and a target, got {loss.name!r}, which takes "
            f"{takes}, its link being {loss.facts.link.value!r}; train a network of your own with "
            f"lossary.{loss.name}.card.head as its last layer."
        )


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
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise DataError(
                f"losses: expected settings that are numbers, got {name}={value!r} in {part!r}; "
                "give each loss one number a setting."
            )
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
