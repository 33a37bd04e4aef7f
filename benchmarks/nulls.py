"""Losses that are exactly as good as each other, and one that is better by a known amount, on generated data sets.

Every null is a symmetry, not a hope. *Mirror*: the classes are mirror images (x given 1 is distributed as -x given 0,
half the rows each), so turning every x and every label round gives data of the same distribution, and turns a model
fitted with pos_weight=3 into one fitted with pos_weight=1/3 (up to a factor of the loss). Accuracy does not know which
class is called positive, so both have the same expected accuracy. *Quantiles*: x and the noise are symmetric and the
mean is odd in x, so turning x and y round turns the 0.3 quantile into the 0.7 quantile, and the RMSE does not change.
*Parts*: the features are one that all see and parts that are drawn alike; candidates that see a part each can be
exchanged by exchanging parts. There a stronger part plants a difference.

The network is one hidden layer with fixed random weights (its seed) and an output layer fitted to the minimum: as many
trainings as a real comparison has (20 splits, 5 seeds), in milliseconds, all data sets at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import norm
from torch import Tensor

from lossary.lab.asking.splits import make_splits
from lossary.lab.asking.task import Kind
from lossary.lab.metrics import METRICS

SPLITS, SEEDS = 20, 5  # the shipped defaults
HIDDEN = 1
CHUNK = 25  # data sets fitted together; bounds the memory
REFERENCE = "reference"

# Solves all networks at once: features (M, n, h), targets (M, n) -> weights of the output layer (M, h, 1).
Fit = Callable[[Tensor, Tensor], Tensor]
# Draws data sets: (sets, generator) -> x (sets, rows, features), y (sets, rows).
Draw = Callable[[int, torch.Generator], tuple[Tensor, Tensor]]
# For every data set and every loss its test scores (SPLITS, SEEDS).
Tables = list[dict[str, NDArray[np.float64]]]


@dataclass(frozen=True)
class Candidate:
    """A loss, the columns it sees, and which family of random networks it starts from."""

    name: str
    fit: Fit
    columns: tuple[int, ...]
    networks: int = 0


@dataclass(frozen=True)
class Null:
    """Losses that are equally good on data drawn this way, under this metric; the first one is the reference."""

    name: str
    kind: Kind
    metric: str
    rows: int
    draw: Draw
    losses: tuple[Candidate, ...]


ROWS, FEATURES = 120, 3  # of the mirror images and the quantiles
ALL = tuple(range(FEATURES))


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


# Of the parts: as many rows as breast_cancer has, about, of which the best rule tells nine in ten.
PART_ROWS = 600
SHARED, OWN = 1.2, 0.4  # how many standard deviations the classes' means lie from 0 in a feature


def parts(strengths: tuple[float, ...], sets: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Two classes, normal about means of opposite sign: one feature of strength SHARED, one part of each strength."""
    target = torch.arange(PART_ROWS).remainder(2).double().expand(sets, PART_ROWS)
    means = torch.tensor((SHARED, *strengths), dtype=torch.float64)
    noise = torch.randn(sets, PART_ROWS, len(means), generator=generator, dtype=torch.float64)
    return (2 * target[..., None] - 1) * means + noise, target


def stronger(gain: float) -> float:
    """The strength of a part with which the best rule is right more often by `gain` than with a part of strength OWN.

    The best rule on features of strengths m₁ and m₂ is right with probability Φ(√(m₁² + m₂²)).
    """
    right = norm.cdf(np.hypot(SHARED, OWN)) + gain
    return float(np.sqrt(norm.ppf(right) ** 2 - SHARED**2))


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


def squares(features: Tensor, target: Tensor) -> Tensor:
    """The squared error to -1 and 1, at its minimum."""
    small = 1e-6 * torch.eye(features.shape[2], dtype=features.dtype)
    return torch.linalg.solve(features.mT @ features + small, features.mT @ (2 * target[..., None] - 1))


def on_parts(name: str, strengths: tuple[float, ...], names: tuple[str, ...]) -> Null:
    """The same loss on parts of these strengths: candidate i sees what all see, and part i."""
    seen = tuple(Candidate(each, squares, (0, 1 + i)) for i, each in enumerate(names))
    return Null(name, Kind.BINARY, "accuracy", PART_ROWS, partial(parts, strengths), seen)


THREE, THIRD = weighted_cross_entropy(3.0), weighted_cross_entropy(1 / 3)
MIRROR = Null(
    "pos_weight 3 against 1/3, mirror-image classes, accuracy",
    Kind.BINARY,
    "accuracy",
    ROWS,
    mirrored_classes,
    (Candidate(REFERENCE, THIRD, ALL), Candidate("pos_weight=3", THREE, ALL)),
)
QUANTILES = Null(
    "quantile 0.7 against 0.3, symmetric noise, RMSE",
    Kind.REGRESSION,
    "rmse",
    ROWS,
    symmetric_noise,
    (Candidate(REFERENCE, quantile(0.3), ALL), Candidate("quantile(0.7)", quantile(0.7), ALL)),
)
HALVES = on_parts(
    "one half of the features against the other, accuracy", (OWN, OWN), (REFERENCE, "other half")
)
# Candidates with random networks of their own are as good as the reference too, whichever side they lean to.
MIRROR_FAMILY = replace(
    MIRROR,
    name="eight candidates, mirror-image classes, accuracy",
    losses=(
        MIRROR.losses[0],
        *(Candidate(f"pos_weight=3, networks {i}", THREE, ALL, i) for i in range(4)),
        *(Candidate(f"pos_weight=1/3, networks {i}", THIRD, ALL, i) for i in range(4, 8)),
    ),
)
PARTS_FAMILY = on_parts(
    "eight candidates and the reference, each on its ninth of the features, accuracy",
    9 * (OWN,),
    (REFERENCE, *(f"part {i}" for i in range(2, 10))),
)


def planted(*gains: float) -> Null:
    """Halves whose candidates are better than the reference by these gains, of the share of rows that are right."""
    names = (REFERENCE, *(f"better by {gain:.4f}" for gain in gains))
    return on_parts("planted", (OWN, *(stronger(gain) for gain in gains)), names)


def scores(null: Null, sets: int, seed: int = 0) -> Tables:
    """For every data set the test scores (SPLITS, SEEDS) of every loss."""
    generator = torch.Generator().manual_seed(seed)
    tables: Tables = []
    for start in range(0, sets, CHUNK):
        x, y = null.draw(min(CHUNK, sets - start), generator)
        # Rows are drawn alike and classes alternate, so one set's splits are as random for all sets of a chunk.
        splits = make_splits(y[0].numpy(), null.kind, SPLITS, seed=10_000 * seed + start)
        train = torch.tensor(np.array([split.train for split in splits])).expand(len(y), -1, -1)
        test = torch.tensor(np.array([split.test for split in splits])).expand(len(y), -1, -1)
        columns = {
            each.name: score(null, each, x, y, train, test, 1000 * (seed + start)).numpy()
            for each in null.losses
        }
        tables += [{name: column[i] for name, column in columns.items()} for i in range(len(y))]
    return tables


def score(
    null: Null, loss: Candidate, x: Tensor, y: Tensor, train: Tensor, test: Tensor, seed: int
) -> Tensor:
    """The metric on test (sets, SPLITS, SEEDS) of networks fitted on the training rows."""
    sets = torch.arange(len(y))[:, None, None]
    x = x[..., loss.columns]
    layer = random_layer(len(x), x.shape[-1], loss.networks + seed)
    features, target = _hidden(x[sets, train], layer), _per_seed(y[sets, train])
    theta = loss.fit(features.flatten(0, 2), target.flatten(0, 2)).reshape(*features.shape[:3], -1, 1)
    return METRICS[null.metric].score(_hidden(x[sets, test], layer) @ theta, _per_seed(y[sets, test]))


def random_layer(sets: int, width: int, networks: int) -> tuple[Tensor, Tensor]:
    """Weights (sets, SPLITS, SEEDS, width, HIDDEN) and offsets, symmetric about 0.

    As in a real comparison each (split, seed) starts from its own numbers: five starts shared by all splits would be a
    luck of the draw that no spread over splits could see.
    """
    generator = torch.Generator().manual_seed(networks)
    lead = (sets, SPLITS, SEEDS)
    weights = torch.randn(*lead, width, HIDDEN, generator=generator, dtype=torch.float64)
    return weights, torch.randn(*lead, 1, HIDDEN, generator=generator, dtype=torch.float64)


def _hidden(x: Tensor, layer: tuple[Tensor, Tensor]) -> Tensor:
    """The hidden layer (sets, SPLITS, SEEDS, rows, width + HIDDEN + 1) of x (sets, SPLITS, rows, width), and a 1."""
    weights, offsets = layer
    units = (x[:, :, None] @ weights + offsets).relu()
    straight = x[:, :, None].expand(-1, -1, SEEDS, -1, -1)
    return torch.cat([straight, units, torch.ones_like(units[..., :1])], dim=-1)


def _per_seed(rows: Tensor) -> Tensor:
    return rows[:, :, None].expand(-1, -1, SEEDS, -1)
