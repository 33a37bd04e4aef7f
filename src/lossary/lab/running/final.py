"""The model of the run folder: the recommended loss on all rows, at the median of the chosen rates and epochs."""

from __future__ import annotations

import torch
from torch import Tensor

from lossary.lab import record
from lossary.lab.asking import prepare
from lossary.lab.asking.prepare import TargetScale, target_scale
from lossary.lab.asking.task import Kind
from lossary.lab.comparison import Comparison
from lossary.lab.running.execute import Job
from lossary.lab.training.engines.lesson import Lesson
from lossary.lab.training.engines.plain import descend
from lossary.lab.training.rows import Rows, typed
from lossary.lab.training.trial import Setup, Trial

SPLIT = 1_000_000  # of the initial weights and batch order: no split of a comparison has this number


def final_job(found: Comparison, setup: Setup, rows: Rows) -> tuple[Job, dict[str, str]]:
    """The training as a job, and what the weights do not say: inputs, target scale, classes, loss, expected score."""
    chosen, table, task = found.recommendation, rows.table, rows.task
    preparation = prepare.fit(rows.profile, table.frame)
    target = task.encode(table.answers())
    scale = TargetScale(0.0, 1.0, "none")
    if task.kind is Kind.REGRESSION:
        scale = target_scale(target)
        target = scale.standardise(target)
    weight = table.weights()
    x = torch.from_numpy(preparation.transform(table.frame))
    y = torch.from_numpy(typed(target, task.kind))
    w = None if weight is None else torch.from_numpy(weight.astype("float32"))
    trial = Trial(
        loss=chosen.candidate.expression,
        link=chosen.candidate.link,  # type: ignore[arg-type]  # one of the three, by Candidate
        rate=chosen.rate,
        seed=found.settings.seed,
        split=SPLIT,
        setup=setup,
    )
    facts = {
        "inputs": list(preparation.names),
        "target_scale": scale,
        "levels": task.levels,
        "loss": chosen.candidate.expression,
        "link": chosen.candidate.link,
        "rate": chosen.rate,
        "epochs": chosen.epochs,
        "network": setup.network,
        "expected": {"metric": found.ruler.name, "mean": chosen.expected.mean},
    }
    job = Job(("final", 0), learn, (trial, chosen.epochs, x, y, w))
    return job, {name: record.text(value) for name, value in facts.items()}


def learn(trial: Trial, epochs: int, x: Tensor, y: Tensor, w: Tensor | None) -> dict[str, Tensor]:
    """The weights by name, as `nn.Sequential` names them.

    As the plain engine trains, but every epoch: there are no rows left to choose one by.
    """
    course = descend(trial, Lesson(x, y, w), epochs)
    model = next(course)
    for _ in course:
        pass
    return model.state_dict()
