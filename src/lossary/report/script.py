"""`train.py`: the recommended loss, its preparation and its network as a plain PyTorch script.

Everything that comes from data (columns, levels, paths) enters the script as a Python literal, and nothing else does:
a column may be called anything without becoming code.
"""

from __future__ import annotations

import ast
import os
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from lossary.lab.asking.prepare import MISSING, Roles, roles
from lossary.lab.asking.profile import RARE
from lossary.lab.asking.task import Kind
from lossary.lab.comparison import Comparison, Measured
from lossary.lab.metrics import get_metric
from lossary.lab.training.engines.objective import takes_one
from lossary.lab.training.networks import Bag, Network, Own
from lossary.lab.training.random_features import FEATURES
from lossary.lab.training.trial import Setup
from lossary.report.answered import ANSWERS, readout
from lossary.report.layers import layers
from lossary.report.literal import literal
from lossary.report.source import source_of
from lossary.report.whole import write_whole

NAME = "train.py"
HOLDOUTS = 10  # unless asked for others
IN_TIME = 3  # of rows in time, where they differ by the initial weights alone


def write_script(
    comparison: Comparison, folder: str | Path, given: str | None = None, model: str | None = None
) -> Path:
    """Write `train.py` into `folder` and return its path.

    A file is named relative to the script, so that both may move together; its path, `given` or else its bare name,
    is taken as seen from the working directory. So is that of a network's own file, `model`.
    """
    here = Path(folder)
    text = script(comparison, _location(source_of(comparison, given), comparison, here), here, model)
    return write_whole(here / NAME, text.encode())


def script(comparison: Comparison, data: str, folder: Path | None = None, model: str | None = None) -> str:
    """The text of `train.py` in `folder`; `data` is the expression of where the rows are, `model` a network's file."""
    environment = Environment(
        loader=PackageLoader("lossary.report"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # Python, not HTML: every value is a literal made here
    )
    given = {
        **_numbers(comparison),
        **_rows(comparison),
        **_network(comparison, folder or Path(), model),
        **_learning(comparison),
    }
    text = environment.get_template("train.py.j2").render(data=data, **given)
    ast.parse(text)  # a script that does not parse must fail here, not on the user's desk
    return text


def _numbers(comparison: Comparison) -> dict[str, Any]:
    """What stands in capitals."""
    chosen, ruler, settings = comparison.recommendation, comparison.ruler, comparison.settings
    in_time = settings.time is not None
    return {
        "loss": literal(chosen.candidate.expression),
        "rate": literal(chosen.rate),
        "epochs": chosen.epochs,
        "batch": chosen.batch,
        "weight_decay": literal(chosen.weight_decay),
        "eps": literal(Setup.eps),
        "metric": literal(ruler.name),
        "greater_is_better": ruler.greater_is_better,
        "expected": literal(_expected(chosen.expected, share=ruler.is_share)),
        "splits": comparison.effort.splits,
        "holdouts": IN_TIME if in_time else HOLDOUTS,
        "holdouts_help": "trainings scored on the last rows"
        if in_time
        else "how often rows are held out first",
    }


def _rows(comparison: Comparison) -> dict[str, Any]:
    """Where answers and inputs are found in the rows, and how rows are held out."""
    task, settings = comparison.task, comparison.settings
    part = roles(comparison.profile)
    named = {role: getattr(settings, role) for role in ("weight", "group", "time", "text")}
    shown = () if task.kind is Kind.SEGMENTATION else task.levels
    cut = get_metric(comparison.ruler.name).cutter is not None
    return {
        "digest": literal(comparison.data.digest),
        "target": literal(task.target),
        "roles": [(role, literal(name)) for role, name in named.items() if name is not None],
        **{role: name is not None for role, name in named.items()},
        "kind": task.kind.value,
        "kind_literal": literal(task.kind.value),
        "outputs": task.outputs,
        "coded": task.kind.coded,
        "classes": task.kind.classes,
        "levels": literal(list(shown), "LEVELS") if shown else "",
        "grades": literal([list(values) for values in task.merged], "GRADES") if task.merged else "",
        "numeric_levels": any(_is_number(name) for names in (shown, *task.merged) for name in names),
        "hashed": settings.words == "hashed",
        "cut": cut,
        "choosers": ", ".join(_choosers(named, cut=cut)),
        "numeric": _columns(part.numeric, "NUMBERS"),
        "gappy": _columns(part.gappy, "GAPPY"),
        "categorical": _columns(part.categorical, "CATEGORIES"),
        "dates": _columns(part.dates, "DATES"),
        "preprocessors": _preprocessors(part),
        "missing": literal(MISSING),
        "rare": literal(RARE),
        "rare_percent": f"{100 * RARE:g}",
    }


def _choosers(named: dict[str, str | None], *, cut: bool) -> list[str]:
    grouped = named["time"] is None and named["group"] is not None
    anyhow = named["time"] is None and not grouped
    return [
        *(["GroupShuffleSplit"] if grouped else []),
        *(["train_test_split"] if anyhow or cut else []),
    ]


def _network(comparison: Comparison, folder: Path, model: str | None) -> dict[str, Any]:
    """What the rows are seen as, and the network that sees them."""
    network: Network = comparison.recommendation.network
    learns = comparison.recommendation.candidate.learns
    rebuilds = learns == "inputs"
    given: dict[str, Any] = {
        "sight": _sight(comparison),
        "flat": comparison.task.kind is Kind.ANOMALY,
        "learns": learns,
        "features": FEATURES,
        "words": isinstance(network, Bag),
    }
    if not isinstance(network, Own):
        written = layers(network, rebuilds=rebuilds)
        counted = "features" in written[0]
        return {**given, "layers": written, "counted": counted, "called": "", "model": ""}
    path = network.path if model is None else model
    places, names = replace(network, path=path).arguments
    called = [*map(str, places), *(f"{name}={value}" for name, value in names.items())]
    return {
        **given,
        "layers": (),
        "model": _beside(path, folder),
        "class_name": literal(network.name),
        "called": ", ".join(called),
        "counted": False,
    }


def _sight(comparison: Comparison) -> str:
    """What the network sees; columns for a network of one's own come in a number that never changes."""
    if comparison.settings.text is not None:
        return "texts"
    if comparison.profile.seen:
        return "pictures"
    return "laboratory" if isinstance(comparison.recommendation.network, Own) else "columns"


def _learning(comparison: Comparison) -> dict[str, Any]:
    """What the loss is called with, and how the outputs are read."""
    chosen, task, settings = comparison.recommendation.candidate, comparison.task, comparison.settings
    balanced = settings.class_weight == "balanced"
    one = chosen.learns == "answer" and chosen.outputs == 1
    return {
        "link": chosen.link,
        "single": one and takes_one(chosen.expression),
        "balanced": balanced,
        "weighted": ", weight=w[batch]" if balanced or settings.weight is not None else "",
        "optimizer": settings.optimizer,
        "answer": ANSWERS[task.kind],
        "readout": readout(chosen, task.kind),
    }


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
        if share and isfinite(score.mean)
        else (score.low, score.mean, score.high)
    )
    low, mean, high = (float(f"{value:.6g}") for value in ends)
    return low, mean, high


def _columns(names: tuple[str, ...], variable: str) -> str:
    return literal(list(names), variable) if names else ""


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
        return literal(found)
    return _beside(found, folder)


def _beside(path: str, folder: Path) -> str:
    """A path as seen from the script."""
    here = Path(path).resolve()
    try:
        relative = os.path.relpath(here, folder.resolve())
    except ValueError:  # another drive on Windows
        return literal(str(here))
    return f"HERE / {literal(Path(relative).as_posix())}"
