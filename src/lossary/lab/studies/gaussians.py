"""Eight Gaussians in the plane: what a generator learns to cover, by the game it is trained with.

Three games with one generator, one batch size, one noise and as many steps: a Wasserstein critic with a gradient
penalty, the sliced Wasserstein distance, which needs no second network, and the vanilla game (Goodfellow et al., 2014,
with the generator's loss that does not saturate). Both that have a critic have the same one, moved as often.

A sample is *good* within 3 standard deviations of the nearest mode (Srivastava et al., "VEEGAN", 2017, section 4.1).
There one good sample is enough for a mode, here called *touched*; *covered* takes a tenth of the mode's fair share of
all samples, so that a stray one does not count. Every game's rate is chosen on seeds that no result is of.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import fmean, stdev

import scipy.stats
import torch
from torch import Tensor

from lossary.lab.studies.games import GAMES, MODES, SPREAD, centres, play

#: A mode is covered when a tenth of its share of the samples is good and nearest to it.
COVERED = 0.1 / MODES
RATES = (1e-3, 3e-3, 1e-2, 3e-2)
#: Seeds that a rate is chosen on; they never meet those of a result.
CHOOSING = (1001, 1002)


@dataclass(frozen=True)
class Reached:
    """What one training came to."""

    seed: int
    rate: float
    modes: int  # covered
    touched: int
    good: float  # share of the samples within 3 standard deviations of a mode


@dataclass(frozen=True)
class Mean:
    """A mean over seeds with its 95 % interval, Student's with as many degrees of freedom as seeds less one."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Game:
    """One way of training the generator: every training, the rate chosen, and what the fresh seeds reached at it."""

    name: str
    says: str
    choosing: tuple[Reached, ...]
    rate: float
    trainings: tuple[Reached, ...]
    modes: Mean
    touched: Mean
    good: Mean


@dataclass(frozen=True)
class Gaussians:
    """The study as run.

    Attributes:
        critic_steps: moves of the critic for each of the generator.
    """

    steps: int
    batch: int
    critic_steps: int
    samples: int
    rates: tuple[float, ...]
    seeds: tuple[int, ...]
    games: tuple[Game, ...]


def run(
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4),
    steps: int = 1500,
    *,
    rates: tuple[float, ...] = RATES,
    batch: int = 128,
    critic_steps: int = 2,
    samples: int = 2000,
    report: Callable[[str], None] | None = None,
) -> Gaussians:
    """Train every game at every rate on two seeds, then at the rate that covered most on ``seeds``.

    The same arguments give the same record. Raises ValueError without seeds, steps or rates, or where a seed is one
    that rates are chosen on.
    """
    if not seeds or steps < 1 or not rates or set(seeds) & set(CHOOSING):
        raise ValueError(
            f"gaussians: expected seeds other than {CHOOSING}, steps and rates, got {seeds}, {steps}, {rates}."
        )
    games = []
    for name, (says, _) in GAMES.items():
        if report is not None:
            report(name)

        def reached(pairs: list[tuple[int, float]], name: str = name) -> tuple[Reached, ...]:
            points = play(name, pairs, steps, batch, critic_steps, samples)
            return tuple(
                Reached(seed, rate, *judged(each)) for (seed, rate), each in zip(pairs, points, strict=True)
            )

        choosing = reached([(seed, rate) for rate in rates for seed in CHOOSING])
        rate = best_rate(choosing)
        found = reached([(seed, rate) for seed in seeds])
        games.append(
            Game(
                name,
                says,
                choosing,
                rate,
                found,
                over_seeds([float(each.modes) for each in found]),
                over_seeds([float(each.touched) for each in found]),
                over_seeds([each.good for each in found]),
            )
        )
    return Gaussians(steps, batch, critic_steps, samples, tuple(rates), tuple(seeds), tuple(games))


def best_rate(found: tuple[Reached, ...]) -> float:
    """The rate whose trainings cover most modes on average, then the one with most good samples, then the smallest."""
    rates = sorted({each.rate for each in found})

    def worth(rate: float) -> tuple[float, float]:
        mine = [each for each in found if each.rate == rate]
        return fmean(each.modes for each in mine), fmean(each.good for each in mine)

    return max(rates, key=worth)


def over_seeds(values: list[float]) -> Mean:
    """The mean of a value over seeds; without an interval's width where there is one seed."""
    mean, count = fmean(values), len(values)
    if count < 2:
        return Mean(mean, -math.inf, math.inf)
    half = float(scipy.stats.t.ppf(0.975, count - 1)) * stdev(values) / math.sqrt(count)
    return Mean(mean, mean - half, mean + half)


def judged(points: Tensor) -> tuple[int, int, float]:
    """How many modes (N, 2) samples cover and touch, and the share of good ones among them. NaN is never good."""
    away = (points.unsqueeze(1) - centres()).norm(dim=2)
    nearest = away.nan_to_num(math.inf).min(1)
    good = nearest.values <= 3.0 * SPREAD
    counts = torch.bincount(nearest.indices[good], minlength=MODES)
    covered = int((counts >= COVERED * len(points)).sum())
    return covered, int((counts > 0).sum()), float(good.double().mean())
