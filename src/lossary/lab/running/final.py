"""The model of the run folder: the recommended loss on all rows, at the median of the chosen rates and epochs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from lossary.lab import record
from lossary.lab.comparison import Comparison
from lossary.lab.planning.plan import network_of
from lossary.lab.running.execute import Job
from lossary.lab.training.engines.lesson import lesson
from lossary.lab.training.engines.plain import descend
from lossary.lab.training.networks import placeless
from lossary.lab.training.rows import Rows, balance, scaled, typed
from lossary.lab.training.trial import Setup, SplitData, Trial

SPLIT = 1_000_000  # of the initial weights and batch order: no split of a comparison has this number


def final_job(found: Comparison, setup: Setup, rows: Rows) -> tuple[Job, dict[str, str]]:
    """The training as a job, and what the weights do not say: what it takes to use them on rows of the same kind."""
    chosen, table, task = found.recommendation, rows.table, rows.task
    every = np.arange(table.rows)
    seen = rows.inputs.fitted(every)
    target, scale = scaled(task.answers(table), task.kind, every)
    weight = table.weights()
    x = torch.from_numpy(seen(every))
    y = torch.from_numpy(typed(target, task.kind))
    w = None if weight is None else torch.from_numpy(weight.astype("float32"))
    even = balance(y, w) if rows.balanced else None
    trial = Trial(
        loss=chosen.candidate.expression,
        link=chosen.candidate.link,  # type: ignore[arg-type]  # one of those, by Candidate, as below
        rate=chosen.rate,
        seed=found.settings.seed,
        split=SPLIT,
        setup=replace(setup, network=network_of(setup.network, chosen.candidate)),
        readout=chosen.candidate.readout,  # type: ignore[arg-type]
        learns=chosen.candidate.learns,  # type: ignore[arg-type]
    )
    facts = {
        "inputs": list(rows.inputs.names),
        "preparation": rows.inputs.facts(every),
        "kind": task.kind,
        "target": task.target,
        "target_scale": scale,
        "levels": task.levels,
        "merged": task.merged,
        "loss": chosen.candidate.expression,
        "link": chosen.candidate.link,
        "readout": chosen.candidate.readout,
        "learns": chosen.candidate.learns,
        "class_weight": found.settings.class_weight,
        "rate": chosen.rate,
        "epochs": chosen.epochs,
        "network": placeless(trial.setup.network),
        "expected": {"metric": found.ruler.name, "mean": chosen.expected.mean},
    }
    job = Job(("final", 0), learn, (trial, chosen.epochs, SplitData(x, y, x, y, x, y, w, balance=even)))
    return job, {name: record.text(value) for name, value in facts.items()}


def learn(trial: Trial, epochs: int, data: SplitData) -> dict[str, Tensor]:
    """The weights by name, as `nn.Sequential` names them.

    As the plain engine trains, but every epoch: there are no rows left to choose one by.
    """
    course = descend(trial, lesson(data, trial.learns), epochs)
    model = next(course)
    for _ in course:
        pass
    return model.state_dict()
