"""What to beware of in a comparison, known before the first training."""

from __future__ import annotations

from lossary.lab.asking.beware import SQUARED, dirty_validation, straddling
from lossary.lab.asking.task import Task
from lossary.lab.data import Table
from lossary.lab.metrics import OUTLIER_SHARE
from lossary.lab.planning.known import COUNTS
from lossary.lab.planning.plan import Plan
from lossary.lab.training.engines import stackable
from lossary.lab.training.rows import Rows

FEW_TEST_ROWS = 10  # of a class: flagged beside every rate (WORKBENCH, "Small data")


def notes(table: Table, task: Task, rows: Rows, plan: Plan) -> tuple[str, ...]:
    """Sentences, one for each thing."""
    found = []
    copies = straddling(table.frame, rows.splits[0])
    if copies:
        rows_have = "row of the first split has" if copies == 1 else "rows of the first split have"
        found.append(f"{copies} test {rows_have} an exact copy among the rows learned from")
    gross = rows.profile.numbers.gross_outliers if rows.profile.numbers else 0.0
    if gross > OUTLIER_SHARE and plan.settings.metric in SQUARED:
        found.append(dirty_validation(plan.settings.metric, gross))
    if task.kind.classes:
        test = rows.truth(0)[0].numpy()
        for code, level in enumerate(task.levels):
            count = int((test == code).sum())
            if count < FEW_TEST_ROWS:
                rows_are = "row a split is" if count == 1 else "rows a split are"
                found.append(f"only {count} test {rows_are} {level!r}: rates on them are coarse")
    told = [each.label for each in plan.candidates if COUNTS in each.expression and COUNTS not in each.label]
    if told and (table.group is not None or table.time is not None):
        found.append(
            f"{', '.join(told)} is told the class counts of the first split's training rows on every split"
        )
    if any(each.learns != "answer" for each in plan.candidates):
        found.append(
            "what learns no labels (reconstruction, one-class) sees usual training rows alone, but its rate and epoch "
            "are chosen on validation rows with labels, as for every loss here"
        )
    if rows.balanced:
        found.append(_balanced(rows))
    plainly = plain(plan)
    reasons = {why for _, why in plainly}
    if len(reasons) == 1 and len(plainly) == len(plan.trained) > 1:
        found.append(f"every loss is trained by the plain engine: {reasons.pop()}")
    else:
        found += [f"{label} is trained by the plain engine: {why}" for label, why in plainly]
    return tuple(found)


def plain(plan: Plan) -> tuple[tuple[str, str], ...]:
    """The losses that the stacked engine leaves to the plain one, each with the reason."""
    blocks = plan.first_blocks if plan.setup.engine == "stacked" else ()
    found = ((block.label, stackable(plan.trials(block)[0])) for block in blocks)
    return tuple((label, why) for label, why in found if why is not None)


def _balanced(rows: Rows) -> str:
    data = rows.data(0)
    assert data.balance is not None
    weights = dict(zip(data.y_train.long().tolist(), data.balance.tolist(), strict=True))
    listed = ", ".join(f"{weights[code]:.3g} for {rows.task.levels[code]!r}" for code in sorted(weights))
    return (
        f"training rows are weighted so that every class weighs alike (on the first split {listed}); metrics, rates "
        "and epochs are not"
    )
