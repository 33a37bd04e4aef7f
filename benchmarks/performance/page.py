"""docs/performance.md: what is claimed, what was measured, on which machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from . import figures, pictures
from .contest import Contest

OPENING = """# Time and memory

Written by `make bench`. Every side does the same work, forward and backward, from inputs to gradients, in one process,
in turn, seven rounds or, where it is said, more; who begins a round changes. **Time** is the ratio to the side named
first, round by round: median (least to most). Times of a machine vary by tens of percents from hour to hour, ratios
within a round much less, so no lone time is printed. Eager losses spend much of their time on fresh pages that the
allocator asks the system for, so each contest is timed twice: with malloc as it is, and with one that keeps its pages.
**Memory** is the peak above the inputs in a fresh process, gradients included. Less is better throughout. Pictures and
verdicts take the times with malloc as it is. In the names N counts rows, D features, V classes and B samples of a
batch.

Measured on {machine}.
"""

#: What the sides of a family are.
SIDES = {
    "Linear heads": """
`three products` is a floor and not a loss: the logits and the two products that bring their gradient back, into memory
that is there already. `head, then ...` is a linear layer and a loss after it. `torch, chunked` is torch's own
`F.linear_cross_entropy`, as it comes or with so many rows a chunk. `lossary, all options` has class weights, label
smoothing and a z-loss.""",
    "Contrastive": """
`by hand` is what is commonly written with torch's own functions: all similarities as one matrix, and a loss of it.
`lossary, eager` does the same, `lossary, chunked` never holds the matrix.""",
    "Mining": """
pytorch-metric-learning finds the triplets, then takes the loss of them; `lossary, chunked` goes through the distances
in tiles.""",
    "Pairs": """
`lossary, eager` takes the difference of every two embeddings, `lossary, chunked` their products, for a few anchors at a
time. pytorch-metric-learning stands beside where it computes the same.""",
    "Value and slope in one kernel": """
`lossary, eager` runs a loss operation by operation. `torch.compile of eager` is that very function under
`torch.compile`, and `lossary, compile` is `backend="compile"`.""",
}


def lines(contest: Contest, found: Mapping[str, Any]) -> str:
    """A contest in the terminal."""
    first = figures.reference(contest)
    said = [f"  {contest.name}"]
    for side in contest.sides:
        times = [figures.ratio(found, way, side, first) for way in figures.MALLOC]
        ratios = "   ".join(f"{each!s:24}" if each is not None else " " * 24 for each in times)
        said.append(f"    {side:28} {ratios} {figures.megabytes(figures.memory(found, side)):>10}")
    return "\n".join([*said, *(f"    FAILED {each}" for each in figures.failures(found))])


def broken(contests: Mapping[str, Contest], known: Mapping[str, Any]) -> list[str]:
    """Claims that do not hold."""
    found = []
    for name, contest in contests.items():
        for claim in contest.claims if name in known else ():
            words, holds = figures.verdict(claim, known[name])
            if not holds:
                found.append(f"{name}: {words}")
    return found


def write(docs: Path, families: Mapping[str, Sequence[Contest]], known: Mapping[str, Any]) -> None:
    """The page and its pictures."""
    text = [OPENING.format(machine=known["machine"])]
    folder = docs / "pictures" / "performance"
    folder.mkdir(parents=True, exist_ok=True)
    for family, contests in families.items():
        measured = [each for each in contests if each.name in known]
        if not measured:
            continue
        key = family.lower().replace(" ", "-")
        text += [f"\n## {family}\n", *([f"{SIDES[family].strip()}\n"] if family in SIDES else ())]
        for kind in ("time", "memory"):
            drawn = pictures.draw(kind, measured, known)
            if drawn is not None:
                (folder / f"{key}-{kind}.svg").write_text(drawn)
                text.append(f"![{family}: {kind}](pictures/performance/{key}-{kind}.svg)\n")
        for contest in measured:
            text += _contest(contest, known[contest.name])
    (docs / "performance.md").write_text("\n".join(text).rstrip() + "\n")


def _contest(contest: Contest, found: Mapping[str, Any]) -> list[str]:
    first = figures.reference(contest)
    timed = contest.timed != ()
    head = (
        ["", "time, malloc as it is", "time, malloc that keeps its pages", "memory"]
        if timed
        else ["", "memory"]
    )
    rows = []
    for side in contest.sides:
        weight = figures.megabytes(figures.memory(found, side))
        times = [figures.ratio(found, way, side, first) for way in figures.MALLOC]
        cells = [side, *(("1" if side == first else str(each) if each else "") for each in times), weight]
        rows.append(cells if timed else [side, weight])
    text = [
        f"\n### {contest.name}\n",
        _row(head),
        _row(["---"] + ["---:"] * (len(head) - 1)),
        *map(_row, rows),
        "",
    ]
    if contest.rounds != Contest.rounds:
        text.append(f"{contest.rounds} rounds.\n")
    for claim in contest.claims:
        words, holds = figures.verdict(claim, found)
        text.append(f"- {'kept' if holds else 'not measured' if holds is None else '**not kept**'}: {words}")
    return [*text, *(f"- failed: {each}" for each in figures.failures(found))]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
