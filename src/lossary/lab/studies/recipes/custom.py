"""Losses made for a purpose: overlap on small objects, and distances between distributions."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

import lossary
from lossary.lab import record
from lossary.lab.data.embedded.shapes import shapes
from lossary.lab.studies import gaussians
from lossary.lab.studies.bench import Bench
from lossary.lab.studies.games import MODES
from lossary.lab.studies.gaussians import Gaussians
from lossary.lab.studies.outcome import Values, percent, settle
from lossary.lab.studies.study import Answer, Found, Grid, Line, Picture, Study

STUDY = Study(
    name="custom",
    title="Losses made for a purpose",
    question="Does overlap find small objects, and does a distance between distributions cover more of one?",
    text="Texts recommend a loss of one's own where the usual one does not fit: Dice for masks, a Wasserstein critic "
    "for generators; no figures.",
    statements=(
        "the Dice loss is better than cross-entropy where 1 % of the pixels are the object",
        "the Dice loss is better than cross-entropy where 5 % of the pixels are the object",
        "the Dice loss is better than cross-entropy where 30 % of the pixels are the object",
        "their sum is better than cross-entropy where 1 % of the pixels are the object",
        "a Wasserstein critic covers more modes than the vanilla game (eight Gaussians)",
        "the sliced Wasserstein distance covers more modes than the vanilla game (eight Gaussians)",
    ),
    data="drawn shapes on a noisy background, 32 x 32 pixels, drawn anew for every replicate; eight "
    "Gaussians on a circle",
    metric="Dice of the mask at probability 0.5, mean over the test pictures; of the eight modes, how many are covered",
    region="1 point of Dice; half a mode",
    design="Three convolutions, Adam at the better of two rates on validation pictures, the epoch of six that is best "
    "there; 120 pictures to learn from, 60 for validation, 120 for the test. The generators have one network, one "
    "noise and as many steps; the rate of each game is chosen on two other seeds.",
    settings={"replicates": 5, "pictures": 120, "steps": 400, "rates": (0.01, 0.02), "game_steps": 1200},
    quick={"replicates": 2, "pictures": 8, "steps": 6, "rates": (0.01,), "game_steps": 2},
    seconds=150,
)
SHARES = (0.01, 0.05, 0.30)
LOSSES = {
    "Dice": "binary_dice",
    "cross-entropy": "binary_cross_entropy",
    "sum": "binary_cross_entropy + binary_dice",
}
EPOCHS, BATCH = 6, 8


def recipe(bench: Bench) -> Found:
    """Three shares of foreground, three losses, fresh pictures every time."""
    tasks = [
        (replicate, share, bench.whole("pictures"), bench.whole("steps"), bench.list("rates"))
        for share in SHARES
        for replicate in range(bench.whole("replicates"))
    ]
    found = bench.run("masks", on_one_replicate, tasks)
    count = bench.whole("replicates")

    def scores(loss: str, at: int) -> Values:
        return np.array([each[loss] for each in found[at * count : (at + 1) * count]])

    pairs = {
        statement: (scores("Dice", at), scores("cross-entropy", at))
        for at, statement in enumerate(STUDY.statements[:3])
    }
    pairs[STUDY.statements[3]] = scores("sum", 0), scores("cross-entropy", 0)
    answers = tuple(
        Answer(name, f"{percent(each.score)} against {percent(each.other)}, {each.said()}", each.outcome)
        for name, each in settle(pairs, region=0.01).items()
    )
    games = _games(bench)
    means = {loss: [float(scores(loss, at).mean()) for at in range(len(SHARES))] for loss in LOSSES}
    grid = Grid(
        "Dice on test pictures, by the object's share of the pixels",
        ("loss", *(percent(share) for share in SHARES)),
        tuple((loss, *[percent(value) for value in values]) for loss, values in means.items()),
    )
    picture = Picture(
        key="custom",
        title="Dice by the object's share of the pixels",
        reading="From left to right the object grows from a hundredth of the picture to a third of it.",
        x="share of the pixels",
        y="Dice on test pictures",
        lines=tuple(Line(loss, SHARES, tuple(values)) for loss, values in means.items()),
        log_x=True,
    )
    return Found((*answers, *_covered(games)), (grid, _game_grid(games)), (picture,))


def _games(bench: Bench) -> Gaussians:
    sizes = tuple(range(bench.whole("replicates"))), bench.whole("game_steps")
    [found] = bench.run("games", gaussians.run, [sizes])
    return record.restore(Gaussians, found)


def _covered(found: Gaussians) -> list[Answer]:
    modes = {game.name: np.array([float(each.modes) for each in game.trainings]) for game in found.games}
    pairs = {
        STUDY.statements[4]: (modes["critic"], modes["vanilla"]),
        STUDY.statements[5]: (modes["sliced_wasserstein"], modes["vanilla"]),
    }
    return [
        Answer(
            name, f"{each.score:.1f} against {each.other:.1f} modes, {each.said(1.0, 'modes')}", each.outcome
        )
        for name, each in settle(pairs, region=0.5).items()
    ]


def _game_grid(found: Gaussians) -> Grid:
    rows = tuple(
        (
            game.says,
            f"{game.modes.value:.1f} of {MODES}",
            percent(game.good.value),
            f"{game.rate:g}",
        )
        for game in found.games
    )
    columns = ("generator trained by", "modes covered", "samples near a mode", "rate chosen")
    return Grid("Eight Gaussians, mean over seeds", columns, rows)


def on_one_replicate(
    replicate: int, share: float, pictures: int, steps: int, rates: tuple[float, ...]
) -> dict[str, float]:
    """Loss -> Dice on test pictures, at the rate and epoch that are best on validation pictures."""
    sizes = {"train": pictures, "valid": max(2, pictures // 2), "test": pictures}
    grey, masks, _ = shapes(sum(sizes.values()), share, seed=1000 + replicate)
    x = torch.from_numpy(grey.astype(np.float32) / 128 - 1)
    y = torch.from_numpy(masks.astype(np.float32))
    counts = list(sizes.values())
    parts = dict(zip(sizes, zip(torch.split(x, counts), torch.split(y, counts), strict=True), strict=True))
    found = {}
    for name, loss in LOSSES.items():
        tried = [_trained(loss, parts, rate, steps, replicate) for rate in rates]
        found[name] = max(tried, key=lambda each: each[0])[1]
    return found


def _trained(
    loss: str, parts: dict[str, tuple[Tensor, Tensor]], rate: float, steps: int, seed: int
) -> tuple[float, float]:
    """Dice on validation and test pictures at the best epoch on validation."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = nn.Sequential(
            nn.Conv2d(1, 8, 5, padding=2), nn.ReLU(), nn.Conv2d(8, 8, 5, padding=2), nn.ReLU(), nn.Conv2d(8, 1, 1),
            nn.Flatten(0, 1),
        )  # fmt: skip
    value_of = lossary.parse(loss)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    x, y = parts["train"]
    order = torch.Generator().manual_seed(seed)
    best = (-1.0, 0.0)
    for _ in range(EPOCHS):
        for _ in range(max(1, steps // EPOCHS)):
            at = torch.randint(len(x), (min(BATCH, len(x)),), generator=order)
            optimizer.zero_grad()
            torch.autograd.backward(value_of(model(x[at]), y[at]))
            optimizer.step()
        valid, test = (_dice(model, *parts[name]) for name in ("valid", "test"))
        if valid > best[0]:
            best = (valid, test)
    return best


def _dice(model: nn.Module, x: Tensor, y: Tensor) -> float:
    with torch.no_grad():
        found = (model(x) > 0).double().flatten(1)
    truth = y.double().flatten(1)
    both = (found * truth).sum(1)
    return float((2 * both / (found.sum(1) + truth.sum(1)).clamp(min=1)).mean())
