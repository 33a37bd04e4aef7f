"""A comparison on the terminal: the data, what will be tried and why; then the sorted tables and the verdict."""

from __future__ import annotations

from rich.console import Console

from lossary.lab.comparison import Comparison
from lossary.lab.design import Design
from lossary.report.about import candidates_sheet, data_lines, detectable_line, effort_lines, warnings
from lossary.report.results import anchors, judged, unjudged
from lossary.report.terminal import print_lines, print_sheet
from lossary.report.tuned import tuned_sheet
from lossary.report.verdict import verdict_lines


def print_design(design: Design, console: Console) -> None:
    """Before the first training: the data, what to beware of, the losses with their reasons, the effort."""
    plan = design.plan
    print_lines(data_lines(design.profile, design.task, plan.settings), console)
    print_lines(warnings(design.profile, design.notes), console, style="yellow")
    console.print()
    print_sheet(candidates_sheet(plan.candidates, design.ruler), console)
    rows = design.profile.rows
    lines = effort_lines(design.effort, design.ruler, plan.settings.reference, len(plan.trained), rows)
    print_lines(lines, console)


def print_comparison(comparison: Comparison, console: Console) -> None:
    """The sorted table, the losses that were not judged, the anchors, and the verdict last, where it is read."""
    for each in (judged(comparison), unjudged(comparison), anchors(comparison), tuned_sheet(comparison)):
        if each is not None and each.rows:
            print_sheet(each, console)
            console.print()
    print_lines([detectable_line(comparison)], console)
    print_lines(verdict_lines(comparison), console, style="bold")
