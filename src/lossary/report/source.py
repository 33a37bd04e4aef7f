"""What a user types to name the data of a comparison again, and to run it again."""

from __future__ import annotations

import shlex

from lossary.lab.comparison import Comparison
from lossary.lab.planning.options import Options
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
        ("--task", settings.task),
        ("--order", ",".join(settings.order) or None),
        ("--metric", settings.metric),
        ("--reference", settings.reference),
        ("--rope", repr(settings.rope)),
        ("--positive", settings.positive),
        ("--weight", settings.weight),
        ("--group", settings.group),
        ("--time", settings.time),
        ("--text", settings.text),
        ("--words", settings.words if settings.words != "counted" else None),
        ("--class-weight", settings.class_weight if settings.class_weight != "none" else None),
        ("--losses", ", ".join(settings.losses) or None),
        ("--model", settings.model),
        ("--dropout", settings.dropout or None),
        (
            "--rates",
            ",".join(f"{each!r}" for each in settings.rates) if settings.rates != Options.rates else None,
        ),
        ("--engine", settings.engine if settings.engine != Options.engine else None),
        ("--optimizer", settings.optimizer if settings.optimizer != "adamw" else None),
        ("--batch", settings.batch if settings.batch != Options.batch else None),
        ("--patience", settings.patience),
        *(
            (f"--{sweep.way}", ",".join(f"{level:g}" for level in sweep.levels))
            for sweep in comparison.robustness
        ),
        ("--seed", settings.seed),
        ("--splits", settings.splits),
        ("--seeds", settings.seeds),
        ("--epochs", settings.epochs),
    ]
    for option, value in options:
        if value is not None:
            text = str(value)  # one that begins with a dash would be read as an option of its own
            words += [f"{option}={text}"] if text.startswith("-") else [option, text]
    words += [
        f"--{flag}" for flag, on in (("tune-losses", settings.tune_losses), ("force", settings.force)) if on
    ]
    return shlex.join(words)
