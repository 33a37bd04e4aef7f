"""What a loss costs: time and memory of value and gradient for a million units, and its part in a training step."""

from __future__ import annotations

import time
from statistics import median

import torch

import lossary
from lossary.core.errors import LossaryError
from lossary.core.kinds import Form
from lossary.core.unit import Unit
from lossary.lab.studies.bench import Bench
from lossary.lab.studies.study import Answer, Found, Grid, Line, Picture, Ruling, Study

STUDY = Study(
    name="cost",
    title="What does a loss cost?",
    question="How long does a loss take, what does it hold in memory, and does a training notice?",
    text="Some losses cost more than others; no figures.",
    statements=("some losses cost more", "the choice of the loss decides how long a training takes"),
    data="made-up outputs and targets, float32; 10 classes where there are classes",
    metric="seconds of value and gradient for a million units; bytes kept for the gradient, a unit",
    region="none: clock times are one machine's, and only ratios mean something elsewhere",
    design="Every loss of the catalogue that compares one output, or one output a class, with a target, at its "
    "defaults, one thread, the median of several calls. A step: 32 rows of 30 features through 32 hidden units, "
    "forward, loss, backward and Adam, the median of many.",
    settings={"units": 200_000, "repeats": 5, "steps": 300},
    quick={"units": 1_000, "repeats": 1, "steps": 3},
    seconds=40,
)
CLASSES = 10
SERVED = ((Form.REAL, Form.REAL), (Form.LOGIT, Form.BINARY), (Form.SCORE, Form.BINARY), (Form.LOGITS, Form.CLASS),
          (Form.SCORES, Form.CLASS))  # fmt: skip
IN_A_STEP = ("binary_cross_entropy", "hinge", "focal")


def recipe(bench: Bench) -> Found:
    """One job: clocks that run side by side would disturb each other."""
    [found] = bench.run(
        "clocks", measured, [(bench.whole("units"), bench.whole("repeats"), bench.whole("steps"))]
    )
    losses, steps = found["losses"], found["steps"]
    by_unit = {unit: [row for row in losses if row[1] == unit] for unit in ("element", "row")}
    ratios = {unit: rows[-1][2] / rows[0][2] for unit, rows in by_unit.items()}
    spread = max(steps.values()) / min(steps.values())
    ordered = sorted(losses, key=lambda row: row[2])
    return Found(
        answers=(
            Answer(
                STUDY.statements[0],
                "; ".join(
                    f"per {unit} the dearest ({rows[-1][0]}) takes {ratios[unit]:.0f} times as long as the cheapest "
                    f"({rows[0][0]})"
                    for unit, rows in by_unit.items()
                ),
                Ruling.CONFIRMED if min(ratios.values()) > 2 else Ruling.REFUTED,
            ),
            Answer(
                STUDY.statements[1],
                f"in a step of a small network the slowest of {', '.join(steps)} takes {spread:.2f} times as long as "
                "the fastest, and a larger network hides the rest",
                Ruling.REFUTED if spread < 1.5 else Ruling.CONDITION,
            ),
        ),
        grids=(
            Grid(
                "Value and gradient",
                ("loss", "unit", "ms a million units", "bytes kept a unit"),
                tuple((name, unit, 1000 * seconds, kept) for name, unit, seconds, kept in losses),
                "On the machine that wrote this page; the ratios carry over, the milliseconds do not.",
            ),
            Grid(
                "One training step", ("loss", "microseconds"), tuple((n, 1e6 * s) for n, s in steps.items())
            ),
        ),
        pictures=(
            Picture(
                key="cost",
                title="Time by loss, cheapest first",
                reading="Each point is a loss: an element's output takes less than a row of ten classes.",
                x="losses in the order of their time",
                y="ms a million units",
                lines=tuple(
                    Line(
                        f"a unit is one {unit}",
                        tuple(float(at) for at, row in enumerate(ordered) if row[1] == unit),
                        tuple(1000 * row[2] for row in ordered if row[1] == unit),
                    )
                    for unit in ("element", "row")
                ),
                log_y=True,
            ),
        ),
        notes=("The figures of this study are clock times: another run gives others.",),
    )


def measured(units: int, repeats: int, steps: int) -> dict[str, object]:
    """losses: [name, unit, seconds a million units, bytes kept a unit], by unit and time; steps: seconds by loss."""
    rows = []
    for name in lossary.names():
        loss = lossary.get(name)
        forms = tuple(each.kind.form for each in loss.loss.required)
        if forms in SERVED and loss.loss.unit in (Unit.ELEMENT, Unit.ROW):
            unit = "element" if loss.loss.unit is Unit.ELEMENT else "row"
            try:
                rows.append([name, unit, *_clocked(name, forms, units, repeats)])
            except (LossaryError, TypeError):
                continue  # needs a setting, or positive numbers
    return {
        "losses": sorted(rows, key=lambda row: (str(row[1]), float(str(row[2])))),
        "steps": {name: _step(name, steps) for name in IN_A_STEP},
    }


def _clocked(name: str, forms: tuple[Form, ...], units: int, repeats: int) -> tuple[float, float]:
    """Seconds a million units, and bytes that autograd keeps for one."""
    loss = lossary.get(name)
    numbers = torch.Generator().manual_seed(0)
    classes = forms[1] is Form.CLASS
    outputs = torch.randn(units, *([CLASSES] if classes else []), generator=numbers)
    target = torch.randn(units, generator=numbers)
    if classes:
        target = torch.randint(CLASSES, (units,), generator=numbers)
    elif forms[1] is Form.BINARY:
        target = (target > 0).float()
    held: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        held[storage.data_ptr()] = storage.nbytes()
        return tensor

    spent = []
    for repeat in range(repeats + 1):  # the first warms up
        outputs.requires_grad_(True).grad = None
        start = time.perf_counter()
        if repeat == 0:
            with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
                value = loss(outputs, target)
        else:
            value = loss(outputs, target)
        torch.autograd.backward(value)
        spent.append(time.perf_counter() - start)
    return median(spent[1:]) * 1e6 / units, sum(held.values()) / units


def _step(name: str, steps: int) -> float:
    """Seconds of one training step of a small network."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Linear(30, 32), torch.nn.ReLU(), torch.nn.Linear(32, 1), torch.nn.Flatten(0)
    )
    optimizer = torch.optim.Adam(model.parameters())
    x, y, loss = torch.randn(32, 30), (torch.arange(32) % 2).float(), lossary.get(name)
    spent = []
    for _ in range(steps + 1):
        start = time.perf_counter()
        optimizer.zero_grad()
        torch.autograd.backward(loss(model(x), y))
        optimizer.step()
        spent.append(time.perf_counter() - start)
    return median(spent[1:])
