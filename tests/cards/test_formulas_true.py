"""Formulas and derivatives as a person reads them: put in the numbers, and the loss and its autograd come out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import lossary
from lossary.core.declaration import Input
from lossary.core.function import LossFunction
from lossary.core.kinds import Form
from lossary.core.unit import Unit
from lossary.report.cards.facts import Facts
from lossary.report.formulas.formula import Formula, formula
from lossary.report.formulas.marks import GREEK
from lossary.report.formulas.written import Written

RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
SIGNS = {"·": "*", "−": "-", "≤": "<=", "≥": ">=", "≠": "!="}
FUNCTIONS: dict[str, Any] = {
    "log": np.log, "exp": np.exp, "tanh": np.tanh, "cosh": np.cosh, "sign": np.sign, "sqrt": np.sqrt, "size": np.abs,
    "length": np.linalg.norm, "σ": lambda x: 1 / (1 + np.exp(-x)), "max": lambda *each: np.max(each),
    "min": lambda *each: np.min(each), "total": np.sum,
}  # fmt: skip


DRAWN = [name for name in lossary.names() if lossary.get(name).loss.facts.symbolic]
VARIANTS: list[tuple[str, dict[str, object]]] = [
    *((name, {}) for name in DRAWN),
    ("huber", {"delta": 0.3}),
    ("quantile", {"level": 0.9}),
    ("binary_cross_entropy", {"pos_weight": 3.0}),
    ("focal", {"gamma": 0.0}),
    ("focal", {"gamma": 1.0, "alpha": 0.25}),
    ("focal", {"gamma": 3.5}),
    ("categorical_focal", {"gamma": 0.0}),
    ("categorical_focal", {"gamma": 1.5}),
    ("kl", {"direction": "reverse"}),
    ("dice", {"squared": True}),
    ("binary_dice", {"smooth": 0.0}),
    ("binary_dice", {"smooth": 2.5, "squared": True}),
    ("triplet", {"margin": None}),
    ("triplet", {"margin": 0.0}),
    ("triplet", {"distance": "squared"}),
]
DRAWS = 12  # random inputs for every formula: enough to meet each side of every kink


Known = Callable[[str], Facts]
_CHOSEN: dict[str, Formula | None] = {}


def known_formula(known: Known, name: str, hyper: dict[str, object]) -> Formula | None:
    """The formula, drawn once for all tests: that is what takes time."""
    if not hyper:
        return known(name).formula
    key = f"{name} {hyper}"
    if key not in _CHOSEN:
        _CHOSEN[key] = formula(lossary.get(name).loss, hyper)
    return _CHOSEN[key]


def computed(text: str, letters: Mapping[str, Any]) -> Any:
    """The value of a printed expression or condition; entries ⱼ are whole vectors, ᵢ their first entry."""
    names = {**FUNCTIONS, **letters}
    for letter, value in letters.items():
        if isinstance(value, np.ndarray):
            names[f"{letter}j"], names[f"{letter}i"] = value, value[0]  # Python reads ⱼ in a name as j
    return eval(python(text), {"__builtins__": {}}, names)


def python(text: str) -> str:
    """The printed text in Python's own signs."""
    text = re.sub(
        r"√(?:\((?=[^()]*\))|(\w+))", lambda found: f"sqrt({found[1]})" if found[1] else "sqrt(", text
    )
    text = text.replace("√", "sqrt")
    for sign, meant in SIGNS.items():
        text = text.replace(sign, meant)
    text = re.sub(r"[⁰¹²³⁴⁵⁶⁷⁸⁹]+", lambda found: "**" + found[0].translate(RAISED), text).replace("^", "**")
    text = re.sub(r"‖([^‖]*)‖", r"length(\1)", text)
    text = re.sub(r"\|([^|]*)\|", r"size(\1)", text)
    text = re.sub(r"(?<![<>!=])=(?!=)", "==", text)
    text = re.sub(r"\blog (\w+)", r"log(\1)", text)
    text = re.sub(r"(?<![\w*])(\d+(?:\.\d+)?)(?=[^\W\d]|\()", r"\1*", text)
    return sums(text)


def sums(text: str) -> str:
    """``Σⱼ term`` as ``total(term)``; a term ends where the next one, a division or a bracket begins."""
    while "Σⱼ " in text:
        start = text.rindex("Σⱼ ")
        depth, end = 0, start + 3
        while end < len(text):
            letter = text[end]
            depth += (letter in "([") - (letter in ")]")
            ends = (
                text[end : end + 3] in (" + ", " - ")
                or letter in "/,;"
                or text[end : end + 2] in (" >", " <")
            )
            if depth < 0 or (depth == 0 and ends):
                break
            end += 1
        text = f"{text[:start]}total({text[start + 3 : end]}){text[end:]}"
    return text


def drawn(function: LossFunction, seed: int) -> tuple[tuple[Tensor, ...], dict[str, Any]]:
    """Inputs of one unit, and the same numbers as the letters of a formula."""
    torch.manual_seed(seed)
    forms = [each.kind.form for each in function.loss.required]
    x = 1.5 * torch.randn(3, dtype=torch.float64)
    if function.loss.unit is Unit.ELEMENT:
        x = admitted(function.loss.required[0], x[:1], seed)
        t = [admitted(each, torch.randn(1).double(), seed) for each in function.loss.required[1:]]
        letters = {"x": x.item(), "p": torch.sigmoid(x).item(), **({"t": t[0].item()} if t else {})}
        return (x, *t), letters
    if function.loss.unit is Unit.ROW:
        y = torch.softmax(torch.randn(3).double(), 0)
        letters = {"x": x.numpy(), "y": y.numpy(), "p": torch.softmax(x, 0).numpy()}
        return (x[None], y[None])[: len(forms)], letters
    if function.loss.unit is Unit.TRIPLET:
        a, p, n = torch.randn(3, 3).double()
        return (a, p, n), {"a": a.numpy(), "p": p.numpy(), "n": n.numpy()}
    t = torch.tensor([1.0, 0.0, float(seed % 2)]).double()
    if forms[0] is Form.LOGIT:
        return (x[None], t[None]), {"x": x.numpy(), "t": t.numpy(), "p": torch.sigmoid(x).numpy()}
    logits = torch.stack([x, torch.zeros_like(x)])[None]  # the other class's logits stay at 0
    return (logits, 1 - t[None].long()), {"x": x.numpy(), "t": t.numpy(), "p": torch.sigmoid(x).numpy()}


def admitted(each: Input, number: Tensor, seed: int) -> Tensor:
    """The number, brought to where the input may lie."""
    domain = each.kind.domain
    if each.kind.form is Form.BINARY:
        return torch.full_like(number, seed % 2)
    if domain is None:
        return number
    return torch.full_like(number, seed % 4) if domain.whole else domain.low + number.exp()


def answered(
    function: LossFunction, inputs: tuple[Tensor, ...], hyper: Mapping[str, object]
) -> tuple[float, float]:
    """The loss of the unit by the real function, and its derivative in the first entry by autograd."""
    first = inputs[0].clone().requires_grad_()
    value = function(first, *inputs[1:], reduction="none", **hyper).flatten()[0]
    (slope,) = torch.autograd.grad(value, first)
    return value.item(), slope.flatten()[0].item()


def chosen(shown: Written, letters: Mapping[str, Any]) -> str:
    """The printed expression of the case that holds."""
    for value, condition in shown.lines:
        if condition in ("", "otherwise") or computed(condition, letters):
            return value
    raise AssertionError(f"no case of {shown.text} holds")


def by_reading(found: Formula, shown: Written, letters: Mapping[str, Any]) -> float:
    """The number a person gets who puts the letters into the printed formula."""
    known = dict(letters)
    for each in found.names:
        if each.expression is not None:
            known[each.letter.removesuffix("ⱼ")] = computed(each.text, known)
    line = chosen(shown, {**known})
    return float(computed(line, known))


def settled(function: LossFunction, hyper: Mapping[str, object]) -> dict[str, Any]:
    """Hyper-parameters under the letters that formulas have for them."""
    return {GREEK.get(name, name): value for name, value in {**function.loss.defaults, **hyper}.items()}


@pytest.mark.parametrize(("name", "hyper"), VARIANTS, ids=lambda each: str(each))
def test_the_printed_formula_and_derivative_are_what_the_loss_and_autograd_compute(
    known: Known, name: str, hyper: dict[str, object]
) -> None:
    function = lossary.get(name)
    found = known_formula(known, name, hyper)
    assert found is not None
    for seed in range(DRAWS):
        inputs, letters = drawn(function, seed)
        value, slope = answered(function, inputs, hyper)
        numbers = {**letters, **settled(function, hyper)}
        assert by_reading(found, found.value, numbers) == pytest.approx(value, rel=1e-9, abs=1e-12)
        assert by_reading(found, found.derivative, numbers) == pytest.approx(slope, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("name", DRAWN)
def test_what_is_printed_for_a_default_is_the_derivative_there(known: Known, name: str) -> None:
    function = lossary.get(name)
    found = known_formula(known, name, {})
    assert found is not None
    for _, special in found.special:
        for seed in range(DRAWS):
            inputs, letters = drawn(function, seed)
            _, slope = answered(function, inputs, {})
            numbers = {**letters, **settled(function, {})}
            assert by_reading(found, special, numbers) == pytest.approx(slope, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("2(x − t)", "2(t − x)"), ("2(x − t)", "(x − t)"), ("2(x − t)", "2x − t"), ("2(x − t)", "2(x − t)²")],
)
def test_a_wrong_derivative_is_found(right: str, wrong: str) -> None:
    function = lossary.get("mse")
    inputs, letters = drawn(function, 3)
    _, slope = answered(function, inputs, {})
    assert computed(right, letters) == pytest.approx(slope)
    assert computed(wrong, letters) != pytest.approx(slope)


def test_a_printed_formula_is_read_as_a_person_reads_it() -> None:
    assert python("2Σⱼ tⱼ·pⱼ + 3x²") == "2*total(tⱼ*pⱼ) + 3*x**2"
    assert python("−Σⱼ yⱼ·log pⱼ/2") == "-total(yⱼ*log(pⱼ))/2"


@pytest.mark.parametrize(("name", "hyper"), VARIANTS, ids=lambda each: str(each))
def test_the_latex_is_well_formed(known: Known, name: str, hyper: dict[str, object]) -> None:
    found = known_formula(known, name, hyper)
    assert found is not None
    for latex in (found.value.latex, found.derivative.latex, *(each.latex for each in found.names)):
        assert latex.count("{") == latex.count("}")
        assert latex.count(r"\left") == latex.count(r"\right")
        assert not re.search(r"[^\x00-\x7f]", latex)
        assert "@" not in latex
