"""Scores on test rows: every metric, calibrated probabilities, cuts from validation, and how networks behave."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
from sklearn import metrics as oracle
from torch import Tensor

from lossary.lab.asking.task import Kind
from lossary.lab.metrics import default_metric, get_metric, metrics_for
from lossary.lab.results import tested as results
from lossary.lab.results.behaviour import calibration, confusion, residuals, residuals_by_size
from lossary.lab.running.store import Outputs
from lossary.lab.training.engines.tie import rate_tie, tie
from lossary.lab.training.rows import Rows

SPLITS, SEEDS, VALID, TEST = 3, 2, 50, 60
LEVELS = {
    "binary": 2,
    "anomaly": 2,
    "multiclass": 3,
    "ordinal": 3,
    "retrieval": 3,
    "multilabel": 3,
    "regression": 0,
    "count": 0,
    "segmentation": 0,
}
COLUMNS = {"multiclass": 3, "ordinal": 3, "multilabel": 3, "segmentation": 16, "retrieval": 4}


def answers(kind: str, outputs: Tensor, numbers: torch.Generator) -> Tensor:
    """Answers that the first member's outputs say something about."""
    first = outputs[0].double()
    if kind in ("binary", "anomaly"):
        return (torch.rand(len(first), generator=numbers) < first[:, 0].sigmoid()).double()
    if kind in ("multilabel", "segmentation"):
        return (torch.rand(first.shape, generator=numbers) < first.sigmoid()).double()
    if kind == "count":
        return torch.poisson(first[:, 0], generator=numbers)
    if kind == "regression":
        return first[:, 0] * 10 + 5 + torch.randn(len(first), generator=numbers)
    return torch.multinomial(first.softmax(-1)[:, :3], 1, generator=numbers)[:, 0]


@dataclass
class Drawn:
    """Rows of a kind with outputs of one loss; numbers are in units of 10 about 5."""

    kind: str
    weighted: bool = False

    def __post_init__(self) -> None:
        numbers = torch.Generator().manual_seed(0)
        self.by_split: list[Outputs] = []
        self.truths: dict[tuple[str, int], tuple[Tensor, Tensor | None]] = {}
        for split in range(SPLITS):
            parts = {}
            for part, rows in (("valid", VALID), ("test", TEST)):
                raw = torch.randn(SEEDS, rows, COLUMNS.get(self.kind, 1), generator=numbers)
                raw = raw.exp() if self.kind == "count" else 2 * raw
                parts[part] = raw.numpy()
                weight = torch.randint(0, 3, (rows,), generator=numbers).double() if self.weighted else None
                self.truths[part, split] = answers(self.kind, raw, numbers), weight
            self.by_split.append(Outputs("loss", split, 0.1, parts["valid"], parts["test"]))

    @property
    def rows(self) -> Rows:
        """As much of the rows of a comparison as is asked for here."""
        of_numbers = self.kind == "regression"
        levels = tuple(f"level {at}" for at in range(LEVELS[self.kind]))
        stub = SimpleNamespace(
            task=SimpleNamespace(kind=Kind(self.kind), levels=levels),
            table=SimpleNamespace(rows=150),
            truth=lambda split: self.truths["test", split],
            data=lambda split: SimpleNamespace(
                y_valid=self.truths["valid", split][0], w_valid=self.truths["valid", split][1]
            ),
            scale=lambda split: SimpleNamespace(
                scale=10.0 if of_numbers else 1.0, centre=5.0 if of_numbers else 0.0
            ),
        )
        return cast(Rows, stub)


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("kind", LEVELS)
def test_every_metric_of_a_kind_is_scored_on_every_split_and_seed(kind: str, weighted: bool) -> None:
    drawn = Drawn(kind, weighted)
    found = results.tested(drawn.by_split, drawn.rows, probabilities=kind not in ("anomaly", "retrieval"))
    names = {metric.name for metric in metrics_for(kind, LEVELS[kind] or None)}
    if kind == "retrieval":
        names = {name for name in names if get_metric(name).reads != "probability"}
    assert names <= set(found.scores)
    for name, values in found.scores.items():
        assert values.shape == (SPLITS, SEEDS) and np.isfinite(values).all(), name
        measured = found.measured(name, TEST, VALID)
        assert measured.metric == name and measured.low <= measured.mean <= measured.high
    metric = default_metric(kind)
    target, weight = drawn.truths["test", 1]
    outputs = torch.from_numpy(drawn.by_split[1].test).double()
    outputs = outputs * 10 + 5 if kind == "regression" else outputs
    alone = metric.score(outputs, target, weight)
    np.testing.assert_allclose(found.scores[metric.name][1], alone)


def test_few_splits_at_a_time_score_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = Drawn("segmentation", weighted=True)
    whole = results.tested(drawn.by_split, drawn.rows, probabilities=True).scores
    monkeypatch.setattr("lossary.lab.results.tested.CELLS", 1)
    parts = results.tested(drawn.by_split, drawn.rows, probabilities=True).scores
    assert list(whole) == list(parts)
    for name in whole:
        np.testing.assert_allclose(whole[name], parts[name], rtol=1e-12)


def test_a_tuned_threshold_is_chosen_on_validation_and_used_on_test() -> None:
    drawn = Drawn("binary")
    found = results.tested(drawn.by_split, drawn.rows, probabilities=True)
    for split, each in enumerate(drawn.by_split):
        y_valid, y_test = drawn.truths["valid", split][0], drawn.truths["test", split][0]
        for seed in range(SEEDS):
            z_valid, z_test = each.valid[seed, :, 0].astype(float), each.test[seed, :, 0].astype(float)
            order = np.sort(z_valid)
            cuts = [0.0, -1e9, 1e9, *((order[1:] + order[:-1]) / 2)]
            valid = [oracle.f1_score(y_valid, z_valid > cut) for cut in cuts]
            best = min(
                (abs(cut), cut) for cut, value in zip(cuts, valid, strict=True) if value >= max(valid) - 1e-12
            )[1]
            expected = oracle.f1_score(y_test, z_test > best)
            assert found.scores["f1_tuned"][split, seed] == pytest.approx(expected)
    title = found.measured("f1_tuned", TEST, VALID).title
    assert title == "F1, tuned threshold" and "balanced_accuracy_tuned" in found.scores
    labels = Drawn("multilabel")
    assert "micro_f1_tuned" in results.tested(labels.by_split, labels.rows, probabilities=True).scores


def test_an_operating_point_is_set_on_the_validation_rows_alone() -> None:
    drawn = Drawn("anomaly")
    found = results.tested(drawn.by_split, drawn.rows, probabilities=False)
    level = 0.05
    for split, each in enumerate(drawn.by_split):
        y_valid, y_test = drawn.truths["valid", split][0].numpy(), drawn.truths["test", split][0].numpy()
        z_valid, z_test = each.valid[0, :, 0], each.test[0, :, 0]
        negatives = np.sort(z_valid[y_valid == 0])[::-1]
        cut = negatives[int(level * len(negatives))]
        assert found.scores["tpr_at_validation_fpr(0.05)"][split, 0] == pytest.approx(
            (z_test[y_test == 1] > cut).mean()
        )
        assert found.scores["fpr_at_validation_threshold(0.05)"][split, 0] == pytest.approx(
            (z_test[y_test == 0] > cut).mean()
        )
    measured = found.measured("fpr_at_validation_threshold(0.05)", TEST, VALID)
    assert measured.title == "False positive rate, cut at 5 % FPR on validation"
    assert not measured.greater_is_better


def test_a_cost_is_cut_by_validation_and_without_it_where_log_odds_say() -> None:
    drawn = Drawn("binary")
    metric = get_metric("cost(fn=4,fp=1)")
    found = results.tested(drawn.by_split, drawn.rows, probabilities=False, metric=metric)
    blind = results.tested(drawn.by_split, drawn.rows, probabilities=False, metric=metric, seen=False)
    for split, each in enumerate(drawn.by_split):
        target, _ = drawn.truths["test", split]
        cut = metric.cut(torch.from_numpy(each.valid), drawn.truths["valid", split][0])
        z = torch.from_numpy(each.test)[..., 0].double()
        for at, scores in ((cut[:, None], found), (float(np.log(1 / 4)), blind)):
            called = z > at
            cost = (4 * ((target == 1) & ~called) + ((target == 0) & called)).double().mean(-1)
            np.testing.assert_allclose(scores.scores[metric.name][split], cost)
    assert "f1_tuned" not in blind.scores


def test_a_quantile_is_shown_with_how_often_it_covers() -> None:
    drawn = Drawn("regression")
    found = results.tested(drawn.by_split, drawn.rows, probabilities=False, metric=get_metric("pinball(0.9)"))
    assert {"pinball(0.9)", "coverage(0.9)", "rmse"} <= set(found.scores)


def test_margins_are_calibrated_by_a_scale_and_an_offset() -> None:
    drawn = Drawn("binary")
    shifted = [
        Outputs(e.label, e.split, e.rate, 30 * e.valid + 100, 30 * e.test + 100) for e in drawn.by_split
    ]
    straight = results.tested(drawn.by_split, drawn.rows, probabilities=False).scores
    moved = results.tested(shifted, drawn.rows, probabilities=False).scores
    for name in ("log_loss_calibrated", "brier_calibrated"):
        np.testing.assert_allclose(moved[name], straight[name], rtol=1e-4)
    assert "log_loss" not in moved
    by_temperature = results.tested(shifted, drawn.rows, probabilities=True).scores
    knowing = by_temperature["log_loss_calibrated"][:, 0] - moved["log_loss_calibrated"][:, 0]
    assert (knowing > 0.05).all()


@pytest.mark.parametrize("kind", LEVELS)
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
def test_what_breaks_ties_prefers_outputs_that_know_more(kind: str, weighted: bool) -> None:
    drawn = Drawn(kind, weighted)
    target, weight = drawn.truths["test", 0]
    outputs = torch.from_numpy(drawn.by_split[0].test).double()
    if kind == "retrieval":
        outputs[0] = torch.nn.functional.one_hot(target, 4) + 0.1 * outputs[0]
    outputs = outputs * 10 + 5 if kind == "regression" else outputs
    stacked = outputs.reshape(1, SEEDS, *outputs.shape[1:])
    metric = default_metric(kind)
    by_epoch = tie(stacked, target, weight, metric)
    by_rate = rate_tie(stacked, target, weight, kind)
    assert by_epoch.shape == by_rate.shape == (1, SEEDS)
    assert by_epoch[0, 0] < by_epoch[0, 1] and by_rate[0, 0] < by_rate[0, 1]


@pytest.mark.parametrize("kind", ["binary", "anomaly", "multilabel", "multiclass"])
def test_scaling_outputs_breaks_no_tie(kind: str) -> None:
    drawn = Drawn(kind)
    target, weight = drawn.truths["test", 0]
    outputs = torch.from_numpy(drawn.by_split[0].test).double()
    metric = default_metric(kind)
    torch.testing.assert_close(tie(7 * outputs, target, weight, metric), tie(outputs, target, weight, metric))
    if kind == "anomaly":
        torch.testing.assert_close(
            tie(outputs + 3, target, weight, metric), tie(outputs, target, weight, metric)
        )


def test_residuals_by_size_are_means_and_bands_of_tenths_of_the_prediction() -> None:
    drawn = Drawn("regression")
    found = residuals_by_size(drawn.by_split, drawn.rows)
    assert found is not None and len(found.mean) == 10
    predicted = np.concatenate([each.test[..., 0].astype(float).ravel() * 10 + 5 for each in drawn.by_split])
    truth = np.concatenate([np.tile(drawn.truths["test", split][0], SEEDS) for split in range(SPLITS)])
    order = np.argsort(predicted)
    tenths = np.array_split(order, 10)
    errors = predicted - truth
    for at, rows in enumerate(tenths):
        assert found.count[at] == len(rows)
        assert found.predicted[at] == pytest.approx(predicted[rows].mean())
        assert found.mean[at] == pytest.approx(errors[rows].mean())
        assert (found.low[at], found.high[at]) == pytest.approx(tuple(np.quantile(errors[rows], [0.1, 0.9])))
    assert residuals(drawn.by_split, drawn.rows)[50] == pytest.approx(np.median(errors))


def test_predictions_that_are_all_equal_are_one_tenth_and_those_that_diverged_none() -> None:
    drawn = Drawn("count")
    flat = [Outputs("loss", e.split, 0.1, e.valid, np.full_like(e.test, 2.0)) for e in drawn.by_split]
    found = residuals_by_size(flat, drawn.rows)
    assert found is not None and found.predicted == (2.0,) and found.count == (SPLITS * SEEDS * TEST,)
    gone = [Outputs("loss", e.split, 0.1, e.valid, np.full_like(e.test, np.nan)) for e in drawn.by_split]
    assert residuals_by_size(gone, drawn.rows) is None and residuals(gone, drawn.rows) == ()


def test_grades_are_confused_by_the_median_of_their_distribution() -> None:
    drawn = Drawn("ordinal")
    found = confusion(drawn.by_split, drawn.rows)
    assert found is not None
    counts = np.zeros((3, 3))
    for split, each in enumerate(drawn.by_split):
        reached = torch.from_numpy(each.test).double().softmax(-1).cumsum(-1)
        chosen = (reached[..., :2] < 0.5).sum(-1)
        for member in chosen:
            counts += oracle.confusion_matrix(drawn.truths["test", split][0], member, labels=range(3))
    np.testing.assert_allclose(found.share, counts / counts.sum(1, keepdims=True))


def test_labels_and_pixels_have_a_reliability_too_and_the_rest_none() -> None:
    drawn = Drawn("multilabel")
    found = calibration(drawn.by_split, drawn.rows, probabilities=True)
    assert found is not None and sum(found.count) == SPLITS * SEEDS * TEST * 3
    stated = np.concatenate([1 / (1 + np.exp(-e.test.astype(float))).ravel() for e in drawn.by_split])
    truth = np.concatenate(
        [np.tile(drawn.truths["test", s][0].ravel().numpy(), SEEDS) for s in range(SPLITS)]
    )
    lowest = stated < 0.1
    assert found.observed[0] == pytest.approx(truth[lowest].mean())
    assert calibration(Drawn("segmentation").by_split, Drawn("segmentation").rows, probabilities=True)
    for kind in ("regression", "anomaly", "ordinal", "retrieval"):
        other = Drawn(kind)
        assert calibration(other.by_split, other.rows, probabilities=True) is None
    for kind in ("regression", "anomaly", "multilabel", "retrieval", "segmentation"):
        other = Drawn(kind)
        assert confusion(other.by_split, other.rows) is None
    assert residuals_by_size(drawn.by_split, drawn.rows) is None


def test_a_score_that_may_fall_below_0_keeps_its_interval() -> None:
    values: dict[str, Any] = {name: np.array([[-0.1], [0.1], [0.0]]) for name in ("mcc", "r2", "rmse")}
    found = results.Tested(values)
    assert found.measured("mcc", 10, 40).low < 0 and found.measured("r2", 10, 40).low < 0
    assert found.measured("rmse", 10, 40).low == 0.0
