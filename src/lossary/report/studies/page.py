"""`study.html`: one study as one file that holds everything it shows and opens offline."""

from __future__ import annotations

from pathlib import Path

from lossary.lab.studies.study import Result, Study
from lossary.report.sheet import Sheet, sheet
from lossary.report.shell import rendered
from lossary.report.studies.drawing import figure
from lossary.report.studies.sheets import answers_sheet, grid_sheet
from lossary.report.whole import write_whole

NAME = "study.html"


def write_page(result: Result, folder: Path) -> Path:
    """Write `study.html` into `folder` and return its path."""
    return write_whole(folder / NAME, page(result).encode())


def page(result: Result) -> str:
    """The text of `study.html`."""
    study, found = result.study, result.found
    return rendered(
        "study.html.j2",
        study=study,
        quick=result.quick,
        sentence=result.sentence,
        answers=answers_sheet(result),
        grids=[grid_sheet(each) for each in found.grids],
        figures=[figure(each) for each in found.pictures],
        notes=found.notes,
        fixed=fixed_sheet(study),
        settings=settings_sheet(result),
        digest=result.digest,
        command=f"lossary study {study.name}" + (" --quick" if result.quick else ""),
        colophon=f"Written by Lossary {result.versions.get('lossary', '')}".strip() + ".",
    )


def fixed_sheet(study: Study) -> Sheet:
    """What was written down before the run."""
    rows = [
        ["data", study.data],
        ["metric", study.metric],
        ["practically equal", study.region],
        ["design", study.design],
    ]
    return sheet("Fixed before it ran", ["", ""], rows)


def settings_sheet(result: Result) -> Sheet:
    """The numbers of the design, and the versions it ran with."""
    rows = [[name, _written(value)] for name, value in sorted(result.study.chosen(result.quick).items())]
    return sheet(
        "Settings and versions", ["", ""], rows + [[n, v] for n, v in sorted(result.versions.items())]
    )


def _written(value: object) -> str:
    return ", ".join(f"{each:g}" for each in value) if isinstance(value, tuple) else str(value)
