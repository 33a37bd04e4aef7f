"""MAE against MSE where one target in ten is a gross outlier, by the metric that chooses rate and epoch.

    python benchmarks/outliers.py [--splits 20] [--seeds 5] [--share 0.1]

Training and validation rows hold the outliers (ten interquartile ranges off, up or down), test rows are clean. Only
what chooses on the dirty validation rows differs from row to row of a table: RMSE, the mean absolute error, or the
median error. Reads: the test RMSE and MAE of each loss with its corrected 95 % interval, the difference from MSE, the
median of the chosen rates and epochs.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import pandas as pd
from numpy.typing import NDArray
from sklearn.datasets import make_friedman1

from lossary.lab.asking.corrupt import Corruption
from lossary.lab.conduct import spoilt_plan
from lossary.lab.design import design
from lossary.lab.judging.statistics import Estimate, estimate
from lossary.lab.metrics import get_metric
from lossary.lab.planning.options import Options
from lossary.lab.planning.plan import RATES
from lossary.lab.results.tested import tested
from lossary.lab.running.execute import executor_for
from lossary.lab.running.progress import Silent
from lossary.lab.running.stages import train
from lossary.lab.running.store import Store
from lossary.lab.training.choose import chosen_rates

LOSSES = ("mse", "huber(delta=1)", "mae")
CHOOSING = ("rmse", "mae", "median_error")
READ = ("rmse", "mae")


@dataclass(frozen=True)
class Cell:
    """One loss, chosen by one metric on dirty validation rows, read on clean test rows."""

    choosing: str
    loss: str
    scores: dict[str, NDArray]  # type: ignore[type-arg]  # by metric: (splits,), seeds averaged
    rate: float
    epoch: float


def friedman() -> pd.DataFrame:
    """Five of ten features matter, one of them in a product: a smooth function with normal noise (Friedman 1991)."""
    x, y = make_friedman1(400, noise=1.0, random_state=0)
    return pd.DataFrame(x, columns=[f"x{i}" for i in range(x.shape[1])]).assign(y=y)


def measured(
    source: object,
    target: str,
    share: float,
    *,
    splits: int,
    seeds: int,
    rates: Sequence[float] = RATES,
    epochs: int | None = None,
    workers: int = 2,
) -> tuple[list[Cell], tuple[int, int]]:
    """Every cell for one set, and how many rows are tested and not tested. A share of 0 leaves the rows as they are."""
    cells = []
    for choosing in CHOOSING:
        options = Options(
            target=target, metric=choosing, losses=(", ".join(LOSSES),), reference=None, splits=splits,
            seeds=seeds, rates=tuple(rates), epochs=epochs, workers=workers,
        )  # fmt: skip
        planned, rows = design(source, options)
        plan = planned.plan
        if share:
            corruption = Corruption("outliers", share, options.seed)
            rows = rows.spoilt(corruption)
            plan = spoilt_plan(plan, corruption, rows)
        with (
            tempfile.TemporaryDirectory() as folder,
            Store(Path(folder)) as store,
            executor_for(workers) as executor,
        ):
            store.adopt(plan)
            train(plan, rows, store, executor, Silent(), beside=f"outliers {share:g}")
            every = store.trained()
            better = get_metric(choosing).greater_is_better
            chosen = chosen_rates(every, greater_is_better=better)
            for each in plan.candidates:
                by_split = [chosen[each.label, split] for split in range(splits)]
                outputs = [store.outputs(each.label, i, rate, seeds) for i, rate in enumerate(by_split)]
                found = tested(outputs, rows, probabilities=False).scores
                epoch = median(
                    t.epoch for t in every if t.label == each.label and t.rate == by_split[t.split]
                )
                scores = {name: found[name].mean(axis=1) for name in READ}
                cells.append(Cell(choosing, each.label, scores, median(by_split), epoch))
    return cells, (planned.effort.n_test, planned.effort.n_train + planned.effort.n_valid)


def against(
    cells: Sequence[Cell], one: tuple[str, str], other: tuple[str, str], read: str, rows: tuple[int, int]
) -> Estimate:
    """The paired difference of two cells, each named by (choosing, loss): positive where the first errs more."""
    found = {(cell.choosing, cell.loss): cell.scores[read] for cell in cells}
    return estimate(found[one] - found[other], n_test=rows[0], n_rest=rows[1])


def main() -> None:
    """Print one table a set and share."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--splits", type=int, default=20)
    asked.add_argument("--seeds", type=int, default=5)
    asked.add_argument("--share", type=float, default=0.1)
    given = asked.parse_args()
    for name, source, target in (("diabetes", "diabetes", "progression"), ("friedman", friedman(), "y")):
        for share in (0.0, given.share):
            cells, rows = measured(source, target, share, splits=given.splits, seeds=given.seeds)
            print(
                f"\n{name}, {100 * share:g} % gross outliers; {rows[0]} clean test rows, {given.splits} splits"
            )
            print(f"{'chosen by':14}{'loss':16}{'test RMSE':>24}{'test MAE':>24}{'rate':>9}{'epoch':>7}")
            for cell in cells:
                shown = []
                for read in READ:
                    found = estimate(cell.scores[read], n_test=rows[0], n_rest=rows[1])
                    low, high = found.interval()
                    shown.append(f"{found.mean:8.3f} [{low:.3f}, {high:.3f}]")
                print(
                    f"{cell.choosing:14}{cell.loss:16}{shown[0]:>24}{shown[1]:>24}{cell.rate:9g}{cell.epoch:7g}"
                )
            for read in READ:
                for choosing in CHOOSING:
                    _print(f"MAE - MSE, chosen by {choosing}", read,
                           against(cells, (choosing, "mae"), (choosing, "mse"), read, rows))  # fmt: skip
                for loss in LOSSES:
                    _print(f"{loss}, chosen by RMSE - by MAE", read,
                           against(cells, ("rmse", loss), ("mae", loss), read, rows))  # fmt: skip


def _print(what: str, read: str, found: Estimate) -> None:
    low, high = found.interval()
    print(
        f"  test {read.upper()}, {what}: {found.mean:+.3f} [{low:+.3f}, {high:+.3f}], p {found.p_differs():.3g}"
    )


if __name__ == "__main__":
    main()
