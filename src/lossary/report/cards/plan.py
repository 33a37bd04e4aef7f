"""What a training step starts from: a network of two weights, its inputs and its target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

Numbers = tuple[float, ...]
LOWERED = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
NONE = "none: the loss is of the network's own numbers"


@dataclass(frozen=True)
class Output:
    """One number that the network gives: ``name = factors[0]·w₁ + factors[1]·w₂``."""

    name: str
    factors: tuple[float, float]


@dataclass(frozen=True)
class Lesson:
    """A network, its inputs and its target.

    Attributes:
        network: the network in a formula.
        outputs: what it gives.
        target: the target in words.
        truth: the target's numbers.
        inputs: from the outputs, as one vector, to the tensors the loss is called with.
        x: the inputs' numbers.
        bias: whether w₂ is added as it is.
        given: the inputs in words, where a list would not say whose they are.
    """

    network: str
    outputs: tuple[Output, ...]
    target: str
    truth: Numbers
    inputs: Callable[[Tensor], tuple[Tensor, ...]]
    x: Numbers
    bias: bool = False
    given: str = ""


@dataclass(frozen=True)
class Plan:
    """What a lesson starts from, before numbers of the user's own are filled in."""

    x: Numbers
    target: Numbers
    make: Callable[[Numbers, Numbers], Lesson]
