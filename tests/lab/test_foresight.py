"""After the first splits the forecast of the detectable difference gives way to one from the data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lossary.lab.comparison import Comparison
from lossary.lab.conduct import conduct
from lossary.lab.design import Design, design
from lossary.lab.judging.statistics import detectable
from lossary.lab.planning.options import Options
from lossary.lab.results.foresight import foreseen
from lossary.lab.running.execute import Inline
from lossary.lab.running.progress import Silent
from lossary.lab.running.store import Store
from lossary.lab.training.rows import Rows


class Told(Silent):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.found: list[float] = []

    def foreseen(self, difference: float) -> None:
        self.found.append(difference)


def planned(losses: tuple[str, ...], splits: int, scale: float = 1.0) -> tuple[Design, Rows]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 2))
    signal = x[:, 0] + 0.5 * rng.normal(size=120)
    target = np.where(signal > 0, "yes", "no") if "hinge" in losses else scale * (20 + 3 * signal)
    frame = pd.DataFrame(x, columns=["a", "b"]).assign(y=target)
    return design(frame, Options(target="y", losses=losses, splits=splits, seeds=2, epochs=2, rates=(0.1,)))


def run(made: Design, rows: Rows, folder: Path, told: Told) -> Comparison:
    with Store(folder) as store:
        return conduct(made, rows, store, Inline(), told)


def test_it_is_by_the_variances_of_the_first_splits_and_for_all_that_are_planned(tmp_path: Path) -> None:
    made, rows = planned(("binary_cross_entropy", "hinge", "mse"), 4)
    told = Told()
    found = run(made, rows, tmp_path, told)
    by_loss = {row.candidate.label: np.array(row.score.by_split[:3]) for row in found.rows}
    home = by_loss.pop("binary_cross_entropy")
    assert len(by_loss) == 2
    spread = np.sqrt(np.mean([(scores - home).var(ddof=1) for scores in by_loss.values()]))
    # 24 of 120 rows are tested, by two tests.
    assert told.found == [pytest.approx(detectable(spread, 4, 24, 96, level=0.025))]
    again = Told()
    run(made, rows, tmp_path, again)
    assert again.found == []  # resumed with the first splits done, it is not told a second time


def test_of_an_error_it_is_a_share_whatever_its_unit(tmp_path: Path) -> None:
    shares = []
    for scale in (1.0, 1000.0):
        told = Told()
        run(*planned(("mse", "huber"), 4, scale), tmp_path / f"{scale}", told)
        shares += told.found
    assert len(shares) == 2 and 0 < shares[0] < 1
    assert shares[1] == pytest.approx(shares[0], rel=1e-3)


def test_where_nothing_differs_or_nothing_is_left_to_train_it_foresees_nothing(tmp_path: Path) -> None:
    told = Told()
    run(*planned(("binary_cross_entropy", "bce", "hinge"), 3), tmp_path / "three", told)
    assert told.found == []
    made, rows = planned(("mse", "squared_error"), 4)
    with Store(tmp_path / "alias") as store:
        conduct(made, rows, store, Inline(), told)
        assert told.found == [] and foreseen(made, rows, store) is None
