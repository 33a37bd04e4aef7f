"""`train.py`: the recommended loss, its preparation and its network as a plain PyTorch script.

Everything that comes from data (columns, levels, paths) enters the script as a Python literal, and nothing else does:
a column may be called anything without becoming code.
"""

from __future__ import annotations

import ast
import os
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from lossary.lab.asking.prepare import MISSING, Roles, roles
from lossary.lab.asking.profile import RARE
from lossary.lab.asking.task import Kind
from lossary.lab.comparison import Comparison, Measured
from lossary.lab.training.trial import Setup
from lossary.report.source import source_of
from lossary.report.whole import write_whole

NAME = "train.py"
WIDTH = 100
_MODULES = {"relu": "ReLU", "tanh": "Tanh"}


def write_script(comparison: Comparison, folder: str | Path, given: str | None = None) -> Path:
    """Write `train.py` into `folder` and return its path.

    A file is named relative to the script, so that both may move together; its path, `given` or else its bare name,
    is taken as seen from the working directory.
    """
    text = script(comparison, _location(source_of(comparison, given), comparison, Path(folder)))
    return write_whole(Path(folder) / NAME, text.encode())


def script(comparison: Comparison, data: str) -> str:
    """The text of `train.py`; `data` is the expression of where the rows are."""
    task, chosen = comparison.task, comparison.recommendation
    part = roles(comparison.profile)
    weight = comparison.data.weight
    environment = Environment(
        loader=PackageLoader("lossary.report"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # Python, not HTML: every value is a literal made here
    )
    text = environment.get_template("train.py.j2").render(
        data=data,
        digest=_literal(comparison.data.digest),
        target=_literal(task.target),
        weight=None if weight is None else _literal(weight),
        levels=_literal(list(task.levels), "LEVELS") if task.levels else "",
        numeric_levels=any(_is_number(level) for level in task.levels),
        regression=task.kind is Kind.REGRESSION,
        greater_is_better=comparison.ruler.greater_is_better,
        outputs=task.outputs,
        loss=_literal(chosen.candidate.expression),
        link=chosen.candidate.link,
        rate=_literal(chosen.rate),
        epochs=chosen.epochs,
        batch=chosen.batch,
        hidden=_literal(chosen.hidden),
        activation=_MODULES[chosen.activation],
        weight_decay=_literal(chosen.weight_decay),
        eps=_literal(Setup.eps),
        metric=_literal(comparison.ruler.name),
        expected=_literal(_expected(chosen.expected, share=comparison.ruler.is_share)),
        splits=comparison.effort.splits,
        numeric=_columns(part.numeric, "NUMBERS"),
        gappy=_columns(part.gappy, "GAPPY"),
        categorical=_columns(part.categorical, "CATEGORIES"),
        dates=_columns(part.dates, "DATES"),
        preprocessors=_preprocessors(part),
        missing=_literal(MISSING),
        rare=_literal(RARE),
        rare_percent=f"{100 * RARE:g}",
        balanced=comparison.settings.class_weight == "balanced",
        weighted=", weight=w[rows]"
        if weight is not None or comparison.settings.class_weight == "balanced"
        else "",
    )
    ast.parse(text)  # a script that does not parse must fail here, not on the user's desk
    return text


def _preprocessors(part: Roles) -> str:
    names = [
        *(["FunctionTransformer"] if part.gappy or part.dates else []),
        *(["OneHotEncoder"] if part.categorical else []),
        *(["StandardScaler"] if part.numeric or part.dates else []),
    ]
    return ", ".join(names)


def _expected(score: Measured, *, share: bool) -> tuple[float, float, float]:
    ends = (
        (max(0.0, score.low), score.mean, min(1.0, score.high))
        if share
        else (score.low, score.mean, score.high)
    )
    low, mean, high = (float(f"{value:.6g}") for value in ends)
    return low, mean, high


def _columns(names: tuple[str, ...], variable: str) -> str:
    return _literal(list(names), variable) if names else ""


def _literal(value: object, variable: str = "") -> str:
    """`value` as Python writes it; a list too long for one line is folded."""
    if not isinstance(value, list):
        return _quoted(value)
    items = [_quoted(item) for item in value]
    line = f"[{', '.join(items)}]"
    if len(variable) + 3 + len(line) <= WIDTH:
        return line
    lines = [""]
    for item in items:
        if lines[-1] and len(lines[-1]) + len(item) + 6 > WIDTH:
            lines.append("")
        lines[-1] += f"{' ' if lines[-1] else ''}{item},"
    return "[\n" + "".join(f"    {each}\n" for each in lines) + "]"


def _quoted(value: object) -> str:
    """`repr`, with the quotes of the rest of the script where nothing has to be escaped for them."""
    text = repr(value)
    plain = isinstance(value, str) and text.startswith("'") and '"' not in text and "\\" not in text
    return f'"{value}"' if plain else text


def _is_number(level: str) -> bool:
    try:
        float(level)
    except ValueError:
        return False
    return True


def _location(found: str | None, comparison: Comparison, folder: Path) -> str:
    """Where the rows are, as an expression: the name of an embedded set, or a path relative to the script."""
    if found is None:
        return "None"
    if comparison.data.reading.format == "embedded":
        return _literal(found)
    here = Path(found).resolve()
    try:
        relative = os.path.relpath(here, folder.resolve())
    except ValueError:  # another drive on Windows
        return _literal(str(here))
    return f"HERE / {_literal(Path(relative).as_posix())}"
