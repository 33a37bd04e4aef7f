"""A declared loss: its signature read into parts, its definition and slope beside it.

Everything else (the function, the module, the card, the tests) reads this record, so nothing is said twice.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

from torch import Tensor

from .card import Facts
from .domains import Domain, NumberOrTensor, PerClass
from .errors import DeclarationError, DomainError, OptionError, sentence
from .kinds import Form, Kind, neutral
from .unit import Per, Unit

Marker = TypeVar("Marker")

ELEMENTWISE = {Form.REAL, Form.SCORE, Form.LOGIT, Form.BINARY}
VECTORS = {Form.FEATURES, Form.SAMPLES, Form.MASS}
AS_GIVEN = {Form.REAL, Form.SCORE, Form.BINARY, Form.FEATURES, Form.LABEL, Form.SAMPLES, Form.MASS, Form.COLUMNS,
            Form.CLOUD}  # fmt: skip
JUDGED = {Form.BINARY, Form.CLASS, Form.DISTRIBUTION, Form.MASS, Form.LABELS}
#: The default of a hyper-parameter that every call must give.
REQUIRED = inspect.Parameter.empty


@dataclass(frozen=True)
class Input:
    """A tensor the loss is called with."""

    name: str
    kind: Kind
    optional: bool
    neutral: float | None


@dataclass(frozen=True)
class Hyper:
    """A hyper-parameter: default (or ``REQUIRED``), domain and meaning as they stand in the signature."""

    name: str
    default: object
    domain: Domain
    meaning: str
    nullable: bool

    def check(self, subject: str, value: object) -> None:
        """Raise DomainError unless ``value`` lies in the domain."""
        if value is None and self.nullable:
            return
        if value is REQUIRED:
            raise OptionError(
                sentence(
                    f"{subject}({self.name}=...)", expected=self.domain.says, got="nothing", remedy="give it"
                )
            )
        if not self.domain.holds(value):
            allowed = f"{self.domain.says}, or None" if self.nullable else self.domain.says
            raise DomainError(
                sentence(
                    f"{subject}({self.name}=...)",
                    expected=allowed,
                    got=_shown(value),
                    remedy=_remedy(self, value),
                )
            )


def _shown(value: object) -> str:
    """A value in one line; of a tensor what tells most."""
    if not isinstance(value, Tensor):
        return " ".join(repr(value).split())
    return f"a tensor of shape {tuple(value.shape)}" if value.ndim else f"a tensor, {value.detach()!r}"


def _remedy(hyper: Hyper, value: object) -> str:
    """The way out; numbers that are no Python numbers, as numpy's, are one step from a tensor."""
    given = value if isinstance(value, (list, tuple)) else [value]
    foreign = any(hasattr(each, "__array__") and not isinstance(each, (float, Tensor)) for each in given)
    per_class = isinstance(hyper.domain, PerClass) and foreign
    return f"pass torch.as_tensor({hyper.name})" if per_class else "choose one inside"


@dataclass
class Loss:
    """The record of one declared loss. Completed while its module is imported, never changed afterwards.

    Attributes:
        block: the author's function: canonical tensors to one value per unit.
        inputs: the tensors of a call, in order; the optional ones are given by keyword.
        supplied: names of the block's parameters that the core fills (inner weights, who takes part).
        hyper: the hyper-parameters.
        options: what else a call accepts, derived from the kinds.
        required: the inputs every call has.
        elementwise: two inputs of one shape, unless a list of levels adds an axis to one.
        indexed: a row of logits and a class.
        classed: its first input has a class axis.
        extra_axis: the hyper-parameter that adds an axis where it is a list.
        simple: one of these two, or vectors of one shape.
        paired: two rows of classes, or a batch of vectors and its labels.
        as_given: the math takes the inputs as they are, once they are wide enough.
        labelled: its target can say "ignore".
        per_label: some hyper-parameter can be a tensor.
        per_class: some hyper-parameter has a number for every class.
        target: position of the target that holds classes, -1 where none does.
        judged: some input has a domain of values.
        bounded: some input holds numbers of which not all are admitted.
        definition: the textbook formula over plain scalars (see CONTRIBUTING for its arguments by unit).
        slope: closed-form derivative in the first input, one unit's worth per unit.
    """

    name: str
    block: Callable[..., Any]
    unit: Unit
    inputs: tuple[Input, ...]
    supplied: tuple[str, ...]
    hyper: tuple[Hyper, ...]
    options: tuple[str, ...]
    facts: Facts
    module: str
    summary: str
    definition: Callable[..., Any] | None = field(default=None, repr=False)
    slope: Callable[..., Any] | None = field(default=None, repr=False)
    required: tuple[Input, ...] = field(init=False, repr=False)
    elementwise: bool = field(init=False, repr=False)
    indexed: bool = field(init=False, repr=False)
    classed: bool = field(init=False, repr=False)
    extra_axis: str | None = field(init=False, repr=False)
    simple: bool = field(init=False, repr=False)
    paired: bool = field(init=False, repr=False)
    as_given: bool = field(init=False, repr=False)
    labelled: bool = field(init=False, repr=False)
    per_label: bool = field(init=False, repr=False)
    per_class: bool = field(init=False, repr=False)
    target: int = field(init=False, repr=False)
    judged: bool = field(init=False, repr=False)
    bounded: bool = field(init=False, repr=False)

    def __post_init__(self) -> None:
        forms = tuple(each.kind.form for each in self.inputs)
        # What a call asks every time is settled once.
        self.required = tuple(each for each in self.inputs if not each.optional)
        self.elementwise = len(forms) == 2 and set(forms) <= ELEMENTWISE
        self.indexed = forms == (Form.LOGITS, Form.CLASS)
        self.classed = forms[0] in (Form.LOGITS, Form.SCORES)
        self.extra_axis = next((each.kind.extra_axis for each in self.inputs if each.kind.extra_axis), None)
        vectors = set(forms) <= VECTORS
        self.simple = (
            len(forms) > 1 and self.unit is not Unit.ANCHOR and (self.elementwise or self.indexed or vectors)
        )
        self.paired = forms in ((Form.LOGITS, Form.DISTRIBUTION), (Form.FEATURES, Form.LABEL))
        self.as_given = set(forms) <= AS_GIVEN
        self.target = next((i for i, form in enumerate(forms) if form in (Form.CLASS, Form.BINARY)), -1)
        self.labelled = "ignore_index" in self.options
        self.per_label = any(isinstance(each.domain, NumberOrTensor) for each in self.hyper)
        self.per_class = any(isinstance(each.domain, PerClass) for each in self.hyper)
        self.bounded = any(each.kind.domain is not None for each in self.inputs)
        self.judged = bool(set(forms) & JUDGED) or self.bounded

    @property
    def family(self) -> str:
        """The folder the loss is declared in, or its module where it is nobody's family."""
        parts = self.module.split(".")
        return parts[-2] if len(parts) > 1 else parts[-1]

    def apply(self, arguments: tuple[Any, ...], hyper: Mapping[str, Any], **supplied: Any) -> Any:
        """Run the block on canonical inputs, in the order of ``inputs``."""
        first = len(self.required)
        if first == len(arguments):
            return self.block(*arguments, **supplied, **hyper)
        optional = {
            each.name: value for each, value in zip(self.inputs[first:], arguments[first:], strict=True)
        }
        return self.block(*arguments[:first], **optional, **supplied, **hyper)

    def has(self, *forms: Form) -> bool:
        """Whether some input has one of these forms."""
        return any(each.kind.form in forms for each in self.inputs)

    @property
    def defaults(self) -> Mapping[str, object]:
        """Hyper-parameters at their defaults; those that a call must give are not among them."""
        return {each.name: each.default for each in self.hyper if each.default is not REQUIRED}


def read(block: Callable[..., Any], facts: Facts) -> Loss:
    """Read a block's signature into a record, or say what is missing from it."""
    name = block.__name__
    hints = get_type_hints(block, include_extras=True)
    inputs: list[Input] = []
    supplied: list[str] = []
    hyper: list[Hyper] = []
    for parameter in inspect.signature(block).parameters.values():
        hint = hints.get(parameter.name)
        kind = _mark(hint, Kind)
        if kind is not None and kind.supplied:
            supplied.append(parameter.name)
        elif kind is not None:
            stand_in = neutral(kind, len(inputs))
            inputs.append(Input(parameter.name, kind, parameter.default is None, stand_in))
        else:
            hyper.append(_hyper(name, parameter, hint))
    per = _mark(hints.get("return"), Per)
    if per is None:
        raise DeclarationError(
            sentence(
                f"loss {name}",
                expected="a unit as return annotation",
                got=repr(hints.get("return")),
                remedy="annotate it with PerElement, PerRow, PerRegion, PerTriplet, PerAnchor or PerDistribution",
            )
        )
    if not inputs:
        raise DeclarationError(
            sentence(
                f"loss {name}",
                expected="at least one input",
                got="none",
                remedy="annotate tensors with kinds such as Prediction",
            )
        )
    summary = (inspect.getdoc(block) or "").strip().split("\n")[0]
    if not summary:
        raise DeclarationError(
            sentence(
                f"loss {name}", expected="a docstring", got="none", remedy="say in one line what it does"
            )
        )
    options = _options(tuple(inputs), per.unit, facts)
    return Loss(
        name,
        block,
        per.unit,
        tuple(inputs),
        tuple(supplied),
        tuple(hyper),
        options,
        facts,
        block.__module__,
        summary,
    )


def _mark(hint: Any, kind: type[Marker]) -> Marker | None:
    for argument in get_args(hint) if get_origin(hint) is Annotated else ():
        if isinstance(argument, kind):
            return argument
    return None


def _hyper(loss: str, parameter: inspect.Parameter, hint: Any) -> Hyper:
    arguments = get_args(hint) if get_origin(hint) is Annotated else ()
    domains = [each for each in arguments[1:] if hasattr(each, "holds")]
    meanings = [each for each in arguments[1:] if isinstance(each, str)]
    if not domains or not meanings:
        raise DeclarationError(
            sentence(
                f"loss {loss}, parameter {parameter.name}",
                expected="Annotated[type, domain, 'meaning']",
                got=str(parameter),
                remedy="give a kind for an input; domain and meaning for a hyper-parameter",
            )
        )
    nullable = type(None) in get_args(arguments[0])
    default = parameter.default
    if default is not REQUIRED and not (nullable and default is None) and not domains[0].holds(default):
        raise DeclarationError(
            sentence(
                f"loss {loss}, parameter {parameter.name}",
                expected=f"a default that is {domains[0].says}",
                got=repr(default),
                remedy="mend the default or the domain",
            )
        )
    return Hyper(parameter.name, default, domains[0], meanings[0], nullable)


def _options(inputs: tuple[Input, ...], unit: Unit, facts: Facts) -> tuple[str, ...]:
    """What a call accepts beyond weight, mask, reduction, denominator, group and backend."""
    forms = {each.kind.form for each in inputs}
    options: list[str] = []
    if forms & {Form.CLASS, Form.BINARY}:
        if facts.soft == "mixture" or (unit is Unit.REGION and Form.CLASS in forms):
            options.append("class_weight")
        options.append("ignore_index")
        if facts.soft == "mixture":
            options.append("label_smoothing")
    if forms & {Form.LOGITS, Form.CLASS, Form.DISTRIBUTION, Form.SCORES}:
        options.append("class_dim")
    if forms & {Form.LOGIT, Form.LOGITS}:
        options.append("inputs")
    if Form.DISTRIBUTION in forms:
        options.append("target_inputs")
    if facts.coupled:
        options.append("gather")
    return tuple(options)
