"""The card: complete, within the terminal, and the same facts in JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Callable

import pytest

import lossary
from lossary.core.errors import DomainError
from lossary.report.cards.braille import beside, panel
from lossary.report.cards.claims import claims_in_words
from lossary.report.cards.derivatives import derivative_lines
from lossary.report.cards.example import call_of, tensor_of
from lossary.report.cards.facts import Facts, card_json, facts
from lossary.report.cards.show import card_lines
from lossary.report.cards.sweep import sweep

EVERY = [  # what CONTRACT 20 lists, as the card calls it
    "loss", "derivative", "along", "use when", "avoid when", "inputs", "unit", "network", "answer", "elicits",
    "claims", "by hand", "options",
]  # fmt: skip


@pytest.mark.parametrize("name", lossary.names())
def test_a_card_has_every_part(known: Callable[[str], Facts], name: str) -> None:
    labels = {line.label for line in card_lines(known(name), 80)}
    assert set(EVERY) <= labels
    assert ("settings" in labels) == bool(known(name).card.hyper)
    assert ("relatives" in labels) == bool(known(name).card.relatives)
    assert ("also called" in labels) == bool(known(name).card.aliases)
    assert ("elsewhere" in labels) == bool(known(name).card.elsewhere)
    assert ("paper" in labels) == (known(name).card.paper is not None)


@pytest.mark.parametrize("width", [40, 60, 80, 100, 200])
def test_no_line_of_a_card_is_wider_than_the_terminal(known: Callable[[str], Facts], width: int) -> None:
    for name in lossary.names():
        lines = card_lines(known(name), width)
        assert max(len(each.plain()) for each in lines) <= max(width, 40)


def test_the_table_of_derivatives_has_every_loss_within_the_terminal(known: Callable[[str], Facts]) -> None:
    for width in (60, 80, 120):
        lines = derivative_lines(list(map(known, lossary.names())), width)
        assert {each.text for each in lines if each.heading} == set(lossary.names())
        assert max(len(each.plain()) for each in lines) <= width


@pytest.mark.parametrize("name", lossary.names())
def test_a_card_as_json_is_json_and_has_the_same_facts(known: Callable[[str], Facts], name: str) -> None:
    card = known(name).card
    text = json.dumps(card_json(known(name)), allow_nan=False)
    found = json.loads(text)
    assert found["name"] == name
    assert found["formula"]["latex"]
    assert found["derivative"]["text"]
    assert [each["name"] for each in found["hyper_parameters"]] == [each.name for each in card.hyper]
    assert len(found["curve"]["x"]) == len(found["curve"]["loss"]) == len(found["curve"]["gradient"])


@pytest.mark.parametrize("name", lossary.names())
def test_the_gradient_that_is_drawn_is_the_slope_of_the_curve(name: str) -> None:
    found = sweep(lossary.get(name), {}, 2001)
    step = found.x[1] - found.x[0]
    slack = 5e-3 * (1.0 + max(map(abs, found.gradient)))
    for i in range(10, len(found.x) - 10, len(found.x) // 20):
        secants = [(found.loss[i + 1] - found.loss[i]) / step, (found.loss[i] - found.loss[i - 1]) / step]
        if name == "circle":
            # Its weights are held constant, as the paper says: it goes down as the curve does, at another pace.
            assert found.gradient[i] * max(secants, key=abs) >= -(slack**2)
            continue
        # Between the slopes to both sides, which also holds at a kink.
        assert min(secants) - slack <= found.gradient[i] <= max(secants) + slack


@pytest.mark.parametrize("name", lossary.names())
def test_a_curve_is_finite_and_not_flat_and_says_what_moves(name: str) -> None:
    found = sweep(lossary.get(name), {}, 101)
    assert all(map(math.isfinite, (*found.loss, *found.gradient)))
    assert any(found.gradient)
    assert found.says


@pytest.mark.parametrize("name", lossary.names())
def test_the_example_by_hand_is_what_the_call_on_the_card_gives(
    known: Callable[[str], Facts], name: str
) -> None:
    card = known(name).card
    call = call_of(lossary.get(name).loss)
    loss = lossary.get(name).loss
    inputs = [tensor_of(each, one) for each, one in zip(loss.required, call.inputs, strict=True)]
    values = lossary.get(name)(*inputs, reduction="none", **card.example.hyper).flatten()
    assert values[call.unit or 0].item() == pytest.approx(card.example.value, rel=1e-12)


@pytest.mark.parametrize("name", lossary.names())
def test_every_loss_has_a_formula_and_a_derivative_drawn_or_by_hand(
    known: Callable[[str], Facts], name: str
) -> None:
    stated = known(name).function.loss.facts
    assert (known(name).formula is not None) == stated.symbolic
    if not stated.symbolic:
        assert stated.formula and stated.derivative
        assert (stated.formula + stated.derivative).isascii(), "by hand means in LaTeX"
    lines = [each.plain() for each in card_lines(known(name), 80)]
    assert not any("not given" in each or "\\" in each for each in lines)


def test_what_a_call_must_give_is_that_of_the_example_until_it_is_chosen() -> None:
    function = lossary.get("logit_adjusted")
    plain, chosen = facts(function), facts(function, {"class_counts": [10.0, 1.0, 5.0]})
    assert list(function.card.example.hyper["class_counts"]) == plain.hyper["class_counts"]  # type: ignore[call-overload]
    assert card_json(plain)["hyper_parameters"][0]["required"] is True
    assert card_json(plain)["hyper_parameters"][0]["default"] is None
    said = [" ".join(each.text for each in card_lines(known, 100)) for known in (plain, chosen)]
    assert ["must be given" in each for each in said] == [True, False]
    assert "class_counts = [10, 1, 5]" in said[1]
    assert "of 3; the rest at 0" in chosen.curve(11).says


def test_a_relative_that_differs_by_a_term_of_the_target_says_so() -> None:
    said = " ".join(each.text for each in card_lines(facts(lossary.get("kl")), 100))
    assert "kl = cross_entropy + a term of the target alone" in " ".join(said.split())


@pytest.mark.parametrize(
    ("name", "axes"),
    [
        ("cross_entropy", "its class axis"),
        ("coral", "its class axis"),
        ("gaussian_nll", "its last axis"),
        ("energy_score", "its last two axes"),
    ],
)
def test_a_row_s_unit_names_the_axes_that_go(name: str, axes: str) -> None:
    assert lossary.get(name).card.unit.endswith(f"the shape of the input without {axes}")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("mse", "prediction less target"),
        ("mape", "prediction x, target = 4"),
        ("gaussian_nll", "mean x: prediction = [x, 0], target = 3"),
        ("coral", "score x: thresholds = [2 + x, x], target = 1"),
        ("cumulative_link", "score x: thresholds = [−x, 0.5413], target = 1"),
        ("energy_score", "x in prediction = [[x, 0], [3, 4]], target = [0, 0]"),
        ("l2_penalty", "values x"),
    ],
)
def test_a_scene_says_exactly_what_is_moved(name: str, says: str) -> None:
    assert sweep(lossary.get(name), {}, 11).says == says


def test_several_levels_are_drawn_as_one_curve() -> None:
    found = facts(lossary.get("quantile"), {"level": [0.1, 0.9]})
    assert card_json(found)["curve"]["gradient"][0] == pytest.approx(-0.5)
    assert any("at these settings" in each.text for each in card_lines(found, 80))


def test_settings_change_the_card() -> None:
    plain, softened = facts(lossary.get("focal")), facts(lossary.get("focal"), {"gamma": 0.0})
    assert card_json(plain)["claims"]["convex"] is False
    assert card_json(softened)["claims"]["convex"] is True
    assert card_json(softened)["derivative"]["text"] == "σ(x) − t"


def test_a_setting_outside_its_domain_is_refused() -> None:
    with pytest.raises(DomainError, match=r"focal\(gamma=\.\.\.\): expected a finite number of at least 0"):
        facts(lossary.get("focal"), {"gamma": -1.0})


def test_a_claim_says_at_which_settings_it_holds() -> None:
    loss = lossary.get("focal").loss
    said = claims_in_words(loss.facts.claims, loss.defaults)
    assert "not convex at gamma = 2" in said
    assert "at least 0" in said


def test_a_jump_in_a_gradient_stays_open() -> None:
    x = [i / 50 - 1 for i in range(101)]
    y = [-1.0 if each < 0 else 1.0 for each in x]
    drawn = panel("gradient", x, y, width=30, height=5, joined=False).lines
    assert all(set(line[5:]) <= {"\u2800", " "} for line in drawn[2:5]), "nothing stands between -1 and 1"


def test_a_steep_curve_is_joined() -> None:
    x = [i / 50 - 1 for i in range(101)]
    y = [-1.0 if each < 0 else 1.0 for each in x]
    drawn = panel("loss", x, y, width=30, height=5).lines
    assert all(set(line[5:]) - {"\u2800", " "} for line in drawn[1:6])


def test_two_panels_stand_side_by_side() -> None:
    one = panel("loss", [-1.0, 0.0, 1.0], [1.0, 0.0, 1.0], width=20, height=4)
    lines = beside(one, one)
    assert len(lines) == len(one.lines)
    assert max(map(len, lines)) <= 42
