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
from itertools import pairwise
from statistics import fmean, stdev

import scipy.stats
import torch
from torch import Tensor

import lossary

MODES, RADIUS, SPREAD = 8, 2.0, 0.05
#: A mode is covered when a tenth of its share of the samples is good and nearest to it.
COVERED = 0.1 / MODES
NOISE, WIDTH = 8, 64
RATES = (1e-3, 3e-3, 1e-2, 3e-2)
#: Seeds that a rate is chosen on; they never meet those of a result.
CHOOSING = (1001, 1002)
#: Directions of the sliced distance, drawn anew at every step.
DIRECTIONS = 32
#: Price of the gradient penalty: 10 is the paper's for pictures, and this is what its authors use for toys.
PENALTY = 0.1

Layers = list[tuple[Tensor, Tensor]]


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
            return _trained(name, pairs, steps, batch, critic_steps, samples)

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


def centres() -> Tensor:
    """(modes, 2): on a circle, at equal angles."""
    angles = torch.arange(MODES) * (2.0 * math.pi / MODES)
    return RADIUS * torch.stack([angles.cos(), angles.sin()], 1)


def judged(points: Tensor) -> tuple[int, int, float]:
    """How many modes (N, 2) samples cover and touch, and the share of good ones among them. NaN is never good."""
    away = (points.unsqueeze(1) - centres()).norm(dim=2)
    nearest = away.nan_to_num(math.inf).min(1)
    good = nearest.values <= 3.0 * SPREAD
    counts = torch.bincount(nearest.indices[good], minlength=MODES)
    covered = int((counts >= COVERED * len(points)).sum())
    return covered, int((counts > 0).sum()), float(good.double().mean())


# Trainings of one game run side by side: every tensor has the training as its first axis.


def _trained(
    name: str, pairs: list[tuple[int, float]], steps: int, batch: int, critic_steps: int, samples: int
) -> tuple[Reached, ...]:
    chances = [torch.Generator().manual_seed(seed) for seed, _ in pairs]
    rate = torch.tensor([rate for _, rate in pairs])
    between = torch.Generator().manual_seed(pairs[0][0])  # of what is drawn for all trainings together
    play = GAMES[name][1]
    # Trainings of one seed start from the same networks, whatever their rate and their game.
    generator, judge = _network(chances, NOISE, 2), _network(chances, 2, 1)
    moves, judging = _Adam(generator, rate), _Adam(judge, rate)
    for _ in range(steps):
        if name != "sliced_wasserstein":
            for _ in range(critic_steps):
                with torch.no_grad():
                    made = _through(generator, _noise(chances, batch))
                judging.step(play(judge, _real(chances, batch), made, chances, between, True))
        made = _through(generator, _noise(chances, batch))
        moves.step(play(judge, _real(chances, batch), made, chances, between, False))
    with torch.no_grad():
        points = _through(generator, _noise(chances, samples))
    return tuple(Reached(seed, rate, *judged(each)) for (seed, rate), each in zip(pairs, points, strict=True))


def _network(chances: list[torch.Generator], inputs: int, outputs: int) -> Layers:
    """Three layers, as torch starts them: uniform within 1/sqrt(inputs of the layer)."""
    sizes = (inputs, WIDTH, WIDTH, outputs)
    layers = []
    for before, after in pairwise(sizes):
        drawn = torch.stack([torch.rand(before + 1, after, generator=each) for each in chances])
        drawn = (2.0 * drawn - 1.0) / math.sqrt(before)
        layers.append((drawn[:, :-1].clone().requires_grad_(), drawn[:, -1:].clone().requires_grad_()))
    return layers


def _through(layers: Layers, rows: Tensor) -> Tensor:
    for number, (weight, bias) in enumerate(layers):
        rows = torch.baddbmm(bias, rows, weight)
        rows = torch.relu(rows) if number + 1 < len(layers) else rows
    return rows


def _noise(chances: list[torch.Generator], rows: int) -> Tensor:
    return torch.stack([torch.randn(rows, NOISE, generator=each) for each in chances])


def _real(chances: list[torch.Generator], rows: int) -> Tensor:
    found = []
    for each in chances:
        mode = torch.randint(MODES, (rows,), generator=each)
        found.append(centres()[mode] + SPREAD * torch.randn(rows, 2, generator=each))
    return torch.stack(found)


def _scores(judge: Layers, rows: Tensor) -> Tensor:
    return _through(judge, rows).squeeze(-1)


def _wasserstein(
    judge: Layers,
    real: Tensor,
    made: Tensor,
    chances: list[torch.Generator],
    between: torch.Generator,
    critics_turn: bool,
) -> Tensor:
    scores = _scores(judge, made)
    if not critics_turn:
        return lossary.critic(scores, torch.ones_like(scores), reduction="sum") / scores.shape[1]
    apart = lossary.critic(_scores(judge, real), torch.ones_like(scores), reduction="sum")
    apart = apart + lossary.critic(scores, torch.zeros_like(scores), reduction="sum")
    many, rows = scores.shape
    # The penalty averages over rows: those of all trainings, laid end to end.
    steep = lossary.gradient_penalty(
        lambda flat: _scores(judge, flat.reshape(many, rows, 2)).flatten(),
        real.flatten(0, 1),
        made.flatten(0, 1),
        generator=between,
    )
    return apart / rows + PENALTY * many * steep


def _vanilla(
    judge: Layers,
    real: Tensor,
    made: Tensor,
    chances: list[torch.Generator],
    between: torch.Generator,
    critics_turn: bool,
) -> Tensor:
    scores = _scores(judge, made)
    ones = torch.ones_like(scores)
    if not critics_turn:
        return lossary.binary_cross_entropy(scores, ones, reduction="sum") / scores.shape[1]
    told = lossary.binary_cross_entropy(_scores(judge, real), ones, reduction="sum")
    told = told + lossary.binary_cross_entropy(scores, torch.zeros_like(scores), reduction="sum")
    return told / scores.shape[1]


def _sliced(
    judge: Layers,
    real: Tensor,
    made: Tensor,
    chances: list[torch.Generator],
    between: torch.Generator,
    critics_turn: bool,
) -> Tensor:
    directions = torch.stack([lossary.random_directions(DIRECTIONS, 2, generator=each) for each in chances])
    return lossary.sliced_wasserstein(made, real, directions, reduction="sum")


class _Adam:
    """Adam with a rate for every training, and the moments that Gulrajani et al. (2017) take for all games."""

    def __init__(self, layers: Layers, rate: Tensor, betas: tuple[float, float] = (0.5, 0.9)) -> None:
        self._weights = [each for layer in layers for each in layer]
        self._rate, self._betas, self._steps = rate.reshape(-1, 1, 1), betas, 0
        self._mean = [torch.zeros_like(each) for each in self._weights]
        self._square = [torch.zeros_like(each) for each in self._weights]

    def step(self, cost: Tensor) -> None:
        """Down the gradient of the trainings' costs, added up: none of them moves another's weights."""
        slopes = torch.autograd.grad(cost, self._weights)
        first, second = self._betas
        self._steps += 1
        with torch.no_grad():
            for weight, slope, mean, square in zip(
                self._weights, slopes, self._mean, self._square, strict=True
            ):
                mean.lerp_(slope, 1 - first)
                square.mul_(second).addcmul_(slope, slope, value=1 - second)
                size = (square / (1 - second**self._steps)).sqrt_().add_(1e-8)
                weight -= self._rate * mean / ((1 - first**self._steps) * size)


Play = Callable[[Layers, Tensor, Tensor, list[torch.Generator], torch.Generator, bool], Tensor]

#: What each game is in words, and the cost of a turn in it.
GAMES: dict[str, tuple[str, Play]] = {
    "critic": ("Wasserstein critic with gradient penalty", _wasserstein),
    "sliced_wasserstein": ("sliced Wasserstein distance", _sliced),
    "vanilla": ("vanilla game, binary cross-entropy", _vanilla),
}
