"""Comparisons to draw: real profiles, real verdicts, and made-up trainings, so that no test has to train."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lossary.lab.asking.infer import infer
from lossary.lab.asking.profile import profile
from lossary.lab.asking.task import Kind, Task
from lossary.lab.behaving import Disagreement, Disputed, Listening
from lossary.lab.comparison import (
    Anchor,
    Calibration,
    Comparison,
    Confusion,
    Convergence,
    Curve,
    Data,
    Effort,
    Measured,
    RatePoint,
    Recommendation,
    Row,
    Ruler,
    SizedResiduals,
)
from lossary.lab.data import Table, read
from lossary.lab.judging.verdict import judge
from lossary.lab.metrics import get_metric
from lossary.lab.planning.candidate import Candidate
from lossary.lab.planning.plan import Settings
from lossary.lab.training.networks import Mlp
from lossary.report.page import page

RATES = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1)
SPLITS = 20
TENTHS = tuple(float(10 * each) for each in range(1, 11))
NASTY = "<script>alert(1)</script>"

LOSSES = {
    Kind.BINARY: [
        ("binary_cross_entropy", "identity", "probability", 0.0),
        ("focal(gamma=2)", "identity", "order", 0.001),
        ("mse", "sigmoid", "mean", -0.004),
        ("hinge", "identity", "mode", 0.024),
        ("0.5*squared_hinge + focal(gamma=1.0)", "identity", "order", -0.05),
    ],
    Kind.MULTICLASS: [
        ("cross_entropy", "identity", "probability", 0.0),
        ("cross_entropy(label_smoothing=0.1)", "identity", "probability", 0.002),
        ("mse", "softmax", "mean", -0.01),
    ],
    Kind.REGRESSION: [
        ("mse", "identity", "mean", 0.0),
        ("huber(delta=1)", "identity", "mean", -0.02),
        ("log_cosh", "identity", "mean", 0.0005),
        ("mae", "identity", "median", 0.05),
    ],
}
METRICS = {Kind.BINARY: "accuracy", Kind.MULTICLASS: "accuracy", Kind.REGRESSION: "rmse"}


def _houses(rows: int = 160) -> pd.DataFrame:
    """A table with everything that a table can hold, the nasty name among it; the target is `price`."""
    numbers = np.random.default_rng(0)
    area = numbers.normal(100, 30, rows).round(1)
    town = numbers.choice(["Köln", "Aachen", "<b>Bonn</b>", 'O\'Hara "quoted"'], rows)
    frame = pd.DataFrame(
        {
            "area": np.where(numbers.random(rows) < 0.1, np.nan, area),
            NASTY: numbers.normal(size=rows).round(3),
            "town": pd.Series(town, dtype=object).where(numbers.random(rows) > 0.05),
            "sold": pd.Timestamp("2020-01-01") + pd.to_timedelta(numbers.integers(0, 900, rows), unit="D"),
            'say """hi"""\\': numbers.integers(0, 5, rows),
            "floor {{ 7*7 }}": numbers.integers(0, 9, rows),
            "always": "same",
        }
    )
    frame["price"] = (2.0 * area + 40 * (town == "Köln") + numbers.normal(0, 12, rows)).round(2)
    return frame


def _spread(mean: float, shares: bool, rng: np.random.Generator) -> tuple[float, ...]:
    return tuple((mean + rng.normal(0, 0.008 if shares else 0.4, SPLITS)).tolist())


def _measured(metric: str, values: tuple[float, ...]) -> Measured:
    found = get_metric(metric)
    mean, half = float(np.mean(values)), 1.146 * float(np.std(values, ddof=1))
    return Measured(metric, found.title, found.greater_is_better, mean, mean - half, mean + half, values)


def _compared(
    table: Table, kind: Kind, losses: list[tuple[str, str, str, float]] | None = None
) -> Comparison:
    """A comparison on a table, with scores drawn at random around the losses' offsets."""
    rng = np.random.default_rng(1)
    task = infer(table)
    described = profile(table, task)
    metric = get_metric(METRICS[kind])
    shares = kind is not Kind.REGRESSION
    base = 0.93 if shares else 14.0
    candidates, scores = [], {}
    noise = np.asarray(_spread(0.0, shares, rng))
    for expression, link, elicits, offset in losses or LOSSES[kind]:
        label = expression if link == "identity" else f"{expression} on {link}"
        judged = metric.judges(elicits)
        remark = "" if judged else f"estimates the {elicits}; not judged by {metric.title}"
        why = f"a reason that mentions {NASTY}" if not candidates else "robust where the target has outliers"
        candidates.append(Candidate(label, expression, expression, link, elicits, why, judged, remark))
        size = 1.0 if shares else base
        own = rng.normal(0, 0.003 * size, SPLITS) if candidates[1:] else 0.0
        scores[label] = base + noise + offset * size + own
    reference = candidates[0].label
    verdicts = judge(
        scores,
        reference=reference,
        metric=metric,
        n_test=table.rows // 5,
        n_rest=table.rows - table.rows // 5,
        elicits={c.label: c.elicits for c in candidates},
        widths={c.label: 1.0 for c in candidates},
    )
    sign = -1.0 if metric.greater_is_better else 1.0
    order = sorted(candidates, key=lambda c: (not c.judged, sign * float(scores[c.label].mean())))
    rows = tuple(_row(c, scores[c.label], task, metric.name, shares, rng) for c in order)
    chosen = next(c for c in candidates if c.label == (verdicts.recommended or reference))
    best = next(row for row in rows if row.candidate is chosen)
    n = table.rows
    return Comparison(
        name=table.name,
        data=Data(
            table.name, table.source, table.licence, table.digest, table.target, table.weight, table.notes,
            table.reading,
        ),
        task=task,
        profile=described,
        settings=Settings(
            target=table.target, metric=metric.name, reference=reference, rope=0.01, positive=task.positive,
            weight=table.weight, seed=0, splits=SPLITS, seeds=5, epochs=40, patience=None, batch=32,
            rates=RATES, losses=(),
        ),
        ruler=Ruler(
            metric.name, metric.title, metric.greater_is_better, "the smallest class has at least 20 % of the rows",
            0.01, metric.relative, shares,
        ),
        effort=Effort(
            SPLITS, 5, RATES, 40, 32, None, "8 inputs, 32 hidden units (ReLU), 1 output", "stacked",
            n * 3 // 5, n // 5, n // 5, 3000, (f"{reference}: 0.3 and 1 were added to its rates",), 0.013, 0.009,
        ),
        rows=rows,
        anchors=(
            Anchor(
                "constant", "Constant prediction",
                _measured(metric.name, _spread(0.6 if shares else 60, shares, rng)), (),
            ),
            Anchor("boosting", "HistGradientBoosting (scikit-learn)", best.score, best.others),
        ),
        verdicts=verdicts,
        headline=verdicts.headline,
        advice=verdicts.would_help,
        anchor_sentence="",
        recommendation=Recommendation(
            chosen, verdicts.advice, 0.003, 20, Mlp(8, (32,), task.outputs), 32, 0.01, best.score
        ),
        notes=("the class 'b' has fewer than 10 test rows in a split",),
        versions={"lossary": "0.1.0", "torch": "2.13.0", "python": "3.11"},
        disagreement=_disagreement(tuple(row.candidate.label for row in rows), numbers=not shares)
        if rows[1:]
        else None,
    )  # fmt: skip


def _row(
    candidate: Candidate, values: np.ndarray, task: Task, metric: str, shares: bool, rng: np.random.Generator
) -> Row:
    level = float(values.mean())
    worse = -1.0 if shares else 1.0
    scale = 0.2 if shares else 30.0
    mean = tuple(level + worse * scale * math.exp(-epoch / 6) for epoch in range(1, 41))
    width = scale * 0.05
    classes = len(task.levels)
    share = tuple(
        tuple(0.9 if i == j else 0.1 / (classes - 1) for j in range(classes)) for i in range(classes)
    )
    bins = Calibration(
        (0.05, 0.3, 0.7, 0.95), (0.03, 0.35, 0.66, 0.97), (400, 40, 30, 600), (0.01, 0.2, 0.5, 0.95),
        (0.05, 0.5, 0.8, 0.99), False,
    )  # fmt: skip
    others = ("f1", "log_loss") if shares else ("mae", "r2")
    calibrated = Measured(
        "log_loss_calibrated", "Log-loss, calibrated", False, 0.1, 0.09, 0.11, (0.1,) * SPLITS
    )
    return Row(
        candidate=candidate,
        score=_measured(metric, tuple(values.tolist())),
        validation=level,
        train_gap=0.01,
        others=(*(_measured(name, _spread(0.5, True, rng)) for name in others), calibrated),
        seed_spread=0.004,
        rate=0.003,
        usable=(0.001, 0.03),
        decades=1.5,
        epochs=20,
        convergence=Convergence(8.0, 0.95),
        diverged=3,
        trainings=600,
        reasons=("the outputs were no longer finite after epoch 3",),
        rates=tuple(
            RatePoint(rate, level + worse * scale * 0.3 * (math.log10(rate) + 2.4) ** 2, width, 0, 100, 3)
            for rate in RATES
        ),
        curve=Curve(mean, tuple(m - width for m in mean), tuple(m + width for m in mean)),
        calibration=bins if task.kind is Kind.BINARY else None,
        confusion=Confusion(task.levels, share) if classes else None,
        residuals=() if shares else tuple(np.sort(rng.standard_t(2, 101) * 12).tolist()),
        residuals_by_size=None if shares else SizedResiduals(TENTHS, TENTHS, TENTHS, TENTHS, (40,) * 10),
        listening=Listening(why="it has no slope of a single row")
        if candidate.elicits == "mode"
        else Listening(tuple(each / 55 for each in range(1, 11))),
    )


def _disagreement(labels: tuple[str, ...], *, numbers: bool) -> Disagreement:
    """Three rows, one of a nasty name; the last loss lies apart."""
    answers = (*((100.0 if numbers else 1.0) for _ in labels[1:]), 80.0 if numbers else 0.25)
    rows = tuple(
        Disputed(at, "120" if numbers else NASTY, 120.0 if numbers else None, 4, answers, (NASTY, "3.5"))
        for at in (17, 3, 99)
    )
    pairs = tuple(tuple(0.01 * (1 + i + j) for j in range(len(labels))) for i in range(len(labels)))
    return Disagreement(labels, "value" if numbers else "right", pairs, (NASTY, "area"), rows)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Kind], Comparison]:
    """A comparison of each kind: a set with two classes, one with three, and a file of houses with nasty names."""
    folder: Path = tmp_path_factory.mktemp("houses")
    _houses().to_csv(folder / "houses.csv", index=False)
    found: dict[Kind, Comparison] = {}

    def make(kind: Kind) -> Comparison:
        if kind not in found:
            sources = {
                Kind.BINARY: "breast_cancer",
                Kind.MULTICLASS: "iris",
                Kind.REGRESSION: folder / "houses.csv",
            }
            target = "price" if kind is Kind.REGRESSION else None
            found[kind] = _compared(read(sources[kind], target), kind)
        return found[kind]

    return make


@pytest.fixture(scope="session")
def drawn(made: Callable[[Kind], Comparison]) -> Callable[[Kind], str]:
    """The page of each kind of comparison, drawn once."""
    pages: dict[Kind, str] = {}

    def draw(kind: Kind) -> str:
        if kind not in pages:
            pages[kind] = page(made(kind))
        return pages[kind]

    return draw


@pytest.fixture(scope="session")
def houses() -> pd.DataFrame:
    """A table with missing cells, categories, dates and nasty names; the target is `price`."""
    return _houses()


@pytest.fixture(scope="session")
def compared() -> Callable[..., Comparison]:
    """A comparison on a table of one's own."""
    return _compared
