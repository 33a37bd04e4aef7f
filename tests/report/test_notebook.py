"""A comparison in Python: the figures of the page as Altair charts, and what a notebook shows of it."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable

import altair as alt
import pytest

from lossary.core.errors import DataError, MissingExtraError
from lossary.lab import drawing
from lossary.lab.asking.task import Kind
from lossary.lab.comparison import Comparison

Made = Callable[[Kind], Comparison]
Drawn = Callable[[Kind], str]
KINDS = (Kind.BINARY, Kind.REGRESSION)


@pytest.mark.parametrize("kind", KINDS)
def test_the_charts_are_those_of_the_page(made: Made, drawn: Drawn, kind: Kind) -> None:
    charts = made(kind).charts
    sections = re.findall(r'<section id="(\w+)">\s*<h2>[^<]*</h2>\s*<p>[^<]*</p>\s*<figure>', drawn(kind))
    assert list(charts) == sections
    for name, chart in charts.items():
        assert isinstance(chart, alt.LayerChart | alt.ConcatChart), name
        spec = chart.to_dict()  # altair checks it against the grammar
        assert '"name": "behind"' not in str(spec)
        assert spec["datasets"], "a chart holds its own rows"


def test_one_figure_is_asked_for_by_its_name(made: Made) -> None:
    found = made(Kind.MULTICLASS)
    titles = [panel.title for panel in found.plot("rates").concat]
    assert titles == [row.candidate.label for row in found.rows]
    assert "advantage over" in str(found.plot().to_dict(validate=False))
    with pytest.raises(DataError, match=r"figure: expected one of differences, .* got 'rate'"):
        found.plot("rate")


def test_a_notebook_shows_the_verdict_the_table_and_the_differences(made: Made) -> None:
    shown = made(Kind.REGRESSION)._repr_mimebundle_()
    assert shown["text/plain"] == str(made(Kind.REGRESSION))
    html = shown["text/html"]
    assert made(Kind.REGRESSION).headline.split(";")[0] in html
    assert html.count("<tr>") == 1 + len(made(Kind.REGRESSION).judged)
    assert "<svg" in html and "var(--" not in html and "<script" not in html


def test_without_the_extra_a_notebook_shows_text_and_a_plot_says_what_to_install(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = made(Kind.BINARY)
    monkeypatch.setitem(sys.modules, "altair", None)
    for name in [each for each in sys.modules if each.startswith("lossary.report")]:
        monkeypatch.delitem(sys.modules, name)
    assert set(found._repr_mimebundle_()) == {"text/plain"}
    with pytest.raises(MissingExtraError, match=r"need altair.*pip install 'lossary\[report\]'"):
        found.plot()


def test_every_drawer_is_there() -> None:
    for name in drawing.DRAWERS:
        assert callable(drawing.drawer(name))
