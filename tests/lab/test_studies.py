"""The studies: fixed before they run, judged by the laboratory's own tests, taken up where they stopped."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lossary.core.errors import DataError
from lossary.lab import record
from lossary.lab.studies import words
from lossary.lab.studies.bench import Bench
from lossary.lab.studies.conduct import RESULT, conduct, finished, folder_for
from lossary.lab.studies.known import NAMES, study
from lossary.lab.studies.outcome import settle
from lossary.lab.studies.recipes import convergence, text
from lossary.lab.studies.sets import clouds, flipped, with_outliers
from lossary.lab.studies.study import Answer, Found, Grid, Line, Outcome, Picture, Result, Ruling, Study

LITTLE = Study(
    name="little",
    title="Is two more than one?",
    question="Is two more than one?",
    text="2 is 1 more than 1.",
    statements=("two is more than one",),
    data="none",
    metric="counting",
    region="none",
    design="Count.",
    settings={"pieces": 4, "size": 0.5, "rates": (0.1, 1.0)},
    quick={"pieces": 2},
    seconds=1,
)


def _squared(number: int, marks: str) -> dict[str, float]:
    """A piece of work that leaves a mark each time it is done."""
    with open(marks, "a", encoding="utf-8") as file:
        file.write(f"{number}\n")
    if number == 2 and not Path(marks + ".mended").exists():
        raise KeyboardInterrupt
    return {"square": float(number**2), "nothing": float("nan")}


def _recipe(marks: Path) -> Any:
    def recipe(bench: Bench) -> Found:
        found = bench.run(
            "squares", _squared, [(number, str(marks)) for number in range(bench.whole("pieces"))]
        )
        total = sum(each["square"] for each in found)
        line = Line("a", (1.0, 2.0), (1.0, 4.0), (0.0, 3.0), (2.0, 5.0))
        return Found(
            (Answer(LITTLE.statements[0], f"the sum is {total:g}", Outcome.HOLDS),),
            (Grid("Squares", ("number", "word", "none"), ((1.0, "one", None),)),),
            (Picture("little", "Squares", "Look.", "x", "y", (line,)),),
        )

    return recipe


def test_an_interrupted_study_goes_on_and_a_finished_one_is_not_run_again(tmp_path: Path) -> None:
    marks, folder = tmp_path / "marks", tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        conduct(LITTLE, _recipe(marks), folder, workers=1)
    assert finished(LITTLE, False, folder) is None
    Path(str(marks) + ".mended").touch()
    found = conduct(LITTLE, _recipe(marks), folder, workers=1)
    assert found.found.answers[0].measured == "the sum is 14"
    assert marks.read_text().split() == ["0", "1", "2", "2", "3"]  # what was done is not done again

    def never(bench: Bench) -> Found:
        raise AssertionError("run again")

    assert conduct(LITTLE, never, folder, workers=1) == found


def test_a_result_is_the_same_bytes_again_and_reads_back(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    Path(str(marks) + ".mended").touch()
    texts = []
    for name in ("first", "second"):
        found = conduct(LITTLE, _recipe(marks), tmp_path / name, workers=1)
        texts.append((tmp_path / name / RESULT).read_bytes())
        assert record.read(Result, texts[-1].decode()) == found
    assert texts[0] == texts[1]


def test_half_a_result_is_no_result(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    Path(str(marks) + ".mended").touch()
    folder = tmp_path / "run"
    found = conduct(LITTLE, _recipe(marks), folder, workers=1)
    whole = (folder / RESULT).read_text()
    for broken in (whole[: len(whole) // 2], "{}", json.dumps({"study": 1})):
        (folder / RESULT).write_text(broken)
        assert finished(LITTLE, False, folder) is None
    assert conduct(LITTLE, _recipe(marks), folder, workers=1) == found


def test_whatever_is_fixed_changes_the_hash() -> None:
    digest = LITTLE.digest()
    assert LITTLE.digest() == digest and len(digest) == 64
    assert LITTLE.digest(quick=True) != digest
    for changed in (
        replace(LITTLE, region="1 point"),
        replace(LITTLE, text="2 is 2 more than 1."),
        replace(LITTLE, settings={**LITTLE.settings, "pieces": 5}),
    ):
        assert changed.digest() != digest
        assert folder_for(changed, False) != folder_for(LITTLE, False)


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    from filelock import FileLock

    with FileLock(tmp_path / ".study.lock"), pytest.raises(DataError, match="another run is writing"):
        conduct(LITTLE, _recipe(tmp_path / "marks"), tmp_path, workers=1)


@pytest.mark.parametrize(
    ("ahead", "outcome"),
    [
        (0.05, Outcome.HOLDS),
        (-0.05, Outcome.REVERSED),
        (0.0001, Outcome.EQUAL),
    ],
)
def test_an_outcome_is_the_verdict_read_as_the_texts_put_it(ahead: float, outcome: Outcome) -> None:
    numbers = np.random.default_rng(0)
    base, noise = numbers.normal(0.8, 0.05, 12), numbers.normal(0, 0.002, 12)
    found = settle({"a": (base + ahead + noise, base)}, region=0.01)["a"]
    assert found.outcome is outcome
    assert found.low < ahead < found.high
    # Where less is better the same numbers say the opposite.
    turned = settle({"a": (base + ahead + noise, base)}, region=0.01, greater=False)["a"]
    opposite = {Outcome.HOLDS: Outcome.REVERSED, Outcome.REVERSED: Outcome.HOLDS}
    assert turned.outcome is opposite.get(outcome, outcome)


def test_a_wide_spread_cannot_tell_and_a_missing_score_is_not_testable() -> None:
    numbers = np.random.default_rng(1)
    base, noise = np.full(10, 0.8), numbers.normal(0.01, 0.05, 10)
    found = settle({"wide": (base + noise, base), "lost": (np.full(10, np.nan), base)}, region=0.01)
    assert found["wide"].outcome is Outcome.UNDECIDED
    assert found["lost"].outcome is Outcome.UNTESTABLE
    assert found["lost"].said() == "no score in some trainings"


def test_splits_that_share_rows_are_judged_more_carefully_than_replicates() -> None:
    numbers = np.random.default_rng(2)
    base = numbers.normal(0.8, 0.05, 20)
    pair = {"a": (base + 0.03 + numbers.normal(0, 0.03, 20), base)}
    alone, shared = settle(pair, region=0.01)["a"], settle(pair, region=0.01, n_test=20, n_rest=80)["a"]
    assert alone.outcome is Outcome.HOLDS and shared.outcome is Outcome.UNDECIDED
    assert shared.high - shared.low > 2 * (alone.high - alone.low)


def test_every_study_is_fixed_in_full() -> None:
    assert len(NAMES) == len(set(NAMES)) == 15
    for name in NAMES:
        found, recipe = study(name)
        assert found.name == name and callable(recipe)
        assert found.statements and len(set(found.statements)) == len(found.statements)
        assert set(found.quick) <= set(found.settings), name
        for said in (
            found.title,
            found.question,
            found.text,
            found.data,
            found.metric,
            found.region,
            found.design,
        ):
            assert said.strip()
        assert record.restore(Study, record.plain(found)) == found
    assert sum(study(name)[0].seconds for name in NAMES) <= 12 * 60
    with pytest.raises(DataError, match="the nearest study is 'binary'"):
        study("binry")


@pytest.mark.parametrize("name", ["darts", "convergence", "regularization"])
def test_a_quick_run_answers_every_statement_in_their_order(name: str, tmp_path: Path) -> None:
    known, recipe = study(name)
    found = conduct(known, recipe, tmp_path, quick=True, workers=1)
    assert tuple(answer.statement for answer in found.found.answers) == known.statements
    assert all(answer.measured and not answer.measured.endswith(".") for answer in found.found.answers)
    assert found.quick and found.digest == known.digest(quick=True)
    assert known.statements[0] in found.sentence and found.found.answers[0].outcome.value in found.sentence


def test_the_two_cross_entropies_are_one_loss_for_two_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    numbers = torch.Generator().manual_seed(0)
    rows = torch.randn(40, 6, dtype=torch.float64, generator=numbers)
    monkeypatch.setattr(text, "reviews", lambda *_: (rows, (rows[:, 0] > 0).double(), []))
    assert text.apart(40, 6, 30) < 1e-12


def test_the_texts_example_of_a_confident_miss_is_right() -> None:
    found = words.confident("said")
    assert found.outcome is Ruling.CONFIRMED and "BCE 4.61, MSE 0.98, MAE 0.99" in found.measured
    assert words.vanishing("said").outcome is Ruling.REFUTED


def test_an_epoch_counts_from_which_the_curve_stays() -> None:
    curve = np.array([0.5, 0.9, 0.7, 0.9, 0.95])
    assert convergence._arrival(curve, 0.85, 5) == 4
    assert convergence._arrival(curve, 0.4, 5) == 1
    assert convergence._arrival(curve, 0.99, 5) == 5


def test_made_up_rows_have_the_noise_they_say() -> None:
    rows = clouds(400, share=0.25, apart=3.0)
    assert rows.y.sum() == 100
    assert (flipped(rows, 0.1).y != rows.y).mean() == pytest.approx(0.1)
    spoilt = with_outliers(clouds(200), 0.1)
    assert spoilt.dirty is not None and (spoilt.dirty != spoilt.y).sum() == 20
    data = spoilt.data(spoilt.splits(1)[0])
    assert set(data.y_test.tolist()) == {0.0, 1.0}  # the test is clean
    assert data.x_train.mean(0).abs().max() < 1e-6
