"""A card as plain data: what `--json` prints, and what the card on the terminal is drawn from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lossary.core.card import Card
from lossary.core.declaration import REQUIRED
from lossary.core.function import LossFunction
from lossary.core.loss import settle
from lossary.report.formulas.formula import Formula, formula
from lossary.report.formulas.spoken import spoken
from lossary.report.formulas.written import Written

from .claims import claims_at
from .example import call_of, with_required
from .scenes import Sweep
from .sweep import sweep

SHOWN = 81  # points of a curve in JSON: enough to draw it, few enough to read


@dataclass(frozen=True)
class Facts:
    """What is known of a loss at given hyper-parameters.

    Attributes:
        function: the loss.
        settings: hyper-parameters that were chosen; the others are at their defaults.
        formula: formula and derivative in symbols, None where they are given by hand or not at all.
    """

    function: LossFunction
    settings: Mapping[str, object]
    formula: Formula | None

    @property
    def card(self) -> Card:
        """The card at the defaults."""
        return self.function.card

    @property
    def hyper(self) -> dict[str, object]:
        """Every hyper-parameter's value; what a call must give is that of the example unless it was chosen."""
        return {**self.function.loss.defaults, **with_required(self.function.loss, self.settings)}

    def curve(self, points: int) -> Sweep:
        """Loss and gradient along one number."""
        return sweep(self.function, self.settings, points)


def facts(function: LossFunction, settings: Mapping[str, object] | None = None) -> Facts:
    """Collect what is known.

    Raises:
        DomainError: a setting lies outside its domain.
    """
    chosen = dict(settings or {})
    for each in function.loss.hyper:
        if each.name in chosen:
            each.check(function.__name__, chosen[each.name])
    return Facts(function, chosen, formula(function.loss, chosen))


def card_json(known: Facts) -> dict[str, Any]:
    """The whole card, plain enough for JSON."""
    card, loss = known.card, known.function.loss
    curve = known.curve(SHOWN)
    return {
        "name": card.name,
        "title": card.title,
        "summary": card.summary,
        "family": card.family,
        "task": str(card.task),
        **formula_json(known),
        "curve": {
            "of": curve.says, "x": _plain(curve.x), "loss": _plain(curve.loss), "gradient": _plain(curve.gradient)
        },
        "unit": card.unit,
        "coupled": card.coupled,
        "soft_targets": card.soft,
        "inputs": [{"name": each.name, "meaning": each.says} for each in card.inputs],
        "hyper_parameters": [
            {
                "name": each.name,
                "value": _plain(known.hyper[each.name]),
                "required": each.default is REQUIRED,
                "default": None if each.default is REQUIRED else _plain(each.default),
                "domain": each.domain,
                "meaning": each.meaning,
            }
            for each in card.hyper
        ],
        "options": list(card.options),
        "output": {"link": str(card.link), "outputs": card.outputs, "decode": card.decode},
        "elicits": str(settle(loss.facts.elicits, known.hyper)),
        "constant": card.constant,
        "claims": _plain(claims_at(loss.facts.claims, known.hyper)),
        "example": {
            "inputs": _plain(call_of(loss).inputs),
            "unit": call_of(loss).unit,
            "hyper_parameters": _plain(dict(card.example.hyper)),
            "value": card.example.value,
            "working": card.example.working,
        },
        "relatives": [
            {
                "name": each.name, "says": each.says, "ours": _plain(dict(each.ours)),
                "theirs": _plain(dict(each.theirs)), "factor": each.factor, "up_to_target": each.up_to_target,
            }
            for each in card.relatives
        ],
        "use_when": card.use_when,
        "avoid_when": card.avoid_when,
        "aliases": list(card.aliases),
        "elsewhere": {name: settle(each, known.hyper) for name, each in loss.facts.elsewhere.items()},
        "paper": None if card.paper is None else vars(card.paper),
        "exempt": dict(card.exempt),
    }  # fmt: skip


def formula_json(known: Facts) -> dict[str, Any]:
    """Formula and derivative as text and LaTeX."""
    found, facts = known.formula, known.function.loss.facts
    if found is None:
        # By hand there is LaTeX alone, from which the text is read.
        return {
            "formula": _by_hand(facts.formula),
            "derivative": _by_hand(facts.derivative),
            "where": {},
        }
    return {
        "formula": _drawn(found.value),
        "derivative": {
            "variable": found.variable,
            **_drawn(found.derivative),
            "special": {settings: _drawn(each) for settings, each in found.special},
        },
        "where": {
            **dict(found.says),
            **{each.letter: {"text": each.text, "latex": each.latex} for each in found.names},
        },
    }


def _drawn(each: Written) -> dict[str, Any]:
    cases = [{"value": shown, "if": condition} for shown, condition in each.lines]
    return {"text": each.text, "latex": each.latex, **({"cases": cases} if len(cases) > 1 else {})}


def _by_hand(latex: str) -> dict[str, Any] | None:
    return {"text": spoken(latex), "latex": latex} if latex else None


def _plain(each: Any) -> Any:
    """A value that JSON has: tuples become lists, and what is not finite a word."""
    if isinstance(each, Mapping):
        return {str(name): _plain(one) for name, one in each.items()}
    if isinstance(each, (list, tuple)):
        return [_plain(one) for one in each]
    if isinstance(each, float) and not math.isfinite(each):
        return str(each)
    return each if isinstance(each, (bool, int, float, str, type(None))) else str(each)
