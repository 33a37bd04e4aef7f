"""Formulas and derivatives as they are written: short enough to be recognised."""

from __future__ import annotations

import pytest

import lossary
from lossary.report.formulas.formula import formula
from lossary.report.formulas.spoken import spoken


@pytest.mark.parametrize(
    ("name", "derivative"),
    [
        ("mse", "2(x − t)"),
        ("mae", "sign(x − t)"),
        ("huber", "x − t if |x − t| ≤ δ; δ·sign(x − t) otherwise"),
        ("log_cosh", "tanh(x − t)"),
        ("quantile", "1 − level if x > t; −level if x < t"),
        ("hinge", "−1 if t = 1 and x < 1; 1 if t = 0 and x > −1; 0 otherwise"),
        ("squared_hinge", "2(x − 1) if t = 1 and x < 1; 2(x + 1) if t = 0 and x > −1; 0 otherwise"),
        ("cross_entropy", "pᵢ − yᵢ"),
        ("kl", "pᵢ − yᵢ"),
        ("focal", "(1 − p)^γ·(p + γ·p·log p − 1) if t = 1; p^γ·(p + γ·(p − 1)·log(1 − p)) if t = 0"),
    ],
)
def test_a_derivative_is_written_as_learners_know_it(name: str, derivative: str) -> None:
    found = formula(lossary.get(name).loss)
    assert found is not None
    assert found.derivative.text == derivative


def test_binary_cross_entropy_is_sigma_minus_target() -> None:
    found = formula(lossary.get("binary_cross_entropy").loss)
    assert found is not None
    assert [(settings, each.text) for settings, each in found.special] == [("pos_weight = 1", "σ(x) − t")]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mse", "(x − t)²"),
        ("huber", "(x − t)²/2 if |x − t| ≤ δ; δ·(|x − t| − δ/2) otherwise"),
        ("cross_entropy", "−Σⱼ yⱼ·log pⱼ"),
        ("categorical_focal", "−Σⱼ yⱼ·(1 − pⱼ)^γ·log pⱼ"),
        ("binary_dice", "1 − (2Σⱼ pⱼ·tⱼ + smooth)/(Σⱼ (pⱼ + tⱼ) + smooth)"),
        ("triplet", "max(0, ‖a − p‖ − ‖a − n‖ + margin)"),
    ],
)
def test_a_formula_keeps_the_structure_of_its_definition(name: str, value: str) -> None:
    found = formula(lossary.get(name).loss)
    assert found is not None
    assert found.value.text == value


def test_a_loss_whose_definition_is_not_symbolic_has_its_derivative_by_hand() -> None:
    by_hand = [name for name in lossary.names() if not lossary.get(name).loss.facts.symbolic]
    assert by_hand
    for name in by_hand:
        function = lossary.get(name)
        assert formula(function.loss) is None
        assert function.loss.facts.formula
        assert function.loss.facts.derivative


def test_a_definition_that_needs_numbers_has_no_formula() -> None:
    assert formula(lossary.get("quantile").loss, {"level": [0.1, 0.9]}) is None


@pytest.mark.parametrize(
    ("latex", "text"),
    [
        (r"\int_0^1 \left|F_x^{-1}(u)\right|^p \mathrm{d}u", "∫₀¹ |Fₓ⁻¹(u)|^p du"),
        (r"\max_{j: y_j = y_i} d_{ij} \ne 0", "max_{j: yⱼ = yᵢ} dᵢⱼ ≠ 0"),
        (r"\nabla d_{ij^*} - \frac{a}{b} \text{ else } 0", "∇dᵢⱼ* − a/b else 0"),
        (r"|x_i - y|^{p-1}\,\mathrm{d}u", "|xᵢ − y|^(p − 1) du"),
        (r"\frac{(t - \mu)^2}{2\sigma^2} + \frac{1}{2}\log 2\pi", "(t − μ)²/(2σ²) + 1/2·log(2π)"),
        (r"-\log\sum_k \pi_k\,\frac{1}{\sigma_k\sqrt{2\pi}}", "−log(Σₖ πₖ·1/(σₖ·√(2π)))"),
        (r"\log\frac{\sqrt{\nu\pi}\,\Gamma(\nu/2)}{\Gamma((\nu + 1)/2)}", "log(√(ν·π)·Γ(ν/2)/Γ((ν + 1)/2))"),
        (
            r"\frac{\sum_j y_j c_j}{\sum_j c_j} \text{ with } c_j = -\log p_j",
            "(Σⱼ yⱼ·cⱼ)/(Σⱼ cⱼ) with cⱼ = −log pⱼ",
        ),
        (r"\sum_{k \ne j} S_{jk} e^{x_k - x_j}", "Σₖ≠ⱼ Sⱼₖ·exp(xₖ − xⱼ)"),
        (r"-\beta\,\text{log\_zero} \sum_j y_j (1 - p_j)", "−β·log_zero·Σⱼ yⱼ·(1 − pⱼ)"),
        (r"T_0 \log \sum_{j: t_j = 0} e^{x_j / T_0}", "T₀·log(Σ_{j: tⱼ = 0} exp(xⱼ/T₀))"),
        (r"\left(\frac{2}{\alpha}[t < l] - 1,\ 1\right) \text{ by } l", "(2/α·[t < l] − 1, 1) by l"),
        (r"\operatorname{KL}(p \parallel m), \quad m = \frac{p + q}{2}", "KL(p ‖ m); m = (p + q)/2"),
        (r"(1 - p)^\gamma, p_j c'_j, x x^\top", "(1 − p)^γ, pⱼ·c′ⱼ, x·xᵀ"),
        ("t - x where x > 0, half-way", "t − x where x > 0, half-way"),
    ],
)
def test_latex_by_hand_is_read_as_text(latex: str, text: str) -> None:
    assert spoken(latex) == text
