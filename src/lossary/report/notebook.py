"""A comparison in Python: the charts of the page as Altair charts, and what a notebook shows of the whole."""

from __future__ import annotations

import altair as alt
from markupsafe import escape

from lossary.lab.comparison import Comparison
from lossary.report import svg
from lossary.report.charts.figure import Figure
from lossary.report.figures import figures
from lossary.report.results import judged
from lossary.report.sheet import Sheet
from lossary.report.verdict import verdict_lines

ACROSS = 3  # panels beside each other
Chart = alt.LayerChart | alt.ConcatChart | alt.FacetChart


def charts(comparison: Comparison) -> dict[str, Chart]:
    """Every figure of the page under its name, such as "differences" or "rates": the same data, the same marks."""
    return {figure.key: chart_of(figure) for figure in figures(comparison)}


def chart_of(figure: Figure) -> Chart:
    """One figure: its panels beside each other under their headings. Marks say their numbers under the pointer."""
    panels = [svg.chart(panel.picture) for panel in figure.panels]
    if len(panels) == 1:
        (chart,) = panels
        whole: Chart = chart.properties(title=figure.panels[0].title or figure.title)
    else:
        named = [
            chart.properties(title=panel.title) for chart, panel in zip(panels, figure.panels, strict=True)
        ]
        wide = figure.panels[0].narrow is not None
        whole = alt.concat(*named, columns=1 if wide else ACROSS, title=figure.title)
    whole.config = alt.Config.from_dict(svg.STYLE | {"mark": {"tooltip": True}})
    return whole


def html(comparison: Comparison) -> str:
    """What a notebook shows: the verdict, the table of the judged losses, the differences, and how to see more."""
    said = "".join(f"<p>{escape(line)}</p>" for line in verdict_lines(comparison))
    drawn = figures(comparison)
    first = next((figure for figure in drawn if figure.key == "differences"), None)
    picture = "" if first is None else svg.draw(first.panels[0].picture, "differences", painted=False)
    names = ", ".join(f"<code>{escape(figure.key)}</code>" for figure in drawn)
    more = f"<p>More: <code>.plot(name)</code> with one of {names}; <code>.to_frame()</code> for the numbers.</p>"
    return f"<div>{said}{_table(judged(comparison))}{picture}{more}</div>"


def _table(sheet: Sheet) -> str:
    """The columns that a narrow terminal shows too, as plain HTML that every notebook styles in its own way."""
    shown = [at for at, column in enumerate(sheet.columns) if column.needs == 0]
    heads = "".join(f"<th>{escape(sheet.columns[at].title)}</th>" for at in shown)
    rows = "".join(
        f"<tr>{''.join(f'<td>{escape(row[at].text)}</td>' for at in shown)}</tr>" for row in sheet.rows
    )
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
