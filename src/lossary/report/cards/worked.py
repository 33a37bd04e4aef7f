"""One training step written out, every number with the arithmetic it comes from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lossary.report.formulas.spoken import spoken

from .arithmetic import factor, filled, lowered, number, renamed, sigmoid, softmax
from .claims import value
from .facts import Facts
from .instance import instance
from .layout import INDENT, LABEL, WIDEST, Line, block, fold, formula_block
from .step import BETAS, EPSILON, Moved, Step

WEIGHTS = ("w₁", "w₂")
Z = {"x": "z"}  # a formula's x is the network's output, which is called z here, since x is its input
RULES = {
    "SGD": "w ← w − rate·dℓ/dw",
    "Adam": "w ← w − rate·m̂/(√v̂ + ε)",
}


def step_lines(taken: Step, known: Facts, width: int) -> list[Line]:
    """The page a learner reads from top to bottom."""
    parts = [_start(taken, known, width), _forward(taken, known, width), _backward(taken, known, width)]
    parts += [_moved(taken, each, width, number) for number, each in enumerate(taken.moved, 3)]
    lines: list[Line] = []
    for part in parts:
        lines += [*([Line()] if lines else []), *part]
    return lines


def _start(taken: Step, known: Facts, width: int) -> Iterator[Line]:
    plan = taken.lesson
    settings = ", ".join(f"{name}={value(each)}" for name, each in known.hyper.items())
    name = f"{known.card.name}({settings})" if settings else known.card.name
    for each in fold(f"One training step with {name}", width):
        yield Line(text=each, heading=True, wide=True)
    yield from block("network", plan.network, width)
    single = len(plan.outputs) == 1
    shown = [f"{lowered('x', i)} = {number(each)}" for i, each in enumerate(plan.x, 1)]
    listed = (
        f"x = ({', '.join(number(each) for each in plan.x)})"
        if len(plan.x) > 1
        else f"x = {number(plan.x[0])}"
    )
    yield from block("input", plan.given or (", ".join(shown) if single else listed), width)
    yield from block("target", plan.target, width)
    weights = [f"{name} = {number(each)}" for name, each in zip(WEIGHTS, taken.weights, strict=True)]
    yield from block("weights", ", ".join(weights), width)
    yield from block("rate", f"{taken.rate:g}", width)


def _forward(taken: Step, known: Facts, width: int) -> Iterator[Line]:
    plan = taken.lesson
    yield Line(text="1. Forward: what the network says, and what it costs", heading=True, wide=True)
    for each, found in zip(plan.outputs, taken.outputs, strict=True):
        terms = [
            factor(weight) if plan.bias and i == 1 else f"{factor(weight)}·{factor(x)}"
            for i, (weight, x) in enumerate(zip(taken.weights, each.factors, strict=True))
            if x != 0 or len(plan.outputs) == 1
        ]
        sums = [" + ".join(terms)] if terms else []
        yield from _chain(each.name, list(dict.fromkeys([*sums, number(found)])), width)
    probability = _probability(taken, known)
    if probability:
        yield from _chain("p", probability, width)
    shown = known.formula.value if known.formula is not None else None
    yield from _by_hand(known, known.function.loss.facts.formula, width)
    yield from _chain("loss", ["ℓ", *instance(shown, taken, known, taken.loss)], width)


def _backward(taken: Step, known: Facts, width: int) -> Iterator[Line]:
    plan, formula = taken.lesson, known.formula
    yield Line(text="2. Backward: the chain rule from output to weights", heading=True, wide=True)
    text = formula.derivative.text if formula is not None else ""
    by_class = formula is not None and formula.says[-1][0] == "y" and "Σ" not in text
    if formula is not None and len(plan.outputs) > 1 and not by_class and len(formula.derivative.lines) == 1:
        names = [f"{each.letter} = {renamed(each.text, Z)}" for each in formula.names]
        yield from block("in symbols", ", where ".join([renamed(text, Z), *names[:1]]), width, hang=2)
        for name in names[1:]:
            yield from block("", name, width, hang=2)
    yield from _by_hand(known, known.function.loss.facts.derivative, width)
    for i, (each, slope) in enumerate(zip(plan.outputs, taken.slopes, strict=True)):
        steps = [number(slope)]
        if formula is not None and by_class:
            numbers = {"pᵢ": softmax(taken.outputs)[i], "yᵢ": plan.truth[i]}
            letters = {"pᵢ": lowered("p", i + 1), "yᵢ": lowered("y", i + 1)}
            steps = [renamed(text, letters), filled(text, numbers), *steps]
        elif formula is not None and len(taken.outputs) == 1:
            steps = instance(formula.derivative, taken, known, slope)
        yield from _chain(f"dℓ/d{each.name}", steps, width)
    for i, weight in enumerate(WEIGHTS):
        used = [
            (f"dℓ/d{each.name}·d{each.name}/d{weight}", f"{factor(slope)}·{factor(each.factors[i])}")
            for each, slope in zip(plan.outputs, taken.slopes, strict=True)
            if each.factors[i] != 0
        ]
        sums = [" + ".join(part) for part in zip(*used, strict=True)]
        yield from _chain(f"dℓ/d{weight}", [*sums, number(taken.gradient[i])], width)
    if not any(taken.gradient):
        yield from block("", "The gradient is 0 here, so no weight moves.", width)


def _by_hand(known: Facts, latex: str, width: int) -> Iterator[Line]:
    """A formula that no numbers are put into, since symbols do not draw it."""
    if known.formula is None and latex:
        shown = re.sub(r"(?<![^\W\d_])x(?![A-Za-z])", "z", spoken(latex))
        yield from formula_block("in symbols", shown, width)


def _moved(taken: Step, moved: Moved, width: int, place: int) -> Iterator[Line]:
    yield Line(text=f"{place}. {moved.name}: {RULES[moved.name]}", heading=True, wide=True)
    for i, weight in enumerate(WEIGHTS):
        slope, before, after = taken.gradient[i], number(taken.weights[i]), number(moved.weights[i])
        if moved.name == "SGD":
            yield from _chain(weight, [f"{before} − {taken.rate:g}·{factor(slope)}", after], width)
        else:
            yield from _adam(weight, slope, before, after, taken.rate, width)
    if moved.name == "Adam" and all(taken.gradient):
        yield from block("", "A first step of Adam is as long as the rate, however steep the loss.", width)
    outputs = zip(taken.lesson.outputs, moved.outputs, strict=True)
    yield from block(
        "now", ", ".join(f"{each.name} = {number(found)}" for each, found in outputs), width, hang=2
    )
    yield from block("loss", f"{number(moved.loss)}, before the step {number(taken.loss)}", width)
    if moved.loss > taken.loss:
        yield from block("", "The step was too long: try a smaller --lr.", width)


def _adam(weight: str, slope: float, before: str, after: str, rate: float, width: int) -> Iterator[Line]:
    """Both moments, corrected for having started at 0, and the step."""
    first, second = BETAS
    m, v = (1 - first) * slope, (1 - second) * slope**2
    moments = [
        (f"m = {1 - first:g}·{factor(slope)} = {number(m)}", f"m̂ = m/{1 - first:g} = {number(slope)}"),
        (f"v = {1 - second:g}·{factor(slope)}² = {number(v)}", f"v̂ = v/{1 - second:g} = {number(slope**2)}"),
    ]
    column = max(len(left) for left, _ in moments) + 3
    beside = INDENT + LABEL + column + max(len(right) for _, right in moments) <= min(width, WIDEST)
    for place, (left, right) in enumerate(moments):
        yield Line(weight if place == 0 else "", f"{left:<{column}}{right}" if beside else left)
        if not beside:
            yield Line("", right)
    root = f"{factor(slope)}/(√{number(slope**2)} + {number(EPSILON)})"
    yield from _chain("", [f"{before} − {rate:g}·{root}", after], width)


def _probability(taken: Step, known: Facts) -> list[str]:
    """The probabilities, where the formula is written in them."""
    formula = known.formula
    meaning = (
        next((each.text for each in formula.names if each.letter == "p"), "") if formula is not None else ""
    )
    if meaning == "σ(x)" and len(taken.outputs) == 1:
        z = taken.outputs[0]
        return ["σ(z)", f"1/(1 + exp({number(-z)}))", number(sigmoid(z))]
    if meaning == "σ(x)":
        return ["σ(z)", f"({', '.join(number(sigmoid(each)) for each in taken.outputs)})"]
    if meaning == "softmax(x)":
        powers = " + ".join(f"exp({number(each)})" for each in taken.outputs)
        shares = ", ".join(number(each) for each in softmax(taken.outputs))
        return ["softmax(z)", f"exp(z)/({powers})", f"({shares})"]
    return []


def _chain(label: str, steps: Sequence[str], width: int) -> Iterator[Line]:
    """``a = b = c`` on one line, or each equality on a line of its own."""
    whole = " = ".join(steps)
    if INDENT + LABEL + len(whole) <= min(width, WIDEST):
        yield Line(label, whole)
        return
    opening = " = ".join(steps[:2]) if len(steps[0]) == 1 else steps[0]
    rest = steps[2:] if len(steps[0]) == 1 else steps[1:]
    yield from block(label, opening, width, hang=4)
    for each in rest:
        yield from block("", f"  = {each}", width, hang=4)


__all__ = ["step_lines"]
