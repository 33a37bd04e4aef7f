"""Metrics with parameters, written as a plain name: "pinball(0.9)", "tpr_at_fpr(0.01)", "cost(fn=10,fp=1)".

The text is read, never evaluated, and every metric has one canonical name, under which records keep it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from lossary.core.errors import DataError
from lossary.lab.metrics import catalogue
from lossary.lab.metrics.cuts import cost_cut, natural_cost_cut
from lossary.lab.metrics.decisions import expected_cost
from lossary.lab.metrics.distances import coverage, pinball
from lossary.lab.metrics.metric import Metric
from lossary.lab.metrics.ranking import tpr_at_fpr

FORM = re.compile(r"(?P<name>[a-z_0-9@]+)\s*\((?P<inside>[^()]*)\)")
NUMBERED = re.compile(r"(?P<name>top|recall_at|recall@)_?(?P<k>[0-9]{1,6})")
COST = "cost(fn=10,fp=1)"


def parametrised(key: str) -> Metric | None:
    """The metric of a name such as "pinball(0.9)" or "top_4"; None where it has no such form."""
    numbered = NUMBERED.fullmatch(key)
    if numbered is not None:
        return _numbered(key, numbered["name"], int(numbered["k"]))
    form = FORM.fullmatch(key)
    if form is None:
        return None
    name, inside = form["name"], form["inside"]
    if name in ("top", "recall_at", "recall@"):
        return _numbered(key, name, _whole(key, inside))
    if name not in MAKERS:
        raise DataError(
            f"metric: expected one that takes parameters, got {key!r}; known are {', '.join(EXAMPLES)}."
        )
    return MAKERS[name](key, inside)


def cost_metric(text: str) -> Metric:
    """The metric of what `--cost` says: "fn=10,fp=1" is what a missed positive and a false alarm cost."""
    return _cost(text, text)


def _cost(key: str, inside: str) -> Metric:
    prices = _named(key, inside)
    if set(prices) != {"fn", "fp"} or min(prices.values()) <= 0:
        raise DataError(
            f"cost: expected what a missed positive and a false alarm cost, both above 0, got {key!r}; write "
            "'fn=10,fp=1'."
        )
    return cost(prices["fn"], prices["fp"])


@lru_cache
def cost(fn: float, fp: float) -> Metric:
    """Mean cost of a row. Decided where the calibrated probability is fp / (fp + fn), not at the loss's own rule."""
    # Where both errors cost the same it is the likelier class that is asked for; else the cut needs the order.
    rewards = catalogue.ANY_CLASSIFIER if fn == fp else catalogue.ORDER
    return catalogue.error(
        f"cost(fn={fn:g},fp={fp:g})",
        f"Expected cost (fn {fn:g}, fp {fp:g})",
        "decision",
        catalogue.TWO,
        rewards,
        expected_cost(fn, fp),
        summary=f"Mean cost of a row where a missed positive costs {fn:g} and a false alarm {fp:g}.",
        cutter=cost_cut(fn, fp),
        natural=natural_cost_cut(fn, fp),
    )


@lru_cache
def pinball_metric(level: float) -> Metric:
    """The error of a predicted quantile."""
    rewards = frozenset({"quantile"}) | (catalogue.MEDIAN if level == 0.5 else frozenset())
    return catalogue.error(
        f"pinball({level:g})",
        f"Pinball {level:g}",
        "value",
        catalogue.NUMBERS,
        rewards,
        pinball(level),
        summary=f"Mean error where a unit too low costs {level:g} and a unit too high {1 - level:g}.",
        in_target_unit=True,
    )


@lru_cache
def coverage_metric(level: float) -> Metric:
    """How far a predicted quantile is from covering what it says."""
    rewards = frozenset({"quantile"}) | (catalogue.MEDIAN if level == 0.5 else frozenset())
    return catalogue.rate(
        f"coverage({level:g})",
        f"Coverage error {level:g}",
        "value",
        catalogue.NUMBERS,
        rewards,
        coverage(level),
        up=False,
        summary=f"How far the share of targets at or below the prediction is from {level:g}.",
    )


@lru_cache
def tpr_metric(rate: float) -> Metric:
    """The share of positives found at a false positive rate, the cut chosen on the rows scored."""
    return catalogue.rate(
        f"tpr_at_fpr({rate:g})",
        f"TPR at FPR {100 * rate:g} %",
        "order",
        catalogue.TWO | catalogue.ANOMALY,
        catalogue.ORDER,
        tpr_at_fpr(rate),
        summary=f"Greatest share of positives found by a cut that takes {100 * rate:g} % of the negatives at most.",
    )


def _share(make: Callable[[float], Metric], example: str) -> Callable[[str, str], Metric]:
    def read(key: str, inside: str) -> Metric:
        level = _number(inside)
        if level is None or not 0 < level < 1:
            raise DataError(
                f"metric: expected a number between 0 and 1 in the parentheses, got {key!r}; write {example!r}."
            )
        return make(level)

    return read


MAKERS: Mapping[str, Callable[[str, str], Metric]] = {
    "pinball": _share(pinball_metric, "pinball(0.9)"),
    "coverage": _share(coverage_metric, "coverage(0.9)"),
    "tpr_at_fpr": _share(tpr_metric, "tpr_at_fpr(0.01)"),
    "cost": _cost,
}
EXAMPLES = ("pinball(0.9)", "coverage(0.9)", "tpr_at_fpr(0.01)", COST, "top_4", "recall_at_10")


def _numbered(key: str, name: str, k: int) -> Metric:
    if k < 1:
        raise DataError(f"metric: expected a whole number of at least 1, got {key!r}; write 'top_4'.")
    metric = f"top_{k}" if name == "top" else f"recall_at_{k}"
    if metric in catalogue.METRICS:
        return catalogue.METRICS[metric]
    return _top(k) if name == "top" else _recall(k)


_top = lru_cache(catalogue.top)
_recall = lru_cache(catalogue.recall_at)


def _whole(key: str, inside: str) -> int:
    if not re.fullmatch(r"\s*[0-9]{1,6}\s*", inside):
        raise DataError(f"metric: expected a whole number of at least 1, got {key!r}; write 'top_4'.")
    return int(inside)


def _named(key: str, inside: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for part in inside.split(","):
        name, equals, text = part.partition("=")
        value = _number(text)
        if not equals or value is None or name.strip().lower() in found:
            raise DataError(
                f"cost: expected what a missed positive and a false alarm cost, got {key!r}; write 'fn=10,fp=1'."
            )
        found[name.strip().lower()] = value
    return found


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def level_of(metric: str, name: str) -> float | None:
    """The parameter of a canonical name: level_of("pinball(0.9)", "pinball") is 0.9; None for another metric."""
    form = FORM.fullmatch(metric)
    return _number(form["inside"]) if form is not None and form["name"] == name else None
