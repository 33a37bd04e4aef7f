"""Binary against categorical cross-entropy on reviews: for two classes they are one loss."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import Tensor

import lossary
from lossary.lab.data import Table, read
from lossary.lab.studies.bench import Bench
from lossary.lab.studies.outcome import Values, percent, settle
from lossary.lab.studies.study import Answer, Found, Grid, Outcome, Study

STUDY = Study(
    name="text",
    title="Binary or categorical cross-entropy for two classes?",
    question="Does a network with two outputs and a softmax read reviews better than one with a sigmoid?",
    text="BCE: accuracy 0.867, F1 0.920. CCE: accuracy 0.892, F1 0.934.",
    statements=(
        "categorical cross-entropy trains another classifier than binary cross-entropy does",
        "categorical cross-entropy is better than binary cross-entropy (accuracy)",
        "categorical cross-entropy is better than binary cross-entropy (F1)",
    ),
    data="reviews of films, as counts of hashed words; every replicate has films of its own, and those it is judged by "
    "are not those it learned from",
    metric="accuracy and F1 on reviews of films not learned from",
    region="1 point",
    design="A linear classifier on 2,000 hashed words. The first statement in float64, by gradient descent: with "
    "w = w1 − w0 and twice the rate for the one output, both must agree to 1e-12, which is practically equal. The "
    "others under Adam, each from its own random start, the best of three rates on validation.",
    settings={"rows": 4000, "words": 2000, "splits": 8, "epochs": 12, "rates": (0.003, 0.01, 0.03)},
    quick={"rows": 200, "words": 50, "splits": 2, "epochs": 1, "rates": (0.03,)},
    seconds=15,
)


def recipe(bench: Bench) -> Found:
    """The identity first; then the two as anybody would train them."""
    rows, words = bench.whole("rows"), bench.whole("words")
    [identity] = bench.run("identity", apart, [(min(rows, 300), words, 50)])
    tasks = [
        (split, rows, words, bench.whole("epochs"), bench.list("rates"))
        for split in range(bench.whole("splits"))
    ]
    found = bench.run("classifiers", on_one_split, tasks)

    def scores(loss: str, metric: str) -> Values:
        return np.array([each[loss][metric] for each in found])

    pairs = {
        STUDY.statements[1]: (scores("CCE", "accuracy"), scores("BCE", "accuracy")),
        STUDY.statements[2]: (scores("CCE", "F1"), scores("BCE", "F1")),
    }
    settled = settle(pairs, region=0.01)
    same = identity < 1e-12
    first = Answer(
        STUDY.statements[0],
        f"after 50 steps of gradient descent their logits differ by {identity:.1g} at most",
        Outcome.EQUAL if same else Outcome.HOLDS,
    )
    rest = [
        Answer(
            name, f"CCE {percent(each.score)}, BCE {percent(each.other)}: CCE is {each.said()}", each.outcome
        )
        for name, each in settled.items()
    ]
    grid = tuple(
        (loss, *(percent(float(scores(loss, metric).mean())) for metric in ("accuracy", "F1")))
        for loss in ("BCE", "CCE")
    )
    return Found((first, *rest), (Grid("On reviews of other films", ("loss", "accuracy", "F1"), grid),))


BLOCKS = 8  # of films: no replicate sees another's


def reviews(rows: int, words: int, block: int) -> tuple[Tensor, Tensor, list[str]]:
    """Counts of hashed words (rows, words) float64, opinions (rows,), and the film of each review."""
    from sklearn.feature_extraction.text import HashingVectorizer

    table = _table()
    assert table.text is not None and table.group is not None
    films = sorted(set(table.frame[table.group]))
    block_of = dict(zip(films, np.random.default_rng(0).permutation(len(films)) % BLOCKS, strict=True))
    mine = table.frame[table.frame[table.group].map(block_of) == block]
    frame = mine.iloc[np.random.default_rng(1).permutation(len(mine))[:rows]]
    hashed = HashingVectorizer(n_features=words, alternate_sign=False, norm="l2").transform(frame[table.text])
    y = np.asarray(frame[table.target] == "positive", dtype=np.float64)
    x = hashed.toarray()
    return torch.from_numpy(x / max(x.std(), 1e-12)), torch.from_numpy(y), frame[table.group].tolist()


@cache
def _table() -> Table:
    return read("movie_reviews")


def apart(rows: int, words: int, steps: int) -> float:
    """The largest difference of the two classifiers' logits in the course of plain gradient descent."""
    x, y, _ = reviews(rows, words, 0)
    codes, rate, most = y.long(), 0.01, 0.0
    pair = torch.zeros(words, 2, dtype=torch.float64)
    pair[:, 1] = torch.linspace(-0.1, 0.1, words)
    single = pair[:, 1] - pair[:, 0]
    for _ in range(steps):
        pair.requires_grad_(), single.requires_grad_()
        (of_pair,) = torch.autograd.grad(lossary.cross_entropy(x @ pair, codes), pair)
        (of_single,) = torch.autograd.grad(lossary.binary_cross_entropy(x @ single, y), single)
        pair, single = pair.detach() - rate * of_pair, single.detach() - 2 * rate * of_single
        difference = x @ (pair[:, 1] - pair[:, 0]) - x @ single
        most = max(most, float(difference.abs().max()))
    return most


def on_one_split(
    split: int, rows: int, words: int, epochs: int, rates: tuple[float, ...]
) -> dict[str, dict[str, float]]:
    """Loss -> metric -> score on the films of this split's test part, at the rate that is best on validation."""
    x, y, films = reviews(rows, words, split)
    numbers = np.random.default_rng(split)
    names = sorted(set(films))
    part_of = dict(zip(names, numbers.permutation(len(names)) * 5 // len(names), strict=True))
    parts = np.array([part_of[film] for film in films])
    at = {"test": parts == 0, "valid": parts == 1, "train": parts > 1}
    x = x.float()
    found = {}
    for loss in ("BCE", "CCE"):
        tried = []
        for rate in rates:
            layer = _trained(loss, x[at["train"]], y[at["train"]], epochs, rate, split)
            scores = {name: _scored(_logit(layer, x[at[name]]), y[at[name]]) for name in ("valid", "test")}
            tried.append((scores["valid"]["accuracy"], scores["test"]))
        found[loss] = max(tried, key=lambda each: each[0])[1]
    return found


def _trained(loss: str, x: Tensor, y: Tensor, epochs: int, rate: float, seed: int) -> torch.nn.Linear:
    outputs = 1 if loss == "BCE" else 2
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layer = torch.nn.Linear(x.shape[1], outputs)
    optimizer = torch.optim.Adam(layer.parameters(), lr=rate)
    order = torch.Generator().manual_seed(seed)
    for _ in range(epochs):
        for at in torch.split(torch.randperm(len(x), generator=order), 64):
            raw = layer(x[at])
            value = (
                lossary.cross_entropy(raw, y[at].long())
                if outputs == 2
                else lossary.binary_cross_entropy(raw[:, 0], y[at].float())
            )
            optimizer.zero_grad()
            torch.autograd.backward(value)
            optimizer.step()
    return layer


def _logit(layer: torch.nn.Linear, x: Tensor) -> Tensor:
    with torch.no_grad():
        raw: Tensor = layer(x)
    return raw[:, 0] if raw.shape[1] == 1 else raw[:, 1] - raw[:, 0]


def _scored(logits: Tensor, y: Tensor) -> dict[str, float]:
    decided = logits > 0
    right = (decided & (y == 1)).sum()
    return {
        "accuracy": float((decided == (y == 1)).double().mean()),
        "F1": float(2 * right / (decided.sum() + y.sum()).clamp(min=1)),
    }
