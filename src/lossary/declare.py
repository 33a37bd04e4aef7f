"""Everything a declaration needs, in one import: the catalogue's losses and yours are written with these words."""

from .core.canonical import Bernoulli, like, log1mexp, log_softmax, softplus
from .core.card import Claims, Elicits, Example, Link, Paper, Relative, Task
from .core.domains import (
    AnyNumber,
    AtLeastOne,
    BelowOne,
    Choice,
    ClassCounts,
    Flag,
    Interval,
    InvertibleTransition,
    Levels,
    NonNegative,
    NumberOrTensor,
    OpenUnit,
    PerClass,
    Positive,
    TransitionMatrix,
    Unit,
    Whole,
)
from .core.expectation import over_classes, over_two, share
from .core.kinds import (
    BinaryLogits,
    BinaryTarget,
    ClassLogits,
    ClassScores,
    ClassTarget,
    Cloud,
    CountTarget,
    DistributionTarget,
    Embedding,
    Ensemble,
    Inner,
    Keep,
    Labels,
    LabelScores,
    LabelTarget,
    LevelPrediction,
    Mass,
    NonNegativeTarget,
    NonZeroTarget,
    PositiveTarget,
    Prediction,
    PredictionAboveMinusOne,
    RealTarget,
    Samples,
    Score,
    Table,
    TargetAboveMinusOne,
    Thresholds,
    Values,
    Vector,
    blocks,
    columns,
)
from .core.loss import loss
from .core.unit import PerAnchor, PerDistribution, PerElement, PerRegion, PerRow, PerTriplet

__all__ = [
    "AnyNumber", "AtLeastOne", "BelowOne", "Bernoulli", "BinaryLogits", "BinaryTarget", "Choice",
    "Claims", "ClassCounts", "ClassLogits", "ClassScores", "ClassTarget", "Cloud", "CountTarget",
    "DistributionTarget", "Elicits", "Embedding", "Ensemble", "Example", "Flag", "Inner", "Interval",
    "InvertibleTransition", "Keep", "LabelScores", "LabelTarget", "Labels", "LevelPrediction", "Levels", "Link",
    "Mass", "NonNegative", "NonNegativeTarget", "NonZeroTarget", "NumberOrTensor",
    "OpenUnit", "Paper", "PerAnchor", "PerClass", "PerDistribution", "PerElement", "PerRegion", "PerRow",
    "PerTriplet", "Positive", "PositiveTarget", "Prediction", "PredictionAboveMinusOne",
    "RealTarget", "Relative", "Samples", "Score", "Table", "TargetAboveMinusOne", "Task", "Thresholds",
    "TransitionMatrix", "Unit", "Values", "Vector", "Whole", "blocks", "columns", "like", "log1mexp", "log_softmax",
    "loss", "over_classes", "over_two", "share", "softplus",
]  # fmt: skip
