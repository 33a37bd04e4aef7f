"""The stacked engine against the plain one, which is written as a reader would write it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch

from lossary.lab.training.engines import engine, plain, stacked
from lossary.lab.training.engines.batches import Batches
from lossary.lab.training.engines.lesson import lesson
from lossary.lab.training.engines.stack import Stack
from lossary.lab.training.networks import Mlp, batch_order
from lossary.lab.training.trial import Link, Outcome, Setup, SplitData, Trial, epochs_for

BINARY: tuple[tuple[str, Link], ...] = (
    ("binary_cross_entropy", "identity"),
    ("hinge", "identity"),
    ("squared_hinge", "identity"),
    ("focal", "identity"),
    ("mse", "sigmoid"),
    ("mae", "sigmoid"),
)
NUMBERS: tuple[tuple[str, Link], ...] = (("mse", "identity"), ("mae", "identity"), ("huber", "identity"))
CLASSES: tuple[tuple[str, Link], ...] = (("cross_entropy", "identity"), ("mse", "softmax"))
METRICS = {
    "binary": "log_loss",
    "numbers": "rmse",
    "classes": "log_loss",
}  # they see the slightest difference


def split_data(kind: str, split: int, *, rows: int = 150, weighted: bool = False) -> SplitData:
    """Two thirds of a noisy, learnable table to train on; a sixth each to validate and to test."""
    numbers = torch.Generator().manual_seed(1000 + split)
    x = torch.randn(rows * 3 // 2, 5, generator=numbers)
    score = x[:, 0] + x[:, 1] * x[:, 2] + 0.5 * torch.randn(len(x), generator=numbers)
    y = {
        "binary": (score > 0).float(),
        "numbers": score,
        "classes": torch.bucketize(score, torch.tensor([-0.6, 0.6])),
    }[kind]
    w = torch.rand(len(x), generator=numbers) * (torch.rand(len(x), generator=numbers) > 0.2)
    parts = (slice(rows), slice(rows, rows * 5 // 4), slice(rows * 5 // 4, None))
    tables = [part for rows_ in parts for part in (x[rows_], y[rows_])]
    weights = [w[rows_] if weighted else None for rows_ in parts]
    return SplitData(*tables, *weights)


def network(kind: str, *, hidden: tuple[int, ...] = (8,), activation: str = "relu") -> Mlp:
    return Mlp(5, hidden, 3 if kind == "classes" else 1, activation)


def setup(kind: str = "binary", *, epochs: int = 3, shape: Mlp | None = None) -> Setup:
    return Setup(shape or network(kind), METRICS[kind], epochs=epochs)


def trials(
    common: Setup,
    losses: Sequence[tuple[str, Link]],
    *,
    rates: Sequence[float] = (1e-4, 1e-3),
    splits: int = 2,
    seeds: int = 2,
) -> list[Trial]:
    return [
        Trial(loss, rate, seed, split, common, link)
        for split in range(splits)
        for seed in range(seeds)
        for loss, link in losses
        for rate in rates
    ]


def assert_alike(ours: Sequence[Outcome], theirs: Sequence[Outcome], tolerance: float) -> None:
    for one, other in zip(ours, theirs, strict=True):
        assert (one.key, one.epoch, one.diverged) == (other.key, other.epoch, other.diverged)
        np.testing.assert_allclose(one.curve, other.curve, rtol=tolerance, atol=tolerance)
        np.testing.assert_allclose(
            (one.score, one.train), (other.score, other.train), rtol=tolerance, atol=tolerance
        )
        np.testing.assert_allclose(one.valid, other.valid, rtol=tolerance, atol=tolerance)
        np.testing.assert_allclose(one.test, other.test, rtol=tolerance, atol=tolerance)


def assert_same_bytes(ours: Sequence[Outcome], theirs: Sequence[Outcome]) -> None:
    for one, other in zip(ours, theirs, strict=True):
        assert (one.key, one.score, one.epoch, one.curve) == (
            other.key,
            other.score,
            other.epoch,
            other.curve,
        )
        assert one.test.tobytes() == other.test.tobytes()
        assert one.valid.tobytes() == other.valid.tobytes()


CASES = {
    "two classes": ("binary", BINARY, {}, False),
    "two classes, weighted": ("binary", BINARY, {}, True),
    "numbers, two hidden layers": ("numbers", NUMBERS, {"hidden": (8, 6)}, False),
    "numbers, tanh, weighted": ("numbers", NUMBERS, {"hidden": (6, 8), "activation": "tanh"}, True),
    "three classes": ("classes", CLASSES, {}, False),
    "three classes, no hidden layer": ("classes", CLASSES, {"hidden": ()}, True),
}


@pytest.mark.parametrize("case", CASES)
def test_stacked_is_plain_over_the_first_ten_steps_in_float32(case: str) -> None:
    kind, losses, shape, weighted = CASES[case]
    if not weighted:
        # Slopes of plus and minus one, unweighted, cancel in a balanced batch. What float32 leaves there hangs
        # on the order of the sum, and Adam's first step makes a whole step of it, in any two engines.
        losses = [loss for loss in losses if loss[0] not in ("hinge", "mae")]
    data = {split: split_data(kind, split, weighted=weighted) for split in range(2)}
    two_epochs = setup(kind, epochs=2, shape=network(kind, **shape))  # of five steps, the last a short one
    every = trials(two_epochs, losses)
    assert_alike(stacked.run(every, data), plain.run(every, data), 1e-5)


@pytest.mark.parametrize("case", CASES)
def test_stacked_is_plain_over_whole_trainings_in_float64(case: str) -> None:
    kind, losses, shape, weighted = CASES[case]
    data = {split: split_data(kind, split, weighted=weighted) for split in range(2)}
    whole = replace(setup(kind, epochs=12, shape=network(kind, **shape)), dtype="float64")
    every = trials(whole, losses, seeds=1)
    assert_alike(stacked.run(every, data), plain.run(every, data), 1e-5)


def test_over_two_hundred_trainings_the_engines_differ_by_chance_alone() -> None:
    data = {split: split_data("binary", split, rows=64) for split in range(10)}
    useful = trials(
        replace(setup(epochs=10), metric="accuracy"),
        [BINARY[0], BINARY[1], BINARY[4], BINARY[5]],
        rates=(1e-2,),
        splits=10,
        seeds=5,
    )
    assert len(useful) == 200

    def accuracy(outcome: Outcome, trial: Trial) -> float:
        return float(((outcome.test[:, 0] > 0) == data[trial.split].y_test.numpy()).mean())

    pairs = zip(stacked.run(useful, data), plain.run(useful, data), useful, strict=True)
    difference = np.array([accuracy(ours, trial) - accuracy(theirs, trial) for ours, theirs, trial in pairs])
    half_width = 1.96 * difference.std(ddof=1) / len(difference) ** 0.5
    assert abs(difference.mean()) <= half_width or not difference.any()


@pytest.mark.parametrize(("kind", "losses"), [("binary", BINARY), ("numbers", NUMBERS), ("classes", CLASSES)])
@pytest.mark.parametrize("factor", [0.01, 10])
def test_a_multiple_of_a_loss_takes_the_same_path(
    kind: str, losses: Sequence[tuple[str, Link]], factor: float
) -> None:
    data = {split: split_data(kind, split) for split in range(2)}
    common = replace(setup(kind, epochs=20), dtype="float64")
    rates = (1e-3, 1e-2)
    multiples = [(f"{factor}*{loss}", link) for loss, link in losses]
    once = stacked.run(trials(common, losses, rates=rates), data)
    scaled = stacked.run(trials(common, multiples, rates=rates), data)
    for one, other in zip(once, scaled, strict=True):
        np.testing.assert_allclose(one.curve, other.curve, rtol=0, atol=1e-5)
        np.testing.assert_allclose(one.test, other.test, rtol=0, atol=1e-5)


def test_a_diverging_member_leaves_the_others_bit_identical() -> None:
    data = {split: split_data("numbers", split) for split in range(2)}
    calm = trials(setup("numbers"), NUMBERS, rates=(1e-4, 1e-3))
    wild = [replace(trial, rate=1e30) if i % 2 else trial for i, trial in enumerate(calm)]
    beside_calm, beside_wild = stacked.run(calm, data), stacked.run(wild, data)
    assert all(outcome.diverged for outcome in beside_wild[1::2])
    assert_same_bytes(beside_wild[::2], beside_calm[::2])


@pytest.mark.parametrize("name", ["plain", "stacked"])
@pytest.mark.parametrize(
    ("kind", "loss"),
    [
        *(("numbers", loss) for loss in NUMBERS),
        *(("binary", loss) for loss in BINARY),
        *(("classes", loss) for loss in CLASSES),
    ],
)
def test_a_training_that_diverges_at_once_says_so_and_keeps_the_untrained_network(
    name: str, kind: str, loss: tuple[str, Link]
) -> None:
    data = {0: split_data(kind, 0)}
    common = replace(setup(kind), engine=name)
    [outcome] = engine(common).run([Trial(loss[0], 1e30, 0, 0, common, loss[1])], data)
    untrained = common.network.module(0, 0)(data[0].x_test)
    assert outcome.diverged == "the outputs were no longer finite after epoch 1"
    assert (outcome.epoch, outcome.curve) == (0, ())
    np.testing.assert_allclose(outcome.test, untrained.detach().numpy(), rtol=1e-5, atol=1e-6)


def test_initial_weights_and_batches_depend_on_split_and_seed_alone() -> None:
    streams = [(0, 0), (0, 1), (1, 0)]
    data = {split: split_data("binary", split) for split in range(2)}
    shape = network("binary", hidden=(8, 6))
    stack = Stack(shape, streams, width=3, dtype=torch.float32)
    stacked_weights = stack.named(stack.weights)
    for number, stream in enumerate(streams):
        for name, own in shape.module(*stream).named_parameters():
            for member in range(3 * number, 3 * number + 3):
                assert torch.equal(stacked_weights[name][member], own)
    batches = Batches(streams, [lesson(data[split], "answer") for split, _ in streams], setup(epochs=2))
    for epoch in (1, 2):
        x = torch.cat([batch.x for batch in batches.of(epoch)], 1)
        for own, (split, seed) in zip(x, streams, strict=True):
            assert torch.equal(own, data[split].x_train[batch_order(150, 2, split, seed)[epoch - 1]])
    orders = [batch_order(150, 2, *stream) for stream in streams]
    assert all(torch.equal(epoch.sort().values, torch.arange(150)) for order in orders for epoch in order)
    assert not torch.equal(orders[0], orders[1]) and not torch.equal(orders[0], orders[2])


def test_the_same_trials_give_the_same_bytes_in_any_order() -> None:
    data = {split: split_data("binary", split) for split in range(2)}
    every = trials(setup(), BINARY)
    there, back = stacked.run(every, data), stacked.run(every[::-1], data)[::-1]
    assert_same_bytes(there, stacked.run(every, data))
    assert_same_bytes(there, back)


def test_a_member_hardly_notices_which_slice_it_is_in() -> None:
    data = {split: split_data("binary", split, weighted=True) for split in range(2)}
    every = trials(setup(), BINARY, rates=(1e-3,))
    alone = [stacked.run([trial], data)[0] for trial in every]
    assert_alike(stacked.run(every, data), alone, 1e-5)


def test_ragged_lists_and_splits_of_unequal_size_are_grouped_not_refused() -> None:
    data = {split: split_data("binary", split, rows=120 + 24 * split) for split in range(3)}
    every = trials(replace(setup(), dtype="float64"), BINARY, splits=3)[::3]
    assert_alike(stacked.run(every, data), plain.run(every, data), 1e-5)


def test_patience_ends_a_training_in_both_engines_at_the_same_epoch() -> None:
    data = {0: split_data("binary", 0, rows=80)}
    impatient = replace(setup(epochs=30), patience=3, metric="accuracy", dtype="float64")
    every = trials(impatient, BINARY[:1], rates=(1e-4, 1e-3, 3e-3), splits=1)
    ours = stacked.run(every, data)
    assert_alike(ours, plain.run(every, data), 1e-5)
    assert any(len(outcome.curve) < 30 for outcome in ours)
    for outcome in ours:
        assert outcome.curve[outcome.epoch - 1] == max(outcome.curve)
        assert len(outcome.curve) in (outcome.epoch + 3, 30)


@pytest.mark.parametrize("name", ["plain", "stacked"])
def test_of_epochs_with_equal_scores_the_first_is_not_simply_taken(name: str) -> None:
    data = split_data("binary", 0)
    sure = replace(data, y_train=(data.x_train[:, 0] > 0).float(), y_valid=(data.x_valid[:, 0] > 0).float())
    common = replace(setup(epochs=30), metric="accuracy", engine=name)
    [outcome] = engine(common).run([Trial("hinge", 1e-2, 0, 0, common)], {0: sure})
    assert outcome.curve[outcome.epoch - 1] == max(outcome.curve)
    assert outcome.epoch > outcome.curve.index(max(outcome.curve)) + 1


def test_a_batch_in_which_nothing_counts_moves_nothing() -> None:
    weighted = split_data("numbers", 0, weighted=True)
    data = {0: replace(weighted, w_train=torch.zeros_like(weighted.y_train))}
    common = replace(setup("numbers"), weight_decay=0.0)
    trial = Trial("mse", 1e-2, 0, 0, common)
    untrained = common.network.module(0, 0)(weighted.x_test).detach().numpy()
    for run in (plain.run, stacked.run):
        [outcome] = run([trial], data)
        assert (outcome.epoch, outcome.diverged, len(outcome.curve)) == (1, None, 3)
        np.testing.assert_allclose(outcome.test, untrained, rtol=1e-5, atol=1e-6)


def test_where_the_metric_is_not_defined_the_tie_decides_and_training_goes_on() -> None:
    data = split_data("binary", 0)
    one_class = {0: replace(data, y_valid=torch.ones_like(data.y_valid))}
    every = trials(replace(setup(epochs=3), metric="roc_auc"), BINARY[3:5], rates=(1e-4, 1e-3), splits=1)
    ours = stacked.run(every, one_class)
    assert_alike(ours, plain.run(every, one_class), 1e-5)
    assert all(np.isnan(outcome.curve).all() and outcome.epoch >= 1 for outcome in ours)


def test_progress_counts_every_training_once() -> None:
    data = {0: split_data("binary", 0)}
    every = trials(setup(epochs=1), BINARY, splits=1)
    seen: list[int] = []
    stacked.run(every, data, progress=seen.append)
    plain.run(every[:3], data, progress=seen.append)
    assert sum(seen) == len(every) + 3


def test_the_budget_is_about_five_hundred_steps_within_bounds() -> None:
    assert epochs_for(341) == 46  # breast_cancer: eleven steps an epoch
    assert epochs_for(20) == 200
    assert epochs_for(1_000_000) == 10
