"""Which losses deserve a trial on these data, and why: one reason a loss, read off the profile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from lossary.core.errors import DataError
from lossary.lab.asking.profile import Profile
from lossary.lab.asking.task import Kind, Task
from lossary.lab.metrics import Metric
from lossary.lab.planning.candidate import Candidate
from lossary.lab.planning.known import Known, known

IMBALANCED = 1.5  # from this many negatives a positive, or the reverse, the positive class is also weighted
LINKS = {"sigmoid": " on sigmoid", "softmax": " on softmax", "identity": ""}


def candidates(
    profile: Profile, task: Task, metric: Metric, losses: Sequence[str] = (), reference: str | None = None
) -> tuple[Candidate, ...]:
    """The losses asked for, or those the profile suggests. Raises DataError for one that does not fit the task.

    Judged is a loss that estimates what the metric rewards. Whoever names another ``reference`` asks for a
    comparison with the losses that estimate the same as it does, whatever the metric rewards.
    """
    asked = None if reference is None else _estimate(known(unlinked(reference, task)), task)
    named = [(text, "asked for") for text in losses] or list(_suggested(profile, task))
    found = [_candidate(text, why, task, metric, asked) for text, why in named]
    labels = [each.label for each in found]
    for label in labels:
        if labels.count(label) > 1:
            raise DataError(f"losses: expected each loss once, got {label!r} twice; leave one of them out.")
    return tuple(found)


def reference_label(found: Sequence[Candidate], task: Task, metric: Metric, asked: str | None) -> str:
    """The label of the loss that all others are tested against. Raises DataError where it is not among them.

    Cross-entropy for classes and squared error for numbers; the absolute error where the metric rewards the median
    alone. Where none of the losses is the standard one, the first that is judged.
    """
    judged = [each for each in found if each.judged]
    if not judged:
        raise DataError(
            f"losses: expected at least one that estimates what {metric.title} rewards, got "
            f"{', '.join(each.label for each in found)}; add {standard(task, metric)} or choose another --metric."
        )
    wanted = standard(task, metric) if asked is None else unlinked(asked, task)
    canonical = known(wanted)
    for each in judged:
        if each.label == wanted + LINKS[each.link]:
            return each.label
    for each in judged:
        if each.expression == canonical.expression:
            return each.label
    if asked is None:
        return judged[0].label
    raise DataError(
        f"reference: expected one of the judged losses {', '.join(each.label for each in judged)}, got {asked!r}; "
        "name one of them, or add it to --losses."
    )


def standard(task: Task, metric: Metric) -> str:
    """The name of the loss a practitioner would use without asking."""
    if task.kind is Kind.BINARY:
        return "binary_cross_entropy"
    if task.kind is Kind.MULTICLASS:
        return "cross_entropy"
    return "mae" if metric.judges("median") and not metric.judges("mean") else "mse"


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


def unlinked(text: str, task: Task) -> str:
    """An expression without the link that a label shows: "mse on sigmoid" -> "mse".

    Raises DataError where the task asks for another link.
    """
    for link, ending in LINKS.items():
        bare = text.strip().removesuffix(ending)
        if not ending or bare == text.strip():
            continue
        if _link(known(bare), task) != link:
            raise DataError(
                f"losses: expected {bare + LINKS[_link(known(bare), task)]!r} for a {task.kind.value} target, "
                f"got {text.strip()!r}; write {bare!r}, and the link is chosen by the target."
            )
        return bare
    return text.strip()


def _estimate(facts: Known, task: Task) -> str:
    return _elicits(facts, _link(facts, task))


def _candidate(text: str, why: str, task: Task, metric: Metric, asked: str | None) -> Candidate:
    facts = known(text)
    link = _link(facts, task)
    elicits = _elicits(facts, link)
    judged = _rewarded(metric, elicits) or elicits == asked
    remark = "" if judged else f"estimates the {elicits}; not judged by {metric.title}"
    probabilities = link != "identity" or facts.link in ("sigmoid", "softmax")
    return Candidate(
        text + LINKS[link], facts.expression, facts.name, link, elicits, why, judged, remark, probabilities
    )


def _link(facts: Known, task: Task) -> str:
    if facts.task == task.kind.value:
        return "identity"
    if facts.task == "regression" and task.kind is not Kind.REGRESSION:
        return "sigmoid" if task.kind is Kind.BINARY else "softmax"
    raise DataError(
        f"losses: expected losses for a {task.kind.value} target, got {facts.name!r}, which is for {facts.task}; "
        f"leave it out, or see `lossary list --task {task.kind.value}`."
    )


def _elicits(facts: Known, link: str) -> str:
    # Of a target that is 0 or 1 the mean is the probability and the median the likelier class.
    if link != "identity":
        return {"mean": "probability", "median": "mode", "between mean and median": "mode"}.get(
            facts.elicits, facts.elicits
        )
    return facts.elicits


def _rewarded(metric: Metric, elicits: str) -> bool:
    # Between mean and median lies the centre of symmetric noise, which is what either metric asks for.
    if elicits == "between mean and median":
        return metric.judges("mean") or metric.judges("median")
    return metric.judges(elicits)


def _suggested(profile: Profile, task: Task) -> Iterator[tuple[str, str]]:
    if task.kind is Kind.BINARY:
        return iter(_binary(profile))
    if task.kind is Kind.MULTICLASS:
        return iter(_multiclass(profile))
    return iter(_regression(profile))


def _binary(profile: Profile) -> Iterable[tuple[str, str]]:
    (negative, many), (positive, few) = profile.classes
    share = f"{100 * few / profile.rows:.0f} % of the rows are {positive!r}"
    yield "binary_cross_entropy", "the usual choice for two classes: its outputs are probabilities"
    ratio = many / few
    if max(ratio, 1 / ratio) >= IMBALANCED:
        weight = float(f"{ratio:.3g}")
        yield (
            f"binary_cross_entropy(pos_weight={weight:g})",
            f"{share}: this weight gives both classes the same say",
        )
    yield (
        "binary_cross_entropy(label_smoothing=0.1)",
        f"holds confidence back, which may help with {profile.rows:,} rows or with wrong labels",
    )
    yield "focal(gamma=1)", f"fades out rows that are easy already; {share}"
    yield "focal(gamma=2)", "as with gamma=1, more strongly: the value of its paper"
    yield "hinge", f"looks only at rows near the boundary between {negative!r} and {positive!r}"
    yield "squared_hinge", "as hinge, but smooth, and harder on rows far on the wrong side"
    yield "mse", "bounded on a sigmoid: a wrong label pulls less than under cross-entropy"


def _multiclass(profile: Profile) -> Iterable[tuple[str, str]]:
    level, few = min(profile.classes, key=lambda pair: pair[1])
    share = f"the rarest class, {level!r}, has {100 * few / profile.rows:.0f} % of the rows"
    yield (
        "cross_entropy",
        f"the usual choice for {len(profile.classes)} classes: its outputs are probabilities",
    )
    yield (
        "cross_entropy(label_smoothing=0.1)",
        f"holds confidence back, which may help with {profile.rows:,} rows or with wrong labels",
    )
    yield "categorical_focal(gamma=1)", f"fades out rows that are easy already; {share}"
    yield "categorical_focal(gamma=2)", "as with gamma=1, more strongly: the value of its paper"
    yield "mse", "bounded on a softmax: a wrong label pulls less than under cross-entropy"


def _regression(profile: Profile) -> Iterable[tuple[str, str]]:
    numbers = profile.numbers
    assert numbers is not None  # a task of numbers has them
    gross = numbers.gross_outliers
    far = (
        f"{100 * gross:.2g} % of the targets are gross outliers" if gross else "no target is a gross outlier"
    )
    yield "mse", "the usual choice for numbers: it estimates the mean"
    yield "huber(delta=1)", f"squared near 0, absolute beyond one interquartile range; {far}"
    yield "huber(delta=0.5)", "as with delta=1, from half an interquartile range: more robust"
    yield "log_cosh", f"a smooth relative of Huber; the target's skew is {numbers.skew:.1f}"
    yield "mae", f"estimates the median, which a few large errors do not move; {far}"
