"""`lossary step`: every equality on the page holds, and the step is torch's own."""

from __future__ import annotations

import math
import re
from itertools import pairwise

import pytest
import torch

import lossary
from lossary.core.errors import DomainError, OptionError
from lossary.report.cards.facts import facts
from lossary.report.cards.step import step, step_json
from lossary.report.cards.worked import step_lines

ARITHMETIC = re.compile(r"[\d\s+*/().eE-]+")


def page(name: str, **settings: object) -> list[str]:
    """The printed page, a line each."""
    function = lossary.get(name)
    return [each.plain() for each in step_lines(step(function, settings), facts(function, settings), 80)]


def sums(lines: list[str]) -> list[tuple[float, float, str]]:
    """Both sides of every printed equality between numbers, and where it stands."""
    found = []
    text = re.sub(r"\n +(?==)", " ", "\n".join(lines))  # a long equality goes on in the next line
    for line in re.split(r"\n|   +|; |, ", text):
        parts = [python(part) for part in line.split(" = ")]
        known = [(part, compute(part)) for part in parts]
        numbers = [(part, value) for part, value in known if value is not None]
        found += [(a, b, line) for (_, a), (_, b) in pairwise(numbers)]
    return found


def python(part: str) -> str:
    """Printed arithmetic in Python's signs."""
    part = part.replace("−", "-").replace("·", "*").replace("²", "**2")
    part = re.sub(r"√([\d.e-]+)", r"(\1)**0.5", part)
    part = re.sub(r"\|([^|]*)\|", r"abs(\1)", part)
    return re.sub(r"\blog ([\d.]+)", r"log(\1)", part).strip()


def compute(part: str) -> float | None:
    """The value of arithmetic, or None for what has letters or no sense in it."""
    functions = {"abs": abs, "log": math.log, "exp": math.exp, "max": max, "tanh": math.tanh, "cosh": math.cosh,
                 "σ": lambda x: 1 / (1 + math.exp(-x)), "sign": lambda x: math.copysign(1, x)}  # fmt: skip
    plain = re.sub(r"abs|log|exp|max|tanh|cosh|σ|sign|,", "", part)
    if not plain or not ARITHMETIC.fullmatch(plain):
        return None
    try:
        value = eval(part, {"__builtins__": {}}, functions)
    except SyntaxError:
        return None
    return float(value) if isinstance(value, (int, float)) else None


@pytest.mark.parametrize("name", lossary.names())
def test_every_equality_on_the_page_holds(name: str) -> None:
    found = sums(page(name))
    assert len(found) >= 8, "prediction, chain rule and both optimisers are written out"
    for left, right, line in found:
        assert left == pytest.approx(right, rel=2e-5, abs=2e-6), line


@pytest.mark.parametrize("name", lossary.names())
def test_the_page_is_as_wide_as_the_terminal(name: str) -> None:
    function = lossary.get(name)
    taken, known = step(function), facts(function)
    for width in (60, 80, 120):
        assert max(len(each.plain()) for each in step_lines(taken, known, width)) <= width


def test_one_step_with_mse_by_hand() -> None:
    taken = step(lossary.get("mse"), rate=0.05, x=(1.0, 2.0), target=(3.0,), weights=(0.5, 0.25))
    assert taken.outputs == (1.0,)
    assert taken.loss == 4.0
    assert taken.slopes == (-4.0,)
    assert taken.gradient == (-4.0, -8.0)
    descent, adam = taken.moved
    assert descent.weights == pytest.approx((0.7, 0.65))
    assert descent.loss == pytest.approx(1.0)
    assert adam.weights == pytest.approx((0.55, 0.3), abs=1e-8)
    assert adam.loss == pytest.approx(1.85**2)


@pytest.mark.parametrize("name", lossary.names())
def test_the_gradient_is_that_of_the_weights(name: str) -> None:
    taken = step(lossary.get(name))
    shift = 1e-6
    function, plan = lossary.get(name), taken.lesson
    factors = torch.tensor([each.factors for each in plan.outputs], dtype=torch.float64)
    for i in range(2):
        values = []
        for sign in (1.0, -1.0):
            weights = torch.tensor(taken.weights, dtype=torch.float64)
            weights[i] += sign * shift
            values.append(function(*plan.inputs(factors @ weights)).item())
        assert taken.gradient[i] == pytest.approx((values[0] - values[1]) / (2 * shift), rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("name", lossary.names())
def test_a_step_goes_downhill(name: str) -> None:
    taken = step(lossary.get(name))
    assert any(taken.gradient), "the usual numbers teach nothing if nothing moves"
    assert all(each.loss < taken.loss for each in taken.moved)


def test_a_gradient_of_zero_is_said() -> None:
    function = lossary.get("hinge")
    taken = step(function, target=(1.0,), weights=(2.0, 2.0))
    lines = [each.plain() for each in step_lines(taken, facts(function), 80)]
    assert any("The gradient is 0 here" in each for each in lines)
    assert taken.moved[0].weights == taken.weights


def test_settings_enter_the_step() -> None:
    assert step(lossary.get("huber"), {"delta": 10.0}).loss == pytest.approx(2.0)
    assert step(lossary.get("huber"), {"delta": 1.0}).loss == pytest.approx(1.5)


def test_the_step_as_data_has_the_numbers_of_the_page() -> None:
    found = step_json(step(lossary.get("bce"), {"pos_weight": 2.0}, target=(1.0,)), "binary_cross_entropy")
    assert found["loss"] == "binary_cross_entropy"
    assert found["settings"] == {"pos_weight": 2.0}
    assert found["gradient"] == pytest.approx([-0.5378828427399902, -1.0757656854799804])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"x": (1.0,)}, "--x: expected 2 numbers, got 1; write --x 1,2."),
        ({"target": (1.0, 2.0)}, "--target: expected 1 number, got 2; write --target 3."),
        ({"rate": 0.0}, "--lr: expected a finite number above 0, got 0; write --lr 0.05."),
        ({"weights": (1.0,)}, "--weights: expected 2 numbers, got 1; write --weights 0.5,0.25."),
    ],
)
def test_numbers_that_do_not_fit_are_refused_in_a_sentence(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(OptionError) as refused:
        step(lossary.get("mse"), **options)  # type: ignore[arg-type]
    assert str(refused.value) == sentence


def test_several_levels_are_refused() -> None:
    with pytest.raises(OptionError, match="whose first input two weights can give"):
        step(lossary.get("quantile"), {"level": [0.1, 0.9]})


def test_a_target_outside_its_domain_is_refused() -> None:
    with pytest.raises(DomainError):
        step(lossary.get("bce"), target=(7.0,))
