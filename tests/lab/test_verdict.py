"""The four verdicts in their order, the sentences that may be said of them, and those that may not."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest
from numpy.typing import NDArray

from lossary.core.errors import DataError
from lossary.lab import record
from lossary.lab.judging.verdict import Verdict, Verdicts, judge
from lossary.lab.metrics import METRICS

Values = NDArray[np.float64]
SPLITS = 20
# Differences over splits with mean exactly 0 and standard deviation exactly 1: a shape to scale and to shift.
SHAPE = np.linspace(-1, 1, SPLITS)
SHAPE /= SHAPE.std(ddof=1)
BASE = 0.9 + 0.02 * np.cos(np.arange(SPLITS))
# With 20 splits 80/20 the corrected error of s = 1 is √(1/20 + 1/4) = 0.548; t(0.975; 19) = 2.093.
ERROR = np.sqrt(1 / SPLITS + 0.25)
T = 2.093024


def ruling(scores: dict[str, Values], metric: str = "accuracy", **options: object) -> Verdicts:
    return judge(
        {"reference": BASE, **scores},
        reference="reference",
        metric=METRICS[metric],
        n_test=114,
        n_rest=456,
        **options,  # type: ignore[arg-type]
    )


def shifted(mean: float, spread: float) -> Values:
    return BASE + mean + spread * SHAPE


def verdict_of(scores: Values, metric: str = "accuracy", **options: float) -> Verdict:
    return ruling({"loss": scores}, metric, **options).finding("loss").verdict


def test_practically_equal_comes_first_even_where_the_difference_excludes_zero() -> None:
    found = ruling({"loss": shifted(0.005, 0.001)}).finding("loss")
    assert found.contrast is not None and found.contrast.low > 0
    assert found.verdict is Verdict.EQUAL and not found.identical


def test_better_and_worse_need_a_difference_that_excludes_zero_and_the_region() -> None:
    assert verdict_of(shifted(0.03, 0.02)) is Verdict.BETTER
    assert verdict_of(shifted(-0.03, 0.02)) is Verdict.WORSE


def test_better_begins_where_the_interval_leaves_zero() -> None:
    edge = 0.02 * T * ERROR
    assert verdict_of(shifted(1.001 * edge, 0.02)) is Verdict.BETTER
    assert verdict_of(shifted(0.999 * edge, 0.02)) is Verdict.UNDECIDED


def test_a_smaller_error_is_the_better_one() -> None:
    assert verdict_of(shifted(-0.3, 0.02), metric="rmse") is Verdict.BETTER
    assert verdict_of(shifted(0.3, 0.02), metric="rmse") is Verdict.WORSE


def test_all_differences_exactly_zero_are_practically_equal_and_identical() -> None:
    result = ruling({"alias": BASE.copy()})
    found = result.finding("alias")
    assert found.verdict is Verdict.EQUAL and found.identical
    assert found.note == "identical: every difference is exactly 0"
    assert (
        result.headline
        == "Every loss scores as reference does, on every split: all differences are exactly 0."
    )


def test_the_region_is_a_point_for_rates_and_a_share_of_the_reference_for_errors() -> None:
    assert ruling({"loss": shifted(0, 0.01)}).region == 0.01
    assert ruling({"loss": shifted(0, 0.01)}, metric="rmse").region == pytest.approx(0.01 * BASE.mean())
    assert ruling({"loss": shifted(0, 0.01)}, rope=0.05).region == 0.05
    # A wider region turns the same scores from "cannot tell" into "practically equal".
    assert verdict_of(shifted(0, 0.02)) is Verdict.UNDECIDED
    assert verdict_of(shifted(0, 0.02), rope=0.05) is Verdict.EQUAL


def test_holm_holds_the_verdicts_of_a_family_together() -> None:
    # p = 0.04 alone is better; among five such losses Holm asks for 0.01.
    near = shifted(1.05 * 0.02 * T * ERROR, 0.02)
    assert verdict_of(near) is Verdict.BETTER
    family = ruling({f"loss {i}": near if i == 0 else shifted(0, 0.02) for i in range(5)})
    assert family.finding("loss 0").verdict is Verdict.UNDECIDED


def test_scaling_an_error_changes_no_verdict() -> None:
    rng = np.random.default_rng(0)
    scores = {f"loss {i}": BASE + rng.normal(size=SPLITS) * 0.01 + 0.006 * i for i in range(5)}
    small = ruling(scores, metric="rmse")
    large = judge(
        {name: 1000 * v for name, v in {"reference": BASE, **scores}.items()},
        reference="reference",
        metric=METRICS["rmse"],
        n_test=114,
        n_rest=456,
    )
    assert [f.verdict for f in small.findings] == [f.verdict for f in large.findings]
    assert (small.top, small.recommended, small.would_help) == (
        large.top,
        large.recommended,
        large.would_help,
    )


def test_seeds_are_averaged_before_any_test() -> None:
    rng = np.random.default_rng(1)
    noise = rng.normal(size=(SPLITS, 5)) * 0.02
    scores = shifted(0.01, 0.01)[:, None] + noise
    by_seed = judge(
        {"reference": np.repeat(BASE[:, None], 5, axis=1), "loss": scores},
        reference="reference",
        metric=METRICS["accuracy"],
        n_test=114,
        n_rest=456,
    )
    averaged = ruling({"loss": scores.mean(axis=1)})
    first, second = by_seed.finding("loss").contrast, averaged.finding("loss").contrast
    assert first is not None and second is not None
    assert (first.advantage, first.error) == pytest.approx((second.advantage, second.error))
    assert first.seed_share is not None and first.seed_share > 0 and second.seed_share is None


def test_a_loss_that_diverged_is_a_result_with_a_reason_and_lowers_no_hurdle() -> None:
    lost = shifted(0.1, 0.01)
    lost[3] = np.nan
    near = shifted(1.05 * 0.02 * T * ERROR, 0.02)
    result = ruling({"lost": lost, "near": near})
    found = result.finding("lost")
    assert (found.verdict, found.note) == (Verdict.UNJUDGED, "no score in 1 of 20 trainings")
    assert result.finding("near").verdict is Verdict.UNDECIDED  # as if both had been tested
    assert "lost" not in result.top


def test_the_headline_says_which_losses_have_no_score() -> None:
    lost, worse = np.full(SPLITS, np.nan), shifted(-0.2, 0.02)
    tail = "lost could not be judged, having no score in some trainings."
    assert ruling({"lost": lost, "a": worse}).headline == (
        f"No loss was shown better than reference; a is worse; {tail}"
    )
    assert ruling({"lost": lost, "a": BASE + 0.0}).headline == (
        f"Every loss scores as reference does, on every split: all differences are exactly 0; {tail}"
    )
    assert ruling({"lost": lost, "a": shifted(0.1, 0.02)}).headline == (
        f"a is better than reference by at least 7.3 points (adjusted lower limit); {tail}"
    )
    alone = ruling({"lost": lost, "gone": lost})
    assert alone.headline == "reference stands alone: lost and gone have no score in some trainings."
    assert alone.top == ("reference",) and alone.recommended == "reference"


def test_a_reference_that_diverged_judges_nothing() -> None:
    result = judge(
        {"reference": np.full(SPLITS, np.nan), "loss": BASE},
        reference="reference",
        metric=METRICS["accuracy"],
        n_test=114,
        n_rest=456,
    )
    assert result.recommended is None and result.top == ()
    assert result.headline == (
        "reference, the reference, has no score in some trainings, so nothing could be judged."
    )
    json.dumps(asdict(result), allow_nan=False)


def test_a_loss_that_estimates_something_else_stands_apart() -> None:
    elicits = {"reference": "mean", "mae": "median", "huber": "between mean and median"}
    result = ruling({"mae": shifted(0.3, 0.01), "huber": shifted(0, 0.01)}, metric="rmse", elicits=elicits)
    assert [f.name for f in result.findings] == ["huber"]
    assert result.apart[0].note == "estimates the median; not judged by RMSE"
    assert result.apart[0].verdict is Verdict.UNJUDGED and result.apart[0].contrast is not None
    assert "mae" not in result.headline and "mae" not in result.top


def test_losses_that_estimate_what_the_reference_estimates_are_judged() -> None:
    result = ruling(
        {"other": shifted(0, 0.1)}, metric="rmse", elicits={"reference": "quantile", "other": "quantile"}
    )
    assert [f.name for f in result.findings] == ["other"]


def test_small_data_keep_their_intervals_and_get_no_verdicts() -> None:
    result = ruling({"loss": shifted(0.1, 0.001)}, withheld="the data have 60 rows, under 100")
    found = result.finding("loss")
    assert found.verdict is Verdict.WITHHELD and found.contrast is not None
    assert result.headline == (
        "Verdicts are withheld, intervals are shown: the data have 60 rows, under 100."
    )
    assert result.recommended == "reference"


def test_verdicts_on_small_data_can_be_forced_and_say_so() -> None:
    scores = {"loss": shifted(0.1, 0.001)}
    result = ruling(scores, withheld="the data have 60 rows, under 100", force=True)
    assert result.finding("loss").verdict is Verdict.BETTER and result.recommended == "loss"
    assert result.forced == "the data have 60 rows, under 100"
    assert result.headline.endswith(
        "(adjusted lower limit). These verdicts are forced: the data have 60 rows, under 100."
    )
    enough = ruling(scores, force=True)
    assert enough.forced == "" and "forced" not in enough.headline


def test_what_splits_do_not_give_the_test_stands_beside_the_verdicts() -> None:
    assert ruling({"a": BASE + 0.0}, caveat="the splits follow time").caveat == "the splits follow time"


def test_the_spread_of_seeds_and_of_splits_stand_apart_and_one_seed_tells_neither() -> None:
    rng = np.random.default_rng(5)
    own, noise = rng.normal(size=(SPLITS, 1)), rng.normal(size=(SPLITS, 5))
    scores = BASE[:, None] + 0.03 * own + 0.02 * noise
    both = (
        judge(
            {"reference": np.repeat(BASE[:, None], 5, axis=1), "a": scores},
            reference="reference",
            metric=METRICS["accuracy"],
            n_test=114,
            n_rest=456,
        )
        .findings[0]
        .contrast
    )
    assert both is not None and both.seed_spread is not None and both.split_spread is not None
    within = (0.02 * noise).var(axis=1, ddof=1).mean()
    assert both.seed_spread == pytest.approx(np.sqrt(within))
    total = (scores - BASE[:, None]).mean(axis=1).var(ddof=1)
    assert both.split_spread == pytest.approx(np.sqrt(total - within / 5))
    one = ruling({"a": scores[:, 0]}).findings[0].contrast
    assert one is not None and one.seed_spread is None and one.split_spread is None


def test_chances_stand_beside_every_verdict_and_sum_to_1() -> None:
    result = ruling({"a": shifted(0.03, 0.02), "b": shifted(0.0, 0.001), "c": shifted(-0.03, 0.02)})
    better, equal, worse = (f.contrast.chances for f in result.findings if f.contrast is not None)
    assert better is not None and equal is not None and worse is not None
    for each in (better, equal, worse):
        assert each.worse + each.equal + each.better == pytest.approx(1.0)
    # Half a t of (3 - 1) / (2 · 0.548) = 1.826 with 19 degrees of freedom is 0.042 (any table between 0.05 and 0.025).
    assert better.better == pytest.approx(1 - 0.0418, abs=1e-3) and worse.worse == pytest.approx(
        better.better
    )
    assert equal.equal > 0.99


def test_the_headline_where_nothing_is_better_names_the_top_group() -> None:
    result = ruling({"a": shifted(0.004, 0.02), "b": shifted(-0.001, 0.02), "c": shifted(-0.2, 0.02)})
    assert result.headline == (
        "No loss was shown better than reference; these three cannot be told from the best: "
        "a, reference and b."
    )
    assert result.recommended == "reference"
    assert result.advice == "Train with reference: nothing was shown better."


def test_the_headline_where_one_is_better_gives_the_adjusted_limit_and_never_the_mean() -> None:
    result = ruling({"a": shifted(0.0512, 0.01), "b": shifted(-0.2, 0.02)})
    contrast = result.finding("a").contrast
    assert contrast is not None and contrast.adjusted_low == pytest.approx(0.0380, abs=1e-3)
    assert result.headline == "a is better than reference by at least 3.8 points (adjusted lower limit)."
    assert "5.1" not in result.headline
    assert result.recommended == "a" and result.top == ("a",)


def test_the_headline_of_an_error_names_unit_and_share() -> None:
    result = ruling({"a": shifted(-0.1, 0.02)}, metric="rmse")
    assert result.headline == (
        "a is better than reference by at least 0.0771 RMSE (8.6 %) (adjusted lower limit)."
    )


def test_the_headline_where_all_are_practically_equal_says_within_what() -> None:
    scores = {"a": shifted(0, 0.001), "b": shifted(0.001, 0.001)}
    assert ruling(scores).headline == "a and b are practically equal to reference: within 1 point."
    large = {name: 1e6 * v for name, v in {"reference": BASE, **scores}.items()}
    result = judge(large, reference="reference", metric=METRICS["rmse"], n_test=114, n_rest=456)
    assert result.headline == "a and b are practically equal to reference: within 9,010 RMSE (1 %)."


def test_among_better_losses_the_widest_range_of_rates_is_recommended() -> None:
    scores = {"high": shifted(0.06, 0.01), "wide": shifted(0.055, 0.01)}
    assert ruling(scores).recommended == "high"
    result = ruling(scores, widths={"high": 1.0, "wide": 2.5})
    assert result.recommended == "wide" and "(2.5 decades)" in result.advice
    assert result.headline.startswith("Two losses are better than reference: high by at least ")


def test_the_reference_leaves_the_top_group_only_when_beaten() -> None:
    rng = np.random.default_rng(2)
    for _ in range(200):
        means, spreads = rng.normal(size=6) * 0.02, rng.random(6) * 0.03
        result = ruling(
            {
                f"{i}": shifted(m, 0) + rng.normal(size=SPLITS) * s
                for i, (m, s) in enumerate(zip(means, spreads, strict=True))
            }
        )
        better = [f.name for f in result.findings if f.verdict is Verdict.BETTER]
        worse = [f.name for f in result.findings if f.verdict is Verdict.WORSE]
        assert not set(worse) & set(result.top)
        assert ("reference" in result.top) == (not better)
        assert result.recommended == "reference" if not better else result.recommended in better


def test_a_reference_alone_has_nothing_to_be_judged() -> None:
    result = ruling({})
    assert result.headline.startswith("reference stands alone") and result.detectable is None


def test_verdicts_are_plain_json() -> None:
    result = ruling({"a": shifted(0.1, 0.01), "b": BASE.copy(), "c": np.full(SPLITS, np.nan)})
    assert json.loads(json.dumps(asdict(result), allow_nan=False))["findings"][0]["verdict"] == "better"
    assert record.read(Verdicts, record.text(result)) == result


def test_verdicts_from_before_the_chances_can_still_be_read() -> None:
    old = json.loads(record.text(ruling({"a": shifted(0.1, 0.01)})))
    for name in ("seed_spread", "split_spread", "chances"):
        del old["findings"][0]["contrast"][name]
    del old["forced"], old["caveat"]
    read = record.read(Verdicts, json.dumps(old)).findings[0].contrast
    assert read is not None and read.chances is None


def test_an_unknown_reference_and_unequal_splits_are_refused() -> None:
    metric = METRICS["accuracy"]
    with pytest.raises(
        DataError, match=r"^reference: expected one of the compared losses, got 'b'; name one of a\.$"
    ):
        judge({"a": BASE}, reference="b", metric=metric, n_test=20, n_rest=80)
    with pytest.raises(
        DataError, match=r"^scores: expected the same splits and seeds for every loss, got shapes"
    ):
        judge({"a": BASE, "b": BASE[:5]}, reference="a", metric=metric, n_test=20, n_rest=80)
