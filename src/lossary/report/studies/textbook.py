"""`docs/textbook.md`: every study on one page, with its figures beside it as SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from lossary.lab.studies.study import Grid, Result
from lossary.report.sheet import Sheet
from lossary.report.studies.drawing import standalone
from lossary.report.studies.page import settings_sheet
from lossary.report.studies.sheets import grid_sheet
from lossary.report.whole import write_whole

PICTURES = Path("pictures") / "textbook"
LONG = 12  # rows from which a table is folded away

OPENING = """# The textbook tables, measured

Introductions to losses print tables without the data behind them. `lossary study all` measures each: the question, the
data, the metric, what counts as practically equal and the design are written down first, and their hash is printed
before the run. The outcome of an ordering is one of *ordering holds*, *reversed*, *practically equal*, *cannot tell*
and *not testable as stated*, by the laboratory's own tests (corrected for splits that share rows, Holm over a study's
statements); a claim in words is *confirmed*, *refuted* or *holds on a condition*. This page is written by that
command, as measured; `lossary study NAME` repeats one of them.
"""


def write_textbook(results: Sequence[Result], failed: Mapping[str, str], path: Path) -> Path:
    """Write the page and its figures; returns `path`. `failed` says why a study is missing."""
    pictures = path.parent / PICTURES
    pictures.mkdir(parents=True, exist_ok=True)
    for result in results:
        for picture in result.found.pictures:
            write_whole(pictures / f"{picture.key}.svg", standalone(picture).encode())
    return write_whole(path, textbook(results, failed).encode())


def textbook(results: Sequence[Result], failed: Mapping[str, str]) -> str:
    """The text of the page."""
    parts = [OPENING]
    if any(result.quick for result in results):
        parts.append("**Quick runs: they show that the studies work, not what is true.**\n")
    parts += [_summary(results), *(_chapter(result) for result in results)]
    if failed:
        parts.append(
            "## Not run\n\n" + "\n".join(f"- `{name}`: {why}" for name, why in failed.items()) + "\n"
        )
    return "\n".join(parts)


def _summary(results: Sequence[Result]) -> str:
    lines = ["| study | the texts | outcome |", "| --- | --- | --- |"]
    for result in results:
        for at, each in enumerate(result.found.answers):
            name = f"[{result.study.name}](#{_anchor(result.study.title)})" if at == 0 else ""
            lines.append(f"| {name} | {_escaped(each.statement)} | **{each.outcome.value}** |")
    return "\n".join(lines) + "\n"


def _chapter(result: Result) -> str:
    study, found = result.study, result.found
    lines = [f"## {study.title}", "", study.question, "", f"*The texts.* {_escaped(study.text)}", ""]
    for each in found.answers:
        lines.append(
            f"- **{each.outcome.value}**: {_escaped(each.statement)}. Measured: {_escaped(each.measured)}."
        )
    lines.append("")
    for picture in found.pictures:
        lines += [
            f"![{picture.title}]({(PICTURES / f'{picture.key}.svg').as_posix()})",
            "",
            _escaped(picture.reading),
            "",
        ]
    for grid in found.grids:
        lines += _grid(grid)
    lines += [*(f"{note}\n" for note in found.notes), _fixed(result), ""]
    return "\n".join(lines)


def _fixed(result: Result) -> str:
    study = result.study
    settings = "; ".join(f"{row[0].text} {row[1].text}" for row in settings_sheet(result).rows)
    return "\n".join(
        [
            "<details><summary>Fixed before it ran</summary>",
            "",
            f"- data: {_escaped(study.data)}",
            f"- metric: {_escaped(study.metric)}",
            f"- practically equal: {_escaped(study.region)}",
            f"- design: {_escaped(study.design)}",
            f"- settings and versions: {_escaped(settings)}",
            f"- hash: `{result.digest}`",
            "",
            "</details>",
        ]
    )


def _grid(grid: Grid) -> list[str]:
    table = _table(grid_sheet(grid))
    note = [_escaped(grid.note), ""] if grid.note else []
    if len(grid.rows) <= LONG:
        return [f"**{grid.title}**", "", *table, "", *note]
    return [f"<details><summary>{grid.title}</summary>", "", *table, "", *note, "</details>", ""]


def _table(sheet: Sheet) -> list[str]:
    heads = [_escaped(column.title) for column in sheet.columns]
    rules = ["---:" if column.number else "---" for column in sheet.columns]
    rows = [[_escaped(cell.text) for cell in row] for row in sheet.rows]
    return [f"| {' | '.join(cells)} |" for cells in (heads, rules, *rows)]


def _escaped(text: str) -> str:
    """Signs that Markdown would read are shown as they are."""
    for sign in ("|", "*", "_", "<"):
        text = text.replace(sign, f"\\{sign}")
    return text


def _anchor(title: str) -> str:
    """As code hosts make them of headings."""
    kept = "".join(c for c in title.lower() if c.isalnum() or c in " -")
    return kept.replace(" ", "-")
