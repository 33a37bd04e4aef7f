"""What an input is: its dtype, the values it admits, and what stands in for it where it does not count.

A kind is written once, in the annotation of a loss's parameter. Checks, silence, test inputs and cards read it there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from torch import Tensor

from .canonical import Bernoulli
from .domains import AboveMinusOne, Count, Interval, NonNegative, Positive


class Form(StrEnum):
    """The shapes of meaning an input can have; each decides checks and what the math receives."""

    REAL = "real"  # any real number; the math receives it as it is
    SCORE = "score"  # a real margin: its sign is the decision
    LOGIT = "logit"  # one logit per element; the math receives (log p, log(1 - p))
    LOGITS = "logits"  # one logit per class; the math receives a row of log p, classes last
    SCORES = (
        "scores"  # one raw number per class, label or threshold; the math receives it as it is, classes last
    )
    COLUMNS = "columns"  # the numbers that one unit's answer is made of, on the last axis
    BINARY = "binary"  # 0, 1 or a probability
    CLASS = "class"  # an index, or a row of probabilities
    LABEL = "label"  # any integer; equal labels belong together
    LABELS = "labels"  # 0 or 1 for every label, on the class axis
    DISTRIBUTION = "distribution"  # a row of probabilities; the math receives its logarithm
    FEATURES = "features"  # a vector on the last axis
    CLOUD = "cloud"  # a set of vectors: members and features on the last two axes
    SAMPLES = "samples"  # a set of numbers on the last axis
    MASS = "mass"  # how much each sample of a set weighs
    INNER = "inner"  # supplied by the core: how much each element inside a region counts
    KEEP = "keep"  # supplied by the core: which samples of the batch take part


@dataclass(frozen=True)
class Kind:
    """One input's meaning.

    Attributes:
        form: what it is.
        says: the meaning in words, for cards and errors.
        neutral: the value that stands where nothing counts. Together, the neutrals of a loss's inputs give a
            finite value and finite first and second derivatives for every hyper-parameter.
        extra_axis: name of the hyper-parameter which, given as a list, adds a last axis to this input.
        domain: the numbers admitted, None for all.
        columns: what stands on the last axis of columns; empty where any number of members may stand there.
        blocks: whether each column may come several times: all of the first, then all of the second.
        fewer: how many entries fewer than classes the class axis has.
        several: name of the hyper-parameter that says how many entries of the class axis each class has, side by side.
        ranks: whether only the order of its numbers counts, so that there is nothing to differentiate by.
    """

    form: Form
    says: str
    neutral: float = 0.0
    extra_axis: str | None = None
    domain: Interval | None = None
    columns: tuple[str, ...] = ()
    blocks: bool = False
    fewer: int = 0
    several: str | None = None
    ranks: bool = False

    @property
    def supplied(self) -> bool:
        """Whether the core supplies it, so that no user sees it in a signature."""
        return self.form in (Form.INNER, Form.KEEP)

    @property
    def limited(self) -> bool:
        """Whether its numbers lie between two ends, as cosines do, so that no linear layer alone makes them."""
        return self.domain is not None and self.domain.low > -math.inf and self.domain.high < math.inf

    def times(self, hyper: Mapping[str, Any]) -> int:
        """How many entries of the class axis each class has."""
        many = hyper.get(self.several) if self.several is not None else None
        # What is no such number, or missing, is refused where hyper-parameters are judged.
        return int(many) if isinstance(many, (int, float)) and 1 <= many < math.inf else 1

    def entries(self, classes: int, hyper: Mapping[str, Any]) -> int:
        """The size of the class axis of an input for so many classes."""
        return classes * self.times(hyper) - self.fewer

    def classes(self, entries: int, hyper: Mapping[str, Any]) -> int:
        """How many classes an input with a class axis of this size has."""
        return (entries + self.fewer) // self.times(hyper)

    @property
    def floating(self) -> bool:
        """Whether only floating tensors are admitted."""
        counts = self.domain is not None and self.domain.whole
        whole = counts or self.ranks
        return self.form not in (Form.BINARY, Form.CLASS, Form.LABEL, Form.LABELS) and not whole


def columns(*names: str) -> Kind:
    """One raw number under each name, on the last axis."""
    return Kind(Form.COLUMNS, f"{', '.join(names)}, in this order on the last axis", 0.375, columns=names)


def blocks(*names: str) -> Kind:
    """As many raw numbers under each name as there are components, on the last axis: all of one name, then the next."""
    says = f"for every component {', '.join(names)}: all of the first, then all of the next, on the last axis"
    return Kind(Form.COLUMNS, says, 0.375, columns=names, blocks=True)


Prediction = Annotated[Tensor, Kind(Form.REAL, "predicted numbers", neutral=0.375)]
LevelPrediction = Annotated[
    Tensor,
    Kind(Form.REAL, "predicted numbers, with a last axis of levels if there are several", 0.375, "level"),
]
PredictionAboveMinusOne = Annotated[
    Tensor, Kind(Form.REAL, "predicted numbers above -1", 0.375, domain=AboveMinusOne)
]
Ensemble = Annotated[Tensor, Kind(Form.COLUMNS, "the members of an ensemble on the last axis", 0.375)]
Cloud = Annotated[
    Tensor, Kind(Form.CLOUD, "an ensemble of vectors: members and features on the last two axes", 0.375)
]
Points = Annotated[
    Tensor, Kind(Form.CLOUD, "a set of vectors: members and features on the last two axes", 0.375)
]
Directions = Annotated[
    Tensor,
    Kind(Form.CLOUD, "directions of any length: their number and features on the last two axes", 0.375),
]
Values = Annotated[Tensor, Kind(Form.REAL, "weights or activations", 0.375)]
Table = Annotated[Tensor, Kind(Form.CLOUD, "tables of numbers: rows and columns on the last two axes", 0.375)]
RealTarget = Annotated[Tensor, Kind(Form.REAL, "true numbers")]
NonNegativeTarget = Annotated[Tensor, Kind(Form.REAL, "true numbers of at least 0", 1.0, domain=NonNegative)]
PositiveTarget = Annotated[Tensor, Kind(Form.REAL, "true numbers above 0", 1.0, domain=Positive)]
NonZeroTarget = Annotated[Tensor, Kind(Form.REAL, "true numbers, which errors are compared with", 1.0)]
TargetAboveMinusOne = Annotated[Tensor, Kind(Form.REAL, "true numbers above -1", domain=AboveMinusOne)]
CountTarget = Annotated[Tensor, Kind(Form.REAL, "counts: 0, 1, 2, ...", 1.0, domain=Count)]
Judgement = Annotated[
    Tensor, Kind(Form.REAL, "numbers of which only the order counts: greater is more", ranks=True)
]
Score = Annotated[Tensor, Kind(Form.SCORE, "real scores: positive says class 1", neutral=0.375)]
BinaryLogits = Annotated[Bernoulli, Kind(Form.LOGIT, "one logit per element")]
BinaryTarget = Annotated[Tensor, Kind(Form.BINARY, "0 or 1, or the probability of 1")]
ClassLogits = Annotated[Tensor, Kind(Form.LOGITS, "one logit per class, on the class axis")]
ClassTarget = Annotated[Tensor, Kind(Form.CLASS, "class indices, or probabilities on the class axis")]
ClassScores = Annotated[Tensor, Kind(Form.SCORES, "one real score per class, on the class axis", 0.375)]
Thresholds = Annotated[
    Tensor,
    Kind(
        Form.SCORES, "one raw number per threshold between ordered classes, on the class axis", 0.375, fewer=1
    ),
]
LabelScores = Annotated[Tensor, Kind(Form.SCORES, "one real score per label, on the class axis", 0.375)]
LabelTarget = Annotated[Tensor, Kind(Form.LABELS, "0 or 1 for every label, on the class axis")]
DistributionTarget = Annotated[Tensor, Kind(Form.DISTRIBUTION, "a distribution on the class axis")]
Labels = Annotated[Tensor, Kind(Form.LABEL, "integer labels: equal ones belong together")]
Vector = Annotated[Tensor, Kind(Form.FEATURES, "vectors on the last axis")]
Embedding = Annotated[Tensor, Kind(Form.FEATURES, "vectors on the last axis")]
Samples = Annotated[Tensor, Kind(Form.SAMPLES, "sets of numbers on the last axis")]
Mass = Annotated[
    Tensor | None, Kind(Form.MASS, "how much each number of the set weighs, at least 0; None: all alike", 1.0)
]
Inner = Annotated[Tensor | None, Kind(Form.INNER, "how much each element inside a region counts")]
Keep = Annotated[Tensor | None, Kind(Form.KEEP, "which samples of the batch take part")]


#: Inputs whose neutral value is the uniform distribution, on whatever scale they are given.
PROBABLE = (Form.LOGIT, Form.LOGITS, Form.CLASS, Form.DISTRIBUTION)


def neutral(kind: Kind, position: int) -> float | None:
    """The stand-in for input number ``position``, None for the uniform distribution.

    Features differ by position, so that no two vectors coincide.
    """
    if kind.form in PROBABLE:
        return None
    if kind.form is not Form.FEATURES:
        return kind.neutral
    return kind.neutral + (position + 1) * (0.25 if kind.limited else 1.0)
