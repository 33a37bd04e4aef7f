"""Everything that is decided before the first training: data, task, metric, region, candidates, plan."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from math import prod
from pathlib import Path
from statistics import mean

from lossary.core.errors import DataError
from lossary.lab import record
from lossary.lab.asking.beware import SQUARED, dirty_validation, straddling
from lossary.lab.asking.infer import infer
from lossary.lab.asking.inputs import Texts
from lossary.lab.asking.profile import Profile, profile
from lossary.lab.asking.splits import make_splits
from lossary.lab.asking.task import Kind, Task, refuse_weightless
from lossary.lab.comparison import Data, Effort, Ruler
from lossary.lab.data import Table, read
from lossary.lab.data.table import Reading
from lossary.lab.judging.statistics import detectable, forecast
from lossary.lab.judging.verdict import ROPE
from lossary.lab.metrics import OUTLIER_SHARE, Metric, cost_metric, default_metric, get_metric
from lossary.lab.planning.advise import Setting, candidates, reference_label, split_expressions
from lossary.lab.planning.options import Options
from lossary.lab.planning.plan import SLICE, Plan, Settings
from lossary.lab.planning.refusals import refuse_scoreless, refuse_unused
from lossary.lab.planning.tuning import Tuning, tuning
from lossary.lab.training.engines import stackable
from lossary.lab.training.engines.memory import slice_members
from lossary.lab.training.networks import Bag, Cnn, Mlp, Network, Segmenter, own
from lossary.lab.training.rows import Rows
from lossary.lab.training.trial import Setup, epochs_for

HIDDEN = (32,)  # units of the network that every loss trains
# By whether the rows are pictures, whose trainings take seconds. Fewer splits cost power, not validity.
SPLITS_AND_SEEDS = {False: (20, 5), True: (10, 2)}
VECTORS = 16  # numbers that a word becomes
# What a kind of target asks for, in a sentence about its metric.
ASKED = {
    Kind.ORDINAL: "grades",
    Kind.COUNT: "counts",
    Kind.ANOMALY: "anomalies",
    Kind.MULTILABEL: "labels",
    Kind.SEGMENTATION: "masks",
    Kind.RETRIEVAL: "embeddings",
}
FEW_TEST_ROWS = 10  # of a class: flagged beside every rate (WORKBENCH, "Small data")


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
    metric, why = _metric(options, task, found)
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
    setting = Setting(task, metric, 0 if found.texts else prod(rows.shape), _counts(rows))
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
        model=options.model,
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
        notes=_notes(table, task, rows, plan),
        tuning=tuning(plan, setting, found) if options.tune_losses else None,
    ), rows


def network_for(rows: Rows, options: Options) -> Network:
    """The network that suits what the rows are seen as, or the user's own."""
    task, shape = rows.task, rows.shape
    if options.model is not None:
        return own(options.model, shape, task.outputs, floating=rows.table.text is None)
    channels, height, width = shape if len(shape) == 3 else (0, 0, 0)
    if rows.table.pictures is not None and task.kind is Kind.SEGMENTATION:
        return Segmenter(channels, height, width, dropout=options.dropout)
    if rows.table.pictures is not None and task.kind is not Kind.ANOMALY:
        return Cnn(channels, height, width, task.outputs, dropout=options.dropout)
    if isinstance(rows.inputs, Texts):
        return Bag(rows.inputs.vocabulary, VECTORS, (), task.outputs, dropout=options.dropout)
    return Mlp(prod(shape), HIDDEN, task.outputs, dropout=options.dropout)


def _counts(rows: Rows) -> tuple[float, ...]:
    """Training rows of each class, as the first split has them: what losses for imbalance must know."""
    if not rows.task.kind.classes:
        return ()
    codes = rows.data(0).y_train.long()
    return tuple(map(float, codes.bincount(minlength=len(rows.task.levels)).tolist()))


def _metric(options: Options, task: Task, found: Profile) -> tuple[Metric, str]:
    kind, smallest = task.kind, found.smallest_class
    gross = found.numbers.gross_outliers if found.numbers else 0.0
    metric = default_metric(
        kind.value, smallest_share=1.0 if smallest is None else smallest, outlier_share=gross
    )
    if options.cost is not None:
        return _cost(options, task)
    asked = options.metric
    if asked is not None and get_metric(asked, kind.value) != metric:
        return get_metric(asked, kind.value), "asked for"
    if kind is Kind.REGRESSION:
        return metric, f"{100 * gross:.2g} % of the targets are gross outliers"
    if kind in (Kind.BINARY, Kind.MULTICLASS):
        assert smallest is not None  # classes have a smallest one
        return metric, f"the smallest class has {100 * smallest:.0f} % of the rows"
    return metric, f"the usual one for {ASKED[kind]}"


def _cost(options: Options, task: Task) -> tuple[Metric, str]:
    if task.kind is not Kind.BINARY or options.metric is not None:
        got = f"a {task.kind.value} target" if options.metric is None else f"--metric {options.metric} too"
        raise DataError(
            f"cost: expected two classes, of which one is missed or falsely reported, and no other metric, got {got}; "
            "leave one of them out."
        )
    assert options.cost is not None
    return cost_metric(options.cost), "the cost of its mistakes was asked for"


def _ruler(metric: Metric, why: str, rope: float) -> Ruler:
    return Ruler(
        metric.name, metric.title, metric.greater_is_better, why, rope, metric.relative, metric.share
    )


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
        plain=tuple(label for label, _ in _plain(plan)),
    )


def _plain(plan: Plan) -> tuple[tuple[str, str], ...]:
    """The losses that the stacked engine leaves to the plain one, each with the reason."""
    blocks = plan.first_blocks if plan.setup.engine == "stacked" else ()
    found = ((block.label, stackable(plan.trials(block)[0])) for block in blocks)
    return tuple((label, why) for label, why in found if why is not None)


def _notes(table: Table, task: Task, rows: Rows, plan: Plan) -> tuple[str, ...]:
    notes = []
    copies = straddling(table.frame, rows.splits[0])
    if copies:
        rows_have = "row of the first split has" if copies == 1 else "rows of the first split have"
        notes.append(f"{copies} test {rows_have} an exact copy among the rows learned from")
    gross = rows.profile.numbers.gross_outliers if rows.profile.numbers else 0.0
    if gross > OUTLIER_SHARE and plan.settings.metric in SQUARED:
        notes.append(dirty_validation(plan.settings.metric, gross))
    if task.kind.classes:
        test = rows.truth(0)[0].numpy()
        for code, level in enumerate(task.levels):
            count = int((test == code).sum())
            if count < FEW_TEST_ROWS:
                rows_are = "row a split is" if count == 1 else "rows a split are"
                notes.append(f"only {count} test {rows_are} {level!r}: rates on them are coarse")
    if rows.balanced:
        notes.append(_balanced(rows))
    plain = _plain(plan)
    reasons = {why for _, why in plain}
    if len(reasons) == 1 and len(plain) == len(plan.trained) > 1:
        notes.append(f"every loss is trained by the plain engine: {reasons.pop()}")
    else:
        notes += [f"{label} is trained by the plain engine: {why}" for label, why in plain]
    return tuple(notes)


def _balanced(rows: Rows) -> str:
    data = rows.data(0)
    assert data.balance is not None
    weights = dict(zip(data.y_train.long().tolist(), data.balance.tolist(), strict=True))
    listed = ", ".join(f"{weights[code]:.3g} for {rows.task.levels[code]!r}" for code in sorted(weights))
    return (
        f"training rows are weighted so that every class weighs alike (on the first split {listed}); metrics, rates "
        "and epochs are not"
    )


def _versions() -> tuple[tuple[str, str], ...]:
    names = ("lossary", "numpy", "pandas", "scikit-learn", "torch")
    return tuple((name, _version(name)) for name in names)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "source tree"
