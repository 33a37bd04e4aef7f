"""Where losses disagree and which rows they listen to: against counts and slopes made by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import product

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray

from lossary.lab.asking.infer import infer
from lossary.lab.asking.profile import profile
from lossary.lab.asking.splits import make_splits
from lossary.lab.data import read
from lossary.lab.results.disagreement import MOST_ROWS, disagreement
from lossary.lab.results.listening import difficulty, listening, margin
from lossary.lab.running.store import Outputs
from lossary.lab.training.rows import Rows

SPLITS, SEEDS, ROWS = 4, 3, 60


def rows_of(target: Sequence[object]) -> Rows:
    numbers = np.random.default_rng(0)
    frame = pd.DataFrame({"a": numbers.normal(size=ROWS), "b": numbers.normal(size=ROWS), "y": list(target)})
    table = read(frame, "y")
    task = infer(table)
    splits = make_splits(task.answers(table), task.kind, SPLITS)
    return Rows(table, task, profile(table, task), tuple(splits))


@pytest.fixture(scope="module")
def classes() -> Rows:
    return rows_of(np.where(np.arange(ROWS) % 3 == 0, "yes", "no"))


@pytest.fixture(scope="module")
def numbers() -> Rows:
    return rows_of(np.round(np.random.default_rng(1).normal(50, 10, ROWS), 3))


def made(rows: Rows, *names: str, seeds: int = SEEDS, columns: int = 1) -> Callable[[str, int], Outputs]:
    """Outputs of the named losses, drawn at random; the same whenever they are asked for."""

    def outputs(name: str, split: int) -> Outputs:
        draw = np.random.default_rng([names.index(name), split])
        test = draw.normal(size=(seeds, len(rows.splits[split].test), columns)).astype(np.float32)
        return Outputs(name, split, 0.01, test, test)

    return outputs


def test_two_losses_are_apart_as_often_as_their_trainings_decide_differently(classes: Rows) -> None:
    outputs = made(classes, "one", "other")
    found = disagreement(["one", "other"], outputs, classes)
    assert found is not None and found.losses == ("one", "other") and found.reads == "right"
    differ: list[float] = []
    alone: list[float] = []
    for split in range(SPLITS):
        one, other = (outputs(name, split).test[..., 0] > 0 for name in ("one", "other"))
        differ += [float((one[s] != other[t]).mean()) for s, t in product(range(SEEDS), repeat=2)]
        alone += [float((one[s] != one[t]).mean()) for s in range(SEEDS) for t in range(s)]
    assert found.pairs[0][1] == found.pairs[1][0] == pytest.approx(np.mean(differ))
    assert found.pairs[0][0] == pytest.approx(np.mean(alone))


def test_two_losses_of_numbers_are_apart_by_the_mean_distance_of_their_predictions(numbers: Rows) -> None:
    outputs = made(numbers, "one", "other")
    found = disagreement(["one", "other"], outputs, numbers)
    assert found is not None and found.reads == "value"
    distances = []
    for split in range(SPLITS):
        scale = numbers.scale(split).scale
        one, other = (outputs(name, split).test[..., 0].astype(float) * scale for name in ("one", "other"))
        distances += [np.abs(one[s] - other[t]).mean() for s, t in product(range(SEEDS), repeat=2)]
    assert found.pairs[0][1] == pytest.approx(np.mean(distances))
    assert found.rows[0].number == pytest.approx(numbers.answers[found.rows[0].row - 1])


def test_the_rows_on_which_losses_lie_furthest_apart_come_first(classes: Rows) -> None:
    names = ["one", "other", "third"]
    outputs = made(classes, *names)
    found = disagreement(names, outputs, classes)
    assert found is not None and len(found.rows) == MOST_ROWS
    spreads = []
    for case in found.rows:
        row = case.row - 1
        tested = [split for split in range(SPLITS) if row in classes.splits[split].test]
        assert case.splits == len(tested)
        assert case.truth == ("yes" if row % 3 == 0 else "no")
        answers = []
        for name in names:
            decided = [
                outputs(name, s).test[:, list(classes.splits[s].test).index(row), 0] > 0 for s in tested
            ]
            answers.append(float((np.array(decided) == (row % 3 == 0)).mean()))
        assert case.answers == pytest.approx(answers)
        spreads.append(np.std(answers))
    assert spreads == sorted(spreads, reverse=True)
    assert found.columns == ("a", "b") and float(found.rows[0].values[0]) == pytest.approx(
        classes.table.frame["a"][found.rows[0].row - 1], rel=1e-3
    )


def test_losses_that_answer_alike_have_no_row_between_them(classes: Rows) -> None:
    outputs = made(classes, "one")
    found = disagreement(["a", "b"], lambda name, split: outputs("one", split), classes)
    assert found is not None and found.rows == ()


def test_one_seed_cannot_say_what_another_would_have_changed(classes: Rows) -> None:
    found = disagreement(["one", "other"], made(classes, "one", "other", seeds=1), classes)
    assert found is not None and found.pairs[0][0] is None and found.pairs[0][1] is not None


def test_a_loss_that_diverged_has_no_answers_and_one_loss_disagrees_with_nobody(classes: Rows) -> None:
    outputs = made(classes, "one", "other", "lost")

    def lost(name: str, split: int) -> Outputs:
        found = outputs(name, split)
        if name == "lost" and split == 2:
            found.test[0, 0, 0] = np.nan
        return found

    found = disagreement(["one", "lost", "other"], lost, classes)
    assert found is not None and found.losses == ("one", "other")
    assert disagreement(["one", "lost"], lost, classes) is None
    assert disagreement(["one"], outputs, classes) is None


def heard(rows: Rows, outputs: Callable[[str, int], Outputs], *losses: str) -> dict[str, tuple[float, ...]]:
    found = listening({loss: (loss, "identity") for loss in losses}, {}, outputs, rows)
    return {label: each.share for label, each in found.items()}


def test_squared_errors_listen_as_far_as_rows_lie_off_and_absolute_ones_to_all_alike(numbers: Rows) -> None:
    outputs = made(numbers, "mse", "mae")
    found = heard(numbers, outputs, "mse", "mae")
    assert found["mae"] == pytest.approx([0.1] * 10)
    expected = []
    for split in range(SPLITS):
        target = numbers.data(split).y_test.double()
        raw = [torch.from_numpy(outputs(name, split).test).double() for name in ("mse", "mae")]
        order = difficulty(raw, target, classes=False)
        for errors in (raw[0][..., 0] - target).abs().numpy():
            # 12 test rows, so a tenth is one row and a fifth of the next
            reached = np.interp(np.linspace(0, 12, 11), range(13), [0, *errors[order].cumsum()])
            expected.append(np.diff(reached) / errors.sum())
    assert found["mse"] == pytest.approx(np.mean(expected, axis=0))


def test_ten_times_a_loss_listens_to_the_same_rows(classes: Rows) -> None:
    outputs = made(classes, "binary_cross_entropy", "10*binary_cross_entropy")
    same = {"binary_cross_entropy": "binary_cross_entropy", "10*binary_cross_entropy": "binary_cross_entropy"}
    found = heard(classes, lambda name, split: outputs(same[name], split), *same)
    assert found["10*binary_cross_entropy"] == pytest.approx(found["binary_cross_entropy"])
    assert sum(found["binary_cross_entropy"]) == pytest.approx(1.0)


def test_a_hinge_hears_nothing_of_rows_beyond_its_margin(classes: Rows) -> None:
    def sure(name: str, split: int, *, but_one: bool = True) -> Outputs:
        target = classes.data(split).y_test.numpy()
        test = np.repeat((4 * target - 2)[None, :, None], SEEDS, axis=0).astype(np.float32)
        if split == 0 and but_one:
            test[0, 3] *= -1  # one row in one training is wrong: it has the whole of the slope
        return Outputs(name, split, 0.01, test, test)

    found = listening({"hinge": ("hinge", "identity")}, {}, sure, classes)["hinge"]
    assert found.share[-1] == pytest.approx(1.0)
    right = partial(sure, but_one=False)
    silent = listening({"hinge": ("hinge", "identity")}, {}, right, classes)["hinge"]
    assert silent.share == () and silent.why == "the slope is 0 on every test row"


def test_a_loss_without_a_slope_of_a_single_row_says_why(classes: Rows) -> None:
    losses = {"dice": ("dice", "identity"), "hinge": ("hinge", "identity")}
    found = listening(losses, {"dice": "it is no row's"}, made(classes, "dice", "hinge"), classes)
    assert found["dice"].why == "it is no row's" and found["dice"].share == () and found["hinge"].share


def test_the_margin_is_that_of_the_true_class_over_the_next() -> None:
    outputs = torch.tensor([[[3.0, 1.0, 2.5], [0.0, 4.0, 1.0]]])
    assert margin(outputs, torch.tensor([0, 2])).tolist() == [[0.5, -3.0]]
    assert margin(torch.tensor([[[2.0], [2.0]]]), torch.tensor([1.0, 0.0])).tolist() == [[2.0, -2.0]]


def test_difficulty_is_the_same_whatever_a_loss_s_scale() -> None:
    outputs: NDArray[np.float32] = np.random.default_rng(2).normal(size=(2, 9, 1)).astype(np.float32)
    one, other = torch.from_numpy(outputs[:1]), torch.from_numpy(outputs[1:])
    target = torch.tensor([0.0, 1.0] * 4 + [1.0])
    first = difficulty([one, other], target, classes=True)
    assert (difficulty([one, 1000 * other], target, classes=True) == first).all()
