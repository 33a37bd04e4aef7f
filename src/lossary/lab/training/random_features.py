"""A fixed random function of a row, for losses that are trained on one class alone.

A network that learns it on usual rows knows it there and nowhere else, so how far it errs says how odd a row is
(Burda et al. 2018, "Exploration by Random Network Distillation", arXiv 1810.12894, section 2.2). Unlike a centre that
all outputs are drawn to, it cannot be learned by putting out one constant.
"""

from __future__ import annotations

from functools import cache
from math import sqrt

import torch
from torch import Tensor

FEATURES = 16


def random_features(x: Tensor) -> Tensor:
    """tanh of fixed random mixtures of the inputs: (..., inputs) -> (..., FEATURES), the same on every machine."""
    return torch.tanh(x @ _directions(x.shape[-1]).to(x.dtype))


@cache
def _directions(inputs: int) -> Tensor:
    numbers = torch.Generator().manual_seed(0)
    drawn: Tensor = torch.randn(inputs, FEATURES, generator=numbers, dtype=torch.float64)
    return drawn / sqrt(inputs)
