"""What is refused before the first training: options without a use here, and parts that the metric cannot score."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from lossary.core.errors import DataError
from lossary.lab.asking.splits import Split
from lossary.lab.asking.task import Kind, Task
from lossary.lab.data import Table
from lossary.lab.metrics import Metric
from lossary.lab.planning.options import Options


def refuse_unused(options: Options, table: Table, task: Task) -> None:
    """Raises DataError for an option that would change nothing: whoever gives it expects that it does."""
    seen = "pictures" if table.pictures is not None else "text" if table.text is not None else "columns"
    for name, given, needed, got in (
        (
            "order",
            options.order and task.kind is not Kind.ORDINAL,
            "grades (--task ordinal)",
            task.kind.value,
        ),
        ("positive", options.positive is not None and not task.kind.two, "two levels", task.kind.value),
        ("words", options.words != "counted" and seen != "text", "a column of text (--text)", seen),
        ("dropout", options.dropout > 0 and options.model is not None, "the laboratory's network", "--model"),
    ):
        if given:
            raise DataError(f"{name}: expected {needed}, got {got}, for which it does nothing; leave it out.")


def refuse_scoreless(table: Table, task: Task, metric: Metric, splits: Sequence[Split]) -> None:
    """Raises DataError where the metric has no value on the validation or test rows of a split, whatever is predicted.

    An area under a curve needs rows of both classes that count. Splits in time or by group may lack them, and it would
    show only after all trainings.
    """
    if task.kind is Kind.RETRIEVAL:
        return  # of any rows there is a nearest one, and to look for it twice takes long
    answers, weight = task.answers(table), table.weights()
    for split in splits:
        for rows, part in ((split.valid, "validation"), (split.test, "test")):
            target = torch.from_numpy(answers[rows])
            columns = target.shape[1] if metric.wide else 1 if task.kind.two else task.outputs
            counts = None if weight is None else torch.from_numpy(weight[rows])
            if torch.isnan(metric.score(torch.zeros(len(rows), columns), target, counts)):
                raise DataError(
                    f"metric: expected {part} rows of split {split.index + 1} that {metric.title} can be computed on, "
                    "got rows without one of the classes, or all alike, or of no weight; name another --metric, or "
                    "split in another way."
                )
