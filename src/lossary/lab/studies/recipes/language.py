"""A character model under three losses, judged in bits per character."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

import lossary
from lossary.lab.data import read
from lossary.lab.figures import figures
from lossary.lab.studies.bench import Bench
from lossary.lab.studies.outcome import Values, settle
from lossary.lab.studies.study import Answer, Found, Grid, Study

STUDY = Study(
    name="language",
    title="Which loss for a language model?",
    question="What do cross-entropy, squared error on one-hot rows and label smoothing make of the same characters?",
    text="Texts train language models with cross-entropy and recommend label smoothing; no figures.",
    statements=(
        "cross-entropy is better than squared error on the softmax (bits per character)",
        "label smoothing of 0.1 is better than cross-entropy (bits per character)",
        "label smoothing of 0.1 is better than cross-entropy (next character right)",
    ),
    data="the King James Bible: books to learn from, other books to be judged by",
    metric="bits per character, −log2 of the probability of the next character; the share of next characters guessed",
    region="0.02 bits; 1 point",
    design="Eight characters before, 16 numbers each, 96 hidden units, a softmax over all characters. Adam, the better "
    "of two rates by bits on validation books; every replicate draws its books and its start anew.",
    settings={"replicates": 6, "steps": 500, "batch": 256, "judged": 20_000, "rates": (0.003, 0.01)},
    quick={"replicates": 2, "steps": 2, "batch": 32, "judged": 500, "rates": (0.01,)},
    seconds=25,
)
CONTEXT = 8
LOSSES = ("cross-entropy", "squared error", "label smoothing")


def recipe(bench: Bench) -> Found:
    """Three losses a replicate."""
    sizes = tuple(bench.whole(name) for name in ("steps", "batch", "judged"))
    tasks = [(each, *sizes, bench.list("rates")) for each in range(bench.whole("replicates"))]
    found = bench.run("models", on_other_books, tasks)

    def scores(loss: str, which: int) -> Values:
        return np.array([each[loss][which] for each in found])

    share = 1, 2  # a third of the books is for the test: replicates share books, and so are not independent
    bits = settle(
        {
            STUDY.statements[0]: (scores("cross-entropy", 0), scores("squared error", 0)),
            STUDY.statements[1]: (scores("label smoothing", 0), scores("cross-entropy", 0)),
        },
        region=0.02,
        greater=False,
        n_test=share[0],
        n_rest=share[1],
    )
    pair = scores("label smoothing", 1), scores("cross-entropy", 1)
    right = settle({STUDY.statements[2]: pair}, region=0.01, n_test=share[0], n_rest=share[1])
    answers = [
        Answer(
            name,
            f"{figures(each.score, 3)} against {figures(each.other, 3)} bits, {each.said(1.0, 'bits')}",
            each.outcome,
        )
        for name, each in bits.items()
    ] + [
        Answer(
            name, f"{100 * each.score:.1f} % against {100 * each.other:.1f} %, {each.said()}", each.outcome
        )
        for name, each in right.items()
    ]
    rows = tuple(
        (loss, figures(float(scores(loss, 0).mean()), 4), f"{100 * scores(loss, 1).mean():.1f} %")
        for loss in LOSSES
    )
    columns = ("loss", "bits per character", "next character right")
    return Found(tuple(answers), (Grid("On books not learned from", columns, rows),))


def on_other_books(
    replicate: int, steps: int, batch: int, judged: int, rates: tuple[float, ...]
) -> dict[str, tuple[float, float]]:
    """Loss -> (bits per character, share guessed) on test books, at the rate that is best on validation books."""
    table = read("king_james")
    assert table.text is not None and table.group is not None
    books: dict[str, list[str]] = {}
    for book, verse in zip(table.frame[table.group], table.frame[table.text], strict=True):
        books.setdefault(str(book), []).append(str(verse))
    numbers = np.random.default_rng(replicate)
    names = numbers.permutation(sorted(books)).tolist()
    alphabet = {
        letter: code
        for code, letter in enumerate(sorted(set("".join(map("".join, books.values()))) | {"\n"}))
    }
    third = len(names) // 3
    parts = {"test": names[:third], "valid": names[third : 2 * third], "train": names[2 * third :]}
    codes = {
        part: torch.tensor([alphabet[letter] for name in some for letter in "\n".join(books[name])])
        for part, some in parts.items()
    }
    found = {}
    for loss in LOSSES:
        tried = []
        for rate in rates:
            model = _trained(loss, codes["train"], len(alphabet), rate, steps, batch, replicate)
            scores = {part: _judged(model, codes[part][: judged + CONTEXT]) for part in ("valid", "test")}
            tried.append((scores["valid"][0], scores["test"]))
        found[loss] = min(tried, key=lambda each: each[0])[1]
    return found


def _trained(
    loss: str, codes: Tensor, letters: int, rate: float, steps: int, batch: int, seed: int
) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = nn.Sequential(
            nn.Embedding(letters, 16),
            nn.Flatten(1),
            nn.Linear(16 * CONTEXT, 96),
            nn.ReLU(),
            nn.Linear(96, letters),
        )
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    order = torch.Generator().manual_seed(seed)
    before = torch.arange(CONTEXT)
    for _ in range(steps):
        at = torch.randint(len(codes) - CONTEXT, (batch,), generator=order)
        logits, target = model(codes[at[:, None] + before]), codes[at + CONTEXT]
        if loss == "squared error":
            hot = nn.functional.one_hot(target, letters).float()
            # The sum over the characters: a mean over 70 of them would be a rate 70 times smaller by another name.
            value = lossary.mse(torch.softmax(logits, -1), hot) * letters
        else:
            value = lossary.cross_entropy(
                logits, target, label_smoothing=0.1 if loss == "label smoothing" else 0.0
            )
        optimizer.zero_grad()
        torch.autograd.backward(value)
        optimizer.step()
    return model


def _judged(model: nn.Module, codes: Tensor) -> tuple[float, float]:
    windows = codes.unfold(0, CONTEXT + 1, 1)
    with torch.no_grad():
        logits = model(windows[:, :-1])
    target = windows[:, -1]
    bits = lossary.cross_entropy(logits.double(), target) / np.log(2)
    return float(bits), float((logits.argmax(1) == target).double().mean())
