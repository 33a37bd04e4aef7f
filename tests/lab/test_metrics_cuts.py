"""Cuts tuned on rows whose answers are seen, and calibration by two parameters: against searches and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn import metrics as oracle
from sklearn.calibration import _SigmoidCalibration
from torch import Tensor

from lossary.lab.metrics import get_metric
from lossary.lab.metrics.cuts import BEYOND, TUNED, best_cut
from lossary.lab.metrics.platt import platt
from lossary.lab.metrics.ranking import cut_at_fpr

ROWS = 70
ORACLES = {
    "accuracy": oracle.accuracy_score,
    "balanced_accuracy": oracle.balanced_accuracy_score,
    "f1": oracle.f1_score,
}


def drawn(seed: int, scale: float = 1.0, shift: float = 0.0) -> tuple[Tensor, Tensor, Tensor]:
    """Scores that tie often, targets they say something about, and weights with zeros among them."""
    numbers = torch.Generator().manual_seed(seed)
    score = (torch.randn(ROWS, generator=numbers, dtype=torch.float64) * 5).round() / 5
    target = (torch.rand(ROWS, generator=numbers, dtype=torch.float64) < score.sigmoid()).double()
    weight = torch.randint(0, 4, (ROWS,), generator=numbers).double()
    return scale * score + shift, target, weight


@pytest.mark.parametrize("name", ORACLES)
def test_a_tuned_cut_is_the_best_of_all_cuts(name: str) -> None:
    draws = [drawn(seed, shift=0.7) for seed in range(6)]
    scores, target, weight = (torch.stack(part) for part in zip(*draws, strict=True))
    cuts = best_cut(scores, target, weight, TUNED["binary"][name])
    for cut, z, y, w in zip(cuts, scores, target, weight, strict=True):

        def value(at: float, z: Tensor = z, y: Tensor = y, w: Tensor = w) -> float:
            return float(ORACLES[name](y, z > at, sample_weight=w))

        tried = [-99.0, *(z + 0.01).tolist()]
        assert value(float(cut)) == pytest.approx(max(map(value, tried)), abs=1e-12)
        assert float(get_metric(name).score(z[:, None], y, w, threshold=cut)) == pytest.approx(
            value(float(cut))
        )


def test_the_natural_rule_stays_where_no_other_cut_does_better() -> None:
    scores = torch.tensor([-2.0, -1.0, 1.0, 2.0], dtype=torch.float64)
    target, weight = torch.tensor([0.0, 0.0, 1.0, 1.0]), torch.ones(4, dtype=torch.float64)
    assert float(best_cut(scores, target, weight, TUNED["binary"]["f1"])) == 0.0
    assert float(best_cut(scores + 5, target, weight, TUNED["binary"]["f1"])) == 5.0  # midway between 4 and 6


def test_one_class_alone_is_called_what_it_is_and_a_nan_has_no_cut() -> None:
    scores, ones = torch.tensor([-2.0, -1.0], dtype=torch.float64), torch.ones(2, dtype=torch.float64)
    assert float(best_cut(scores, ones, ones, TUNED["binary"]["accuracy"])) == -BEYOND
    assert float(best_cut(scores, 0 * ones, ones, TUNED["binary"]["accuracy"])) == 0.0
    blank = torch.tensor([torch.nan, 1.0], dtype=torch.float64)
    assert best_cut(blank, ones, ones, TUNED["binary"]["accuracy"]).isnan()
    assert get_metric("accuracy").score(torch.zeros(2, 1), ones, threshold=torch.tensor(torch.nan)).isnan()


def test_a_row_of_weight_0_has_no_say_in_a_cut() -> None:
    scores, target, weight = drawn(3, shift=0.7)
    kept = weight > 0
    whole = best_cut(scores, target, weight, TUNED["binary"]["f1"])
    short = best_cut(scores[kept], target[kept], weight[kept], TUNED["binary"]["f1"])
    assert float(whole) == float(short)


@pytest.mark.parametrize("rate", [0.01, 0.1, 0.5])
def test_a_cut_at_a_false_positive_rate_takes_at_most_that_and_the_next_takes_more(rate: float) -> None:
    scores, target, weight = drawn(4)
    cut = float(cut_at_fpr(scores[:, None], target, weight, rate))
    negative = target == 0

    def taken(at: float) -> float:
        return float(weight[negative & (scores > at)].sum() / weight[negative].sum())

    lower = scores[negative & (weight > 0) & (scores < cut)]
    assert taken(cut) <= rate
    assert len(lower) == 0 or taken(float(lower.max())) > rate
    assert cut_at_fpr(scores[:, None], torch.ones(ROWS), weight, rate).isnan()


@pytest.mark.parametrize("scale", [0.01, 1.0, 300.0])
def test_two_parameters_equal_scikit_learns_sigmoid_calibration(scale: float) -> None:
    score, target, _ = drawn(5, scale=scale, shift=2.0 * scale)
    found = _SigmoidCalibration().fit(score.numpy(), target.numpy())
    a, b = platt(score, target, torch.ones(ROWS, dtype=torch.float64))
    expected = found.predict(score.numpy())
    np.testing.assert_allclose(torch.sigmoid(a * score + b), expected, atol=2e-5)


def test_no_other_two_parameters_have_a_lower_log_loss() -> None:
    draws = [drawn(seed, scale=seed + 1.0) for seed in range(5)]
    score, target, weight = (torch.stack(part) for part in zip(*draws, strict=True))
    ones = (weight * target).sum(-1, keepdim=True)
    zeros = (weight * (1 - target)).sum(-1, keepdim=True)
    truth = torch.where(target > 0, (ones + 1) / (ones + 2), 1 / (zeros + 2))
    a, b = (each.requires_grad_() for each in platt(score, target, weight))
    line = a[:, None] * score + b[:, None]
    loss = (weight * (torch.nn.functional.softplus(line) - truth * line)).sum(-1)
    slopes = torch.autograd.grad(loss.sum(), (a, b))
    assert all(float(slope.abs().max()) < 1e-6 for slope in slopes)


def test_scores_without_an_error_or_without_any_sense_stay_finite() -> None:
    target = torch.tensor([0.0, 1.0]).repeat(30)
    weight = torch.ones(60, dtype=torch.float64)
    a, b = platt(2 * target.double() - 1, target, weight)
    assert float(torch.sigmoid(a + b)) == pytest.approx(31 / 32, rel=1e-9)
    for useless in (1 - target.double(), torch.zeros(60, dtype=torch.float64)):
        a, b = platt(useless, target, weight)
        assert float(a) == 0.0 and float(b) == pytest.approx(0.0, abs=1e-12)
    assert platt(torch.full((60,), torch.nan, dtype=torch.float64), target, weight)[0].isnan()
    far = torch.cat([target[:59].double(), torch.tensor([1e6], dtype=torch.float64)])
    assert all(bool(each.isfinite()) for each in platt(far, target, weight))


def test_a_cost_is_cut_where_the_calibrated_probability_says() -> None:
    score, target, weight = drawn(6, scale=4.0, shift=3.0)
    metric = get_metric("cost(fn=4,fp=1)")
    cut = metric.cut(score[:, None], target, weight)
    a, b = platt(score, target, weight)
    assert float(torch.sigmoid(a * cut + b)) == pytest.approx(1 / 5)
    missed = float((weight * target * (score <= cut)).sum())
    alarms = float((weight * (1 - target) * (score > cut)).sum())
    expected = (4 * missed + alarms) / float(weight.sum())
    assert float(metric.score(score[:, None], target, weight)) == pytest.approx(expected)
    assert float(metric.score(score[:, None], target, weight, threshold=cut)) == pytest.approx(expected)


def test_equal_costs_at_the_natural_rule_are_the_error_rate() -> None:
    score, target, weight = drawn(7)
    found = get_metric("cost(fn=1,fp=1)").score(score[:, None], target, weight, threshold=0.0)
    accuracy = get_metric("accuracy").score(score[:, None], target, weight)
    assert float(found) == pytest.approx(1 - float(accuracy))
