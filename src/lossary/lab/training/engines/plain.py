"""One training at a time, as a reader would write it: the oracle of the stacked engine, and its fallback."""

from __future__ import annotations

import contextlib
import copy
import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from lossary.core.errors import DataError, LossaryError, sentence
from lossary.lab.metrics import get_metric
from lossary.lab.training.engines.best import divergence, refusal
from lossary.lab.training.engines.lesson import Lesson, lesson
from lossary.lab.training.engines.objective import mean_loss
from lossary.lab.training.engines.tie import tie
from lossary.lab.training.networks import Network, Own, batch_order, generator, masks
from lossary.lab.training.networks.chance import OWN
from lossary.lab.training.networks.dropout import drop, shapes
from lossary.lab.training.networks.own import said
from lossary.lab.training.readout import reader
from lossary.lab.training.trial import Outcome, Setup, SplitData, Trial

ROWS = 256  # rows evaluated at a time, which bounds what the activations hold


class Refused(Exception):
    """The loss refused the outputs of a network on its way."""


def run(
    trials: Sequence[Trial],
    data: Mapping[int, SplitData],
    *,
    progress: Callable[[int], None] | None = None,
) -> list[Outcome]:
    """Train each trial on the data of its split. `progress` is told how many trainings have just ended."""
    outcomes = []
    for trial in trials:
        outcomes.append(train(trial, data[trial.split])[1])
        if progress:
            progress(1)
    return outcomes


def train(trial: Trial, data: SplitData) -> tuple[nn.Module, Outcome]:
    """The network of one trial, at its best epoch, and the outcome."""
    setup = trial.setup
    dtype: torch.dtype = getattr(torch, setup.dtype)
    data = data.to(dtype)
    metric, read = get_metric(setup.metric), reader(trial.readout, trial.loss)
    course = descend(trial, lesson(data, trial.learns), setup.epochs)
    model = next(course)

    def judged(x: Tensor, y: Tensor, w: Tensor | None) -> tuple[Tensor, float, float]:
        outputs = read(evaluated(model, x), x)
        return outputs, float(metric.score(outputs, y, w)), float(tie(outputs, y, w, metric))

    def rank(score: float, tie: float) -> tuple[float, float]:
        """Greater is better, and a score that is not defined is worst."""
        return -math.inf if math.isnan(score) else score if metric.greater_is_better else -score, -tie

    best, epoch, curve, diverged = copy.deepcopy(model.state_dict()), 0, [], None
    _, best_score, best_tie = judged(data.x_valid, data.y_valid, data.w_valid)
    for number in range(1, setup.epochs + 1):
        try:
            next(course)
        except Refused:
            diverged = refusal(number)
            break
        outputs, now, now_tie = judged(data.x_valid, data.y_valid, data.w_valid)
        if not outputs.isfinite().all():
            diverged = divergence(number)
            break
        curve.append(now)
        if epoch == 0 or rank(now, now_tie) > rank(best_score, best_tie):
            best, best_score, best_tie, epoch = copy.deepcopy(model.state_dict()), now, now_tie, number
        if setup.patience is not None and number - epoch >= setup.patience:
            break
    model.load_state_dict(best)
    valid, _, _ = judged(data.x_valid, data.y_valid, data.w_valid)
    test, _, _ = judged(data.x_test, data.y_test, data.w_test)
    _, train_score, _ = judged(data.x_train, data.y_train, data.w_train)
    return model, Outcome(
        key=trial.key,
        score=best_score,
        tie=best_tie,
        train=train_score,
        epoch=epoch,
        curve=tuple(curve),
        diverged=diverged,
        valid=valid.float().numpy(),
        test=test.float().numpy(),
    )


def descend(trial: Trial, lesson: Lesson, epochs: int) -> Iterator[nn.Module]:
    """The network untrained, and the same one again after every epoch. Raises Refused where its loss refuses it."""
    setup, split, seed = trial.setup, trial.split, trial.seed
    dtype: torch.dtype = getattr(torch, setup.dtype)
    model = setup.network.module(split, seed, dtype)
    loss, optimizer = mean_loss(trial.loss, trial.link), optimizer_for(model, trial.rate, setup)
    dropped = shapes(model.eval(), lesson.x[:1])
    yield model
    step = 0
    for epoch, order in enumerate(batch_order(len(lesson.x), epochs, split, seed)):
        with _own_numbers(trial, epoch):
            model.train()
            for batch in torch.split(order, setup.batch):
                if dropped:
                    drop(model, masks(dropped, len(batch), split, seed, step, dtype))
                weight = None if lesson.weight is None else lesson.weight[batch]
                outputs = _called(model, lesson.x[batch], setup.network)
                try:
                    value = loss(outputs, lesson.target[batch], weight)
                except LossaryError as error:
                    if step == 0:  # what a loss cannot take from the start is a mistake, not a divergence
                        raise
                    raise Refused from error
                optimizer.zero_grad()
                torch.autograd.backward(value)
                optimizer.step()
                step += 1
            drop(model, {})
        yield model


def _called(model: nn.Module, x: Tensor, network: Network) -> Tensor:
    """Raw outputs of a batch. Raises DataError where the user's own network takes two rows and not these."""
    try:
        found: Tensor = model(x)
    except Exception as error:
        if not isinstance(network, Own):
            raise
        raise DataError(
            sentence(
                f"model {network.name}",
                expected=f"to take batches of {len(x)} in training",
                got=said(error),
                remedy="change it, or choose another --batch: the last of an epoch may be smaller",
            )
        ) from error
    return found


def optimizer_for(model: nn.Module, rate: float, setup: Setup) -> torch.optim.Optimizer:
    """Adam or plain gradient descent, with decoupled weight decay: weights shrink by rate * weight_decay."""
    if setup.optimizer == "sgd":
        return DecoupledSGD(model.parameters(), lr=rate, weight_decay=setup.weight_decay)
    return torch.optim.AdamW(
        model.parameters(),
        lr=rate,
        betas=setup.betas,
        eps=setup.eps,
        weight_decay=setup.weight_decay,
        fused=True,
    )


class DecoupledSGD(torch.optim.SGD):
    """Gradient descent without momentum, whose weight decay does not enter the gradient (Loshchilov 2019)."""

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    parameter.mul_(1 - group["lr"] * group["weight_decay"])
                    parameter.sub_(parameter.grad, alpha=group["lr"])


def evaluated(model: nn.Module, x: Tensor) -> Tensor:
    """Raw outputs (rows, K) of every row, without gradients."""
    model.eval()
    with torch.no_grad():
        return torch.cat([model(rows) for rows in torch.split(x, ROWS)])


@contextlib.contextmanager
def _own_numbers(trial: Trial, epoch: int) -> Iterator[None]:
    """Seed torch's generator by (split, seed, epoch) where the user's own code may draw from it."""
    if not isinstance(trial.setup.network, Own):
        yield
        return
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(generator(trial.split, trial.seed, OWN, 1 + epoch).initial_seed())
        yield
