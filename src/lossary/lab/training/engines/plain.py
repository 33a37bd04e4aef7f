"""One training at a time, as a reader would write it: the oracle of the stacked engine, and its fallback."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from lossary.lab.metrics import get_metric
from lossary.lab.training import network
from lossary.lab.training.engines.best import divergence
from lossary.lab.training.engines.objective import mean_loss
from lossary.lab.training.engines.tie import tie
from lossary.lab.training.trial import Outcome, SplitData, Trial


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


def train(trial: Trial, data: SplitData) -> tuple[nn.Sequential, Outcome]:
    """The network of one trial, at its best epoch, and the outcome."""
    setup = trial.setup
    dtype: torch.dtype = getattr(torch, setup.dtype)
    data = data.to(dtype)
    metric, loss = get_metric(setup.metric), mean_loss(trial.loss, trial.link)
    model = network.module(setup.network, trial.split, trial.seed, dtype)
    optimizer = torch.optim.AdamW(
        model.parameters(),
        lr=trial.rate,
        betas=setup.betas,
        eps=setup.eps,
        weight_decay=setup.weight_decay,
        fused=True,
    )

    def judged(x: Tensor, y: Tensor, w: Tensor | None) -> tuple[Tensor, float, float]:
        with torch.no_grad():
            outputs = model(x)
        return outputs, float(metric.score(outputs, y, w)), float(tie(outputs, y, w, metric))

    def rank(score: float, tie: float) -> tuple[float, float]:
        """Greater is better, and a score that is not defined is worst."""
        return -math.inf if math.isnan(score) else score if metric.greater_is_better else -score, -tie

    best, epoch, curve, diverged = copy.deepcopy(model.state_dict()), 0, [], None
    _, best_score, best_tie = judged(data.x_valid, data.y_valid, data.w_valid)
    order = network.batch_order(len(data.x_train), setup.epochs, trial.split, trial.seed)
    for number, rows in enumerate(order, start=1):
        for batch in torch.split(rows, setup.batch):
            weight = None if data.w_train is None else data.w_train[batch]
            value = loss(model(data.x_train[batch]).squeeze(-1), data.y_train[batch], weight)
            optimizer.zero_grad()
            torch.autograd.backward(value)
            optimizer.step()
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
