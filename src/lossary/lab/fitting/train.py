"""The compile line of the textbooks as one call: train one network under one loss, and get its history."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from math import isfinite
from typing import Any

import torch
from torch import Tensor, nn

from lossary.core.errors import CallError, DataError, sentence
from lossary.lab.fitting import scoring
from lossary.lab.fitting.ending import activation, refuse_twice
from lossary.lab.fitting.examples import Examples, examples, kept_apart
from lossary.lab.fitting.goal import Goal, Loss, goal
from lossary.lab.fitting.history import History
from lossary.lab.metrics import Metric

Factory = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]
# The rates that torch and Keras give them; whoever compares losses tunes the rate of each (`lossary.lab.compare`).
OPTIMIZERS: dict[str, tuple[type[torch.optim.Optimizer], float]] = {
    "adam": (torch.optim.Adam, 0.001),
    "adamw": (torch.optim.AdamW, 0.001),
    "rmsprop": (torch.optim.RMSprop, 0.001),
    "sgd": (torch.optim.SGD, 0.01),
}
ROWS = 1024  # evaluated at a time


def train(
    model: nn.Module,
    X: Any,
    y: Any,
    *,
    loss: Loss,
    optimizer: str | torch.optim.Optimizer | Factory = "adam",
    metrics: str | Sequence[str] = (),
    epochs: int = 20,
    batch_size: int = 32,
    validation: float | tuple[Any, Any] = 0.2,
    learning_rate: float | None = None,
    seed: int = 0,
    weight: Any = None,
    progress: Callable[[int, dict[str, float]], None] | None = None,
) -> History:
    """Train `model` in place on rows X and targets y; returns its history, which prints itself.

    loss: any name of the catalogue, Keras's included, an expression such as "0.5*mse + mae", a module or a function
    of (outputs, target). Class targets are indices (rows,) or one-hot rows (rows, K); the outputs are logits.
    optimizer: "adam", "adamw", "rmsprop", "sgd", an optimiser of torch over the model's parameters, or what makes
    one of them. validation: the share of rows kept apart, drawn by the seed, or rows of their own (X, y).
    weight: how much each row counts, in the loss and in the metrics, (rows,). progress is called after each epoch
    with its number and its figures.

    The seed decides validation rows, batches and dropout; the initial weights are the model's own. A training that
    is interrupted returns what it has, and so does one whose loss is no longer finite: `History.ended` says so.
    Raises LossaryError, in one sentence, where model, rows and loss do not belong together; nothing is trained then.
    """
    for name, value in (("epochs", epochs), ("batch_size", batch_size)):
        if type(value) is not int or value < 1:
            raise DataError(
                sentence(name, expected="a whole number above 0", got=repr(value), remedy="raise it")
            )
    aim, asked = goal(loss), scoring.chosen(metrics)
    if weight is not None and not aim.weighted:
        raise DataError(
            sentence("weight", expected="a loss of Lossary, which knows how to weigh rows", got=aim.name,
                     remedy="weigh the rows inside your loss, or name one of `lossary list`")
        )  # fmt: skip
    if not isinstance(model, nn.Module):
        raise DataError(
            sentence(
                "model",
                expected="a torch.nn.Module",
                got=type(model).__name__,
                remedy="derive it from torch.nn.Module",
            )
        )
    first = next(model.parameters(), None)
    if first is None:
        raise DataError(
            sentence("model", expected="something to learn", got="no parameters", remedy="give it a layer")
        )
    looks_up = any(isinstance(each, (nn.Embedding, nn.EmbeddingBag)) for each in model.modules())
    kind: dict[str, Any] = {"dtype": first.dtype, "device": first.device, "ids": looks_up}
    every = examples(X, y, weight, **kind)
    if isinstance(validation, tuple):
        apart: Examples | None = examples(*validation, None, **kind, name="validation ")
        rows = every
    else:
        rows, apart = kept_apart(every, validation, seed)
    rows = Examples(rows.x, aim.typed(rows.y, first.dtype), rows.weight)
    if apart is not None:
        apart = Examples(apart.x, aim.typed(apart.y, first.dtype), apart.weight)
    end = _probed(model, rows.at(torch.arange(min(len(rows), batch_size))), aim, asked)
    stepper, says = _optimizer(optimizer, model, learning_rate)
    course = _Course(model, aim, asked, end)
    description = f"{aim.name}, {says}, batches of {batch_size}, {len(rows)} rows"
    return _run(course, stepper, rows, apart, epochs, batch_size, seed, progress, description)


def _run(
    course: _Course,
    stepper: torch.optim.Optimizer,
    rows: Examples,
    apart: Examples | None,
    epochs: int,
    batch: int,
    seed: int,
    progress: Callable[[int, dict[str, float]], None] | None,
    description: str,
) -> History:
    """Epoch after epoch. The global random numbers (dropout) are seeded for the training and given back after it."""
    model, aim = course.model, course.aim
    start, ended = time.perf_counter(), ""
    done: list[tuple[dict[str, float], dict[str, float]]] = []
    order = torch.Generator().manual_seed(seed)
    was = model.training
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            for epoch in range(1, epochs + 1):
                model.train()
                for at in torch.split(torch.randperm(len(rows), generator=order).to(rows.x.device), batch):
                    part = rows.at(at)
                    stepper.zero_grad()
                    torch.autograd.backward(aim.mean(model(part.x), part.y, part.weight))
                    stepper.step()
                found = course.judged(rows), course.judged(apart) if apart is not None else {}
                if not isfinite(found[0]["loss"]):
                    ended = f"Stopped: the loss was no longer finite after epoch {epoch}; lower the learning rate."
                    break
                done.append(found)
                if progress is not None:
                    progress(
                        epoch, found[0] | {f"validation_{name}": each for name, each in found[1].items()}
                    )
    except KeyboardInterrupt:
        ended = f"Interrupted after {len(done)} of {epochs} epochs."
    finally:
        model.train(was)
    names = list(course.metrics)

    def series(side: int, name: str) -> tuple[float, ...]:
        return tuple(each[side][name] for each in done if each[side])

    return History(
        description=description,
        loss=series(0, "loss"),
        validation_loss=series(1, "loss"),
        metrics={name: series(0, name) for name in names},
        validation_metrics={name: series(1, name) for name in names} if apart is not None else {},
        ended=ended,
        seconds=time.perf_counter() - start,
    )


class _Course:
    """What judging an epoch needs."""

    def __init__(self, model: nn.Module, aim: Goal, metrics: dict[str, Metric], end: str) -> None:
        self.model, self.aim, self.metrics, self.end = model, aim, metrics, end

    def judged(self, rows: Examples) -> dict[str, float]:
        """Loss and metrics on all rows, the network at rest."""
        self.model.eval()
        with torch.no_grad():
            outputs = torch.cat([self.model(x) for x in torch.split(rows.x, ROWS)])
            if not bool(outputs.isfinite().all()):
                return {"loss": float("nan"), **dict.fromkeys(self.metrics, float("nan"))}
            value = float(self.aim.mean(outputs, rows.y, rows.weight))
        scores = scoring.scored(self.metrics, outputs, rows.y, rows.weight, self.aim, self.end)
        return {"loss": value, **scores}


def _probed(model: nn.Module, rows: Examples, aim: Goal, metrics: dict[str, Metric]) -> str:
    """Try one batch, the network at rest; returns the activation at its end. Raises for what does not fit."""
    was = model.training
    model.eval()
    try:
        outputs = model(rows.x)
    except (RuntimeError, TypeError, ValueError, IndexError) as error:
        raise DataError(
            sentence("X", expected="rows that the model takes", got=f"shape {tuple(rows.x.shape)}, refused with "
                     f"{str(error).splitlines()[0]!r}", remedy="match its first layer to the features")
        ) from error  # fmt: skip
    finally:
        model.train(was)
    if not isinstance(outputs, Tensor):
        got = type(outputs).__name__
        raise DataError(
            sentence("model", expected="one tensor of outputs", got=got, remedy="return the outputs alone")
        )
    end = activation(outputs)
    refuse_twice(end, aim)
    try:
        aim.mean(outputs, rows.y, rows.weight)
    except CallError as error:
        raise type(error)(f"{error}{_remedy(outputs, rows.y)}") from None
    scoring.refuse(metrics, outputs.detach(), rows.y)
    return end


def _remedy(outputs: Tensor, target: Tensor) -> str:
    """What to change in the model or in y, where their shapes disagree in the usual way."""
    if outputs.ndim == 2 and outputs.shape[1] == 1 and target.ndim == 1:
        return " In this training: end the model with nn.Flatten(0), or pass y[:, None]."
    if target.ndim == 2 and target.shape[1] == 1 and outputs.ndim == 1:
        return " In this training: pass y[:, 0]."
    return ""


def _optimizer(
    asked: str | torch.optim.Optimizer | Factory, model: nn.Module, rate: float | None
) -> tuple[torch.optim.Optimizer, str]:
    if rate is not None and not 0 < rate < float("inf"):
        raise DataError(
            sentence("learning_rate", expected="a number above 0", got=repr(rate), remedy="try 0.001")
        )
    if isinstance(asked, str):
        if asked.lower() not in OPTIMIZERS:
            known = ", ".join(OPTIMIZERS)
            raise DataError(
                sentence(
                    "optimizer",
                    expected=f"one of {known}, or one of torch's",
                    got=repr(asked),
                    remedy="use adam",
                )
            )
        made, usual = OPTIMIZERS[asked.lower()]
        chosen = usual if rate is None else rate
        return made(model.parameters(), lr=chosen), f"{asked.lower()} at {chosen:g}"  # type: ignore[call-arg]
    if rate is not None:
        raise DataError(
            sentence("learning_rate", expected="an optimizer named in words", got="one that holds its own rate",
                     remedy="set the rate where the optimizer is made")
        )  # fmt: skip
    found = asked if isinstance(asked, torch.optim.Optimizer) else asked(model.parameters())
    mine = {id(each) for each in model.parameters()}
    if not any(id(each) in mine for group in found.param_groups for each in group["params"]):
        raise DataError(
            sentence("optimizer", expected="one over the model's parameters", got="one of other tensors",
                     remedy="make it from model.parameters()")
        )  # fmt: skip
    return found, type(found).__name__
