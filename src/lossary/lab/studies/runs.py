"""Claims in words that need a training: each function is one replicate on data of its own, drawn by its number."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lossary.lab.fitting.train import train
from lossary.lab.metrics import get_metric
from lossary.lab.studies.sets import clouds, flipped, lines

Values = NDArray[np.float64]
BALANCED = get_metric("balanced_accuracy")


def outliers(replicate: int, epochs: int) -> dict[str, dict[str, float]]:
    """Mean absolute error on clean rows of a line fitted to clean, spoilt and misplaced ones: data -> loss -> error."""
    learned, clean = lines(300, seed=2 * replicate), lines(1000, seed=2 * replicate + 1)
    spoilt = np.random.default_rng(replicate).permutation(300)[:30]  # one row in ten
    high, far = learned.y.copy(), learned.x.copy()
    high[spoilt] += 10 * learned.y.std()
    far[spoilt, 0] += 10  # the answer does not follow: leverage
    sets = {"clean": (learned.x, learned.y), "targets": (learned.x, high), "features": (far, learned.y)}
    found: dict[str, dict[str, float]] = {}
    for name, (x, y) in sets.items():
        found[name] = {}
        for loss in ("mse", "mae", "huber", "welsch"):
            model = _linear(x.shape[1])
            train(model, x, y, loss=loss, learning_rate=0.02, epochs=epochs, validation=0, seed=replicate)
            found[name][loss] = float(np.abs(_outputs(model, clean.x) - clean.y).mean())
    return found


def imbalance(replicate: int, epochs: int) -> dict[str, float]:
    """Balanced accuracy on new rows where one row in 25 is positive: loss and decision -> score."""
    learned = clouds(1000, share=0.04, apart=2.0, seed=2 * replicate)
    fresh = clouds(4000, share=0.04, apart=2.0, seed=2 * replicate + 1)
    share = float(learned.y.mean())
    weight = np.where(learned.y == 1, 0.5 / share, 0.5 / (1 - share))
    prior = float(np.log(share / (1 - share)))
    found = {}
    for name, loss, each in (
        ("cross-entropy", "binary_cross_entropy", None),
        ("squared error", _square_on_sigmoid, None),
        ("cross-entropy, classes weighted", "binary_cross_entropy", weight),
    ):
        model = _linear(learned.x.shape[1])
        train(
            model, learned.x, learned.y, loss=loss, weight=each, learning_rate=0.02, epochs=epochs, validation=0,
            seed=replicate,
        )  # fmt: skip
        logits = _outputs(model, fresh.x)
        found[name] = _balanced(logits, fresh.y, 0.0)
        if each is None:
            found[f"{name}, threshold at the share"] = _balanced(logits, fresh.y, prior)
    return found


def lower(replicate: int, epochs: int) -> dict[str, float]:
    """A network trained too long on labels of which some are wrong: its epochs of least loss and of best accuracy."""
    rows = flipped(clouds(300, apart=2.0, seed=replicate), 0.1, seed=replicate)
    fresh = clouds(2000, apart=2.0, seed=1000 + replicate)
    history = train(
        _network(rows.x.shape[1]), rows.x, rows.y, loss="binary_cross_entropy", metrics="accuracy", learning_rate=0.02,
        epochs=epochs, validation=(fresh.x, fresh.y), seed=replicate,
    )  # fmt: skip
    least = int(np.argmin(history.validation_loss))
    best = int(np.argmax(history.validation_metrics["accuracy"]))
    return {
        "accuracy at least training loss": history.validation_metrics["accuracy"][
            int(np.argmin(history.loss))
        ],
        "accuracy at least validation loss": history.validation_metrics["accuracy"][least],
        "best accuracy": history.validation_metrics["accuracy"][best],
        "loss there": history.validation_loss[best],
        "least loss": history.validation_loss[least],
    }


def differentiable(replicate: int, epochs: int) -> dict[str, float]:
    """Accuracy on new rows under losses with a kink, and under the error rate itself, whose slope is 0."""
    rows, fresh = clouds(300, apart=3.0, seed=2 * replicate), clouds(2000, apart=3.0, seed=2 * replicate + 1)
    found = {}
    for name, loss in (
        ("hinge", "hinge"),
        ("cross-entropy", "binary_cross_entropy"),
        ("error rate", _error_rate),
    ):
        model = _linear(rows.x.shape[1], replicate)
        train(
            model, rows.x, rows.y, loss=loss, learning_rate=0.02, epochs=epochs, validation=0, seed=replicate
        )
        found[name] = float(((_outputs(model, fresh.x) > 0) == fresh.y).mean())
    return found


def changed(replicate: int, epochs: int) -> dict[str, float]:
    """What two losses make of the same start and batches: decisions on classes, and centres of skewed numbers."""
    rows, fresh = clouds(300, apart=2.0, seed=2 * replicate), clouds(2000, apart=2.0, seed=2 * replicate + 1)
    decided = {}
    for loss in ("binary_cross_entropy", "squared_hinge"):
        model = _network(rows.x.shape[1])
        train(
            model, rows.x, rows.y, loss=loss, learning_rate=0.01, epochs=epochs, validation=0, seed=replicate
        )
        decided[loss] = _outputs(model, fresh.x) > 0
    skewed = np.random.default_rng(replicate).exponential(size=500)
    centres = {}
    for loss in ("mse", "mae"):
        model = _linear(1)
        train(
            model,
            np.zeros((500, 1)),
            skewed,
            loss=loss,
            learning_rate=0.05,
            epochs=epochs,
            validation=0,
            seed=replicate,
        )
        centres[loss] = float(_outputs(model, np.zeros((1, 1)))[0])
    first, second = decided.values()
    return {"decided differently": float((first != second).mean()), **centres}


def _error_rate(outputs: Tensor, target: Tensor) -> Tensor:
    """One minus accuracy, tied to the outputs so that autograd finds its slope: 0."""
    return ((outputs > 0) != (target > 0.5)).to(outputs.dtype).mean() + 0 * outputs.sum()


def _square_on_sigmoid(outputs: Tensor, target: Tensor) -> Tensor:
    return (torch.sigmoid(outputs) - target).square().mean()


def _balanced(logits: Values, y: Values, threshold: float) -> float:
    return float(BALANCED.score(torch.from_numpy(logits)[:, None], torch.from_numpy(y), threshold=threshold))


def _linear(features: int, seed: int | None = None) -> nn.Module:
    """From zero, or from a random start where zero would be a symmetric one."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0 if seed is None else seed)
        layer = nn.Linear(features, 1)
    if seed is None:
        for each in layer.parameters():
            nn.init.zeros_(each)
    return nn.Sequential(layer, nn.Flatten(0))


def _network(features: int) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(features, 32), nn.ReLU(), nn.Linear(32, 1), nn.Flatten(0))


def _outputs(model: nn.Module, x: Any) -> Values:
    with torch.no_grad():
        found: Values = model(torch.tensor(x, dtype=torch.float32)).double().numpy()
    return found
