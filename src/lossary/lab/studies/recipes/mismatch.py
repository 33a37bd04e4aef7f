"""Every loss on every task, the unsuitable ones included: what is refused, what learns all the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

import lossary
from lossary.core.errors import LossaryError
from lossary.core.kinds import Form
from lossary.core.unit import Unit
from lossary.lab.fitting.train import train
from lossary.lab.studies.bench import Bench
from lossary.lab.studies.outcome import Values, percent, settle
from lossary.lab.studies.sets import clouds, lines, table
from lossary.lab.studies.study import Answer, Found, Grid, Study

STUDY = Study(
    name="mismatch",
    title="Which loss suits which task?",
    question="What happens when a loss meets a task it was not made for?",
    text='Squared error is for numbers, cross-entropy for classes; binary cross-entropy is "not suitable for '
    'multi-class classification".',
    statements=(
        "cross-entropy is better than one binary cross-entropy a class (ten classes)",
        "cross-entropy is better than squared error on one-hot rows (ten classes)",
        "cross-entropy is better than squared error on class numbers (ten classes)",
        "binary cross-entropy is better than squared error on 0 and 1 (two classes)",
    ),
    data="digits, for ten classes; two normal clouds; numbers that are a sum of features with noise",
    metric="accuracy; R² for numbers",
    region="1 point",
    design="One hidden layer of 32 units through lossary.lab.train, Adam, the best of three rates on validation, "
    "splits 60/20/20. The wide table has one split, one rate and half the epochs a cell: it says what learns, not how "
    "well.",
    settings={"splits": 8, "rows": 900, "epochs": 20, "losses": 1000, "rates": (0.003, 0.01, 0.03)},
    quick={"splits": 2, "rows": 100, "epochs": 1, "losses": 6, "rates": (0.01,)},
    seconds=30,
)
# How a loss meets ten classes: with a logit a class, with one-hot rows, with the class's number.
WAYS = ("classes", "one-hot", "numbers")
PAIRED = {
    "cross-entropy": ("cross_entropy", "classes"),
    "one binary cross-entropy a class": ("binary_cross_entropy", "one-hot"),
    "squared error on one-hot rows": ("mse", "one-hot"),
    "squared error on class numbers": ("mse", "numbers"),
}
CHUNK = 8  # losses of one job


def recipe(bench: Bench) -> Found:
    """The pairs with their statistics, then the wide table."""
    sizes = bench.whole("rows"), bench.whole("epochs")
    tasks = [(split, *sizes, bench.list("rates")) for split in range(bench.whole("splits"))]
    found = bench.run("pairs", on_one_split, tasks)
    names = [name for name in lossary.names() if _served(name)][: bench.whole("losses")]
    cells = bench.run(
        "every loss", met, [(names[at : at + CHUNK], *sizes) for at in range(0, len(names), CHUNK)]
    )

    def scores(name: str) -> Values:
        return np.array([each[name] for each in found])

    cross, binary = "cross-entropy", "binary cross-entropy"
    pairs = {
        statement: (scores(cross), scores(name))
        for statement, name in zip(STUDY.statements, list(PAIRED)[1:], strict=False)
    }
    pairs[STUDY.statements[3]] = scores(binary), scores("squared error on 0 and 1")
    n_test = bench.whole("rows") // 5
    settled = settle(pairs, region=0.01, n_test=n_test, n_rest=bench.whole("rows") - n_test)
    answers = tuple(
        Answer(name, f"{percent(each.score)} against {percent(each.other)}, {each.said()}", each.outcome)
        for name, each in settled.items()
    )
    rows = tuple(
        (name, *[row[task] for task in TASKS]) for part in cells for name, row in sorted(part.items())
    )
    note = (
        "Accuracy, or R² for numbers. –: the loss refuses such outputs or targets in a sentence, or asks for a setting "
        "without a default, such as the counts of the classes. chance: no better than the commonest class, or than the "
        "mean. Losses that read several columns as one answer, embeddings or regions need another last layer and are "
        "left out."
    )
    return Found(answers, (Grid("Every loss on every task", ("loss", *TASKS), rows, note),))


def _served(name: str) -> bool:
    """Whether it compares one output, or one a class, with a target, row by row."""
    loss = lossary.get(name).loss
    forms = [each.kind.form for each in loss.required]
    plain = len(forms) == 2 and forms[0] in OUTPUTS and not any(each.kind.fewer for each in loss.inputs)
    return plain and loss.unit in (Unit.ELEMENT, Unit.ROW) and not loss.facts.coupled


OUTPUTS = (Form.REAL, Form.SCORE, Form.LOGIT, Form.LOGITS, Form.SCORES)
TASKS = ("two classes", "ten classes", "ten classes, one-hot", "ten classes, as numbers", "numbers")


def _rows(task: str, rows: int, seed: int) -> tuple[Values, Values]:
    if task == "two classes":
        made = clouds(rows, apart=2.0, seed=seed)
    elif task == "numbers":
        made = lines(rows, noise=0.5, seed=seed)
    else:
        made = table("digits")
    order = np.random.default_rng(seed).permutation(len(made.y))[:rows]
    return made.x[order] / max(1.0, float(np.abs(made.x).max()) / 4), made.y[order]


def on_one_split(split: int, rows: int, epochs: int, rates: tuple[float, ...]) -> dict[str, float]:
    """Name of a contender -> its score on the test rows, at the rate that is best on validation rows."""
    found = {
        name: max(_scored(loss, way, "ten classes", rows, epochs, rate, split) for rate in rates)[1]
        for name, (loss, way) in PAIRED.items()
    }
    for name, loss in (("binary cross-entropy", "binary_cross_entropy"), ("squared error on 0 and 1", "mse")):
        found[name] = max(
            _scored(loss, "numbers", "two classes", rows, epochs, rate, split) for rate in rates
        )[1]
    return found


def met(names: list[str], rows: int, epochs: int) -> dict[str, dict[str, str]]:
    """Loss -> task -> what came of it, in a word or a number."""
    cases = {
        "two classes": ("numbers", "two classes"),
        "ten classes": ("classes", "ten classes"),
        "ten classes, one-hot": ("one-hot", "ten classes"),
        "ten classes, as numbers": ("numbers", "ten classes"),
        "numbers": ("numbers", "numbers"),
    }
    found: dict[str, dict[str, str]] = {}
    for name in names:
        found[name] = {}
        for task, (way, data) in cases.items():
            try:
                _, score = _scored(name, way, data, rows, max(1, epochs // 2), 0.01, 0)
            except (LossaryError, RuntimeError):  # torch's own: a shape that no loss of the catalogue has
                found[name][task] = "–"
                continue
            chance = {"two classes": 0.55, "numbers": 0.05}.get(data, 0.15)
            shown = f"{score:.2f}" if data == "numbers" else percent(score)
            found[name][task] = shown if score > chance else "chance"
    return found


def _scored(
    loss: str, way: str, task: str, rows: int, epochs: int, rate: float, seed: int
) -> tuple[float, float]:
    """Score on validation and on test rows of one training. Raises LossaryError where the loss refuses the rows."""
    x, y = _rows(task, rows, seed)
    classes = 10 if task == "ten classes" else 1
    target: Any = y
    form = lossary.get(loss).loss.required[1].kind.form
    if way == "one-hot":
        if form is Form.CLASS:
            raise LossaryError("met as classes")  # to it one-hot rows are the classes again
        target = np.eye(classes)[y.astype(int)]
    elif way == "classes":
        target = y.astype(int)
    outputs = classes if way != "numbers" else 1
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layers = [nn.Linear(x.shape[1], 32), nn.ReLU(), nn.Linear(32, outputs)]
        model = nn.Sequential(*layers, *([nn.Flatten(0)] if way == "numbers" else []))
    fifth = len(x) // 5
    train(
        model, x[2 * fifth :], target[2 * fifth :], loss=loss, learning_rate=rate, epochs=epochs, validation=0,
        seed=seed,
    )  # fmt: skip
    with torch.no_grad():
        raw = model(torch.tensor(x, dtype=torch.float32)).double().numpy()
    # A margin or a logit is decided at 0, a number fitted to 0 and 1 between them.
    cut = 0.0 if lossary.get(loss).loss.required[0].kind.form in (Form.LOGIT, Form.SCORE) else 0.5
    parts = slice(fifth, 2 * fifth), slice(0, fifth)
    valid, test = (_judged(raw[part], y[part], way, task, cut) for part in parts)
    return valid, test


def _judged(raw: Values, y: Values, way: str, task: str, cut: float) -> float:
    if not np.isfinite(raw).all():
        return 0.0
    if task == "numbers":
        return float(1 - ((raw - y) ** 2).mean() / max(float(y.var()), 1e-12))
    if way != "numbers":
        return float((raw.argmax(axis=1) == y).mean())
    return float(((raw > cut if task == "two classes" else np.rint(raw)) == y).mean())
