"""How numbers, names, sheets and drawings are written."""

from __future__ import annotations

import math

import pytest

from lossary.report import svg
from lossary.report.charts.curves import learning_curves
from lossary.report.charts.multiples import Line
from lossary.report.numbers import count, decimals, fixed, interval, listed, rate, share, short, spoken
from lossary.report.sheet import Cell, Sheet, sheet
from lossary.report.visible import visible


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (fixed(-1.25, 1), "−1.2"),
        (fixed(0.4, 1, sign=True), "+0.4"),
        (fixed(-0.04, 1, sign=True), "0.0"),
        (fixed(1234567.8, 0), "1\u202f234\u202f568"),
        (fixed(math.nan, 2), "–"),
        (fixed(None, 2), "–"),
        (fixed(math.inf, 2), "∞"),
        (interval(-1, 2, 1, sign=True), "[−1.0, +2.0]"),
        (short(0.000012345), "1.23×10⁻⁵"),
        (short(123456.0), "123\u202f456"),
        (short(1e9), "10⁹"),
        (short(-0.5), "−0.5"),
        (short(0.0), "0"),
        (rate(0.003), "0.003"),
        (rate(1e-5), "1e-05"),
        (share(0.0), "0\u202f%"),
        (share(0.0004), "<\u202f0.1\u202f%"),
        (share(0.054), "5.4\u202f%"),
        (share(0.372), "37\u202f%"),
        (count(1, "row"), "1 row"),
        (count(12000, "loss", "losses"), "12\u202f000 losses"),
        (listed(["a", "b", "c"]), "a, b and c"),
        (spoken("Accuracy"), "accuracy"),
        (spoken("RMSE"), "RMSE"),
        (spoken("R²"), "R²"),
    ],
)
def test_numbers_are_written_once_and_alike(written: str, expected: str) -> None:
    assert written == expected


def test_decimals_follow_the_narrowest_interval() -> None:
    assert decimals(0.5, 12.0) == 2
    assert decimals(120.0) == 0
    assert decimals(0.0, math.nan) == 2


def test_what_cannot_be_seen_is_shown_by_its_code() -> None:
    assert visible("Köln €\t") == "Köln €\\t"
    assert visible("a\x1b[31m\u202e\ud800") == "a\\x1b[31m\\u202e\\ud800"
    assert visible("x" * 300) == "x" * 199 + "…"


def test_a_sheet_refuses_a_row_that_is_too_short() -> None:
    message = "sheet 'Losses': expected 2 cells a row, got 1; give every column its cell."
    with pytest.raises(ValueError) as caught:
        sheet("Losses", ["loss", "score"], [["mse"]])
    assert str(caught.value) == message


def test_a_cell_sorts_by_its_number_and_not_by_its_text() -> None:
    assert Cell("1\u202f000", 1000).key == "1000.0"
    assert Cell("B").key == "b"
    assert isinstance(sheet("", ["a"], [["b"]]), Sheet)


def test_a_drawing_holds_shapes_and_text_and_nothing_else() -> None:
    line = Line("<script>alert(1)</script>", (1.0, 2.0, 3.0), (0.1, math.nan, 0.3), (0, 0, 0), (1, 1, 1), 2.0)
    drawing = svg.draw(learning_curves([line], metric="accuracy").panels[0].picture, "key")
    assert "<script" not in drawing and "xmlns" not in drawing and "style=" not in drawing
    assert 'aria-label="&lt;script&gt;alert(1)&lt;/script&gt;: accuracy by epoch' in drawing
    assert "var(--blue)" in drawing  # colours of the page, so that dark mode needs no second drawing


def test_an_element_that_no_chart_needs_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    hostile = '<svg xmlns="http://www.w3.org/2000/svg"><image href="x"/></svg>'
    monkeypatch.setattr(svg.vl_convert, "vegalite_to_svg", lambda *_, **__: hostile)
    figure = learning_curves([Line("mse", (1.0,), (1.0,), (0.0,), (2.0,))], metric="accuracy")
    with pytest.raises(ValueError, match="expected an SVG of shapes and text, got <image>"):
        svg.draw(figure.panels[0].picture, "key")
