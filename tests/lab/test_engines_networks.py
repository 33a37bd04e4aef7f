"""Every network and every kind of answer: the stacked engine against the plain one, in float64."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from torch import Tensor

from lossary.lab.training.engines import plain, stackable, stacked
from lossary.lab.training.networks import Bag, Cnn, Mlp, Network, Segmenter, masks
from lossary.lab.training.random_features import FEATURES
from lossary.lab.training.readout import Readout
from lossary.lab.training.trial import Learns, Link, Outcome, Setup, SplitData, Trial

ROWS = 72
NUMBERS = torch.Generator().manual_seed(0)
TABLE = torch.randn(ROWS, 5, generator=NUMBERS)
SCORE = TABLE[:, 0] + TABLE[:, 1]
PICTURES = torch.randn(ROWS, 1, 8, 8, generator=NUMBERS)
LARGE = torch.randn(len(PICTURES), 1, 16, 18, generator=torch.Generator().manual_seed(7)).to(PICTURES.dtype)
PIXELS = (PICTURES[:, 0].flatten(1) > 0.3).float()
WORDS = torch.randint(30, (ROWS, 9), generator=NUMBERS)
WEIGHT = torch.rand(ROWS, generator=NUMBERS)
RANKS = torch.bucketize(SCORE, torch.tensor([-1.0, 0.0, 1.0]))


@dataclass(frozen=True)
class Loss:
    expression: str
    outputs: int
    readout: Readout = "identity"
    link: Link = "identity"
    learns: Learns = "answer"


def cut(x: Tensor, y: Tensor, w: Tensor | None = None) -> SplitData:
    parts = [
        None if part is None else part[rows]
        for part in (x, y, w)
        for rows in (slice(48), slice(48, 60), slice(60, None))
    ]
    x_train, x_valid, x_test, y_train, y_valid, y_test, *weights = parts
    assert x_train is not None and x_valid is not None and x_test is not None
    assert y_train is not None and y_valid is not None and y_test is not None
    return SplitData(x_train, y_train, x_valid, y_valid, x_test, y_test, *weights)


def trials(network: Network, metric: str, losses: Sequence[Loss], **settings: object) -> list[Trial]:
    common = Setup(network, metric, epochs=2, batch=16, dtype="float64")
    return [
        Trial(
            each.expression,
            rate,
            seed,
            0,
            replace(common, network=network.with_outputs(each.outputs), **settings),  # type: ignore[arg-type]
            each.link,
            readout=each.readout,
            learns=each.learns,
        )
        for each in losses
        for seed in (0, 1)
        for rate in (1e-3, 1e-2)
    ]


def assert_alike(every: Sequence[Trial], data: SplitData, **tolerance: float) -> list[Outcome]:
    tolerance = tolerance or {"rtol": 1e-5, "atol": 1e-5}
    assert all(stackable(trial) is None for trial in every)
    ours = stacked.run(every, {0: data})
    for one, other in zip(ours, plain.run(every, {0: data}), strict=True):
        assert (one.key, one.epoch, one.diverged) == (other.key, other.epoch, other.diverged)
        for name in ("curve", "score", "tie", "train", "valid", "test"):
            np.testing.assert_allclose(getattr(one, name), getattr(other, name), **tolerance, err_msg=name)
    return ours


CASES: dict[str, tuple[Network, str, tuple[Loss, ...], SplitData]] = {
    "pictures": (
        Cnn(1, 8, 8, 4),
        "accuracy",
        (Loss("cross_entropy", 4), Loss("mse", 4, link="softmax"), Loss("triplet_batch_hard", 4)),
        cut(PICTURES, RANKS),
    ),
    "pictures, layer norm, dropout, weighted": (
        Cnn(1, 8, 8, 1, (4,), "layer", 0.2),
        "log_loss",
        (Loss("focal", 1), Loss("hinge", 1)),
        cut(PICTURES, (SCORE > 0).float(), WEIGHT),
    ),
    "texts, dropout": (
        Bag(30, 6, (5,), 1, 0.2),
        "log_loss",
        (Loss("binary_cross_entropy", 1), Loss("mae", 1, link="sigmoid")),
        cut(WORDS, (SCORE > 0).float()),
    ),
    "a table, two hidden layers, dropout": (
        Mlp(5, (8, 6), 1, "tanh", 0.3),
        "rmse",
        (Loss("mse", 1), Loss("huber", 1)),
        cut(TABLE, SCORE, WEIGHT),
    ),
    "labels": (
        Mlp(5, (8,), 3),
        "label_log_loss",
        (Loss("binary_cross_entropy", 3), Loss("asymmetric", 3), Loss("zlpr", 3)),
        cut(TABLE, (TABLE[:, :3] > 0).float(), WEIGHT),
    ),
    "ranks": (
        Mlp(5, (8,), 4),
        "rank_error",
        (Loss("cross_entropy", 4, "classes"), Loss("coral", 3, "classes"), Loss("corn", 3, "classes")),
        cut(TABLE, RANKS),
    ),
    "counts": (
        Mlp(5, (8,), 1),
        "poisson_deviance",
        (Loss("poisson_nll", 1, "exp"), Loss("negative_binomial_nll", 2, "mean")),
        cut(TABLE, torch.poisson(SCORE.clamp(max=2).exp(), generator=NUMBERS)),
    ),
    "numbers from distributions": (
        Mlp(5, (8,), 1),
        "rmse",
        (Loss("mse", 1), Loss("gaussian_nll", 2, "mean")),
        cut(TABLE, SCORE),
    ),
    "anomalies, by what cannot be rebuilt": (
        Mlp(5, (3,), 5),
        "roc_auc",
        (
            Loss("mse", 5, "error", learns="inputs"),
            Loss("mae", 5, "error", learns="inputs"),
            Loss("huber", FEATURES, "surprise", learns="random"),
        ),
        cut(TABLE, (SCORE > 1).float(), WEIGHT),
    ),
    "embeddings": (
        Mlp(5, (8,), 4),
        "recall_at_1",
        (Loss("triplet_batch_hard", 4), Loss("cross_entropy", 4)),
        cut(TABLE, RANKS),
    ),
    "pixels, weighted": (
        Segmenter(1, 8, 8, (4, 4)),
        "pixel_log_loss",
        (
            Loss("binary_cross_entropy", 64),
            Loss("binary_dice", 64),
            Loss("binary_cross_entropy + binary_dice", 64),
        ),
        cut(PICTURES, PIXELS, WEIGHT),
    ),
    "pixels of larger pictures, whose squares are channels": (
        Segmenter(1, 16, 18, (4,)),
        "pixel_log_loss",
        (Loss("binary_cross_entropy", 16 * 18),),
        cut(LARGE, (LARGE > 0.3).flatten(1).to(LARGE.dtype), WEIGHT),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_stacked_is_plain_for_every_network_and_every_kind_of_answer(case: str) -> None:
    network, metric, losses, data = CASES[case]
    ours = assert_alike(trials(network, metric, losses), data)
    columns = {1: 1, 3: 3 if data.y_test.ndim == 2 else 4}.get(losses[-1].outputs, losses[-1].outputs)
    assert all(outcome.valid.dtype == np.float32 and outcome.test.shape[0] == 12 for outcome in ours)
    if losses[-1].readout in ("mean", "error", "surprise", "exp"):
        columns = 1
    assert ours[-1].test.shape[1] == columns


def test_plain_gradient_descent_is_the_same_in_both_engines_and_follows_the_scale_of_a_loss() -> None:
    data = cut(TABLE, (SCORE > 0).float(), WEIGHT)
    losses = (Loss("focal", 1), Loss("10*focal", 1))
    ours = assert_alike(trials(Mlp(5, (6,), 1), "log_loss", losses, optimizer="sgd"), data)
    assert abs(ours[0].curve[-1] - ours[4].curve[-1]) > 1e-4


@pytest.mark.parametrize("network", [Cnn(1, 8, 8, 1, (4,)), Mlp(5, (6,), 1, dropout=0.2)])
def test_under_adam_a_multiple_of_a_loss_changes_no_curve(network: Network) -> None:
    data = cut(PICTURES if isinstance(network, Cnn) else TABLE, (SCORE > 0).float())
    once = stacked.run(trials(network, "log_loss", (Loss("focal", 1),)), {0: data})
    tenfold = stacked.run(trials(network, "log_loss", (Loss("10*focal", 1),)), {0: data})
    for one, other in zip(once, tenfold, strict=True):
        np.testing.assert_allclose(one.curve, other.curve, rtol=0, atol=1e-5)


def test_weight_decay_shrinks_weights_alike_in_both_engines_and_both_optimisers() -> None:
    data = cut(TABLE, SCORE)
    losses = (Loss("mse", 1),)
    shapes = (Mlp(5, (4,), 1), Mlp(5, (4096,), 1))  # the second is large enough for Adam's other way
    for shape in shapes:
        for optimizer in ("adamw", "sgd"):
            strong = trials(shape, "rmse", losses, optimizer=optimizer, weight_decay=10.0)
            ours = assert_alike(strong[:2], data)
            free = stacked.run(
                trials(shape, "rmse", losses, optimizer=optimizer, weight_decay=0.0)[:2], {0: data}
            )
            assert np.abs(ours[1].test - free[1].test).max() > 1e-3


def test_dropped_units_are_the_same_for_every_loss_and_others_at_the_next_step() -> None:
    layers = {"2": (0.25, (400,)), "5": (0.25, (400,))}
    first, again, later = (masks(layers, 8, 0, 0, step, torch.float64) for step in (0, 0, 1))
    assert all(torch.equal(first[name], again[name]) for name in layers)
    assert not torch.equal(first["2"], later["2"]) and not torch.equal(first["2"], first["5"])
    assert set(first["2"].unique().tolist()) == {0.0, 1 / 0.75}
    assert abs(float((first["2"] == 0).double().mean()) - 0.25) < 0.03


def test_dropout_changes_training_and_not_evaluation() -> None:
    data = cut(TABLE, (SCORE > 0).float())
    free, dropped = (
        plain.run(trials(Mlp(5, (8,), 1, dropout=share), "log_loss", (Loss("focal", 1),))[:1], {0: data})[0]
        for share in (0.0, 0.5)
    )
    assert free.curve != dropped.curve
    network = Mlp(5, (8,), 1, dropout=0.5).module(0, 0)
    assert torch.equal(network(data.x_test), network(data.x_test))


def test_a_loss_that_no_longer_takes_the_outputs_ends_its_own_training_alone() -> None:
    data = cut(TABLE, SCORE.abs())
    wild = trials(Mlp(5, (8,), 1), "rmse", (Loss("msle", 1), Loss("mse", 1)), weight_decay=0.0)
    wild = [replace(trial, rate=3.0) if trial.loss == "msle" else trial for trial in wild]
    with pytest.raises(ValueError, match="msle"):  # from the start: a mistake
        plain.run(wild[:1], {0: replace(data, y_train=data.y_train - 5)})
    ours, theirs = stacked.run(wild, {0: data}), plain.run(wild, {0: data})
    assert [one.diverged for one in ours] == [other.diverged for other in theirs]
    assert {outcome.diverged for outcome in ours[:4]} == {
        "the loss could no longer take the outputs in epoch 2"
    }
    assert all(outcome.diverged is None for outcome in ours[4:])


def test_two_runs_give_the_same_bytes_in_whatever_order_the_trials_come() -> None:
    for case in ("pictures, layer norm, dropout, weighted", "texts, dropout"):
        network, metric, losses, data = CASES[case]
        every = trials(network, metric, losses, dtype="float32")
        there, back = stacked.run(every, {0: data}), stacked.run(every[::-1], {0: data})[::-1]
        for one, other in zip(there, back, strict=True):
            assert (one.key, one.curve, one.score) == (other.key, other.curve, other.score)
            assert one.test.tobytes() == other.test.tobytes()
