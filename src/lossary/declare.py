"""Everything a declaration needs, in one import: the catalogue's losses and yours are written with these words."""

from .core.canonical import Bernoulli, log1mexp
from .core.card import Claims, Elicits, Example, Link, Paper, Relative, Task
from .core.domains import (
    AtLeastOne,
    BelowOne,
    Choice,
    Flag,
    Interval,
    Levels,
    NonNegative,
    NumberOrTensor,
    OpenUnit,
    Positive,
    Unit,
)
from .core.expectation import over_classes, over_two, share
from .core.kinds import (
    BinaryLogits,
    BinaryTarget,
    ClassLogits,
    ClassTarget,
    DistributionTarget,
    Embedding,
    Inner,
    Keep,
    Labels,
    LevelPrediction,
    Mass,
    Prediction,
    RealTarget,
    Samples,
    Score,
)
from .core.loss import loss
from .core.unit import PerAnchor, PerDistribution, PerElement, PerRegion, PerRow, PerTriplet

__all__ = [
    "AtLeastOne", "BelowOne", "Bernoulli", "BinaryLogits", "BinaryTarget", "Choice", "Claims", "ClassLogits",
    "ClassTarget", "DistributionTarget", "Elicits", "Embedding", "Example", "Flag", "Inner", "Interval", "Keep",
    "Labels", "LevelPrediction", "Levels", "Link", "Mass", "NonNegative", "NumberOrTensor", "OpenUnit", "Paper",
    "PerAnchor", "PerDistribution", "PerElement", "PerRegion", "PerRow", "PerTriplet", "Positive", "Prediction",
    "RealTarget", "Relative", "Samples", "Score", "Task", "Unit", "log1mexp", "loss", "over_classes", "over_two",
    "share",
]  # fmt: skip
