"""`report.html`: what the page of a comparison shows, and in which order."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lossary.lab.asking.task import Kind
from lossary.lab.comparison import Comparison
from lossary.report.about import (
    candidates_sheet,
    columns_sheet,
    data_lines,
    data_notes,
    method_lines,
    settings_sheet,
    warnings,
)
from lossary.report.figures import figures
from lossary.report.numbers import rate, spoken
from lossary.report.results import anchors, judged, unjudged
from lossary.report.rows import rows_words
from lossary.report.shell import rendered
from lossary.report.source import command
from lossary.report.spread import spread_sheet
from lossary.report.tuned import tuned_sheet
from lossary.report.unit import unit_of
from lossary.report.verdict import verdict_lines
from lossary.report.visible import visible
from lossary.report.whole import write_whole

NAME = "report.html"


@dataclass(frozen=True, slots=True)
class Fact:
    """One number worth a glance: what it is, its value, a remark beneath."""

    name: str
    value: str
    under: str = ""


def write_report(comparison: Comparison, folder: str | Path, given: str | None = None) -> Path:
    """Write `report.html` into `folder` and return its path. `given` is the path of the data, for its command."""
    return write_whole(Path(folder) / NAME, page(comparison, given).encode())


def page(comparison: Comparison, given: str | None = None) -> str:
    """The text of `report.html`."""
    drawn = figures(comparison)
    task, profile = comparison.task, comparison.profile
    results = [
        judged(comparison),
        tuned_sheet(comparison),
        unjudged(comparison),
        anchors(comparison) if comparison.anchors else None,
        spread_sheet(comparison),
    ]
    return rendered(
        "page.html.j2",
        pictures=any(figure.shots for figure in drawn),
        title=f"Which loss for {TITLES.get(task.kind, 'predicting')} {_asked(comparison)}?",
        subtitle=f"{visible(comparison.data.name)}: {_rows(comparison)}, {task.kind.value} target",
        verdict=verdict_lines(comparison),
        facts=_facts(comparison),
        warnings=warnings(profile, comparison.notes, (comparison.verdicts.caveat,)),
        results=[sheet for sheet in results if sheet is not None],
        figures=drawn,
        data_lines=data_lines(profile, task, comparison.settings),
        data_notes=data_notes(profile),
        columns=columns_sheet(profile),
        method=method_lines(comparison),
        command=command(comparison, given),
        training="python train.py",
        candidates=candidates_sheet(tuple(row.candidate for row in comparison.rows), comparison.ruler),
        settings=settings_sheet(comparison),
        colophon=f"Written by Lossary {comparison.versions.get('lossary', '')}".strip()
        + ". The same data, settings and seed give the same results.",
    )


def _rows(comparison: Comparison) -> str:
    return rows_words(comparison.profile, comparison.settings).partition(" (")[0]


#: What a network does for a task, where that is not to predict.
TITLES = {Kind.SEGMENTATION: "segmenting", Kind.RETRIEVAL: "finding rows of the same"}


def _asked(comparison: Comparison) -> str:
    """The target by name; masks have none, so the data's."""
    task = comparison.task
    return visible(comparison.data.name if task.kind is Kind.SEGMENTATION else task.target, 80)


def _facts(comparison: Comparison) -> list[Fact]:
    chosen, unit, ruler = comparison.recommendation, unit_of(comparison), comparison.ruler
    row = comparison.row(chosen.candidate.label)
    expected = chosen.expected
    usable = "" if row.usable is None else f"usable from {rate(row.usable[0])} to {rate(row.usable[1])}"
    value = unit.shown(expected.mean) + (" %" if unit.value == "%" else "")
    return [
        Fact("Recommended loss", visible(chosen.candidate.label), "trained by train.py"),
        Fact(
            f"Expected {spoken(ruler.title)}",
            value,
            f"95 % interval {unit.between(expected.low, expected.high)}",
        ),
        Fact("Learning rate", rate(chosen.rate), usable),
        Fact("Epochs", str(chosen.epochs), f"batches of {chosen.batch}"),
    ]
