"""Three games that one generator is trained by: a critic, the sliced distance and the vanilla game, many at a time.

Trainings run side by side: every tensor has the training as its first axis, and none moves another's weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor

import lossary

MODES, RADIUS, SPREAD = 8, 2.0, 0.05
NOISE, WIDTH = 8, 64
#: Directions of the sliced distance, drawn anew at every step.
DIRECTIONS = 32
#: Price of the gradient penalty: 10 is the paper's for pictures, and this is what its authors use for toys.
PENALTY = 0.1

Layers = list[tuple[Tensor, Tensor]]


def centres() -> Tensor:
    """(modes, 2): on a circle, at equal angles."""
    angles = torch.arange(MODES) * (2.0 * math.pi / MODES)
    return RADIUS * torch.stack([angles.cos(), angles.sin()], 1)


def play(
    name: str, pairs: list[tuple[int, float]], steps: int, batch: int, critic_steps: int, samples: int
) -> Tensor:
    """What each training, a seed with its rate, makes of noise in the end: (trainings, samples, 2)."""
    chances = [torch.Generator().manual_seed(seed) for seed, _ in pairs]
    rate = torch.tensor([rate for _, rate in pairs])
    between = torch.Generator().manual_seed(pairs[0][0])  # of what is drawn for all trainings together
    turn = GAMES[name][1]
    # Trainings of one seed start from the same networks, whatever their rate and their game.
    generator, judge = _network(chances, NOISE, 2), _network(chances, 2, 1)
    moves, judging = _Adam(generator, rate), _Adam(judge, rate)
    for _ in range(steps):
        if name != "sliced_wasserstein":
            for _ in range(critic_steps):
                with torch.no_grad():
                    made = _through(generator, _noise(chances, batch))
                judging.step(turn(judge, real(chances, batch), made, chances, between, True))
        made = _through(generator, _noise(chances, batch))
        moves.step(turn(judge, real(chances, batch), made, chances, between, False))
    with torch.no_grad():
        return _through(generator, _noise(chances, samples))


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


def real(chances: list[torch.Generator], rows: int) -> Tensor:
    """Rows of the data, drawn by each generator: (generators, rows, 2)."""
    found = []
    for each in chances:
        mode = torch.randint(MODES, (rows,), generator=each)
        found.append(centres()[mode] + SPREAD * torch.randn(rows, 2, generator=each))
    return torch.stack(found)


def _scores(judge: Layers, rows: Tensor) -> Tensor:
    return _through(judge, rows).squeeze(-1)


def _wasserstein(
    judge: Layers,
    data: Tensor,
    made: Tensor,
    chances: list[torch.Generator],
    between: torch.Generator,
    critics_turn: bool,
) -> Tensor:
    scores = _scores(judge, made)
    if not critics_turn:
        return lossary.critic(scores, torch.ones_like(scores), reduction="sum") / scores.shape[1]
    apart = lossary.critic(_scores(judge, data), torch.ones_like(scores), reduction="sum")
    apart = apart + lossary.critic(scores, torch.zeros_like(scores), reduction="sum")
    many, rows = scores.shape
    # The penalty averages over rows: those of all trainings, laid end to end.
    steep = lossary.gradient_penalty(
        lambda flat: _scores(judge, flat.reshape(many, rows, 2)).flatten(),
        data.flatten(0, 1),
        made.flatten(0, 1),
        generator=between,
    )
    return apart / rows + PENALTY * many * steep


def _vanilla(
    judge: Layers,
    data: Tensor,
    made: Tensor,
    chances: list[torch.Generator],
    between: torch.Generator,
    critics_turn: bool,
) -> Tensor:
    scores = _scores(judge, made)
    ones = torch.ones_like(scores)
    if not critics_turn:
        return lossary.binary_cross_entropy(scores, ones, reduction="sum") / scores.shape[1]
    told = lossary.binary_cross_entropy(_scores(judge, data), ones, reduction="sum")
    told = told + lossary.binary_cross_entropy(scores, torch.zeros_like(scores), reduction="sum")
    return told / scores.shape[1]


def _sliced(
    judge: Layers,
    data: Tensor,
    made: Tensor,
    chances: list[torch.Generator],
    between: torch.Generator,
    critics_turn: bool,
) -> Tensor:
    directions = torch.stack([lossary.random_directions(DIRECTIONS, 2, generator=each) for each in chances])
    return lossary.sliced_wasserstein(made, data, directions, reduction="sum")


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


Turn = Callable[[Layers, Tensor, Tensor, list[torch.Generator], torch.Generator, bool], Tensor]

#: What each game is in words, and the cost of a turn in it.
GAMES: dict[str, tuple[str, Turn]] = {
    "critic": ("Wasserstein critic with gradient penalty", _wasserstein),
    "sliced_wasserstein": ("sliced Wasserstein distance", _sliced),
    "vanilla": ("vanilla game, binary cross-entropy", _vanilla),
}
