"""The statistics against published examples, statsmodels and baycomp; what would help against itself."""

from __future__ import annotations

from math import inf, sqrt

import baycomp
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy import stats
from sklearn.datasets import make_moons
from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score
from sklearn.svm import SVC
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import ttost_paired

from lossary.core.errors import DataError
from lossary.lab.judging import statistics as st
from lossary.lab.judging.posterior import Chances, chances
from lossary.lab.results.behaviour import wilson

Values = NDArray[np.float64]


@pytest.fixture(scope="module")
def published() -> dict[str, Values]:
    """The ROC-AUC of four kernels in 10 x 10-fold cross-validation (100 rows, so 10 tested and 90 not).

    scikit-learn, example "Statistical comparison of models using grid search", whose page of 1.3 has the figures below.
    """
    features, target = make_moons(noise=0.352, random_state=1, n_samples=100)
    folds = RepeatedStratifiedKFold(n_splits=10, n_repeats=10, random_state=0)
    kernels = {
        "rbf": SVC(kernel="rbf"),
        "linear": SVC(kernel="linear"),
        "3_poly": SVC(kernel="poly", degree=3),
    }
    return {
        name: cross_val_score(kernel, features, target, scoring="roc_auc", cv=folds)
        for name, kernel in kernels.items()
    }


def test_the_corrected_t_and_its_interval_are_the_published_ones(published: dict[str, Values]) -> None:
    differences = published["rbf"] - published["linear"]
    found = st.estimate(differences, n_test=10, n_rest=90)
    assert (round(found.mean / found.error, 3), round(found.p_differs() / 2, 3)) == (0.750, 0.227)
    assert tuple(round(end, 6) for end in found.interval()) == (-0.016445, 0.036445)
    naive = st.estimate(differences, n_test=0, n_rest=90)
    assert (round(naive.mean / naive.error, 3), round(naive.p_differs() / 2, 3)) == (2.611, 0.005)
    # Of six comparisons there, by Bonferroni: what an adjusted level does here.
    cubic = st.estimate(published["rbf"] - published["3_poly"], n_test=10, n_rest=90)
    assert (round(cubic.mean / cubic.error, 3), round(6 * cubic.p_differs() / 2, 3)) == (1.657, 0.302)


@pytest.mark.parametrize(
    ("first", "second", "worse", "better", "equal"),
    [
        ("rbf", "linear", 0.068, 0.500, 0.432),
        ("rbf", "3_poly", 0.018, 0.882, 0.100),
        ("linear", "3_poly", 0.063, 0.750, 0.187),
    ],
)
def test_the_chances_are_the_published_ones(
    published: dict[str, Values], first: str, second: str, worse: float, better: float, equal: float
) -> None:
    found = chances(st.estimate(published[first] - published[second], n_test=10, n_rest=90), 0.01)
    assert tuple(round(p, 3) for p in (found.worse, found.better, found.equal)) == (worse, better, equal)


def test_the_chances_are_baycomps_for_cross_validation(published: dict[str, Values]) -> None:
    # baycomp knows folds alone, of which 10 have n_test/n_rest = 1/9.
    found = chances(st.estimate(published["rbf"] - published["linear"], n_test=10, n_rest=90), 0.01)
    theirs = baycomp.two_on_single(published["linear"], published["rbf"], rope=0.01, runs=10)
    assert (found.worse, found.equal, found.better) == pytest.approx(theirs, abs=1e-12)


def test_half_a_p_is_the_chance_of_the_other_sign() -> None:
    # Under a flat prior the posterior is the t of the test (Corani and Benavoli 2015).
    found = st.estimate(np.random.default_rng(3).normal(size=20) + 0.3, n_test=20, n_rest=80)
    none = chances(found, 0.0)
    assert none.worse == pytest.approx(found.p_differs() / 2) and none.equal == 0.0
    around = chances(found, 0.2)
    assert around.worse + around.equal + around.better == pytest.approx(1.0)
    assert around.worse < none.worse and around.better < none.better


def test_equal_differences_leave_no_doubt_to_believe_in() -> None:
    zero, shift = (st.estimate(np.full(20, d), n_test=20, n_rest=80) for d in (0.0, -0.1))
    assert chances(zero, 0.01) == Chances(0.0, 1.0, 0.0)
    assert chances(shift, 0.01) == Chances(1.0, 0.0, 0.0)


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


def test_holm_rejects_what_it_rejects_in_a_published_example() -> None:
    # R package HDLSSkST, example of its function Holm: of these at 0.05 the third and the last.
    p = np.array([0.50, 0.01, 0.001, 0.69, 0.02, 0.05, 0.0025])
    assert (st.holm(p) < 0.05).tolist() == [False, False, True, False, False, False, True]


def test_equal_differences_prove_what_their_signs_prove() -> None:
    zero, shift = (st.estimate(np.full(20, d), n_test=20, n_rest=80) for d in (0.0, 0.1))
    by_sign = 2.0**-19
    assert (zero.p_differs(), zero.p_outside(0.01), zero.interval()) == (1.0, by_sign, (0.0, 0.0))
    assert (shift.error, shift.p_differs(), shift.p_outside(0.2)) == (0.0, by_sign, by_sign)
    assert shift.p_outside(0.1) == 1.0
    assert st.estimate(np.full(2, 0.1), n_test=20, n_rest=80).p_differs() == 0.5


def test_the_rounding_of_equal_differences_is_no_spread() -> None:
    # One of 24 test rows more in each of two splits: the same difference, but not the same float64.
    differences = np.array([17, 19]) / 24 - np.array([16, 18]) / 24
    assert differences[0] != differences[1]
    found = st.estimate(differences, n_test=24, n_rest=96)
    assert (found.error, found.p_differs(), found.p_outside(0.05)) == (0.0, 0.5, 0.5)
    tiny = st.estimate(np.array([1.0, 1.0 + 1e-6]), n_test=24, n_rest=96)
    assert tiny.error > 0


def test_one_split_is_refused() -> None:
    with pytest.raises(DataError, match=r"^splits: expected at least 2, got 1; fewer have no spread"):
        st.estimate(np.array([0.1]), n_test=20, n_rest=80)


def test_no_number_of_splits_beats_the_floor() -> None:
    floor = st.floor(0.03, 20, 80)
    assert floor == pytest.approx(1.96 * 0.03 * sqrt(20 / 80), rel=1e-4)
    widths = [st.half_width(0.03, splits, 20, 80) for splits in (5, 20, 200, 100_000)]
    assert sorted(widths, reverse=True) == widths
    assert floor < widths[-1] < 1.001 * floor


@pytest.mark.parametrize("level", [0.05, 0.05 / 8])
@pytest.mark.parametrize("splits", [3, 5, 20, 50])
def test_the_detectable_difference_has_the_power_it_promises(splits: int, level: float) -> None:
    # The effect of statsmodels is in units of s; its power counts a verdict on the wrong side too.
    found = st.detectable(1.0, splits, 0, 1, level=level)
    power = TTestPower().power(effect_size=found, nobs=splits, alpha=level)
    assert power == pytest.approx(0.8, abs=1e-5)


def test_the_band_of_a_share_is_wilsons() -> None:
    for successes, count in ((0, 7), (3, 10), (50, 80), (12, 12)):
        theirs = proportion_confint(successes, count, method="wilson")
        assert wilson(successes / count, count) == pytest.approx(theirs, abs=1e-7)


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


def test_the_spreads_are_the_components_of_variance_of_a_balanced_layout() -> None:
    # By mean squares: those of the seeds within splits, and a fifth of what the splits' exceed them by.
    rng = np.random.default_rng(4)
    differences = rng.normal(size=(20, 5)) + 2 * rng.normal(size=(20, 1))
    frame = pd.DataFrame({"d": differences.ravel(), "split": np.repeat(np.arange(20), 5)})
    squares = anova_lm(ols("d ~ C(split)", frame).fit())["mean_sq"]
    found = st.spread(differences)
    assert found.seed == pytest.approx(sqrt(squares["Residual"]))
    assert found.split == pytest.approx(sqrt((squares["C(split)"] - squares["Residual"]) / 5))


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
