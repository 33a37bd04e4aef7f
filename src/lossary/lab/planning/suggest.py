"""Which losses deserve a trial on these data, and why: one reason a loss, read off the profile."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from lossary.lab.asking.profile import Profile
from lossary.lab.asking.task import Kind, Task
from lossary.lab.metrics import Metric

IMBALANCED = 1.5  # from this many negatives a positive, or the reverse, the positive class is also weighted
RARE = 0.5  # of an equal share: with a smallest class below that, the losses for imbalance are tried too
Suggested = Iterable[tuple[str, str]]


def suggested(profile: Profile, task: Task) -> Iterator[tuple[str, str]]:
    """Expressions with the reason to try each."""
    return iter(SUGGESTED[task.kind](profile))


def standard(task: Task, metric: Metric) -> str:
    """The name of the loss a practitioner would use without asking."""
    if task.kind.numbers and metric.judges("median") and not metric.judges("mean"):
        return "mae"
    return STANDARD[task.kind]


def _binary(profile: Profile) -> Suggested:
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


def _multiclass(profile: Profile) -> Suggested:
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
    if few < RARE * profile.rows / len(profile.classes):
        yield "logit_adjusted", f"lets rare classes win by more; {share}"
        yield "class_balanced", f"weighs rare classes more; {share}"


def _regression(profile: Profile) -> Suggested:
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


def _counts(profile: Profile) -> Suggested:
    numbers = profile.numbers
    assert numbers is not None  # a task of counts has them
    ratio = numbers.std**2 / numbers.mean if numbers.mean else 0.0
    spread = f"the counts' variance is {ratio:.2g} times their mean"
    yield "poisson_nll", f"the usual choice for counts: it estimates the mean; {spread}"
    yield "negative_binomial_nll", f"as Poisson's, and learns how much more they vary; {spread}"
    yield "tweedie", "between Poisson's and gamma's: large counts may vary more"
    yield "mse", "the mean again, but a large count's error weighs as much as a small one's"
    yield "huber(delta=1)", "squared near 0, absolute beyond one: a few huge counts pull less"
    yield "mae", "estimates the median, which a few huge counts do not move"


def _grades(profile: Profile) -> Suggested:
    grades = len(profile.classes)
    yield "cross_entropy", f"the usual choice for {grades} classes: it does not know their order"
    yield "coral", "one score and a threshold between neighbouring grades: their order is built in"
    yield "corn", "each threshold learned on the rows that passed the one before"
    yield "cumulative_link", "the proportional-odds model: a likelihood over ordered thresholds"
    yield "soft_ordinal", "cross-entropy with some probability on neighbouring grades"
    yield "emd2", "squared differences of cumulative shares: a far grade costs more than a near one"


def _labels(profile: Profile) -> Suggested:
    label, few = min(profile.classes, key=lambda pair: pair[1])
    share = f"the rarest label, {label!r}, is on {100 * few / profile.rows:.1f} % of the rows"
    yield (
        "binary_cross_entropy",
        f"the usual choice for {len(profile.classes)} labels: each is a question of its own",
    )
    yield "focal(gamma=1)", f"fades out what is easy already; {share}"
    yield "focal(gamma=2)", "as with gamma=1, more strongly: the value of its paper"
    yield "asymmetric", f"fades absent labels more than present ones; {share}"
    yield "zlpr", "present labels against absent ones of the same row"
    yield "two_way", "within a row and, across rows, within a label"
    yield "mse", "bounded on a sigmoid: a wrong label pulls less than under cross-entropy"


def _anomalies(profile: Profile) -> Suggested:
    (_, many), (odd, few) = profile.classes
    share = f"{100 * few / (many + few):.1f} % of the rows are {odd!r}"
    weight = float(f"{many / few:.3g}")
    yield "binary_cross_entropy", f"learns the odd from examples; {share}"
    yield (
        f"binary_cross_entropy(pos_weight={weight:g})",
        f"the same with both classes' say made equal; {share}",
    )
    yield "focal(gamma=2)", f"fades out rows that are easy already; {share}"
    yield "mse on sigmoid", "learns the odd from examples, and a wrong label pulls less"
    if profile.texts:
        return
    yield "mse", "an autoencoder on usual rows alone: odd is what it cannot rebuild"
    yield "mae", "the same, and a few odd values in a row weigh less"
    yield "mse (one-class)", "learns a fixed random function of usual rows: odd is where it was never learned"
    yield "huber(delta=1)", "the same, between the two"


def _masks(profile: Profile) -> Suggested:
    yield "binary_cross_entropy", "the usual choice: every pixel is a question of its own"
    yield "binary_dice", "the overlap itself: small regions count as much as large ones"
    yield "binary_dice + binary_cross_entropy", "overlap and pixels together"
    yield "focal(gamma=2)", "fades out pixels that are easy already: most of the background"
    yield "mse", "bounded on a sigmoid: a wrong pixel pulls less than under cross-entropy"


def _neighbours(profile: Profile) -> Suggested:
    yield "cross_entropy", "no embedding loss: its logits are read as one, by the same rule"
    yield "triplet_batch_hard", "each row's farthest of its class against its nearest of another"
    yield "triplet_batch_hard(margin=0.2)", "as with margin 1, and content sooner"
    yield "mse", "no embedding loss: a softmax against the class, read by the same rule"


SUGGESTED: Mapping[Kind, Callable[[Profile], Suggested]] = {
    Kind.BINARY: _binary,
    Kind.MULTICLASS: _multiclass,
    Kind.REGRESSION: _regression,
    Kind.COUNT: _counts,
    Kind.ORDINAL: _grades,
    Kind.MULTILABEL: _labels,
    Kind.ANOMALY: _anomalies,
    Kind.SEGMENTATION: _masks,
    Kind.RETRIEVAL: _neighbours,
}
STANDARD = {
    Kind.BINARY: "binary_cross_entropy",
    Kind.MULTICLASS: "cross_entropy",
    Kind.REGRESSION: "mse",
    Kind.COUNT: "poisson_nll",
    Kind.ORDINAL: "cross_entropy",
    Kind.MULTILABEL: "binary_cross_entropy",
    Kind.ANOMALY: "binary_cross_entropy",
    Kind.SEGMENTATION: "binary_cross_entropy",
    Kind.RETRIEVAL: "cross_entropy",
}
