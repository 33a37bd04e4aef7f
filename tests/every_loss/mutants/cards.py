"""Mutants whose card says what is not so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from torch import Tensor

import lossary
from lossary.core.card import Claims, Elicits, Example, Relative
from lossary.core.function import make
from lossary.core.loss import card
from lossary.doctor.impostor import Mutant, exchange


def claims(name: str, **changed: Any) -> Any:
    """The loss with other claims."""
    return lambda: exchange(name, claims=replace(lossary.get(name).loss.facts.claims, **changed))


def without_definition() -> Any:
    made = make(replace(lossary.get("mse").loss, definition=None))
    made.card = card(made.loss)
    return made


def unhinged(scores: Tensor, target: Tensor) -> Tensor:
    """1 - y·f, the one convex loss that is symmetric; bent a little it is not."""
    signs = 2.0 * target - 1.0
    return 1.0 - signs * scores + 1e-3 * scores.square()


MUTANTS = [
    Mutant(
        "focal is said to be convex", claims("focal", convex=True), frozenset({"convex_where_it_says_so"})
    ),
    Mutant(
        "Dice is said to be convex",
        claims("binary_dice", convex=True),
        frozenset({"convex_where_it_says_so"}),
    ),
    Mutant(
        "categorical focal is said to be convex",
        claims("categorical_focal", convex=True),
        frozenset({"convex_where_it_says_so"}),
    ),
    Mutant("a lower bound of 1/2", claims("mse", lower=0.5), frozenset({"stays_above_its_lower_bound"})),
    Mutant("a lower bound of -1", claims("mae", lower=-1.0), frozenset({"stays_above_its_lower_bound"})),
    Mutant(
        "a margin is said to stay above 0.2",
        claims("hinge", lower=0.2),
        frozenset({"stays_above_its_lower_bound"}),
    ),
    Mutant("an upper bound of 10", claims("mse", upper=10.0), frozenset({"stays_below_its_upper_bound"})),
    Mutant(
        "Dice is said to stay below 0.9",
        claims("binary_dice", upper=0.9),
        frozenset({"stays_below_its_upper_bound"}),
    ),
    Mutant(
        "Dice is said to reach 3",
        claims("binary_dice", upper=3.0),
        frozenset({"stays_below_its_upper_bound"}),
    ),
    Mutant(
        "a slope of at most 1/2", claims("mae", lipschitz=0.5), frozenset({"keeps_to_its_lipschitz_constant"})
    ),
    Mutant(
        "an idle bound on the slope",
        claims("mae", lipschitz=10.0),
        frozenset({"keeps_to_its_lipschitz_constant"}),
    ),
    Mutant(
        "squares are said to be Lipschitz",
        claims("mse", lipschitz=4.0),
        frozenset({"keeps_to_its_lipschitz_constant"}),
    ),
    Mutant(
        "the absolute value is said to be smooth",
        claims("mae", smooth=True),
        frozenset({"smooth_where_it_says_so"}),
    ),
    Mutant(
        "the hinge is said to be smooth", claims("hinge", smooth=True), frozenset({"smooth_where_it_says_so"})
    ),
    Mutant(
        "the quantile loss is said to be smooth",
        claims("quantile", smooth=True),
        frozenset({"smooth_where_it_says_so"}),
    ),
    Mutant(
        "the hinge is said to be proper",
        lambda: exchange("hinge", claims=Claims(proper=True), raw=lambda chance: 2.0 * chance - 1.0),
        frozenset({"proper_where_it_says_so"}),
    ),
    Mutant(
        "focal is said to be proper",
        claims("categorical_focal", proper=True),
        frozenset({"proper_where_it_says_so"}),
    ),
    Mutant(
        "squares are said to elicit the median",
        lambda: exchange("mse", elicits=Elicits.MEDIAN),
        frozenset({"proper_where_it_says_so"}),
    ),
    Mutant(
        "the median is said to be the mean",
        lambda: exchange("mae", elicits=Elicits.MEAN),
        frozenset({"proper_where_it_says_so"}),
    ),
    Mutant(
        "alpha is said to leave decisions alone",
        claims("focal", calibrated=True),
        frozenset({"calibrated_where_it_says_so"}),
    ),
    Mutant(
        "pos_weight is said to as well",
        claims("binary_cross_entropy", calibrated=True),
        frozenset({"calibrated_where_it_says_so"}),
    ),
    Mutant(
        "a hinge against the labels",
        lambda: exchange(
            "hinge", block=lambda scores, target: lossary.get("hinge").loss.block(-scores, target)
        ),
        frozenset(
            {
                "calibrated_where_it_says_so",
                "gradients_are_exact",
                "gradients_are_exact_at_extremes",
                "gradients_at_kinks_are_subgradients",
                "the_example_is_right",
                "the_slope_agrees_at_kinks",
                "the_slope_is_the_gradient",
                "values_are_exact",
                "values_are_exact_at_extremes",
            }
        ),
    ),
    Mutant(
        "the hinge is said to be symmetric",
        claims("hinge", symmetric=True),
        frozenset({"symmetric_where_it_says_so"}),
    ),
    Mutant(
        "cross-entropy is said to be symmetric",
        claims("cross_entropy", symmetric=True),
        frozenset({"symmetric_where_it_says_so"}),
    ),
    Mutant(
        "a bent unhinged loss",
        lambda: exchange("hinge", block=unhinged, claims=Claims(symmetric=True)),
        frozenset(
            {
                "gradients_are_exact",
                "gradients_are_exact_at_extremes",
                "gradients_at_kinks_are_subgradients",
                "symmetric_where_it_says_so",
                "the_example_is_right",
                "the_slope_agrees_at_kinks",
                "the_slope_is_the_gradient",
                "values_are_exact",
                "values_are_exact_at_extremes",
            }
        ),
    ),
    Mutant(
        "an example that is off",
        lambda: exchange("mse", example=Example((3.0, 1.0), 4.001, "")),
        frozenset({"the_example_is_right"}),
    ),
    Mutant(
        "an example of another loss",
        lambda: exchange("mae", example=Example((3.0, 1.0), 4.0, "")),
        frozenset({"the_example_is_right"}),
    ),
    Mutant(
        "a relative by another factor",
        lambda: exchange("mse", relatives=(Relative("huber", "half", theirs={"delta": 1e6}, factor=1.0),)),
        frozenset({"relatives_coincide"}),
    ),
    Mutant(
        "a relative that is none",
        lambda: exchange("mae", relatives=(Relative("mse", "the same"),)),
        frozenset({"relatives_coincide"}),
    ),
    Mutant(
        "a constant that is the median",
        lambda: exchange("mse", constant="on 0, 0, 1, 10 it is 0.5"),
        frozenset({"the_stated_constant_minimises"}),
    ),
    Mutant(
        "a range that is too wide",
        lambda: exchange("mae", constant="on 0, 0, 1, 10 any from 0 to 2.75"),
        frozenset({"the_stated_constant_minimises"}),
    ),
    Mutant(
        "a constant as first written",
        lambda: exchange("log_cosh", constant="on 0, 0, 1, 10 about 0.6585"),
        frozenset({"the_stated_constant_minimises"}),
    ),
    Mutant("no definition", without_definition, frozenset({"the_card_is_whole"})),
    Mutant("no advice", lambda: exchange("mse", use_when=" "), frozenset({"the_card_is_whole"})),
    Mutant("no formula by hand", lambda: exchange("mae", symbolic=False), frozenset({"the_card_is_whole"})),
    Mutant(
        "excused from nothing",
        lambda: exchange("mse", exempt={"be_nice": "it is tired"}),
        frozenset({"the_card_is_whole"}),
    ),
]
