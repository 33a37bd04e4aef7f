"""Two losses and two penalties, each with each: what the texts' comparison of MSE + L1 with BCE + L2 mixes up."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

import lossary
from lossary.lab.studies.bench import Bench
from lossary.lab.studies.outcome import Values, percent, settle
from lossary.lab.studies.sets import table
from lossary.lab.studies.study import Answer, Found, Grid, Study

STUDY = Study(
    name="regularization",
    title="Which penalty, and is it the penalty?",
    question="Is BCE + L2 better than MSE + L1, and which of its two parts is it?",
    text="MSE + L1: accuracy 0.817. BCE + L2: accuracy 0.903.",
    statements=(
        "BCE + L2 is better than MSE + L1",
        "BCE is better than MSE (no penalty)",
        "a penalty is better than none (BCE: L2 against none)",
        "L2 is better than L1 (BCE)",
    ),
    data="digits, even or odd, 60 rows to learn from, so that a penalty has something to do",
    metric="accuracy on the test rows",
    region="1 point",
    design="One hidden layer of 32 units, Adam at 0.01, whole batches. {MSE on a sigmoid, BCE} x {none, L1, L2}: the "
    "strength of a penalty on the weights, and the epoch of eight, are those with the best accuracy on 30 validation "
    "rows. Twelve replicates that share no row: 60 to learn from, 30 for validation, 59 for the test.",
    settings={"splits": 12, "steps": 160, "strengths": (1e-4, 1e-3, 1e-2, 1e-1)},
    quick={"splits": 2, "steps": 8, "strengths": (1e-3,)},
    seconds=20,
)
LEARNED, VALID, BLOCK = 60, 30, 149  # rows of a replicate; 12 times 149 is 1,788
EPOCHS = 8
LOSSES = ("MSE", "BCE")
PENALTIES = ("none", "L1", "L2")


def recipe(bench: Bench) -> Found:
    """Six cells, each with its own strength."""
    tasks = [(split, bench.whole("steps"), bench.list("strengths")) for split in range(bench.whole("splits"))]
    found = bench.run("cells", on_one_split, tasks)

    def scores(cell: str) -> Values:
        return np.array([each[cell] for each in found])

    pairs = {
        STUDY.statements[0]: (scores("BCE + L2"), scores("MSE + L1")),
        STUDY.statements[1]: (scores("BCE + none"), scores("MSE + none")),
        STUDY.statements[2]: (scores("BCE + L2"), scores("BCE + none")),
        STUDY.statements[3]: (scores("BCE + L2"), scores("BCE + L1")),
    }
    settled = settle(pairs, region=0.01)
    answers = tuple(
        Answer(name, f"{percent(each.score)} against {percent(each.other)}, {each.said()}", each.outcome)
        for name, each in settled.items()
    )
    rows = tuple(
        (loss, *(percent(float(scores(f"{loss} + {penalty}").mean())) for penalty in PENALTIES))
        for loss in LOSSES
    )
    return Found(answers, (Grid("Accuracy of all six", ("loss", *PENALTIES), rows),))


def on_one_split(split: int, steps: int, strengths: tuple[float, ...]) -> dict[str, float]:
    """ "BCE + L2" and so on -> accuracy on the test rows."""
    digits = table("digits")
    order = np.random.default_rng(0).permutation(len(digits.y))[split * BLOCK : (split + 1) * BLOCK]
    parts = {
        "train": order[:LEARNED],
        "valid": order[LEARNED : LEARNED + VALID],
        "test": order[LEARNED + VALID :],
    }
    pixels = digits.x / 16  # of 0 to 16
    x = {name: torch.from_numpy(pixels[at].astype(np.float32)) for name, at in parts.items()}
    y = {name: torch.from_numpy((digits.y[at] % 2).astype(np.float32)) for name, at in parts.items()}
    found = {}
    for loss in LOSSES:
        for penalty in PENALTIES:
            best = (-1.0, 0.0)
            for strength in strengths if penalty != "none" else (0.0,):
                best = max(
                    best, _trained(loss, penalty, strength, x, y, split, steps), key=lambda each: each[0]
                )
            found[f"{loss} + {penalty}"] = best[1]
    return found


def _trained(
    loss: str,
    penalty: str,
    strength: float,
    x: dict[str, torch.Tensor],
    y: dict[str, torch.Tensor],
    seed: int,
    steps: int,
) -> tuple[float, float]:
    """Accuracy on validation and on test, at the epoch that is best on validation."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1), nn.Flatten(0))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    price = {"none": None, "L1": lossary.nn.L1Penalty(), "L2": lossary.nn.L2Penalty()}[penalty]
    paid = None if price is None else strength * lossary.nn.Penalty(price, model, only="*.weight")
    best = (-1.0, 0.0)
    for epoch in range(EPOCHS):
        for _ in range(max(1, steps // EPOCHS)):
            raw = model(x["train"])
            value = (
                lossary.binary_cross_entropy(raw, y["train"])
                if loss == "BCE"
                else lossary.mse(torch.sigmoid(raw), y["train"])
            )
            if paid is not None:
                value = value + paid(raw, y["train"])
            optimizer.zero_grad()
            torch.autograd.backward(value)
            optimizer.step()
        with torch.no_grad():
            shares = [
                float(((model(x[name]) > 0) == (y[name] > 0)).double().mean()) for name in ("valid", "test")
            ]
        if epoch == 0 or shares[0] > best[0]:
            best = (shares[0], shares[1])
    return best
