"""What a report says around its numbers: the data, the method in sentences, the candidates, the settings."""

from __future__ import annotations

from dataclasses import replace

from lossary.lab.asking.profile import Column as Feature
from lossary.lab.asking.profile import Profile
from lossary.lab.asking.task import Kind, Task
from lossary.lab.comparison import Comparison, Effort, Ruler
from lossary.lab.planning.candidate import Candidate
from lossary.lab.planning.plan import FIRST, Settings
from lossary.report.numbers import DASH, count, decimals, fixed, listed, rate, share, short, spoken
from lossary.report.rows import parting, preparation, rows_words
from lossary.report.sheet import Cell, Column, Sheet, Tone, sheet
from lossary.report.visible import visible

MOST_COLUMNS = 300  # of a table in the report
MOST_NOTES = 20  # sentences on columns left out; the table holds them all


def data_lines(profile: Profile, task: Task, settings: Settings | None = None) -> list[str]:
    """Where the rows come from, how many there are, and what the target looks like: one sentence a line."""
    dropped = profile.dropped
    left_out = f"; {count(len(dropped), 'column')} left out" if dropped else ""
    lines = [
        f"{visible(profile.name)}: {rows_words(profile, settings)}{left_out}.",
        f"Target {visible(profile.target)}: {task.kind.value} ({visible(task.reason)}). {_answers(profile)}",
    ]
    if profile.weight is not None:
        lines.append(f"Rows are weighted by {visible(profile.weight)}, in losses and metrics alike.")
    licence = f" Licence: {visible(profile.licence)}." if profile.licence else ""
    lines.append(f"Source: {visible(profile.source)}.{licence}")
    return lines


def _answers(profile: Profile) -> str:
    if profile.numbers is not None:
        n = profile.numbers
        return (
            f"Median {short(n.median)}, interquartile range {short(n.iqr)}, from {short(n.low)} to {short(n.high)}, "
            f"skewness {fixed(n.skew, 1)}, {share(n.gross_outliers)} gross outliers."
        )
    shown = [f"{visible(name, 60)} {share(rows / profile.rows)}" for name, rows in profile.classes[:12]]
    more = f" and {len(profile.classes) - 12} more" if len(profile.classes) > 12 else ""
    what = "Labels" if profile.kind is Kind.MULTILABEL else "Classes"
    return f"{what}: {', '.join(shown)}{more}." if shown else ""


def columns_sheet(profile: Profile) -> Sheet:
    """Columns with role, missing share and values: first those left out, with the reason, then those in use."""
    heads = (
        Column("column"), Column("role"), Column("missing", True), Column("distinct", True), Column("values"),
    )  # fmt: skip
    rows = [
        [
            Cell(visible(c.name, 120)),
            Cell(
                c.role.value if c.used else f"left out ({c.role.value})",
                tone=Tone.PLAIN if c.used else Tone.WARNING,
            ),
            Cell(share(c.missing), c.missing),
            Cell(str(c.distinct), c.distinct),
            Cell(_values(c)),
        ]
        for c in [*profile.dropped, *profile.used][:MOST_COLUMNS]
    ]
    more = len(profile.columns) - len(rows)
    note = f"{count(more, 'more column')} in use." if more else ""
    return sheet(f"The {count(len(profile.columns), 'column')}", heads, rows, note)


def _values(column: Feature) -> str:
    if not column.used:
        return visible(column.why)
    if column.low is not None:
        return f"{short(column.low)} to {short(column.high)}, median {short(column.median)}"
    if column.counts:
        most = sorted(column.counts, key=lambda level: -level[1])
        shown = ", ".join(visible(name, 30) for name, _ in most[:4])
        return shown + (", …" if column.distinct > 4 else "")
    return DASH


def warnings(profile: Profile, notes: tuple[str, ...], caveats: tuple[str, ...] = ()) -> list[str]:
    """What to beware of when reading the verdict, each once, in the order found; `caveats` come first."""
    own = (warning.text for warning in profile.warnings if warning.kind != "dropped")
    found = [*filter(None, caveats), *own, *notes]
    return _sentences(found)


def data_notes(profile: Profile) -> list[str]:
    """What was left out of the data, and how they were read."""
    dropped = [warning.text for warning in profile.warnings if warning.kind == "dropped"]
    more = len(dropped) - MOST_NOTES
    rest = [f"{count(more, 'more column')} left out, see the table"] if more > 0 else []
    return _sentences([*dropped[:MOST_NOTES], *rest, *profile.notes])


def _sentences(texts: list[str]) -> list[str]:
    return list(dict.fromkeys(_sentence(visible(text, 400)) for text in texts))


def _sentence(text: str) -> str:
    named = "_" in text.partition(" ")[0]  # a loss or a column keeps its name
    return (text if named else text[:1].upper() + text[1:]) + ("" if text.endswith(".") else ".")


def candidates_sheet(candidates: tuple[Candidate, ...], ruler: Ruler) -> Sheet:
    """Each loss with the reason it was tried, and what it estimates."""
    rows = [
        [
            Cell(visible(c.label), tone=Tone.PLAIN),
            Cell(visible(c.elicits)),
            Cell(visible(c.why + (f" ({c.remark})" if c.remark else ""), 400)),
        ]
        for c in candidates
    ]
    return sheet("Losses and why", [Column("loss"), Column("estimates"), Column("why it is tried")], rows)


def effort_lines(effort: Effort, ruler: Ruler, reference: str, candidates: int, rows: int) -> list[str]:
    """What will be trained, and the smallest difference it can be expected to show."""
    grid = f"{len(effort.rates)} learning rates from {rate(min(effort.rates))} to {rate(max(effort.rates))}"
    trainings = candidates * len(effort.rates) * effort.splits * effort.seeds
    return [
        f"{count(candidates, 'loss', 'losses')}, each at {grid}, on {count(effort.splits, 'split')} with "
        f"{count(effort.seeds, 'seed')} each: {count(trainings, 'training')} of {visible(effort.network, 400)}.",
        f"Decided by {spoken(ruler.title)} ({visible(ruler.why)}), against {visible(reference)}. "
        f"Practically equal: within {region_words(ruler)}.",
        _shown(effort, ruler, rows),
    ]


def _shown(effort: Effort, ruler: Ruler, rows: int) -> str:
    if effort.detectable >= 1:  # all of a share, or of an error
        return f"With {count(rows, 'row')} on so few splits no difference would probably be shown, however large."
    return (
        f"With {count(rows, 'row')} a difference of about {foreseen(effort, ruler)} would probably be shown."
    )


def region_words(ruler: Ruler) -> str:
    """The region of practical equivalence as chosen: in points, or in per cent of the reference's value."""
    if ruler.relative:
        return f"{100 * ruler.region:g} % of the reference's {spoken(ruler.title)}"
    return (
        f"{100 * ruler.region:g} {'point' if ruler.region == 0.01 else 'points'}"
        if ruler.is_share
        else f"{ruler.region:g}"
    )


def foreseen(effort: Effort, ruler: Ruler) -> str:
    """The difference that would be shown, as planned: of an error it is a share of a value that nobody knows yet."""
    if ruler.relative:
        return f"{share(effort.detectable)} of the {spoken(ruler.title)}"
    return amount(effort.detectable, ruler)


def early_words(effort: Effort, ruler: Ruler, difference: float) -> str:
    """The detectable difference by the first splits' spread, which replaces the forecast."""
    found = foreseen(replace(effort, detectable=difference), ruler)
    return f"By the spread of the first {FIRST} splits a difference of {found} would probably be found."


def amount(value: float, ruler: Ruler) -> str:
    """A difference in words: points for shares, the metric's own unit otherwise."""
    if ruler.is_share:
        return f"{fixed(100 * value, max(1, min(2, decimals(100 * value))))} points"
    return f"{short(value, 2)} {spoken(ruler.title)}"


def method_lines(comparison: Comparison) -> list[str]:
    """How it was done, for a reader who wants to judge it."""
    effort, ruler, settings = comparison.effort, comparison.ruler, comparison.settings
    rows = f"{effort.n_train} rows to train, {effort.n_valid} to choose the rate and the epoch, {effort.n_test} to test"
    lines = [
        f"Every loss trained the same network ({visible(effort.network, 400)}) from the same initial weights, over the "
        f"same batches of {effort.batch} rows, for at most {effort.epochs} epochs of {_optimiser(settings)}, "
        f"on the same {effort.splits} splits ({rows}) with {count(effort.seeds, 'seed')} each: "
        f"{count(effort.trials, 'training')} in all, by the {_engines(effort)}.",
        f"Each loss had its own learning rate, chosen on the validation rows of each split by {spoken(ruler.title)} "
        f"among {listed([rate(value) for value in effort.rates])}. The test rows of a split were used once.",
        parting(settings),
        "Wider grids: " + "; ".join(visible(text, 400) for text in effort.widened) + "."
        if effort.widened
        else "",
        f"Seeds were averaged before any test. Each loss was then tested against one reference, "
        f"{visible(settings.reference)}, fixed beforehand, by the corrected resampled t-test (Nadeau and Bengio 2003), "
        "whose variance allows for splits that share rows, with Holm's correction over the losses.",
        f"Practically equal means that two one-sided tests place the difference within {region_words(ruler)}; better "
        "or worse that the adjusted p lies below 0.05; anything else is cannot tell. Equivalence is looked at first.",
        _detectable(comparison),
        preparation(comparison.profile, settings),
    ]
    return [line for line in lines if line]


def _optimiser(settings: Settings) -> str:
    return (
        "plain gradient descent with weight decay"
        if settings.optimizer == "sgd"
        else "Adam with decoupled weight decay"
    )


def _engines(effort: Effort) -> str:
    if not effort.plain:
        return f"{effort.engine} engine"
    names = listed([visible(name) for name in effort.plain])
    return f"{effort.engine} engine, but for {names}, which the plain one trained"


def detectable_line(comparison: Comparison) -> str:
    """The smallest difference that would probably be shown: measured where splits were, beside the forecast."""
    effort, ruler = comparison.effort, comparison.ruler
    if effort.detectable_measured is None:
        return f"Detectable: {foreseen(effort, ruler)} (forecast)."
    return f"Detectable: {amount(effort.detectable_measured, ruler)} as measured (forecast {foreseen(effort, ruler)})."


def _detectable(comparison: Comparison) -> str:
    effort, ruler = comparison.effort, comparison.ruler
    forecast = (
        f"Before the first training, a difference of {foreseen(effort, ruler)} was forecast to be shown"
    )
    if effort.detectable_measured is None:
        return f"{forecast} with a probability of 80 %."
    measured = amount(effort.detectable_measured, ruler)
    return f"{forecast} with a probability of 80 %; from the spread that was then measured, it is {measured}."


def settings_sheet(comparison: Comparison) -> Sheet:
    """Settings and versions, as they decide the results."""
    settings, chosen = comparison.settings, comparison.recommendation
    rows: list[tuple[str, str]] = [
        ("metric that decides", f"{comparison.ruler.title}: {comparison.ruler.why}"),
        ("region of practical equivalence", region_words(comparison.ruler)),
        ("reference", settings.reference),
        ("seed", str(settings.seed)),
        ("class weights in training", settings.class_weight),
        ("optimiser", f"{_optimiser(settings)} of {chosen.weight_decay:g}"),
        ("patience", DASH if settings.patience is None else count(settings.patience, "epoch")),
        ("digest of the data (SHA-256)", comparison.data.digest),
        *((name, value) for name, value in sorted(comparison.versions.items())),
    ]
    cells = [[Cell(name), Cell(visible(value, 300))] for name, value in rows]
    return sheet("Settings and versions", ["setting", "value"], cells)
