"""A comparison on the terminal: fits 80 columns, obeys NO_COLOR, and obeys no column's name."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.console import Console

from lossary.lab.asking.task import Kind
from lossary.lab.comparison import Comparison
from lossary.lab.design import design
from lossary.lab.planning.options import Options
from lossary.report.about import candidates_sheet, data_lines, effort_lines, method_lines, warnings
from lossary.report.summary import print_comparison, print_design
from lossary.report.terminal import print_lines, print_sheet

Made = Callable[[Kind], Comparison]


def printed(found: Comparison, width: int = 80, *, terminal: bool = False) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=terminal, highlight=False)
    print_lines(data_lines(found.profile, found.task), console)
    print_lines(warnings(found.profile, found.notes), console, style="yellow")
    print_sheet(candidates_sheet(tuple(row.candidate for row in found.rows), found.ruler), console)
    print_lines(
        effort_lines(found.effort, found.ruler, found.settings.reference, 5, found.profile.rows), console
    )
    print_comparison(found, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("kind", [Kind.BINARY, Kind.MULTICLASS, Kind.REGRESSION])
@pytest.mark.parametrize("width", [80, 112, 160])
def test_the_tables_fit_the_terminal(made: Made, kind: Kind, width: int) -> None:
    text = printed(made(kind), width)
    assert max(map(len, text.splitlines())) <= width
    for words in ("practically equal", "reference", made(kind).recommendation.candidate.name):
        assert words in text


def test_the_design_is_shown_before_the_first_training() -> None:
    planned, _ = design("iris", Options())
    console = Console(file=io.StringIO(), width=80, highlight=False)
    print_design(planned, console)
    assert isinstance(console.file, io.StringIO)
    text = " ".join(console.file.getvalue().split())
    for words in (
        "iris: 150 rows, 4 features",
        "Losses and why",
        "on 20 splits with 5 seeds each",
        "would probably be shown",
    ):
        assert words in text
    assert max(map(len, console.file.getvalue().splitlines())) <= 80


def test_the_verdict_comes_last(made: Made) -> None:
    found = replace(made(Kind.BINARY), headline="One sentence.", advice="Another sentence.")
    assert printed(found).rstrip().endswith("Another sentence.")


def test_what_can_be_detected_is_said_as_measured_beside_the_forecast(made: Made) -> None:
    found = made(Kind.BINARY)
    assert "Detectable: 0.90 points as measured (forecast 1.3 points)." in printed(found, 160)
    ahead = replace(found, effort=replace(found.effort, detectable_measured=None))
    assert "Detectable: 1.3 points (forecast)." in printed(ahead, 160)


def test_losses_that_the_plain_engine_trained_are_named_with_the_effort(made: Made) -> None:
    found = made(Kind.BINARY)
    assert any("by the stacked engine." in line for line in method_lines(found))
    mixed = replace(found, effort=replace(found.effort, plain=("hinge", "mse on sigmoid")))
    said = "by the stacked engine, but for hinge and mse on sigmoid, which the plain one trained."
    assert any(said in line for line in method_lines(mixed))


def test_no_color_means_no_colour(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[" in printed(made(Kind.BINARY), terminal=True)
    monkeypatch.setenv("NO_COLOR", "1")
    assert not any(
        code in printed(made(Kind.BINARY), terminal=True) for code in ("[31m", "[32m", "[34m", "[1;34m")
    )


def test_a_name_cannot_command_the_terminal(made: Made) -> None:
    found = made(Kind.REGRESSION)
    label = "mae\x1b]0;owned\x07[bold red]"
    row = found.unjudged[0]
    hostile = replace(row, candidate=replace(row.candidate, label=label))
    text = printed(replace(found, rows=(*found.judged, hostile)), 160)
    assert "\x1b" not in text and "\x07" not in text
    assert "\\x1b]0;owned\\x07[bold red]" in text


def test_a_table_on_the_terminal_needs_no_laboratory() -> None:
    code = "import sys, lossary.report.terminal; sys.exit('lossary.lab' in sys.modules or 'torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
