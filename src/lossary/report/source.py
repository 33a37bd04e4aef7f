"""What a user types to name the data of a comparison again, and to run it again."""

from __future__ import annotations

import shlex

from lossary.lab.comparison import Comparison
from lossary.lab.planning.plan import Settings


def source_of(comparison: Comparison, given: str | None = None) -> str | None:
    """The name of an embedded set, or the path of the file; None for rows that came from memory.

    A comparison holds the bare name of its file, so the path as it was given is handed in beside it as `given`.
    """
    bare = comparison.data.reading.path
    if given is None or bare is None or comparison.data.reading.format == "embedded":
        return bare
    return given


def command(comparison: Comparison, given: str | None = None) -> str:
    """The command that runs the comparison again, every setting that decides its results spelled out."""
    settings: Settings = comparison.settings
    words = ["lossary", "compare", source_of(comparison, given) or "FILE"]
    options: list[tuple[str, object]] = [
        ("--target", settings.target),
        ("--metric", settings.metric),
        ("--reference", settings.reference),
        ("--rope", repr(settings.rope)),
        ("--positive", settings.positive),
        ("--weight", settings.weight),
        ("--losses", ", ".join(settings.losses) or None),
        ("--seed", settings.seed),
        ("--splits", settings.splits),
        ("--seeds", settings.seeds),
        ("--epochs", settings.epochs),
    ]
    for option, value in options:
        if value is not None:
            text = str(value)  # one that begins with a dash would be read as an option of its own
            words += [f"{option}={text}"] if text.startswith("-") else [option, text]
    return shlex.join(words)
