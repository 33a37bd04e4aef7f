"""What the doctor found, laid out: how many promises are kept, then each broken one with the line that shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import Any

from lossary.doctor import Examination, Finding
from lossary.report.visible import visible

from .layout import Line, block, fold, rows

FEW = 6  # names that are quicker read than counted
LONGEST = 4000  # characters of what a loss under examination raised, or of a reproducer


def runnable(found: Examination, source: str) -> Examination:
    """The same, with reproducers that call a loss of one's own by the name it has in ``source`` (file.py:name)."""
    path, _, name = source.rpartition(":")
    if not path:
        return found
    ours = f"lossary.{found.loss}("
    return replace(
        found,
        findings=tuple(
            replace(each, reproducer=each.reproducer.replace(ours, f"{name}(")) for each in found.findings
        ),
    )


def examination_json(found: Examination, *, untried: Sequence[str] = ()) -> dict[str, Any]:
    """An examination as plain data, and which promises were left out of it."""
    return {
        "loss": found.loss,
        "seed": found.seed,
        "passed": found.passed,
        "kept": list(found.kept),
        "broken": [
            {
                "promise": each.promise,
                "promised": each.says,
                "found": each.found,
                "reproducer": each.reproducer,
            }
            for each in found.findings
        ],
        "exempt": dict(found.exempt),
        "not_applicable": list(found.absent),
        "not_tried": list(untried),
    }


def examination_lines(
    found: Examination, width: int, *, source: str, untried: Sequence[str] = ()
) -> list[Line]:
    """An examination on a terminal; its verdict stands last, where one looks.

    Args:
        source: what the loss was asked for by, a name or file.py:name.
        untried: promises that were left out because they are slow.
    """
    lines = [_wide(f"{found.loss}, examined with seed {found.seed}", heading=True), Line()]
    lines += block("kept", _count(found.kept), width, hang=2)
    if found.exempt:
        lines += rows("exempt", [(name, visible(why, LONGEST)) for name, why in found.exempt], width)
    if found.absent:
        lines += block("not for it", _count(found.absent), width, hang=2)
    if untried:
        lines += block("not tried", f"{len(untried)} that compile or export; --slow tries them too", width)
    if found.findings:
        lines += block("broken", str(len(found.findings)), width)
        if any(each.reproducer for each in found.findings):
            lines += [Line(), _wide(f">>> {_imports(source)}")]
        for each in found.findings:
            lines += [Line(), *_finding(each, width)]
    return [*lines, Line(), *(_wide(each, heading=True) for each in fold(_verdict(found), width))]


def _finding(found: Finding, width: int) -> list[Line]:
    lines = [_wide(found.promise, heading=True)]
    lines += block("promised", found.says, width)
    lines += block("found", visible(found.found, LONGEST), width)
    if found.reproducer:
        # Never folded, so that it can be copied: the terminal breaks it where it must.
        lines.append(_wide(f">>> {visible(found.reproducer, LONGEST)}"))
    return lines


def _wide(text: str, *, heading: bool = False) -> Line:
    return Line(text=text, heading=heading, wide=True)


def _imports(source: str) -> str:
    """What the reproducers need; a file of one's own is imported from its folder."""
    path, _, name = source.rpartition(":")
    if not path:
        return "import torch, lossary"
    file = PurePath(path)
    if not file.stem.isidentifier():
        return f"import torch  # and {visible(name)} of {visible(path)}"
    where = "" if file.parent == PurePath() else f"  # in {visible(str(file.parent))}"
    return f"import torch; from {file.stem} import {name}{where}"


def _count(names: Sequence[str]) -> str:
    return f"{len(names)}: {', '.join(names)}" if 0 < len(names) <= FEW else str(len(names))


def _verdict(found: Examination) -> str:
    broken, tried = len(found.findings), len(found.kept) + len(found.findings)
    if not tried:
        return f"Nothing was tried: no promise that was chosen applies to {found.loss}."
    if tried == 1:
        return f"{found.loss} {'breaks' if broken else 'keeps'} the one promise that it was tried on."
    if broken:
        return f"{found.loss} breaks {broken} of the {tried} promises that it was tried on."
    return f"{found.loss} keeps {'both' if tried == 2 else f'all {tried}'} promises that it was tried on."
