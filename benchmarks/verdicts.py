"""How often a verdict is false where two losses are exactly as good, and how often a planted difference is found.

    python benchmarks/verdicts.py [--sets 400] [--compared 8]

The data sets and the losses are those of `nulls.py`, the verdicts those of the laboratory with its shipped defaults.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from math import nan, sqrt
from unittest.mock import patch

import nulls
import numpy as np
import pandas as pd
import torch
from nulls import REFERENCE, Null, Tables
from numpy.typing import NDArray

from lossary.lab.asking.task import Kind
from lossary.lab.conduct import compare
from lossary.lab.judging import statistics
from lossary.lab.judging.verdict import Finding, Verdict, judge
from lossary.lab.metrics import METRICS

LEVEL = statistics.LEVEL
GAINS = (0.01, 0.02, 0.03, 0.04)
AMONG_EIGHT = 0.048  # about what is printed for a family of eight in which one is better by so much
COMPARED = (
    (nulls.MIRROR, (f"binary_cross_entropy(pos_weight={1 / 3})", "binary_cross_entropy(pos_weight=3)")),
    (nulls.QUANTILES, ("quantile(level=0.3)", "quantile(level=0.7)")),
)


@dataclass(frozen=True)
class Rate:
    """False verdicts among data sets: at least one candidate called better or worse."""

    false: int
    sets: int
    equal: int  # verdicts "practically equal", over all candidates
    undecided: int

    @property
    def share(self) -> float:
        """The family-wise share of false verdicts."""
        return self.false / self.sets

    @property
    def allowed(self) -> float:
        """5 % and two standard errors, of the sets."""
        return LEVEL * self.sets + 2 * sqrt(LEVEL * (1 - LEVEL) * self.sets)


@dataclass(frozen=True)
class Power:
    """How often a planted difference was found, and what was printed of it."""

    true: float  # the mean difference over all data sets, and its standard error
    error: float
    printed: float  # the median of the detectable differences that were printed
    better: float  # the shares of the data sets with each verdict
    equal: float
    worse: float
    shown: float  # the mean difference measured where it was found: what a headline of maxima would say; nan if never
    over: float  # the share of the data sets whose headline's lower limit exceeds the true difference
    sets: int

    @property
    def doubt(self) -> float:
        """The standard error of `better`."""
        return sqrt(self.better * (1 - self.better) / self.sets)


def judged(null: Null, table: dict[str, NDArray[np.float64]]) -> tuple[Finding, ...]:
    """The findings on one data set, with the shipped defaults."""
    n_test = null.rows // 5
    metric = METRICS[null.metric]
    return judge(table, reference=REFERENCE, metric=metric, n_test=n_test, n_rest=null.rows - n_test).findings


def rate(null: Null, tables: Tables) -> Rate:
    """Judge every data set and count what was false."""
    verdicts = [[f.verdict for f in judged(null, table)] for table in tables]
    false = [any(v in (Verdict.BETTER, Verdict.WORSE) for v in found) for found in verdicts]
    flat = [v for found in verdicts for v in found]
    return Rate(sum(false), len(tables), flat.count(Verdict.EQUAL), flat.count(Verdict.UNDECIDED))


def power(null: Null, tables: Tables, name: str, *, alone: bool = True) -> Power:
    """Judge the named candidate on every data set, alone against the reference or in its family."""
    families = [
        judged(null, {k: v for k, v in t.items() if not alone or k in (REFERENCE, name)}) for t in tables
    ]
    found = [next(f for f in family if f.name == name) for family in families]
    contrasts = [f.contrast for f in found if f.contrast is not None]
    true = np.array([c.advantage for c in contrasts])
    better = np.array([f.verdict is Verdict.BETTER for f in found])
    limits = np.array([c.adjusted_low for c in contrasts])
    shares = {v: sum(f.verdict is v for f in found) / len(found) for v in Verdict}
    return Power(
        float(true.mean()),
        float(true.std() / sqrt(len(true))),
        float(np.median([c.detectable for c in contrasts])),
        shares[Verdict.BETTER],
        shares[Verdict.EQUAL],
        shares[Verdict.WORSE],
        float(true[better].mean()) if better.any() else nan,
        float((better & (limits > true.mean())).mean()),
        len(found),
    )


def shifted(null: Null, tables: Tables) -> Power:
    """What is found where the first candidate is moved, on each data set, by the difference printed for that set.

    A shift plants a difference exactly and leaves everything else of the null as it is.
    """
    name = null.losses[1].name
    sign = 1 if METRICS[null.metric].greater_is_better else -1
    moved = []
    for table in tables:
        contrast = judged(null, {each: table[each] for each in (REFERENCE, name)})[0].contrast
        assert contrast is not None
        moved.append({REFERENCE: table[REFERENCE], name: table[name] + sign * contrast.detectable})
    return power(null, moved, name)


def among_eight(gain: float) -> Null:
    """A family of eight of which one is better than the reference by `gain`, the others as good."""
    names = (REFERENCE, "better", *(f"part {i}" for i in range(3, 10)))
    return nulls.on_parts("planted among eight", (nulls.OWN, nulls.stronger(gain), *7 * (nulls.OWN,)), names)


def self_detected(curve: Sequence[Power]) -> float:
    """The difference that is printed where it is planted, by interpolation between those of a curve."""
    true, printed = np.array([p.true for p in curve]), np.array([p.printed for p in curve])
    return float(np.interp(0, true - printed, true))


def compared(null: Null, expressions: tuple[str, str], sets: int) -> Tables:
    """The same through `lossary compare`: the real networks, rates tuned per loss, the stacked engine, the defaults."""
    generator = torch.Generator().manual_seed(0)
    x, y = null.draw(sets, generator)
    tables = []
    for i in range(sets):
        frame = pd.DataFrame(x[i].numpy(), columns=[f"x{c}" for c in range(x.shape[-1])])
        answers = y[i].numpy()
        frame["y"] = np.where(answers == 1, "yes", "no") if null.kind is Kind.BINARY else answers
        found = compare(
            frame, "y", metric=null.metric, reference=expressions[0], losses=expressions, seed=i, workers=1
        )
        tables.append(
            {
                REFERENCE
                if row.candidate.label == found.verdicts.reference
                else row.candidate.label: np.array(row.score.by_split)
                for row in found.rows
            }
        )
    return tables


def report(name: str, null: Null, tables: Tables) -> None:
    """What was counted with the correction, and without it."""
    found = rate(null, tables)
    with patch.object(statistics, "inflation", lambda splits, n_test, n_rest: 1 / splits):
        naive = rate(null, tables)
    print(name)
    print(
        f"  false verdicts: {found.false} of {found.sets} sets ({found.share:.1%}); "
        f"5 % and two standard errors are {found.allowed:.1f}"
    )
    print(f"  practically equal {found.equal}, cannot tell {found.undecided}")
    print(f"  with the uncorrected t: {naive.false} false ({naive.share:.1%})", flush=True)


def report_power(what: str, found: Power, scale: float, unit: str) -> None:
    """One line: what was planted, what was printed, how often it was found."""
    print(
        f"  {what}: measured {scale * found.true:.3g} ± {scale * found.error:.2g}{unit}, "
        f"printed {scale * found.printed:.3g}{unit}, found {found.better:.1%} ± {found.doubt:.1%}, "
        f"called practically equal {found.equal:.1%}, worse {found.worse:.1%}; measured where found "
        f"{scale * found.shown:.3g}{unit}, limit of the headline above the truth {found.over:.1%}",
        flush=True,
    )


def main() -> None:
    """Print the rates of false verdicts under every null, and the power."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--sets", type=int, default=400, help="data sets a null, with the cheap learner")
    parser.add_argument(
        "--compared", type=int, default=8, help="data sets a null, through the whole comparison"
    )
    asked = parser.parse_args()
    if asked.sets:
        print("Losses that are exactly as good")
        for null in (nulls.MIRROR, nulls.QUANTILES, nulls.HALVES, nulls.MIRROR_FAMILY, nulls.PARTS_FAMILY):
            tables = nulls.scores(null, asked.sets)
            report(null.name, null, tables)
            if len(null.losses) == 2:
                scale, unit = (100, " points") if null.metric == "accuracy" else (1, " RMSE")
                found = shifted(null, tables)
                report_power("moved by the printed difference of each set", found, scale, unit)
        print("A stronger half of the features")
        curve = []
        null = nulls.planted(*GAINS)
        tables = nulls.scores(null, asked.sets)
        for gain, loss in zip(GAINS, null.losses[1:], strict=True):
            curve.append(power(null, tables, loss.name))
            report_power(f"planted {100 * gain:.0f}", curve[-1], 100, " points")
        gain = self_detected(curve)
        null = nulls.planted(gain)
        found = power(null, nulls.scores(null, asked.sets, seed=1), null.losses[1].name)
        report_power(f"planted {100 * gain:.2f}, which is what is printed there", found, 100, " points")
        null = among_eight(AMONG_EIGHT)
        found = power(null, nulls.scores(null, asked.sets, seed=2), "better", alone=False)
        report_power(f"planted {100 * AMONG_EIGHT:.2f} in one of eight", found, 100, " points")
    for null, expressions in COMPARED if asked.compared else ():
        report(f"{null.name}, through compare", null, compared(null, expressions, asked.compared))


if __name__ == "__main__":
    main()
