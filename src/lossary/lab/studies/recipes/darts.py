"""Slightly wrong many times or extremely wrong once: |e|^p at equal total error, and a table of costs."""

from __future__ import annotations

import numpy as np
import torch

import lossary
from lossary.lab.figures import figures
from lossary.lab.studies.bench import Bench
from lossary.lab.studies.study import Answer, Found, Grid, Line, Picture, Ruling, Study

STUDY = Study(
    name="darts",
    title="Slightly wrong many times, or extremely wrong once?",
    question="Which of two players with the same total error does a loss call the better one?",
    text="One player misses by a little every time, another hits but for one wild throw: the texts ask which is worse "
    "and leave it to taste.",
    statements=(
        "many small misses are better than one wild throw of the same total error",
        "at equal total error the power p decides alone",
        "a table of costs can call the wild throw the better one",
    ),
    data="ten throws each: ten misses of 1, or nine hits and one miss of 10",
    metric="mean of |e|^p; mean cost",
    region="none: arithmetic has no noise",
    design="The losses of the catalogue are evaluated; nothing is trained.",
    settings={"throws": 10, "powers": (0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0)},
    quick={"powers": (0.5, 1.0, 2.0)},
    seconds=1,
)
# A dart beside the bull costs a point whatever the distance: "a miss is a miss".
COSTS = {"distance does not matter": (0.0, 1.0, 1.0), "every unit costs one": (0.0, 1.0, 10.0)}


def recipe(bench: Bench) -> Found:
    """Evaluate, tabulate, compare."""
    throws = bench.whole("throws")
    steady, wild = np.ones(throws), np.zeros(throws)
    wild[-1] = throws
    powers = bench.list("powers")
    ratio = [float((steady**p).mean() / (wild**p).mean()) for p in powers]
    losses = ("mae", "mse", "huber", "log_cosh", "cauchy", "welsch", "tukey")
    rows = tuple(_row(name, steady, wild) for name in losses)
    prefers = {name: first < second for name, first, second, _ in rows}
    for_steady = [name for name, yes in prefers.items() if yes]
    costs = {
        name: (table[1], (throws - 1) * table[0] / throws + table[2] / throws)
        for name, table in COSTS.items()
    }
    return Found(
        answers=(
            Answer(
                STUDY.statements[0],
                f"so say {', '.join(for_steady)}; mae does not, to which they are the same, nor "
                f"{', '.join(row[0] for row in rows if row[1] > row[2])}: there one far miss is one miss",
                Ruling.CONDITION,
            ),
            Answer(
                STUDY.statements[1],
                f"at p = 1 they cost the same; at p = {powers[-1]:g} the wild throw costs {figures(1 / ratio[-1], 3)} "
                f"times as much, at p = {powers[0]:g} the steady player {figures(ratio[0], 3)} times",
                Ruling.CONFIRMED,
            ),
            Answer(
                STUDY.statements[2],
                "; ".join(f"{name}: steady {figures(a, 3)}, wild {figures(b, 3)}" for name, (a, b) in costs.items())
                + ", so it depends on the costs, which a power of the distance cannot know",
                Ruling.CONFIRMED,
            ),
        ),
        grids=(
            Grid("The same ten throws under losses of the catalogue", ("loss", "ten misses of 1", "one miss of 10",
                 "prefers"), rows),
        ),
        pictures=(
            Picture(
                key="darts",
                title="Ten misses of 1 against one miss of 10",
                reading="The mean of |e|^p for the steady player, divided by that of the wild one: below 1 the loss "
                "prefers the steady player.",
                x="p",
                y="steady / wild",
                lines=(Line("|e|^p", powers, tuple(ratio)), Line("equal", powers, (1.0,) * len(powers))),
                log_y=True,
            ),
        ),
    )  # fmt: skip


def _row(name: str, steady: np.ndarray, wild: np.ndarray) -> tuple[str, float, float, str]:
    loss = lossary.get(name)
    first, second = (
        float(loss(torch.tensor(each), torch.zeros(len(each)).double())) for each in (steady, wild)
    )
    prefers = "neither" if np.isclose(first, second) else "steady" if first < second else "wild"
    return name, first, second, prefers
