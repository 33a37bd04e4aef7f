"""The second table as it is shown, and a training script that weighs classes."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd

from lossary.lab import Comparison, compare
from lossary.report.script import script
from lossary.report.sheet import Sheet
from lossary.report.tuned import tuned_sheet


@cache
def found() -> Comparison:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(150, 2))
    table = pd.DataFrame(x, columns=["a", "b"]).assign(
        y=np.where(x[:, 0] + rng.normal(size=150) > 0.8, "in", "out")
    )
    return compare(table, "y", losses="binary_cross_entropy, hinge", tune_losses=True, class_weight="balanced",
                   splits=3, seeds=1, epochs=2, rates=(0.003, 0.03), workers=1)  # fmt: skip


def shown() -> Sheet:
    sheet = tuned_sheet(found())
    assert sheet is not None
    return sheet


def test_every_loss_has_its_verdict_of_this_table_and_the_settings_chosen() -> None:
    sheet, table = shown(), found().tuned
    assert table is not None
    columns = [each.title for each in sheet.columns]
    assert [row[0].text for row in sheet.rows] == [each.label for each in table.rows]
    for row, tuned in zip(sheet.rows, table.rows, strict=True):
        verdict = row[columns.index("verdict")].text
        reference = tuned.label == "binary_cross_entropy"
        assert verdict == ("reference" if reference else table.verdicts.finding(tuned.label).verdict.value)
        assert row[columns.index("trainings")].text == str(tuned.trainings)
        assert row[columns.index("chosen")].text.count("(") == len(tuned.picked)
    assert sheet.note.startswith(table.headline)


def test_without_an_equal_budget_there_is_no_second_table() -> None:
    assert tuned_sheet(replace(found(), tuned=None)) is None


def test_the_training_script_weighs_the_classes_and_says_how() -> None:
    text = script(found(), "'data.csv'")
    assert "(counts.sum() / ((counts > 0).sum() * counts" in text and "weight=w[batch]" in text
    assert any("every class weighs alike" in note for note in found().notes)
