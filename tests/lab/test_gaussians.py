"""Eight Gaussians in the plane: what counts as covered, and that a run is the same run twice."""

from __future__ import annotations

import math

import pytest
import torch

from lossary.lab import record
from lossary.lab.studies import games, gaussians
from lossary.lab.studies.gaussians import Gaussians, Reached


def test_the_data_themselves_cover_every_mode_and_are_nearly_all_good() -> None:
    points = games.real([torch.Generator().manual_seed(0)], 4000)[0]
    covered, touched, good = gaussians.judged(points)
    # Within 3 standard deviations of a Gaussian in the plane lie 1 - exp(-9/2) of it.
    assert (covered, touched) == (8, 8) and good == pytest.approx(1 - math.exp(-4.5), abs=0.005)


def test_a_stray_sample_touches_a_mode_and_does_not_cover_it() -> None:
    centres = games.centres()
    points = torch.cat([centres[0].repeat(990, 1), centres[1].repeat(9, 1), torch.full((1, 2), math.nan)])
    assert gaussians.judged(points) == (1, 2, 0.999)
    more = torch.cat([points[:987], centres[1].repeat(13, 1)])
    assert gaussians.judged(more)[0] == 2  # a tenth of an eighth of 1000 is 12.5


def test_the_rate_that_covers_most_is_chosen_and_of_equal_ones_that_with_most_good_samples() -> None:
    def reached(rate: float, modes: int, good: float) -> Reached:
        return Reached(0, rate, modes, 8, good)

    found = (reached(0.1, 6, 0.9), reached(0.01, 8, 0.2), reached(0.001, 8, 0.3), reached(0.0001, 8, 0.3))
    assert gaussians.best_rate(found) == 0.0001
    assert gaussians.best_rate(found[:3]) == 0.001


def test_the_interval_over_seeds_is_students() -> None:
    mean = gaussians.over_seeds([4.0, 6.0, 8.0])
    half = 4.302653 * 2.0 / math.sqrt(3)
    assert (mean.value, mean.low, mean.high) == pytest.approx((6.0, 6.0 - half, 6.0 + half))
    assert gaussians.over_seeds([1.0]).high == math.inf


def test_a_short_run_is_the_same_run_twice_and_round_trips() -> None:
    runs = [gaussians.run((0, 1), 5, rates=(1e-3, 1e-2), batch=16, samples=200) for _ in range(2)]
    assert record.text(runs[0]) == record.text(runs[1])
    assert [each.name for each in runs[0].games] == ["critic", "sliced_wasserstein", "vanilla"]
    assert [len(each.choosing) for each in runs[0].games] == [4, 4, 4]
    assert record.text(record.read(Gaussians, record.text(runs[0]))) == record.text(runs[0])


def test_seeds_that_rates_are_chosen_on_are_refused() -> None:
    with pytest.raises(ValueError, match="other than"):
        gaussians.run((1001,), 10)


def test_a_game_whose_rate_is_absurd_diverges_and_covers_nothing() -> None:
    (points,) = games.play("vanilla", [(0, 1e3)], steps=20, batch=16, critic_steps=1, samples=100)
    assert gaussians.judged(points) == (0, 0, 0.0)


def test_trainings_side_by_side_do_not_touch_each_other() -> None:
    asked = {"steps": 5, "batch": 16, "critic_steps": 1, "samples": 50}
    alone = games.play("vanilla", [(3, 1e-2)], **asked)[0]
    beside = games.play("vanilla", [(3, 1e-2), (4, 1e3)], **asked)[0]
    torch.testing.assert_close(alone, beside)
