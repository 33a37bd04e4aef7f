"""Many trainings of one network at fixed rates: what a study asks of the laboratory's engines beside `compare`.

Every loss meets the same splits, initial weights and batches. The epoch is the best one on validation, as in a
comparison; the rate is not chosen unless a recipe does so, since how a loss does at each rate is often the question.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from lossary.lab.asking.splits import Split, make_splits
from lossary.lab.asking.task import Kind
from lossary.lab.metrics import get_metric
from lossary.lab.studies.bench import Bench
from lossary.lab.training.engines import engine
from lossary.lab.training.networks import Mlp
from lossary.lab.training.trial import Link, Setup, SplitData, Trial

Values = NDArray[np.float64]
HIDDEN = (32,)


@dataclass(frozen=True)
class Contender:
    """A loss with its link."""

    name: str
    loss: str
    link: Link = "identity"


@dataclass(frozen=True, eq=False)
class Problem:
    """Rows to learn from: x (rows, features), y codes or numbers, and their kind. `dirty` are answers to learn from
    where those differ from the true ones: training and validation rows read them, test rows do not.
    """

    x: Values
    y: Values
    kind: Kind
    dirty: Values | None = None

    @property
    def outputs(self) -> int:
        """Of the network."""
        return int(self.y.max()) + 1 if self.kind is Kind.MULTICLASS else 1

    def splits(self, count: int, seed: int = 0) -> list[Split]:
        """Independent stratified splits, a fifth of the rows for the test, a quarter of the rest for validation."""
        return make_splits(self.y, self.kind, count, seed)

    def data(self, split: Split) -> SplitData:
        """Standardised by the training rows."""
        centre, scale = self.x[split.train].mean(0), self.x[split.train].std(0)
        x = (self.x - centre) / np.where(scale > 0, scale, 1.0)
        whole = self.kind is Kind.MULTICLASS

        def rows(at: NDArray[np.int64], answers: Values) -> tuple[torch.Tensor, torch.Tensor]:
            kept = answers[at].astype(np.int64 if whole else np.float32)
            return torch.from_numpy(x[at].astype(np.float32)), torch.from_numpy(kept)

        learned = self.y if self.dirty is None else self.dirty
        return SplitData(*rows(split.train, learned), *rows(split.valid, learned), *rows(split.test, self.y))


@dataclass(frozen=True, eq=False)
class Trained:
    """Test and validation scores (splits, rates, seeds) at the best epoch, the last one before a divergence at most."""

    rates: tuple[float, ...]
    test: Values
    valid: Values
    curves: list[list[list[list[float]]]]  # (splits, rates, seeds, epochs)
    n_test: int
    n_rest: int

    def tuned(self, *, greater: bool = True) -> Values:
        """Test scores (splits, seeds) at each split's best rate on validation."""
        mean = np.nan_to_num(self.valid.mean(axis=2), nan=-np.inf if greater else np.inf)
        best = mean.argmax(axis=1) if greater else mean.argmin(axis=1)
        found: Values = self.test[np.arange(len(best)), best]
        return found

    def at(self, rate: float) -> Values:
        """Test scores (splits, seeds) at one rate."""
        found: Values = self.test[:, self.rates.index(rate)]
        return found


def trainings(
    bench: Bench,
    title: str,
    problem: Problem,
    contenders: Sequence[Contender],
    *,
    metric: str,
    rates: Sequence[float],
    splits: int,
    seeds: int,
    epochs: int,
    optimizer: str = "adamw",
) -> Mapping[str, Trained]:
    """Name of a contender -> its trainings on every split at every rate."""
    setup = Setup(
        network=Mlp(problem.x.shape[1], HIDDEN, problem.outputs),
        metric=metric,
        epochs=epochs,
        optimizer=optimizer,  # type: ignore[arg-type]  # one of the two, by the recipes
        weight_decay=0.0,
    )
    drawn = problem.splits(splits)
    tasks = [
        (setup, tuple(contenders), tuple(rates), seeds, split.index, problem.data(split)) for split in drawn
    ]
    found = bench.run(title, on_one_split, tasks)
    n_test = len(drawn[0].test)
    n_rest = len(drawn[0].train) + len(drawn[0].valid)
    return {
        each.name: Trained(
            rates=tuple(rates),
            test=np.array([_numbers(split[at]["test"]) for split in found]),
            valid=np.array([_numbers(split[at]["valid"]) for split in found]),
            curves=[split[at]["curves"] for split in found],
            n_test=n_test,
            n_rest=n_rest,
        )
        for at, each in enumerate(contenders)
    }


def on_one_split(
    setup: Setup,
    contenders: Sequence[Contender],
    rates: Sequence[float],
    seeds: int,
    split: int,
    data: SplitData,
) -> list[dict[str, list[object]]]:
    """One dictionary a contender: test and valid (rates, seeds), curves (rates, seeds, epochs)."""
    trials = [
        Trial(loss=each.loss, rate=rate, seed=seed, split=split, setup=setup, link=each.link)
        for each in contenders
        for rate in rates
        for seed in range(seeds)
    ]
    outcomes = iter(engine(setup).run(trials, {split: data}))
    metric = get_metric(setup.metric)
    found = []
    for _ in contenders:
        rows: dict[str, list[object]] = {"test": [], "valid": [], "curves": []}
        for _ in rates:
            some = [next(outcomes) for _ in range(seeds)]
            rows["test"].append(
                [float(metric.score(torch.from_numpy(each.test), data.y_test)) for each in some]
            )
            rows["valid"].append([each.score for each in some])
            rows["curves"].append([list(each.curve) for each in some])
        found.append(rows)
    return found


def _numbers(values: list[list[object]]) -> list[list[float]]:
    # JSON has no NaN: a record writes it as a text.
    return [[float(str(value)) for value in row] for row in values]
