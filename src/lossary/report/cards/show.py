"""The card of a loss on the terminal: what it means, its formula and curve, when to use it, what others call it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lossary.core.card import Card, Paper, Relative
from lossary.core.declaration import REQUIRED, Loss
from lossary.core.kinds import Form
from lossary.core.loss import settle
from lossary.core.unit import Unit
from lossary.report.formulas.formula import Formula
from lossary.report.formulas.marks import GREEK
from lossary.report.formulas.spoken import spoken
from lossary.report.formulas.written import Written

from .braille import beside, panel
from .claims import at, claims_in_words, value
from .example import call_of, nested
from .facts import Facts
from .layout import INDENT, LABEL, WIDEST, Line, block, fold, formula_block, rows, whole_block
from .sweep import POINTS

_COUNTED = {Unit.REGION: "class", Unit.ANCHOR: "sample"}  # what a unit's number counts
NOT_GIVEN = "not given in symbols at these settings"
OWN = {  # what authors write for settings
    "class_counts": ("n",), "transition": ("T",), "temperature": ("T", "τ"), "student_temperature": ("τₛ",),
    "teacher_temperature": ("τₜ",), "center": ("c",), "bias": ("b",), "scale": ("s",), "margin": ("m", "δ"),
    "base": ("λ",), "redundancy": ("λ",), "invariance": ("λ",), "variance": ("μ",), "covariance": ("ν",), "eps": ("ε",),
    "distance": ("d",),
}  # fmt: skip
HEIGHT = 7  # characters of a curve
NARROWEST = 60  # columns below which the two curves stand one above the other


def card_lines(known: Facts, width: int) -> list[Line]:
    """The whole card in lines of at most ``width`` characters."""
    card = known.card
    parts = (
        _title(known, width),
        _formulas(known, width),
        _curves(known, width),
        _use(card, width),
        _settings(known, width),
        _answers(known, width),
        _example(known, width),
        _names(known, width),
    )
    lines: list[Line] = []
    for part in parts:
        made = list(part)
        lines += [*([Line()] if lines and made else []), *made]
    return lines


def _title(known: Facts, width: int) -> Iterator[Line]:
    card = known.card
    settings = ", ".join(f"{name}={value(each)}" for name, each in known.settings.items())
    name = f"{card.name}({settings})" if settings else card.name
    for each in fold(f"{card.title} · {card.task} · lossary.{name}", width):
        yield Line(text=each, heading=True, wide=True)
    for each in fold(card.summary, width):
        yield Line(text=each, wide=True)


def _formulas(known: Facts, width: int) -> Iterator[Line]:
    found = known.formula
    if found is None:
        for label, shown in by_hand(known.function.loss):
            yield from formula_block(label, shown, width)
        meant = ", ".join(_letters(known))
        yield from block("where", meant, width, hang=2) if meant else ()
        return
    yield from _written("loss", "ℓ = ", found.value, width)
    yield from _written("derivative", f"dℓ/d{found.variable} = ", found.derivative, width)
    for settings, special in found.special:
        yield from _written("", f"at {settings}: ", special, width)
    letters = [f"{letter} the {name.replace('_', ' ')}" for letter, name in found.says]
    letters += [
        f"{GREEK[each.name]} the setting {each.name}"
        for each in known.card.hyper
        if _appears(each.name, found)
    ]
    abbreviated = [f"{each.letter} = {each.text}" for each in found.names]
    yield from block("where", "; ".join([*abbreviated, ", ".join(letters)]), width, hang=2)


def by_hand(loss: Loss) -> list[tuple[str, str]]:
    """Formula and derivative as the author gave them, each with what it is called."""
    value_, slope = (spoken(each) for each in (loss.facts.formula, loss.facts.derivative))
    # Of numbers that mean different things there is a vector of slopes; of many of a kind, the slope of one.
    several = loss.inputs[0].kind.columns or "∇" in slope
    lead = "∇ℓ" if several else "dℓ/dxᵢₗ" if "xᵢₗ" in slope else "dℓ/dxᵢ" if "ᵢ" in slope else "dℓ/dx"
    return [
        ("loss", f"ℓ = {value_}" if value_ else NOT_GIVEN),
        ("derivative", f"{lead} = {slope}" if slope else NOT_GIVEN),
    ]


def _letters(known: Facts) -> list[str]:
    """The letters of a formula given by hand that stand for inputs and settings, as far as they are the usual ones."""
    facts, required = known.function.loss.facts, known.function.loss.required
    shown = spoken(facts.formula) + " " + spoken(facts.derivative)
    meant = {"x": required[0].name}
    for each in required[1:]:
        classes = each.kind.form in (Form.CLASS, Form.DISTRIBUTION)
        binary = each.kind.form is Form.BINARY and _stands("y", shown)
        meant["y" if classes or binary else "t"] = each.name
    found = [
        f"{letter} the {name.replace('_', ' ')}"
        for letter, name in meant.items()
        if letter != name and _stands(letter, shown)
    ]
    for setting in known.function.loss.hyper:
        own = OWN.get(setting.name) or (GREEK.get(setting.name),)
        found += [f"{each} the setting {setting.name}" for each in own if each and _stands(each, shown)]
    return found


def _stands(letter: str, shown: str) -> bool:
    """Whether a letter stands in a formula by itself or with an index, and is not given a meaning there."""
    alone = re.search(rf"(?<![^\W\d_]){letter}(?![A-Za-zα-ω])", shown)
    return alone is not None and re.search(rf"(?:with|and|,|;) {letter}[ᵢⱼₖ]* (?:=|the) ", shown) is None


def _appears(name: str, found: Formula) -> bool:
    """Whether a hyper-parameter stands in the formulas by a letter of its own."""
    shown = found.value.text + found.derivative.text + "".join(each.text for each in found.names)
    return name in GREEK and GREEK[name] in shown


def _written(label: str, lead: str, shown: Written, width: int) -> Iterator[Line]:
    if len(shown.lines) == 1:
        yield from whole_block(label, lead + shown.lines[0][0], width, hang=len(lead))
        return
    room = min(width, WIDEST) - INDENT - LABEL - len(lead)
    longest = max(len(value_) for value_, _ in shown.lines)
    beside_ = all(longest + 5 + len(condition) <= room for _, condition in shown.lines)
    for number, (value_, condition) in enumerate(shown.lines):
        start = lead if number == 0 else " " * len(lead)
        when = condition if condition == "otherwise" else f"if {condition}"
        name = label if number == 0 else ""
        if beside_:
            yield Line(name, f"{start}{value_:<{longest}}  {when}")
        else:
            yield from whole_block(name, start + value_, width, hang=len(lead))
            yield from whole_block("", " " * (len(lead) + 2) + when, width, hang=len(lead) + 4)


def _curves(known: Facts, width: int) -> Iterator[Line]:
    curve = known.curve(POINTS)
    room = min(width, WIDEST) - INDENT
    wide = (room - 2) // 2 if room >= NARROWEST else room
    loss = panel("loss", curve.x, curve.loss, width=wide, height=HEIGHT)
    gradient = panel("gradient", curve.x, curve.gradient, width=wide, height=HEIGHT, joined=False)
    drawn = beside(loss, gradient) if room >= NARROWEST else [*loss.lines, *gradient.lines]
    for each in drawn:
        yield Line(text=each, wide=True)
    yield from block("along", curve.says, width)


def _use(card: Card, width: int) -> Iterator[Line]:
    yield from block("use when", card.use_when, width)
    yield from block("avoid when", card.avoid_when, width)


def _settings(known: Facts, width: int) -> Iterator[Line]:
    described = []
    for each in known.card.hyper:
        asked = each.default is REQUIRED and each.name not in known.settings
        rest = "; must be given, here as by hand below" if asked else ""
        described.append(
            (f"{each.name} = {value(known.hyper[each.name])}", f"{each.meaning} ({each.domain}{rest})")
        )
    yield from rows("settings", described, width)
    yield from block("options", ", ".join(known.card.options), width)


def _answers(known: Facts, width: int) -> Iterator[Line]:
    card, facts = known.card, known.function.loss.facts
    yield from rows("inputs", [(each.name, each.says) for each in card.inputs], width)
    yield from block("unit", card.unit + ("; samples of a batch are compared" if card.coupled else ""), width)
    yield from block("network", f"outputs: {card.outputs}; link: {card.link}", width)
    yield from block("answer", card.decode, width)
    yield from block(
        "elicits", f"{settle(facts.elicits, known.hyper)}; best constant: {card.constant}", width
    )
    for number, claim in enumerate(claims_in_words(facts.claims, known.hyper)):
        yield from block("" if number else "claims", claim, width, hang=2)
    for promise, reason in card.exempt.items():
        yield from block("exempt", f"{promise}: {reason}", width)


def _example(known: Facts, width: int) -> Iterator[Line]:
    card, loss = known.card, known.function.loss
    call = call_of(loss)
    settings = [f"{name}={value(each)}" for name, each in card.example.hyper.items()]
    inputs = [nested(each) for each in call.inputs]
    shown = f"{card.name}({', '.join([*inputs, *settings])}) = {card.example.value:.6g}"
    yield from block("by hand", card.example.working, width)
    yield from block(
        "",
        shown + ("" if call.unit is None else f" for {_COUNTED.get(loss.unit, 'unit')} {call.unit}"),
        width,
        hang=2,
    )


def _names(known: Facts, width: int) -> Iterator[Line]:
    card = known.card
    yield from rows("relatives", [(each.name, _relation(card, each)) for each in card.relatives], width)
    if card.aliases:
        yield from block("also called", ", ".join(card.aliases), width)
    elsewhere = known.function.loss.facts.elsewhere
    yield from rows("elsewhere", [_named(name, each, known) for name, each in elsewhere.items()], width)
    if card.paper is not None:
        yield from block("paper", _paper(card.paper), width, hang=2)


def _relation(card: Card, each: Relative) -> str:
    if not each.ours and not each.theirs and not each.up_to_target:
        return each.says
    ours, theirs = (
        f"{name}({', '.join(f'{key}={value(one)}' for key, one in settings.items())})" if settings else name
        for name, settings in ((card.name, each.ours), (each.name, each.theirs))
    )
    times = "" if each.factor == 1 else f"{each.factor:g}·"
    rest = " + a term of the target alone" if each.up_to_target else ""
    return f"{each.says}: {ours} = {times}{theirs}{rest}"


def _named(name: str, factor: object, known: Facts) -> tuple[str, str]:
    """How our loss compares with another library's, and its name there."""
    settled = settle(factor, known.hyper)
    if isinstance(settled, str):
        reason = settled.removeprefix("no factor: ")
        return "no factor" if reason != settled else "it varies", f"{name}: {reason}"
    compared = "the same" if settled == 1 else f"{settled:g} times"
    return compared, name + at(factor, known.hyper)


def _paper(paper: Paper) -> str:
    numbered = f"equation {paper.equation}" if paper.equation[:1].isdigit() else paper.equation
    where = [numbered]
    where += [f"arXiv:{paper.arxiv}" if paper.arxiv else "", f"doi:{paper.doi}" if paper.doi else ""]
    return ", ".join([f"{paper.authors} ({paper.year}). {paper.title}", *(each for each in where if each)])


__all__ = ["Formula", "card_lines"]
