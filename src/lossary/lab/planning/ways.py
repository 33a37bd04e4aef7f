"""How a loss meets a task: what it needs of the network, what it is called with, and how its outputs are read.

A network's last layer has as many outputs as the loss takes, not as many as the answer has: four thresholds for five
grades, two numbers for a mean and a spread. So a way says how many there are, what stands between them and the loss
(the link), and what turns them into the one form of answer that the metrics of the task know (the readout).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lossary import nn
from lossary.core.card import Elicits, Link
from lossary.core.declaration import Loss
from lossary.core.errors import DataError
from lossary.core.kinds import Form
from lossary.core.modules import Single
from lossary.lab.asking.task import Kind, Task
from lossary.lab.planning.known import Known
from lossary.lab.training.random_features import FEATURES

#: What a label shows of a way that is not the usual one.
ENDINGS = {
    "sigmoid": " on sigmoid",
    "softmax": " on softmax",
    "softplus": " on softplus",
    "inputs": " (reconstruction)",
    "random": " (one-class)",
    "": "",
}


@dataclass(frozen=True)
class Way:
    """`outputs` of the network; `link` before the loss; `readout` after it; what it `learns`, as in a Trial."""

    outputs: int
    link: str = "identity"
    readout: str = "identity"
    learns: str = "answer"

    @property
    def ending(self) -> str:
        """What a label says of it: "mse on sigmoid"."""
        return ENDINGS[
            self.learns if self.learns != "answer" else "" if self.link == "identity" else self.link
        ]


def way(facts: Known, task: Task, inputs: int, ending: str = "") -> Way:
    """How this loss is trained for this task, on so many input numbers; `ending` is what its label asked for.

    Raises DataError where it cannot be.
    """
    losses = [_loss(part) for _, _, part in nn.parse(facts.expression).parts()]
    ways = [WAYS[task.kind](loss, task, inputs, ending) for loss in losses]
    if None in ways or len(set(ways)) > 1:
        raise DataError(_refusal(facts, task, losses))
    found = ways[0]
    assert found is not None
    if ending and found.ending != ending:
        raise DataError(
            f"losses: expected {facts.name + found.ending!r} for {_a(task)} target, got "
            f"{facts.name + ending!r}; write {facts.name!r}, and the link is chosen by the target."
        )
    return found


def _loss(part: object) -> Loss:
    assert isinstance(part, Single)
    return part.function.loss


def _forms(loss: Loss) -> tuple[Form, ...]:
    return tuple(each.kind.form for each in loss.required)


def _plain(loss: Loss) -> bool:
    """Whether it compares any number with any number."""
    usual = loss.facts.link is Link.IDENTITY and not loss.bounded
    return loss.facts.task.value == "regression" and usual and _forms(loss) == (Form.REAL, Form.REAL)


def _columns(loss: Loss) -> int:
    """How many numbers make up one answer; 0 where that is not fixed or no law says what they mean."""
    first = loss.required[0].kind
    whole = loss.facts.law is not None and loss.facts.elicits is Elicits.DISTRIBUTION
    return len(first.columns) if whole and not first.blocks else 0


def _numbers(loss: Loss, task: Task, inputs: int, ending: str) -> Way | None:
    if _plain(loss):
        return Way(1)
    if loss.facts.task.value == "regression" and _forms(loss) == (Form.COLUMNS, Form.REAL) and _columns(loss):
        return None if loss.required[1].kind.domain is not None else Way(_columns(loss), readout="mean")
    return None


def _counts(loss: Loss, task: Task, inputs: int, ending: str) -> Way | None:
    if loss.facts.task.value != "regression":
        return None
    if _plain(
        loss
    ):  # a count is predicted above 0: by a softplus, as the losses for counts do by an exponential
        return Way(1, link="softplus", readout="softplus")
    if _forms(loss) == (Form.REAL, Form.REAL) and loss.facts.link is Link.EXP:
        return Way(1, readout="exp")
    if (
        _forms(loss) == (Form.COLUMNS, Form.REAL)
        and _columns(loss)
        and loss.required[1].kind.domain is not None
    ):
        return Way(_columns(loss), readout="mean")
    return None


def _two(loss: Loss, task: Task, inputs: int, ending: str) -> Way | None:
    if loss.facts.task.value == "binary" and _forms(loss)[1:] == (Form.BINARY,):
        return Way(1)
    return Way(1, link="sigmoid") if _plain(loss) else None


def _anomalies(loss: Loss, task: Task, inputs: int, ending: str) -> Way | None:
    if inputs and _plain(loss) and ending != ENDINGS["sigmoid"]:
        if ending == ENDINGS["random"]:
            return Way(FEATURES, readout="surprise", learns="random")
        return Way(inputs, readout="error", learns="inputs")
    return _two(loss, task, inputs, ending)


def _many(loss: Loss, task: Task, inputs: int, ending: str) -> Way | None:
    whole = not any(each.kind.fewer for each in loss.inputs)
    if loss.facts.task.value == "multiclass" and _forms(loss) in PER_CLASS and whole:
        return Way(len(task.levels))
    return Way(len(task.levels), link="softmax") if _plain(loss) else None


def _grades(loss: Loss, task: Task, inputs: int, ending: str) -> Way | None:
    grades = len(task.levels)
    if loss.facts.task.value == "ordinal" and _forms(loss) in PER_CLASS:
        return Way(grades - loss.required[0].kind.fewer, readout="classes")
    return _many(loss, task, inputs, ending)


def _labels(loss: Loss, task: Task, inputs: int, ending: str) -> Way | None:
    served = (*PER_ELEMENT, (Form.SCORES, Form.LABELS))
    if loss.facts.task.value in ("binary", "multilabel") and _forms(loss) in served:
        return Way(task.outputs)
    return Way(task.outputs, link="sigmoid") if _plain(loss) else None


def _masks(loss: Loss, task: Task, inputs: int, ending: str) -> Way | None:
    if loss.facts.task.value in ("binary", "segmentation") and _forms(loss) in PER_ELEMENT:
        return Way(task.outputs)
    return Way(task.outputs, link="sigmoid") if _plain(loss) else None


def _neighbours(loss: Loss, task: Task, inputs: int, ending: str) -> Way | None:
    if loss.facts.task.value == "metric" and _forms(loss) == (Form.FEATURES, Form.LABEL):
        return Way(task.outputs)
    return _many(loss, task, inputs, ending)


PER_CLASS = ((Form.LOGITS, Form.CLASS), (Form.SCORES, Form.CLASS))
PER_ELEMENT = ((Form.LOGIT, Form.BINARY), (Form.SCORE, Form.BINARY))
WAYS: Mapping[Kind, Callable[[Loss, Task, int, str], Way | None]] = {
    Kind.REGRESSION: _numbers,
    Kind.COUNT: _counts,
    Kind.BINARY: _two,
    Kind.ANOMALY: _anomalies,
    Kind.MULTICLASS: _many,
    Kind.ORDINAL: _grades,
    Kind.MULTILABEL: _labels,
    Kind.SEGMENTATION: _masks,
    Kind.RETRIEVAL: _neighbours,
}


def _a(task: Task) -> str:
    kind = task.kind.value
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def _refusal(facts: Known, task: Task, losses: list[Loss]) -> str:
    odd = next((loss for loss in losses if loss.facts.task.value in ("regression", task.kind.value)), None)
    if odd is None:
        return (
            f"losses: expected losses for {_a(task)} target, got {facts.name!r}, which is for "
            f"{' and '.join(facts.tasks)}; leave it out, or see `lossary list --task {task.kind.value}`."
        )
    takes = " and ".join(f"{each.name} ({each.kind.says})" for each in odd.required)
    return (
        f"losses: expected losses of a number or a logit per class, and a target, got {odd.name!r}, which takes "
        f"{takes}, its link being {odd.facts.link.value!r}; train a network of your own with "
        f"lossary.{odd.name}.card.head as its last layer."
    )
