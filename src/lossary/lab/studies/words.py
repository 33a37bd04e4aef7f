"""Claims in words that arithmetic settles: one function a claim, each an answer."""

from __future__ import annotations

import torch

import lossary
from lossary.lab.studies.study import Answer, Grid, Ruling


def vanishing(statement: str) -> Answer:
    """Slopes in the logit where a sigmoid is saturated and wrong."""
    logit = torch.tensor([-10.0], dtype=torch.float64, requires_grad=True)
    one = torch.ones(1, dtype=torch.float64)
    (ours,) = torch.autograd.grad(lossary.binary_cross_entropy(logit, one), logit)
    (square,) = torch.autograd.grad(lossary.mse(torch.sigmoid(logit), one), logit)
    refuted = abs(float(ours)) > 0.9 and abs(float(square)) < 1e-3
    return Answer(
        statement,
        f"at a logit of −10 for a positive row cross-entropy has slope −{-float(ours):.4f} and squared error on the "
        f"sigmoid −{-float(square):.1e}: it is squared error that vanishes",
        Ruling.REFUTED if refuted else Ruling.CONDITION,
    )


def confident(statement: str) -> Answer:
    """The texts' own example: p = 0.01 for a positive row."""
    p, one = torch.tensor([0.01], dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    values = {
        "BCE": float(lossary.binary_cross_entropy(torch.logit(p), one)),
        "MSE": float(lossary.mse(p, one)),
        "MAE": float(lossary.mae(p, one)),
    }
    right = all(
        abs(values[name] - said) < 0.005 for name, said in (("BCE", 4.61), ("MSE", 0.98), ("MAE", 0.99))
    )
    told = ", ".join(f"{name} {value:.2f}" for name, value in values.items())
    measured = f"at p = 0.01 {told}; the two errors can never exceed 1, cross-entropy has no upper limit"
    return Answer(statement, measured, Ruling.CONFIRMED if right else Ruling.REFUTED)


def only_measuring(statement: str) -> Answer:
    """Equal accuracy, another loss, and a slope that accuracy does not have."""
    timid, sure = torch.full((4,), 0.1), torch.full((4,), 5.0)
    y = torch.ones(4)
    values = [float(lossary.binary_cross_entropy(each, y)) for each in (timid, sure)]
    logit = torch.full((4,), 0.1, requires_grad=True)
    (slope,) = torch.autograd.grad(lossary.binary_cross_entropy(logit, y, reduction="sum"), logit)
    return Answer(
        statement,
        f"logits of 0.1 and of 5 have the same accuracy, 100 %, and losses {values[0]:.2f} and {values[1]:.4f}; the "
        f"loss has slope −{-float(slope[0]):.2f} where accuracy has 0, so one can learn from the loss alone",
        Ruling.REFUTED if values[0] != values[1] and float(slope[0]) != 0 else Ruling.CONFIRMED,
    )


def architecture(statement: str) -> tuple[Answer, Grid]:
    """What the last layer puts out, by the cards."""
    names = ("mse", "gaussian_nll", "quantile", "cross_entropy", "coral", "triplet")
    rows = tuple((name, lossary.get(name).card.outputs, lossary.get(name).card.decode) for name in names)
    answer = Answer(
        statement,
        "one output for a squared error, two for a mean with its deviation, one a class for cross-entropy, one less "
        "than there are classes for cut points: the loss decides the last layer and how its outputs are read",
        Ruling.REFUTED if len({row[1] for row in rows}) > 1 else Ruling.CONFIRMED,
    )
    return answer, Grid("What a network must put out", ("loss", "outputs", "reading"), rows)


def cost(statement: str) -> Answer:
    """Bytes that autograd keeps: unlike seconds, the same on every machine."""
    names = ("mse", "mae", "log_cosh", "barron", "cross_entropy", "bi_tempered")
    kept = {name: _kept(name) for name in names}
    least, most = min(kept, key=lambda name: kept[name]), max(kept, key=lambda name: kept[name])
    return Answer(
        statement,
        f"{most} keeps {kept[most]:.0f} bytes a unit for its gradient, {least} {kept[least]:.0f}; the study cost has "
        "the times, and how little of them a training notices",
        Ruling.CONFIRMED if kept[most] > 2 * kept[least] else Ruling.REFUTED,
    )


def zero(statement: str) -> Answer:
    """Where a loss is 0 its slope is 0; some are 0 long before the answers are sure, some never."""
    margin = torch.tensor([1.5], requires_grad=True)
    one = torch.ones(1)
    value = lossary.hinge(margin, one)
    (slope,) = torch.autograd.grad(value, margin)
    never = float(lossary.binary_cross_entropy(torch.tensor([30.0], dtype=torch.float64), one.double()))
    measured = (
        f"hinge at a margin of 1.5 is {value.item():g} with slope {abs(float(slope)):g}: such rows teach nothing more, "
        f"right or not on new rows; cross-entropy at a logit of 30 is still {never:.0e} and never 0"
    )
    stops = value.item() == 0 and float(slope) == 0 and never > 0
    return Answer(statement, measured, Ruling.CONDITION if stops else Ruling.REFUTED)


def _kept(name: str, units: int = 1000) -> float:
    loss = lossary.get(name)
    classes = name in ("cross_entropy", "bi_tempered")
    outputs = torch.linspace(-2, 2, units * (10 if classes else 1)).view(units, *([10] if classes else []))
    target = torch.arange(units) % 10 if classes else torch.zeros(units)
    held: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        held[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss(outputs.requires_grad_(), target)
    return sum(held.values()) / units
