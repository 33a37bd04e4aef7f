"""How often a verdict is false: comparisons of two losses that are exactly as good, on many generated data sets.

    python benchmarks/verdicts.py [--sets 300] [--compared 4]

Both nulls are symmetries, not hopes. *Mirror*: the classes are mirror images (x given 1 is distributed as -x given 0,
half the rows each), so turning every x and every label round gives data of the same distribution, and turns a model
fitted with pos_weight=3 into one fitted with pos_weight=1/3 (up to a factor of the loss). Accuracy does not know which
class is called positive, so both have the same expected accuracy. *Quantiles*: x and the noise are symmetric and the
mean is odd in x, so turning x and y round turns the 0.3 quantile into the 0.7 quantile, and the RMSE does not change.

The network is one hidden layer with fixed random weights (its seed) and an output layer fitted to the minimum: as many
trainings as a real comparison has (20 splits, 5 seeds), in milliseconds, all data sets at once.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from unittest.mock import patch

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy.stats import binom
from torch import Tensor

from lossary.lab.asking.splits import make_splits
from lossary.lab.asking.task import Kind
from lossary.lab.conduct import compare
from lossary.lab.judging import statistics
from lossary.lab.judging.verdict import Verdict, judge
from lossary.lab.metrics import METRICS

SPLITS, SEEDS = 20, 5  # the shipped defaults
ROWS, FEATURES, HIDDEN = 120, 3, 1
CHUNK = 25  # data sets fitted together; bounds the memory

# Solves all networks at once: features (M, n, h), targets (M, n) -> weights of the output layer (M, h).
Fit = Callable[[Tensor, Tensor], Tensor]
# Draws data sets: (sets, generator) -> x (sets, ROWS, FEATURES), y (sets, ROWS).
Draw = Callable[[int, torch.Generator], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Null:
    """Losses that are equally good on data drawn this way, under this metric. `seeds` tells candidates' seeds apart."""

    name: str
    kind: Kind
    metric: str
    draw: Draw
    reference: Fit
    candidates: tuple[tuple[str, Fit, int], ...]  # name, loss, which family of random networks


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

    def allowed(self, level: float = 0.05, doubt: float = 0.001) -> int:
        """The most false verdicts that a test at `level` shows with probability 1 - doubt."""
        return int(binom.ppf(1 - doubt, self.sets, level))


def mirrored_classes(sets: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Skewed classes, each the other's mirror image, half the rows each; three rows in ten tell nothing of theirs.

    Those three are what makes the null hard: one loss calls them all positive, the other all negative, in every split.
    Which is luckier on these rows is the data set's accident, and 20 splits repeat it 20 times.
    """
    target = torch.arange(ROWS).remainder(2).double().expand(sets, ROWS)
    skewed = torch.empty(sets, ROWS, FEATURES, dtype=torch.float64).exponential_(generator=generator)
    told = (2 * target[..., None] - 1) * (skewed + 1)
    blurred = 0.3 * torch.randn(sets, ROWS, FEATURES, generator=generator, dtype=torch.float64)
    vague = torch.rand(sets, ROWS, 1, generator=generator) < 0.3
    return torch.where(vague, blurred, told), target


def symmetric_noise(sets: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """A linear mean of symmetric features, and noise that lies about -1 as often as about 1.

    Hard in the same way: one quantile is the lower heap and the other the upper one, in every split.
    """
    x = torch.randn(sets, ROWS, FEATURES, generator=generator, dtype=torch.float64)
    heap = 2.0 * torch.randint(0, 2, (sets, ROWS), generator=generator) - 1
    return x, x.sum(-1) + heap + 0.1 * torch.randn(sets, ROWS, generator=generator, dtype=torch.float64)


def weighted_cross_entropy(pos_weight: float, steps: int = 8, ridge: float = 1e-2) -> Fit:
    """Binary cross-entropy with pos_weight, by Newton's method; the ridge keeps separable data finite."""

    def fit(features: Tensor, target: Tensor) -> Tensor:
        # A common factor of the loss only weakens the ridge; divided out, pos_weight and 1/pos_weight are mirrored.
        measure = torch.where(target == 1, pos_weight, 1.0) / pos_weight**0.5
        theta = features.new_zeros(features.shape[0], features.shape[2], 1)
        penalty = ridge * ROWS * torch.eye(features.shape[2], dtype=features.dtype)
        for _ in range(steps):
            p = (features @ theta)[..., 0].sigmoid()
            slope = features.mT @ (measure * (p - target))[..., None] + penalty @ theta
            bend = features.mT @ (features * (measure * p * (1 - p))[..., None]) + penalty
            theta = theta - torch.linalg.solve(bend, slope)
        return theta

    return fit


def quantile(level: float, steps: int = 25, smooth: float = 1e-3) -> Fit:
    """The quantile loss by the majorise-minimise steps of Hunter and Lange (2000): a weighted least squares each."""

    def fit(features: Tensor, target: Tensor) -> Tensor:
        theta = features.new_zeros(features.shape[0], features.shape[2], 1)
        push = (2 * level - 1) * features.sum(1)[..., None]
        small = 1e-6 * torch.eye(features.shape[2], dtype=features.dtype)
        for _ in range(steps):
            weight = 1 / ((target - (features @ theta)[..., 0]).abs() + smooth)
            weighted = features * weight[..., None]
            theta = torch.linalg.solve(features.mT @ weighted + small, weighted.mT @ target[..., None] + push)
        return theta

    return fit


MIRROR = Null(
    "pos_weight 3 against 1/3, mirror-image classes, accuracy",
    Kind.BINARY,
    "accuracy",
    mirrored_classes,
    weighted_cross_entropy(1 / 3),
    (("pos_weight=3", weighted_cross_entropy(3.0), 0),),
)
QUANTILES = Null(
    "quantile 0.7 against 0.3, symmetric noise, RMSE",
    Kind.REGRESSION,
    "rmse",
    symmetric_noise,
    quantile(0.3),
    (("quantile(0.7)", quantile(0.7), 0),),
)
# Candidates with random networks of their own are as good as the reference too, whichever side they lean to.
FAMILY = Null(
    "five candidates, mirror-image classes, accuracy",
    Kind.BINARY,
    "accuracy",
    mirrored_classes,
    weighted_cross_entropy(1 / 3),
    tuple((f"pos_weight=3, networks {i}", weighted_cross_entropy(3.0), i) for i in range(3))
    + tuple((f"pos_weight=1/3, networks {i}", weighted_cross_entropy(1 / 3), i) for i in (3, 4)),
)
NULLS = (MIRROR, QUANTILES, FAMILY)
COMPARED = (
    (MIRROR, (f"binary_cross_entropy(pos_weight={1 / 3})", "binary_cross_entropy(pos_weight=3)")),
    (QUANTILES, ("quantile(level=0.3)", "quantile(level=0.7)")),
)


def scores(null: Null, sets: int, seed: int = 0) -> list[dict[str, NDArray[np.float64]]]:
    """For every data set the test scores (SPLITS, SEEDS) of the reference and of every candidate."""
    generator = torch.Generator().manual_seed(seed)
    tables: list[dict[str, NDArray[np.float64]]] = []
    for start in range(0, sets, CHUNK):
        x, y = null.draw(min(CHUNK, sets - start), generator)
        parts = [
            make_splits(row.numpy(), null.kind, SPLITS, seed=10_000 * seed + start + i)
            for i, row in enumerate(y)
        ]
        train = torch.tensor(np.array([[split.train for split in splits] for splits in parts]))
        test = torch.tensor(np.array([[split.test for split in splits] for splits in parts]))
        columns = {}
        for name, fit, networks in [("reference", null.reference, 0), *null.candidates]:
            columns[name] = _score(null, fit, x, y, train, test, networks + 1000 * (seed + start)).numpy()
        tables += [{name: column[i] for name, column in columns.items()} for i in range(len(y))]
    return tables


def _score(null: Null, fit: Fit, x: Tensor, y: Tensor, train: Tensor, test: Tensor, networks: int) -> Tensor:
    """The metric on test (sets, SPLITS, SEEDS) of networks fitted on the training rows."""
    sets = torch.arange(len(y))[:, None, None]
    layer = _random_layer(len(x), networks)
    features, target = _hidden(x[sets, train], layer), _per_seed(y[sets, train])
    theta = fit(features.flatten(0, 2), target.flatten(0, 2)).reshape(*features.shape[:3], -1, 1)
    return METRICS[null.metric].score(_hidden(x[sets, test], layer) @ theta, _per_seed(y[sets, test]))


def _random_layer(sets: int, networks: int) -> tuple[Tensor, Tensor]:
    """Weights (sets, SPLITS, SEEDS, FEATURES, HIDDEN) and offsets, symmetric about 0.

    As in a real comparison each (split, seed) starts from its own numbers: five starts shared by all splits would be a
    luck of the draw that no spread over splits could see.
    """
    generator = torch.Generator().manual_seed(networks)
    lead = (sets, SPLITS, SEEDS)
    weights = torch.randn(*lead, FEATURES, HIDDEN, generator=generator, dtype=torch.float64)
    return weights, torch.randn(*lead, 1, HIDDEN, generator=generator, dtype=torch.float64)


def _hidden(x: Tensor, layer: tuple[Tensor, Tensor]) -> Tensor:
    """The hidden layer (sets, SPLITS, SEEDS, rows, HIDDEN + 1) of x (sets, SPLITS, rows, FEATURES), and a constant."""
    weights, offsets = layer
    units = (x[:, :, None] @ weights + offsets).relu()
    straight = x[:, :, None].expand(-1, -1, SEEDS, -1, -1)
    return torch.cat([straight, units, torch.ones_like(units[..., :1])], dim=-1)


def _per_seed(rows: Tensor) -> Tensor:
    return rows[:, :, None].expand(-1, -1, SEEDS, -1)


def rate(tables: Sequence[dict[str, NDArray[np.float64]]], metric: str, *, level: float = 0.05) -> Rate:
    """Judge every data set with the shipped defaults and count what was false."""
    verdicts = [
        judge(
            table,
            reference="reference",
            metric=METRICS[metric],
            n_test=ROWS // 5,
            n_rest=ROWS - ROWS // 5,
            level=level,
        ).findings
        for table in tables
    ]
    false = [any(f.verdict in (Verdict.BETTER, Verdict.WORSE) for f in found) for found in verdicts]
    flat = [f.verdict for found in verdicts for f in found]
    return Rate(sum(false), len(tables), flat.count(Verdict.EQUAL), flat.count(Verdict.UNDECIDED))


def compared(null: Null, expressions: tuple[str, str], sets: int) -> list[dict[str, NDArray[np.float64]]]:
    """The same through `lossary compare`: the real networks, rates tuned per loss, the stacked engine, the defaults."""
    generator = torch.Generator().manual_seed(0)
    x, y = null.draw(sets, generator)
    tables = []
    for i in range(sets):
        frame = pd.DataFrame(x[i].numpy(), columns=[f"x{c}" for c in range(FEATURES)])
        answers = y[i].numpy()
        frame["y"] = np.where(answers == 1, "yes", "no") if null.kind is Kind.BINARY else answers
        found = compare(
            frame, "y", metric=null.metric, reference=expressions[0], losses=expressions, seed=i, workers=1
        )
        tables.append(
            {
                "reference"
                if row.candidate.label == found.verdicts.reference
                else row.candidate.label: np.array(row.score.by_split)
                for row in found.rows
            }
        )
    return tables


def report(name: str, tables: list[dict[str, NDArray[np.float64]]], metric: str) -> None:
    """What was counted with the correction, and without it."""
    found = rate(tables, metric)
    with patch.object(statistics, "inflation", lambda splits, n_test, n_rest: 1 / splits):
        naive = rate(tables, metric)
    print(name)
    print(
        f"  false verdicts: {found.false} of {found.sets} sets ({found.share:.1%}); 5 % allows {found.allowed()}"
    )
    print(f"  practically equal {found.equal}, cannot tell {found.undecided}")
    print(f"  with the uncorrected t: {naive.false} false ({naive.share:.1%})", flush=True)


def main() -> None:
    """Print the rates of false verdicts under every null."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--sets", type=int, default=300, help="data sets a null, with the cheap learner")
    parser.add_argument(
        "--compared", type=int, default=4, help="data sets a null, through the whole comparison"
    )
    asked = parser.parse_args()
    for null in NULLS if asked.sets else ():
        report(null.name, scores(null, asked.sets), null.metric)
    for null, expressions in COMPARED if asked.compared else ():
        report(f"{null.name}, through compare", compared(null, expressions, asked.compared), null.metric)


if __name__ == "__main__":
    main()
