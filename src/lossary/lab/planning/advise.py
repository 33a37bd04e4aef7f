"""From losses asked for or suggested to the candidates of a comparison, and the one they are held against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lossary.core.errors import DataError
from lossary.lab.asking.profile import Profile
from lossary.lab.asking.task import Kind, Task
from lossary.lab.metrics import Metric
from lossary.lab.planning.candidate import Candidate
from lossary.lab.planning.known import Known, known
from lossary.lab.planning.suggest import standard, suggested
from lossary.lab.planning.ways import ENDINGS, Way, way


@dataclass(frozen=True)
class Setting:
    """What a loss meets: the task with its metric, how many numbers a row has, and the training rows of each class.

    A row of words has no number.
    """

    task: Task
    metric: Metric
    inputs: int
    counts: tuple[float, ...] = ()


def candidates(
    profile: Profile, setting: Setting, losses: Sequence[str] = (), reference: str | None = None
) -> tuple[Candidate, ...]:
    """The losses asked for, or those the profile suggests. Raises DataError for one that does not fit the task.

    Judged is a loss that estimates what the metric rewards. Whoever names another ``reference`` asks for a
    comparison with the losses that estimate the same as it does, whatever the metric rewards.
    """
    asked = None if reference is None else _candidate(reference, "", setting, None).elicits
    named = [(text, "asked for") for text in losses] or list(suggested(profile, setting.task))
    found = [_candidate(text, why, setting, asked) for text, why in named]
    labels = [each.label for each in found]
    for label in labels:
        if labels.count(label) > 1:
            raise DataError(f"losses: expected each loss once, got {label!r} twice; leave one of them out.")
    return tuple(found)


def reference_label(found: Sequence[Candidate], setting: Setting, asked: str | None) -> str:
    """The label of the loss that all others are tested against. Raises DataError where it is not among them.

    The standard one of the task; where none of the losses is that, the first that is judged.
    """
    metric = setting.metric
    judged = [each for each in found if each.judged]
    if not judged:
        raise DataError(
            f"losses: expected at least one that estimates what {metric.title} rewards, got "
            f"{', '.join(each.label for each in found)}; add "
            f"{standard(setting.task, metric)} or choose another --metric."
        )
    wanted = _candidate(standard(setting.task, metric) if asked is None else asked, "", setting, None)
    for each in judged:
        if each.label == wanted.label:
            return each.label
    for each in judged:
        if (each.expression, each.learns) == (wanted.expression, wanted.learns):
            return each.label
    if asked is None:
        return judged[0].label
    raise DataError(
        f"reference: expected one of the judged losses {', '.join(each.label for each in judged)}, got {asked!r}; "
        "name one of them, or add it to --losses."
    )


def recounted(found: Sequence[Candidate], counts: Sequence[float]) -> tuple[Candidate, ...]:
    """The same candidates on training rows of other class counts, which some losses must know."""
    return tuple(replace(each, expression=known(_parted(each.label)[0], counts).expression) for each in found)


def split_expressions(text: str) -> tuple[str, ...]:
    """ "huber(delta=2), 0.5*mse + mae" -> its two expressions: commas between parentheses do not separate."""
    parts, depth, start = [], 0, 0
    for at, character in enumerate(text):
        depth += (character in "([") - (character in ")]")
        if character == "," and depth == 0:
            parts.append(text[start:at])
            start = at + 1
    stripped = [part.strip() for part in (*parts, text[start:])]
    if not all(stripped):
        raise DataError(
            f"losses: expected losses separated by commas, got {text!r}; write 'mse, huber(delta=2)'."
        )
    return tuple(stripped)


def _parted(text: str) -> tuple[str, str]:
    """An expression and the ending that a label shows: "mse on sigmoid" -> ("mse", " on sigmoid")."""
    bare = text.strip()
    for ending in ENDINGS.values():
        if ending and bare.endswith(ending):
            return bare.removesuffix(ending), ending
    return bare, ""


def _candidate(text: str, why: str, setting: Setting, asked: str | None) -> Candidate:
    bare, ending = _parted(text)
    facts = known(bare, setting.counts)
    found = way(facts, setting.task, setting.inputs, ending)
    elicits = _elicits(facts.elicits, found, setting.task)
    probabilities = _probabilities(facts, found, setting.task)
    # A margin may be made for probabilities, as squared_hinge's is: as it comes, it only puts rows in order.
    unread = setting.metric.reads == "probability" and not probabilities
    elicits = "order" if unread and _rewarded(setting.metric, elicits) else elicits
    judged = not unread and (_rewarded(setting.metric, elicits) or elicits == asked)
    return Candidate(
        label=bare + found.ending,
        expression=facts.expression,
        name=facts.name,
        link=found.link,
        elicits=elicits,
        why=why,
        judged=judged,
        remark="" if judged else f"estimates {_said(elicits)}; not judged by {setting.metric.title}",
        probabilities=probabilities,
        outputs=found.outputs,
        readout=found.readout,
        learns=found.learns,
    )


def _said(elicits: str) -> str:
    return elicits if elicits.startswith("a ") else f"the {elicits}"


def _elicits(elicited: str, way: Way, task: Task) -> str:
    if way.learns != "answer":
        return "order"  # how unlike the rest a row is
    if way.readout == "mean":
        return "mean"  # of the distribution that the outputs stand for
    # Of a target that is 0 or 1 the mean is the probability and the median the likelier class.
    if way.link in ("sigmoid", "softmax"):
        return {"mean": "probability", "median": "mode", "between mean and median": "mode"}.get(
            elicited, elicited
        )
    return elicited


def _probabilities(facts: Known, way: Way, task: Task) -> bool:
    if task.kind.numbers or way.learns != "answer" or task.kind is Kind.RETRIEVAL:
        return False
    links = {card.link.value for card in facts.cards}
    return way.link != "identity" or way.readout == "classes" or links in ({"sigmoid"}, {"softmax"})


def _rewarded(metric: Metric, elicits: str) -> bool:
    # Between mean and median lies the centre of symmetric noise, which is what either metric asks for.
    if elicits == "between mean and median":
        return metric.judges("mean") or metric.judges("median")
    # A sum of unlike losses lies between what its parts estimate; it is judged where the metric rewards each.
    return all(metric.judges(each) for each in elicits.split(" and "))
