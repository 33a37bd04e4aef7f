"""A comparison in Python: the figures of the page as Altair charts, and what a notebook shows of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NoReturn

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

    def missing(module: str) -> NoReturn:
        raise ModuleNotFoundError("No module named 'altair'", name="altair")

    monkeypatch.setattr(drawing, "import_module", missing)
    assert set(found._repr_mimebundle_()) == {"text/plain"}
    with pytest.raises(MissingExtraError, match=r"need altair.*pip install 'lossary\[report\]'"):
        found.plot()


def test_every_drawer_is_there() -> None:
    for name in drawing.DRAWERS:
        assert callable(drawing.drawer(name))


def test_the_numbers_are_frames_and_the_whole_goes_to_json_and_back(made: Made) -> None:
    found = made(Kind.BINARY)
    losses = found.to_frame()
    assert list(losses.index) == [row.candidate.label for row in found.rows]
    assert losses.loc[found.settings.reference, "verdict"] == "reference"
    assert losses["accuracy"].tolist() == [row.score.mean for row in found.rows]
    splits = found.to_frame("splits")
    hinge = splits[(splits["loss"] == "hinge") & (splits["metric"] == "accuracy")]
    assert tuple(hinge["value"]) == found.row("hinge").score.by_split
    epochs = found.to_frame("epochs")
    assert len(epochs) == sum(len(row.curve.mean) for row in found.rows)
    assert found.to_frame("rates")["rate"].nunique() == len(found.effort.rates)
    assert found.to_frame("rows")["row"].tolist() == [17, 3, 99]
    metrics = found.to_frame("metrics")
    assert {"constant", "hinge"} <= set(metrics["loss"])
    with pytest.raises(DataError, match=r"frame: expected one of losses, metrics, .* got 'loses'"):
        found.to_frame("loses")
    assert Comparison.from_json(found.to_json()) == found
