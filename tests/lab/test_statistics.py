"""The corrected t against a published example, Holm against statsmodels, what would help against itself."""

from __future__ import annotations

from math import inf, sqrt

import numpy as np
import pytest
from scipy import stats
from sklearn.datasets import make_moons
from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score
from sklearn.svm import SVC
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower
from statsmodels.stats.weightstats import ttost_paired

from lossary.core.errors import DataError
from lossary.lab.judging import statistics as st


def test_the_corrected_t_is_the_one_published_with_scikit_learn() -> None:
    # scikit-learn 1.9, example "Statistical comparison of models using grid search": the best two kernels in
    # 10 x 10-fold cross-validation have t 0.750, p 0.227 corrected and 2.611, 0.005 uncorrected, one-sided.
    features, target = make_moons(noise=0.352, random_state=1, n_samples=100)
    folds = RepeatedStratifiedKFold(n_splits=10, n_repeats=10, random_state=0)
    rbf, linear = (
        cross_val_score(SVC(kernel=kernel), features, target, scoring="roc_auc", cv=folds)
        for kernel in ("rbf", "linear")
    )
    found = st.estimate(rbf - linear, n_test=10, n_rest=90)
    assert (round(found.mean / found.error, 3), round(found.p_differs() / 2, 3)) == (0.750, 0.227)
    naive = st.estimate(rbf - linear, n_test=0, n_rest=90)
    assert (round(naive.mean / naive.error, 3), round(naive.p_differs() / 2, 3)) == (2.611, 0.005)


def test_the_corrected_interval_worked_by_hand() -> None:
    # Differences 1, 2, 3, 4 of J = 4 splits 80/20: mean 2.5, s² = 5/3, error² = 5/3 (1/4 + 1/4) = 5/6,
    # t(0.975; 3) = 3.1824 (any table), so 2.5 ± 2.9052.
    found = st.estimate(np.array([1.0, 2.0, 3.0, 4.0]), n_test=20, n_rest=80)
    assert found.error == pytest.approx(sqrt(5 / 6))
    assert found.interval() == pytest.approx((2.5 - 2.9052, 2.5 + 2.9052), abs=1e-4)


def test_without_the_correction_the_tests_are_the_textbook_ones() -> None:
    first, second = np.random.default_rng(0).normal(size=(2, 15))
    found = st.estimate(first - second, n_test=0, n_rest=1)
    assert found.p_differs() == pytest.approx(stats.ttest_rel(first, second).pvalue)
    assert found.interval() == pytest.approx(tuple(stats.ttest_rel(first, second).confidence_interval()))
    assert found.p_outside(0.7) == pytest.approx(ttost_paired(first, second, -0.7, 0.7)[0])


@pytest.mark.parametrize("seed", range(20))
def test_holm_equals_statsmodels_with_ties_too(seed: int) -> None:
    p = np.round(np.random.default_rng(seed).random(9) ** 3, 2)
    np.testing.assert_allclose(st.holm(p), multipletests(p, method="holm")[1])
    assert st.holm(np.array([])).shape == (0,)


def test_equal_differences_prove_what_their_signs_prove() -> None:
    zero, shift = (st.estimate(np.full(20, d), n_test=20, n_rest=80) for d in (0.0, 0.1))
    by_sign = 2.0**-19
    assert (zero.p_differs(), zero.p_outside(0.01), zero.interval()) == (1.0, by_sign, (0.0, 0.0))
    assert (shift.error, shift.p_differs(), shift.p_outside(0.2)) == (0.0, by_sign, by_sign)
    assert shift.p_outside(0.1) == 1.0
    assert st.estimate(np.full(2, 0.1), n_test=20, n_rest=80).p_differs() == 0.5


def test_one_split_is_refused() -> None:
    with pytest.raises(DataError, match=r"^splits: expected at least 2, got 1; fewer have no spread"):
        st.estimate(np.array([0.1]), n_test=20, n_rest=80)


def test_no_number_of_splits_beats_the_floor() -> None:
    floor = st.floor(0.03, 20, 80)
    assert floor == pytest.approx(1.96 * 0.03 * sqrt(20 / 80), rel=1e-4)
    widths = [st.half_width(0.03, splits, 20, 80) for splits in (5, 20, 200, 100_000)]
    assert sorted(widths, reverse=True) == widths
    assert floor < widths[-1] < 1.001 * floor


def test_the_detectable_difference_is_found_with_the_power_it_promises() -> None:
    # statsmodels computes the power of the paired t exactly (noncentral t); the effect is in units of s.
    exact = TTestPower().solve_power(nobs=20, alpha=0.05, power=0.8)
    assert st.detectable(1.0, 20, 0, 1) == pytest.approx(exact, rel=0.01)


def test_the_splits_that_would_help_are_the_fewest_that_do() -> None:
    splits = st.splits_for(0.02, 0.022, 20, 80)
    assert splits is not None
    assert st.half_width(0.02, splits, 20, 80) <= 0.022 < st.half_width(0.02, splits - 1, 20, 80)
    assert st.splits_for(0.02, 0.9 * st.floor(0.02, 20, 80), 20, 80) is None


def test_the_spread_tells_seeds_from_splits() -> None:
    rng = np.random.default_rng(1)
    own, noise = rng.normal(size=(4000, 1)) * 0.3, rng.normal(size=(4000, 5)) * 0.8
    found = st.spread(own + noise)
    assert found.seed == pytest.approx(0.8, rel=0.05)
    assert found.seed_share == pytest.approx(0.64 / 5 / (0.09 + 0.64 / 5), rel=0.1)
    assert found.with_seeds(5) == pytest.approx(found.total)
    assert found.with_seeds(inf) == pytest.approx(0.3, rel=0.1)
    assert st.spread(own).seed_share == 0.0


def test_the_seeds_that_would_help_are_the_fewest_that_do() -> None:
    found = st.Spread(total=0.02, seed=0.04, seeds=5)  # 80 % of the variance is the seeds'
    goal = 0.018
    seeds = st.seeds_for(found, goal, 20, 20, 80)
    assert seeds is not None and seeds > 5
    assert st.half_width(found.with_seeds(seeds), 20, 20, 80) <= goal
    assert st.half_width(found.with_seeds(seeds - 1), 20, 20, 80) > goal
    assert st.seeds_for(found, 0.001, 20, 20, 80) is None


def test_four_times_the_rows_halve_the_interval() -> None:
    width = st.half_width(0.02, 20, 20, 80)
    assert st.rows_for(0.02, width / 2, 100, 20, 20, 80) == pytest.approx(400, abs=1)
