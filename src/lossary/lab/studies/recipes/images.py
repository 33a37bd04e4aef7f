"""Cross-entropy against triplet loss on pictures: one encoder, and both read out by the same neighbours."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

import lossary
from lossary.lab.data import read
from lossary.lab.studies.bench import Bench
from lossary.lab.studies.outcome import Values, percent, settle
from lossary.lab.studies.study import Answer, Found, Grid, Study

STUDY = Study(
    name="images",
    title="Cross-entropy or triplets for pictures?",
    question="Does a classifier or an embedding name more pictures rightly?",
    text="Cross-entropy: top-1 0.843, top-5 0.932. Triplet loss: top-1 0.815, top-5 0.912.",
    statements=(
        "cross-entropy is better than triplets at top-1 (both by the nearest neighbours of their embeddings)",
        "cross-entropy is better than triplets at top-5 (both by the nearest neighbours of their embeddings)",
        "cross-entropy is better than triplets at top-1 (its own last layer against neighbours, as the texts do it)",
    ),
    data="the MNIST subset of 5,000 pictures, 28 x 28",
    metric="top-1 and top-5: the share of test pictures whose digit is the first, or among the first five, classes in "
    "the order of their nearest training picture",
    region="1 point",
    design="One convolutional encoder to 32 numbers; under cross-entropy a linear layer follows. Triplets of a "
    "picture, another of its digit and one of another, from batches of 10 pictures of each digit, margin 1; "
    "cross-entropy on the same batches. Adam, the better of two rates on validation by the neighbours' top-1; splits "
    "60/20/20 of a subset of the rows. Batch-hard triplets stand in the table and are not tested.",
    settings={"rows": 2500, "splits": 8, "steps": 200, "rates": (0.001, 0.003)},
    quick={"rows": 300, "splits": 2, "steps": 2, "rates": (0.003,)},
    seconds=25,
)
A_DIGIT = 10  # pictures of each digit in a batch
CLASSES = 10


def recipe(bench: Bench) -> Found:
    """Every split is one job; the rate is chosen within it."""
    tasks = [
        (split, bench.whole("rows"), bench.whole("steps"), bench.list("rates"))
        for split in range(bench.whole("splits"))
    ]
    found = bench.run("encoders", on_one_split, tasks)

    def scores(loss: str, readout: str) -> Values:
        return np.array([each[loss][readout] for each in found])

    pairs = {
        STUDY.statements[0]: (scores("cross-entropy", "top-1"), scores("triplet", "top-1")),
        STUDY.statements[1]: (scores("cross-entropy", "top-5"), scores("triplet", "top-5")),
        STUDY.statements[2]: (scores("cross-entropy", "own layer"), scores("triplet", "top-1")),
    }
    n_test = bench.whole("rows") // 5
    settled = settle(pairs, region=0.01, n_test=n_test, n_rest=bench.whole("rows") - n_test)
    answers = tuple(
        Answer(
            name,
            f"cross-entropy {percent(each.score)}, triplets {percent(each.other)}: cross-entropy is {each.said()}",
            each.outcome,
        )
        for name, each in settled.items()
    )
    rows = tuple(
        (
            loss,
            *(
                percent(float(scores(loss, name).mean())) if name in found[0][loss] else "–"
                for name in READOUTS
            ),
        )
        for loss in LOSSES
    )
    return Found(answers, (Grid("Test pictures named rightly", ("loss", *READOUTS), rows),))


READOUTS = ("top-1", "top-5", "own layer")
LOSSES = ("cross-entropy", "triplet", "triplet, batch-hard")


def on_one_split(split: int, rows: int, steps: int, rates: tuple[float, ...]) -> dict[str, dict[str, float]]:
    """Loss -> readout -> share of test pictures, at the rate that is best on validation pictures."""
    table = read("mnist")
    assert table.pictures is not None
    numbers = np.random.default_rng(split)
    digits = table.answers().to_numpy(dtype=np.int64)
    chosen = np.concatenate(
        [numbers.permutation(np.flatnonzero(digits == digit))[: rows // CLASSES] for digit in range(CLASSES)]
    )
    numbers.shuffle(chosen)
    x = torch.from_numpy(table.pictures[chosen].astype(np.float32) / 255)
    y = torch.from_numpy(digits[chosen])
    fifth = len(chosen) // 5
    parts = {"test": slice(0, fifth), "valid": slice(fifth, 2 * fifth), "train": slice(2 * fifth, None)}
    x_train, y_train = x[parts["train"]], y[parts["train"]]
    found = {}
    for loss in LOSSES:
        tried = []
        for rate in rates:
            encoder, head = trained(loss, x_train, y_train, rate, steps, split)
            known = encoded(encoder, x_train)
            ranks = {
                name: ranked(known, y_train, encoded(encoder, x[parts[name]]), y[parts[name]])
                for name in ("valid", "test")
            }
            scores = {"top-1": _within(ranks["test"], 1), "top-5": _within(ranks["test"], 5)}
            if loss == "cross-entropy":
                with torch.no_grad():
                    named = head(encoder(x[parts["test"]])).argmax(1)
                scores["own layer"] = float((named == y[parts["test"]]).double().mean())
            tried.append((_within(ranks["valid"], 1), scores))
        found[loss] = max(tried, key=lambda each: each[0])[1]
    return found


def trained(
    loss: str, x: Tensor, y: Tensor, rate: float, steps: int, split: int
) -> tuple[nn.Module, nn.Module]:
    """An encoder and its last layer, which triplets leave as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(split)
        encoder = nn.Sequential(
            nn.Conv2d(1, 8, 5, stride=2), nn.ReLU(), nn.Conv2d(8, 16, 5, stride=2), nn.ReLU(), nn.Flatten(),
            nn.Linear(16 * 16, 32),
        )  # fmt: skip
        head = nn.Linear(32, CLASSES)
    optimizer = torch.optim.Adam([*encoder.parameters(), *head.parameters()], lr=rate)
    numbers = np.random.default_rng(split)
    by_digit = [np.flatnonzero(y.numpy() == digit) for digit in range(CLASSES)]
    for _ in range(steps):
        at = torch.from_numpy(np.concatenate([numbers.choice(each, A_DIGIT) for each in by_digit]))
        embedded = encoder(x[at])
        value = (
            lossary.cross_entropy(head(embedded), y[at])
            if loss == "cross-entropy"
            else lossary.triplet_batch_hard(embedded, y[at])
            if loss == "triplet, batch-hard"
            else lossary.triplet(embedded, *_others(embedded, int(numbers.integers(1, CLASSES))))
        )
        optimizer.zero_grad()
        torch.autograd.backward(value)
        optimizer.step()
    return encoder, head


def _others(embedded: Tensor, step: int) -> tuple[Tensor, Tensor]:
    """To every anchor another picture of its digit, and one of another digit: rows come digit by digit."""
    grid = embedded.view(CLASSES, A_DIGIT, -1)
    return grid.roll(1, 1).flatten(0, 1), grid.roll(step, 0).flatten(0, 1)


def encoded(encoder: nn.Module, x: Tensor) -> Tensor:
    """Embeddings (rows, 32)."""
    with torch.no_grad():
        found: Tensor = encoder(x)
    return found


def ranked(known: Tensor, labels: Tensor, asked: Tensor, truth: Tensor) -> NDArray[Any]:
    """How many other classes have a training picture as near as the true class has, for every picture asked about.

    As near: where an encoder makes all pictures one point, none is named rightly.
    """
    apart = torch.cdist(asked, known)
    nearest = torch.stack(
        [apart[:, labels == digit].min(1).values for digit in range(CLASSES)], 1
    )  # (asked, classes)
    mine = nearest.gather(1, truth[:, None])
    rank: NDArray[Any] = ((nearest <= mine).sum(1) - 1).numpy()
    return rank


def _within(ranks: NDArray[Any], k: int) -> float:
    return float((ranks < k).mean())
