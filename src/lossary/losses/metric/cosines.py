"""Cosines as an input: of an embedding with one centre, or proxy, per class."""

from typing import Annotated

from torch import Tensor

from lossary.core.kinds import Form, Kind
from lossary.declare import Interval, NonNegative

#: Half precision rounds a cosine of 1 to as much as 1.008; a logit is mostly far beyond.
Rounded = Interval(
    "a cosine, from -1 to 1 but for 0.01 of rounding", -1.01, 1.01, True, True, (-1.0, 0.0, 1.0)
)

Cosines = Annotated[
    Tensor, Kind(Form.SCORES, "the cosine with each class's centre, on the class axis", 0.375, domain=Rounded)
]

Quality = Annotated[
    Tensor,
    Kind(
        Form.REAL,
        "how recognisable a sample is, from -1 to 1",
        0.375,
        domain=Interval("a number from -1 to 1", -1.0, 1.0, True, True, (-1.0, 0.0, 1.0)),
    ),
]

Length = Annotated[
    Tensor,
    Kind(Form.REAL, "the length of an embedding before it is normalised", 1.0, domain=NonNegative),
]

ToPrototypes = Annotated[
    Tensor, Kind(Form.FEATURES, "the cosine with each prototype, on the last axis", domain=Rounded)
]
