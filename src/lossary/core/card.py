"""What is known of a loss: the facts its author declares, and the card that shows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor
    from torch.distributions import Distribution

    from .heads import Head


class Task(StrEnum):
    """What is predicted."""

    REGRESSION = "regression"
    BINARY = "binary"
    MULTICLASS = "multiclass"
    SEGMENTATION = "segmentation"
    MULTILABEL = "multilabel"
    ORDINAL = "ordinal"
    METRIC = "metric"
    DIVERGENCE = "divergence"
    TRANSPORT = "transport"
    PENALTY = "penalty"


class Link(StrEnum):
    """What turns the network's last linear layer into the answer the loss is about."""

    IDENTITY = "identity"
    LOGIT = "sigmoid"
    SOFTMAX = "softmax"
    SIGN = "sign"
    EXP = "exp"
    COLUMNS = "by column"
    ORDERED = "cumulative sigmoid"
    SPARSEMAX = "sparsemax"
    ENTMAX = "entmax"


class Elicits(StrEnum):
    """The property of the target's distribution that the best prediction equals."""

    MEAN = "mean"
    MEDIAN = "median"
    QUANTILE = "quantile"
    EXPECTILE = "expectile"
    BETWEEN = "between mean and median"
    MODE = "mode"
    PROBABILITY = "probability"
    ORDER = "order"
    OVERLAP = "overlap"
    EMBEDDING = "embedding"
    ZERO = "zero"
    DISTRIBUTION = "distribution"
    OWN = "a property of its own"


#: A fact that may depend on hyper-parameters: a function that takes those it names, by name.
Fact = bool | Callable[..., bool]
Number = float | Callable[..., float | None]


@dataclass(frozen=True)
class Claims:
    """Properties, each of them tested: nothing is claimed that no test tries to refute.

    Convexity, bounds and Lipschitz constants are in the first input, per unit. A claim is a constant or a function
    of the hyper-parameters it names.

    Attributes:
        convex: convex in the first input.
        proper: the expected loss is least at the true distribution.
        lower: greatest lower bound; upper: least upper bound, None where there is none.
        lipschitz: Euclidean Lipschitz constant of a unit's value in its first input, None where there is none.
        calibrated: minimising it leads to the best 0-1 decision.
        symmetric: the losses of all possible labels add up to a constant, so uniform label noise does no harm.
        smooth: continuously differentiable.
    """

    convex: Fact = False
    proper: Fact = False
    lower: Number | None = None
    upper: Number | None = None
    lipschitz: Number | None = None
    calibrated: Fact = False
    symmetric: Fact = False
    smooth: Fact = False


@dataclass(frozen=True)
class Paper:
    """Where a loss comes from."""

    authors: str
    year: int
    title: str
    equation: str = ""
    arxiv: str = ""
    doi: str = ""


@dataclass(frozen=True)
class Example:
    """One unit computed by hand: inputs as nested lists, hyper-parameters, and the value."""

    inputs: tuple[object, ...]
    value: float
    working: str
    hyper: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Relative:
    """Another loss that coincides with this one at given hyper-parameters.

    ``factor`` times the other loss at ``theirs`` equals this loss at ``ours``.

    Attributes:
        up_to_target: whether the two differ by a term of the target alone, so that only their gradients are equal.
    """

    name: str
    says: str
    ours: Mapping[str, object] = field(default_factory=dict)
    theirs: Mapping[str, object] = field(default_factory=dict)
    factor: float = 1.0
    up_to_target: bool = False


#: This loss = factor x the other library's; a function of hyper-parameters; or why there is no factor.
Factor = float | str | Callable[..., float | str]


@dataclass(frozen=True)
class Facts:
    """What the author of a loss declares beside its math.

    The callables take raw outputs with the classes or columns last, and those hyper-parameters they name.

    Attributes:
        law: the distribution that raw outputs (..., columns) stand for.
        probabilities: the class probabilities (..., C) they stand for, where the link alone does not say it.
        decoded: the answer they stand for, where it is not the greatest score, the sign or the number itself.
        raw: the way back, from class probabilities (..., C) or a mean to outputs that say them.
        counts: of the labels of a batch and one sample's place, how many pairs or triplets that sample is the anchor
            of; None: one where it has a partner of its label and one of another. Without labels each sample has its
            own, and None is one for each.
        shared: of a number of raw outputs, how one score enters each where they share it.
    """

    title: str
    task: Task
    link: Link
    elicits: Elicits | Callable[..., Elicits]
    constant: str
    claims: Claims
    example: Example
    use_when: str
    avoid_when: str
    outputs: str = "1"
    decode: str = "the output itself"
    soft: str | None = None
    coupled: bool = False
    paper: Paper | None = None
    aliases: tuple[str, ...] = ()
    elsewhere: Mapping[str, Factor] = field(default_factory=dict)
    relatives: tuple[Relative, ...] = ()
    cancels: Callable[..., object] | None = None
    symbolic: bool = True
    formula: str = ""
    derivative: str = ""
    law: Callable[..., Distribution] | None = None
    probabilities: Callable[..., Tensor] | None = None
    decoded: Callable[..., Tensor] | None = None
    raw: Callable[..., Tensor] | None = None
    counts: Callable[[Sequence[int], int], int] | None = None
    shared: Callable[[int], Tensor] | None = None
    exempt: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Parameter:
    """A hyper-parameter as a card shows it."""

    name: str
    default: object
    domain: str
    meaning: str


@dataclass(frozen=True)
class InputFact:
    """An input as a card shows it."""

    name: str
    says: str


@dataclass(frozen=True)
class Card:
    """Everything known of a loss, plain enough for JSON; formulas are drawn from the definition on demand."""

    name: str
    title: str
    summary: str
    family: str
    task: Task
    link: Link
    outputs: str
    decode: str
    unit: str
    coupled: bool
    soft: str | None
    elicits: Elicits
    constant: str
    inputs: tuple[InputFact, ...]
    hyper: tuple[Parameter, ...]
    options: tuple[str, ...]
    claims: Mapping[str, object]
    example: Example
    relatives: tuple[Relative, ...]
    use_when: str
    avoid_when: str
    aliases: tuple[str, ...]
    elsewhere: Mapping[str, float | str]
    paper: Paper | None
    exempt: Mapping[str, str]

    def head(
        self, in_features: int, *, outputs: int | None = None, target: Tensor | None = None, **hyper: Any
    ) -> Head:
        """The network's last layer for this loss; see ``lossary.core.heads.head``."""
        # A card is read by the core's lowest parts, a head is built from its highest.
        from . import heads, registry

        return heads.head(registry.get(self.name), in_features, outputs=outputs, target=target, hyper=hyper)
