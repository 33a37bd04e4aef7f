"""Everything that is decided before the first training: data, task, metric, region, candidates, plan."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from math import prod
from pathlib import Path
from statistics import mean

from lossary.core.errors import DataError
from lossary.lab import record
from lossary.lab.asking.infer import infer
from lossary.lab.asking.profile import Profile, profile
from lossary.lab.asking.splits import make_splits
from lossary.lab.asking.task import Task, refuse_weightless
from lossary.lab.comparison import Data, Effort, Ruler
from lossary.lab.data import read
from lossary.lab.data.table import Reading
from lossary.lab.judging.statistics import detectable, forecast
from lossary.lab.judging.verdict import ROPE
from lossary.lab.metrics import Metric
from lossary.lab.planning.advise import Setting, candidates, reference_label, split_expressions
from lossary.lab.planning.network import network_for
from lossary.lab.planning.notes import notes, plain
from lossary.lab.planning.options import Options
from lossary.lab.planning.plan import SLICE, Plan, Settings
from lossary.lab.planning.refusals import refuse_scoreless, refuse_unused
from lossary.lab.planning.ruling import deciding
from lossary.lab.planning.tuning import Tuning, tuning
from lossary.lab.training.engines.memory import slice_members
from lossary.lab.training.rows import Rows
from lossary.lab.training.trial import Setup, epochs_for

# By whether the rows are pictures, whose trainings take seconds. Fewer splits cost power, not validity.
SPLITS_AND_SEEDS = {False: (20, 5), True: (10, 2)}


@dataclass(frozen=True)
class Design:
    """A comparison as it will be run: shown before the first training, and never changed after."""

    name: str
    data: Data
    task: Task
    profile: Profile
    ruler: Ruler
    plan: Plan
    effort: Effort
    notes: tuple[str, ...]
    tuning: Tuning | None = None  # what is trained beside it, where an equal budget was asked for


def design(source: object, options: Options) -> tuple[Design, Rows]:
    """Read the data and decide everything else. Raises DataError where the data or the options do not allow it."""
    table = read(
        source,
        options.target,
        weight=options.weight,
        group=options.group,
        time=options.time,
        text=options.text,
    )
    task = infer(table, positive=options.positive, kind=options.task, order=options.order)
    refuse_unused(options, table, task)
    refuse_weightless(table, task)
    found = profile(table, task)
    metric, why = deciding(options, task, found)
    many, each = SPLITS_AND_SEEDS[table.pictures is not None]
    count, seeds = options.splits or many, options.seeds or each
    splits = make_splits(
        task.answers(table),
        task.kind,
        count,
        options.seed,
        folds=found.small,
        group=None if table.group is None else table.frame[table.group].to_numpy(),
        time=None if table.time is None else table.frame[table.time].to_numpy(),
    )
    refuse_scoreless(table, task, metric, splits)
    balanced = options.class_weight == "balanced"
    if balanced and not task.kind.classes:
        raise DataError(
            f"class_weight: expected a target of one class a row, got a {task.kind.value} target; leave it out."
        )
    hashed = options.words == "hashed"
    rows = Rows(table, task, found, tuple(splits), hashed=hashed, balanced=balanced)
    setting = Setting(task, metric, 0 if found.texts else prod(rows.shape), class_counts(rows))
    losses = tuple(each for text in options.losses for each in split_expressions(text))
    chosen = candidates(found, setting, losses, options.reference)
    epochs = options.epochs or epochs_for(len(splits[0].train), options.batch)
    settings = Settings(
        target=table.target,
        metric=metric.name,
        reference=reference_label(chosen, setting, options.reference),
        rope=ROPE if options.rope is None else options.rope,
        positive=task.positive,
        weight=options.weight,
        seed=options.seed,
        splits=count,
        seeds=seeds,
        epochs=epochs,
        patience=options.patience,
        batch=options.batch,
        rates=options.rates,
        losses=tuple(each.label for each in chosen) if losses else (),
        group=table.group,
        time=table.time,
        text=table.text,
        words=options.words,
        class_weight=options.class_weight,
        tune_losses=options.tune_losses,
        force=options.force,
        optimizer=options.optimizer,
        task=options.task,
        order=options.order,
        model=_bare(options.model),
        dropout=options.dropout,
        engine=options.engine,
    )
    setup = Setup(
        network=network_for(rows, options),
        metric=metric.name,
        epochs=epochs,
        batch=options.batch,
        patience=options.patience,
        engine=options.engine,
        optimizer=options.optimizer,  # type: ignore[arg-type]  # one of the two, by Options
    )
    # Not the task's reason: a level asked for that is the default one makes the same comparison.
    content = record.digest(
        {
            "table": table.digest,
            "target": table.target,
            "weight": table.weight,
            "roles": (table.targets, table.group, table.time, table.text, options.words),
            "kind": task.kind,
            "levels": task.levels,
            **({"class_weight": options.class_weight} if balanced else {}),
        }
    )
    n_train, n_valid, n_test = (
        max(len(getattr(each, part)) for each in splits) for part in ("train", "valid", "test")
    )
    most = slice_members(setup.network.outputs, n_train, n_valid, n_test, SLICE)
    plan = Plan(content, task.kind.value, settings, chosen, setup, _versions(), most)
    return Design(
        name=table.name,
        data=Data(
            table.name,
            table.source,
            table.licence,
            table.digest,
            table.target,
            table.weight,
            table.notes,
            _placeless(table.reading),
        ),
        task=task,
        profile=found,
        ruler=_ruler(metric, why, settings.rope),
        plan=plan,
        effort=_effort(plan, rows, metric),
        notes=notes(table, task, rows, plan),
        tuning=tuning(plan, setting, found) if options.tune_losses else None,
    ), rows


def class_counts(rows: Rows) -> tuple[float, ...]:
    """Training rows of each class, as the first split has them: what losses for imbalance must know."""
    if not rows.task.kind.classes:
        return ()
    codes = rows.data(0).y_train.long()
    return tuple(map(float, codes.bincount(minlength=len(rows.task.levels)).tolist()))


def _ruler(metric: Metric, why: str, rope: float) -> Ruler:
    return Ruler(
        metric.name, metric.title, metric.greater_is_better, why, rope, metric.relative, metric.share
    )


def _bare(model: str | None) -> str | None:
    """The user's network without its folder: "nets/net.py:Net" -> "net.py:Net"."""
    if model is None:
        return None
    path, _, name = model.rpartition(":")
    return f"{Path(path).name}:{name}"


def _placeless(reading: Reading) -> Reading:
    """How the file was read, under its bare name: the results are the same wherever the file lies."""
    return reading if reading.path is None else replace(reading, path=Path(reading.path).name)


def _effort(plan: Plan, rows: Rows, metric: Metric) -> Effort:
    settings, network = plan.settings, plan.setup.network
    n_train = round(mean(len(each.train) for each in rows.splits))
    n_valid = round(mean(len(each.valid) for each in rows.splits))
    n_test = round(mean(len(each.test) for each in rows.splits))
    deviation = forecast(n_test, relative=metric.relative)
    level = 0.05 / max(1, sum(each.judged for each in plan.candidates) - 1)
    return Effort(
        splits=settings.splits,
        seeds=settings.seeds,
        rates=settings.rates,
        epochs=settings.epochs,
        batch=settings.batch,
        patience=settings.patience,
        network=network.describe(),
        engine=plan.setup.engine,
        n_train=n_train,
        n_valid=n_valid,
        n_test=n_test,
        trials=plan.first_stage().size,
        widened=(),
        detectable=detectable(deviation, settings.splits, n_test, n_train + n_valid, level=level),
        detectable_measured=None,
        plain=tuple(label for label, _ in plain(plan)),
    )


def _versions() -> tuple[tuple[str, str], ...]:
    names = ("lossary", "numpy", "pandas", "scikit-learn", "torch")
    return tuple((name, _version(name)) for name in names)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "source tree"
