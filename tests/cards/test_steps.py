"""`lossary step`: every equality on the page holds, and the step is torch's own."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from itertools import pairwise

import pytest
import torch

import lossary
from lossary.core.errors import DomainError, OptionError
from lossary.report.cards.facts import Facts, facts
from lossary.report.cards.step import step, step_json
from lossary.report.cards.worked import step_lines

ARITHMETIC = re.compile(r"[\d\s+*/().eE-]+")


def sums(lines: list[str]) -> list[tuple[float, float, float, str]]:
    """Both sides of every printed equality between numbers, how large their terms are, and where it stands."""
    found = []
    text = re.sub(r"(?<=\+)\n +|\n +(?==)", " ", "\n".join(lines))  # a long equality goes on in the next line
    for line in re.split(r"\n|   +|; |, ", text):
        parts = [python(part) for part in line.split(" = ")]
        numbers = [(value, _size(part)) for part in parts if (value := compute(part)) is not None]
        found += [(a, b, max(size, other), line) for (a, size), (b, other) in pairwise(numbers)]
    return found


def _size(part: str) -> float:
    """The terms of a sum without their signs; of other arithmetic, nothing."""
    terms = part.split(" + ")
    return sum(abs(compute(each) or 0.0) for each in terms) if len(terms) > 1 else 0.0


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
def test_every_equality_on_the_page_holds(known: Callable[[str], Facts], name: str) -> None:
    lines = step_lines(step(lossary.get(name)), known(name), 80)
    found = sums([each.plain() for each in lines])
    assert len(found) >= 8, "prediction, chain rule and both optimisers are written out"
    for left, right, size, line in found:
        # Six digits of every term; what terms of two signs leave has fewer.
        assert left == pytest.approx(right, rel=2e-5, abs=max(2e-6, 5e-6 * size)), line


@pytest.mark.parametrize("name", lossary.names())
def test_the_page_is_as_wide_as_the_terminal(known: Callable[[str], Facts], name: str) -> None:
    taken = step(lossary.get(name))
    for width in (60, 80, 120):
        assert max(len(each.plain()) for each in step_lines(taken, known(name), width)) <= width


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


#: Losses that hold a part of their value constant say so on their card: there the gradient is not the value's slope.
SLOPED = [
    name
    for name in lossary.names()
    if "gradients_at_kinks_are_subgradients" not in lossary.get(name).card.exempt
]


@pytest.mark.parametrize("name", SLOPED)
def test_the_gradient_is_that_of_the_weights(name: str) -> None:
    taken = step(lossary.get(name))
    shift = 1e-6
    function, plan = lossary.get(name), taken.lesson
    factors = torch.tensor([each.factors for each in plan.outputs], dtype=torch.float64)
    for i in range(2):
        values = []
        for sign in (1.0, 0.0, -1.0):
            weights = torch.tensor(taken.weights, dtype=torch.float64)
            weights[i] += sign * shift
            values.append(function(*plan.inputs(factors @ weights), **taken.settings).item())
        slopes = sorted((values[k] - values[k + 1]) / shift for k in range(2))  # which differ at a kink
        slack = 1e-5 * (1.0 + abs(taken.gradient[i]))
        assert slopes[0] - slack <= taken.gradient[i] <= slopes[1] + slack


@pytest.mark.parametrize("name", lossary.names())
def test_a_step_moves_the_weights(name: str) -> None:
    assert any(step(lossary.get(name)).gradient), "the usual numbers teach nothing if nothing moves"


def test_what_only_rounding_says_is_no_gradient() -> None:
    taken = step(lossary.get("soft_triple"))
    assert taken.gradient[1] == 0.0, "a cosine more for every centre moves no softmax"
    assert all(each.weights[1] == taken.weights[1] for each in taken.moved)


@pytest.mark.parametrize("name", SLOPED)
def test_a_short_step_goes_downhill(name: str) -> None:
    taken = step(lossary.get(name), rate=0.01)
    # Where hardly anything is left to learn, the rest of the value hides what a step gains.
    hidden = sum(slope**2 for slope in taken.gradient) < 1e-15 * taken.loss
    assert all(each.loss < taken.loss or (hidden and each.loss == taken.loss) for each in taken.moved)


@pytest.mark.parametrize(
    ("name", "network", "target"),
    [
        ("l2_penalty", "z = w₁·x₁ + w₂·x₂", "none: the loss is of the network's own numbers"),
        ("coral", "thresholds = [z₁, z₂] with z₁ = w₁·x, z₂ = w₂·x", "target = 1"),
        ("distillation", "student = [z₁, z₂] with z₁ = w₁·x, z₂ = w₂·x", "teacher = [0.8, 0.2], target = 0"),
        ("interval_score", "lower z₁ = w₁·x, upper z₂ = w₂·x", "target = 4"),
        ("zlpr", "scores = [z₁, z₂, z₃] with zᵢ = w₁·xᵢ + w₂", "target = [1, 0, 0]"),
        (
            "koleo",
            "embeddings = [[z₁, z₂], [z₃, z₄], [z₅, z₆]] with zᵢ = w₁·xᵢ + w₂·xᵢ₊₁",
            "none: the loss is of the network's own numbers",
        ),
        ("energy_score", "prediction = [[z₁, z₂], [z₃, z₄]] with zᵢ = w₁·xᵢ + w₂", "target = [0, 0]"),
    ],
)
def test_any_shape_of_input_gets_a_network(name: str, network: str, target: str) -> None:
    plan = step(lossary.get(name)).lesson
    assert (plan.network, plan.target) == (network, target)


def test_a_target_of_one_s_own_enters_the_step() -> None:
    assert step(lossary.get("coral"), target=(2.0,)).lesson.target == "target = 2"
    assert step(lossary.get("gaussian_nll"), target=(7.0,)).lesson.truth == (7.0,)


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


def test_a_target_where_none_is_asked_for_is_refused() -> None:
    with pytest.raises(OptionError, match="--target: expected none for this loss, got 1; leave it out"):
        step(lossary.get("l2_penalty"), target=(3.0,))


def test_several_levels_are_refused() -> None:
    with pytest.raises(OptionError, match="whose first input two weights can give"):
        step(lossary.get("quantile"), {"level": [0.1, 0.9]})


def test_a_target_outside_its_domain_is_refused() -> None:
    with pytest.raises(DomainError):
        step(lossary.get("bce"), target=(7.0,))
