"""Inputs for any loss, drawn from what its declaration says and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice, product
from typing import Any

import torch
from torch import Size, Tensor

from ..core.declaration import REQUIRED, Hyper, Input, Loss
from ..core.domains import Choice, Flag, Interval, NumberOrTensor, PerClass
from ..core.function import LossFunction
from ..core.kinds import Form
from . import extremes

#: Inputs a loss is differentiated by.
DIFFERENTIABLE = (
    Form.REAL, Form.SCORE, Form.LOGIT, Form.LOGITS, Form.SCORES, Form.COLUMNS, Form.CLOUD, Form.FEATURES, Form.SAMPLES,
)  # fmt: skip
#: Inputs whose class axis stands at ``class_dim``, always or (the last) where they are soft.
WITH_CLASSES = (Form.LOGITS, Form.DISTRIBUTION, Form.SCORES, Form.LABELS, Form.CLASS)

CLASSES, FEATURES, SET = 4, 5, 6


def differentiable(each: Input) -> bool:
    """Whether a loss is differentiated by this input; a count or a rank moves by whole steps only."""
    return each.kind.form in DIFFERENTIABLE and each.kind.floating


@dataclass(frozen=True)
class Case:
    """Inputs and hyper-parameters of one call.

    Attributes:
        inputs: in the order of the declaration; an optional one that is left out is None.
        samples: the sample axes, which weights and masks follow.
    """

    function: LossFunction
    inputs: tuple[Tensor | None, ...]
    hyper: Mapping[str, Any]
    samples: Size

    @property
    def loss(self) -> Loss:
        return self.function.loss

    @property
    def first(self) -> Tensor:
        """The input that predictions stand in."""
        assert self.inputs[0] is not None
        return self.inputs[0]

    @property
    def target(self) -> Tensor:
        """The target of a loss on labels."""
        found = self.inputs[self.loss.target]
        assert found is not None
        return found

    @property
    def classes(self) -> int:
        """How many classes there are: what a class weight must have."""
        if not self.loss.classed:
            return 2
        entries = self.first.shape[1 if self.first.ndim > 1 else 0]
        return self.loss.inputs[0].kind.classes(entries, self.hyper)

    @property
    def rows_of_classes(self) -> tuple[int, ...]:
        """The shape of a target with the class axis, for a first input that has one."""
        shape = list(self.first.shape)
        shape[1 if len(shape) > 1 else 0] = self.classes
        return tuple(shape)

    def arguments(self, inputs: tuple[Tensor | None, ...] | None = None) -> tuple[list[Any], dict[str, Any]]:
        """Positional and keyword arguments of a call with these inputs, hyper-parameters included."""
        given = self.inputs if inputs is None else inputs
        required = len(self.loss.required)
        optional = {each.name: given[i] for i, each in enumerate(self.loss.inputs) if i >= required}
        return list(given[:required]), {**{k: v for k, v in optional.items() if v is not None}, **self.hyper}

    def __call__(self, **options: Any) -> Tensor:
        positional, keyword = self.arguments()
        return self.function(*positional, **keyword, **options)

    def math(self) -> Tensor:
        """One value per unit, without checks and measure."""
        positional, keyword = self.arguments()
        return self.function.math(*positional, **keyword)

    def count(self, **options: Any) -> Tensor:
        """What ``mean`` divides by."""
        positional, keyword = self.arguments()
        return self.function.count(*positional, **keyword, **options)

    def gradients(self, **options: Any) -> tuple[Tensor, tuple[Tensor, ...]]:
        """The value, and its gradient by each differentiable input."""
        leaves = self.leaves()
        value = leaves(**options)
        wanted = leaves.differentiable()
        return value.detach(), torch.autograd.grad(value.sum(), wanted)

    def leaves(self) -> Case:
        """The same case with leaves that require a gradient."""
        return self.map(lambda tensor, each: tensor.detach().clone().requires_grad_()
                        if differentiable(each) else tensor)  # fmt: skip

    def differentiable(self) -> list[Tensor]:
        """The inputs the loss is differentiated by."""
        pairs = zip(self.inputs, self.loss.inputs, strict=True)
        return [tensor for tensor, each in pairs if tensor is not None and differentiable(each)]

    def map(self, change: Any) -> Case:
        """A case with ``change(tensor, declared input)`` applied to each input."""
        pairs = zip(self.inputs, self.loss.inputs, strict=True)
        return replace(
            self, inputs=tuple(None if tensor is None else change(tensor, each) for tensor, each in pairs)
        )

    def rows(self, chosen: Any) -> Case:
        """A case of some of its samples, along the batch axis."""
        picked = self.map(lambda tensor, _: tensor[chosen])
        return replace(picked, samples=Size((len(picked.first), *self.samples[1:])))

    def to(self, dtype: torch.dtype) -> Case:
        """A case with its floating inputs in ``dtype``."""
        return self.map(lambda tensor, _: tensor.to(dtype) if tensor.is_floating_point() else tensor)

    def source(self, **options: Any) -> str:
        """One line of Python that makes this call."""
        positional, keyword = self.arguments()
        words = [_literal(each) for each in positional]
        words += [f"{name}={_literal(each)}" for name, each in {**keyword, **options}.items()]
        return f"lossary.{self.loss.name}({', '.join(words)})"


def case(
    function: LossFunction,
    generator: torch.Generator,
    samples: tuple[int, ...],
    *,
    hyper: Mapping[str, Any] | None = None,
    dtype: torch.dtype = torch.float32,
    flavour: str = "ordinary",
    soft: bool = False,
    classes: int = CLASSES,
    sizes: int = SET,
) -> Case:
    """Draw one call.

    Args:
        samples: the sample axes.
        flavour: "ordinary", "extreme" (the ends of what a dtype holds) or "kinks" (where derivatives jump).
        soft: whether targets on labels are probabilities.
        classes: size of the class axis.
        sizes: how many numbers a set has; a second set has two fewer.
    """
    settled = {**told(function.loss), **(hyper or {}), **per_class(function.loss, generator, classes)}
    soft = soft and function.loss.facts.soft is not None
    inputs: list[Tensor | None] = []
    for each in function.loss.inputs:
        if each.optional and bool(torch.randint(2, (), generator=generator)):
            inputs.append(None)
            continue
        shape = _shape(each, settled, samples, classes, sizes)
        inputs.append(extremes.values(each, shape, generator, flavour, soft, inputs, settled, classes, dtype))
    return Case(function, tuple(inputs), settled, Size(samples))


def _shape(
    each: Input, hyper: Mapping[str, Any], samples: tuple[int, ...], classes: int, sizes: int
) -> tuple[int, ...]:
    form = each.kind.form
    if form in WITH_CLASSES[:-1]:
        return (*samples[:1], each.kind.entries(classes, hyper), *samples[1:])
    if form is Form.COLUMNS:
        names = len(each.kind.columns)
        return (*samples, names * (3 if each.kind.blocks else 1) or sizes)
    if form is Form.CLOUD:
        return (*samples, sizes, FEATURES)
    if form is Form.FEATURES:
        return (*samples, FEATURES)
    if form in (Form.SAMPLES, Form.MASS):
        return (*samples, sizes if each.name.startswith("x") else max(sizes - 2, 1))
    if each.kind.extra_axis and isinstance(hyper[each.kind.extra_axis], (list, tuple)):
        return (*samples, len(hyper[each.kind.extra_axis]))
    return samples


def told(loss: Loss) -> dict[str, Any]:
    """The defaults, and a member of the domain where every call must give a number."""
    asked = (
        each for each in loss.hyper if each.default is REQUIRED and not isinstance(each.domain, PerClass)
    )
    return {
        **{each.name: each.domain.examples[len(each.domain.examples) // 2] for each in asked},
        **loss.defaults,
    }


def hypers(loss: Loss, generator: torch.Generator, count: int) -> Iterator[dict[str, Any]]:
    """Hyper-parameters: the defaults, then the examples of every domain in turn, then members drawn at random."""
    yield told(loss)
    free = [each for each in loss.hyper if not isinstance(each.domain, PerClass)]
    pools = {each.name: [*each.domain.examples, *([None] if each.nullable else [])] for each in free}
    longest = max((len(pool) for pool in pools.values()), default=0)
    for step in range(count - 1):
        if not pools:
            # Without hyper-parameters there is one setting; a few turns of it meet other inputs.
            if step < 3:
                yield {}
        elif step < longest:
            # Pools of one length would always meet in the same pairs, so each is turned a little further.
            yield {
                name: pool[(step * (1 + i % 2) + i) % len(pool)]
                for i, (name, pool) in enumerate(pools.items())
            }
        else:
            yield {each.name: member(each, generator) for each in free}


def corners(loss: Loss, most: int = 1000) -> Iterator[dict[str, Any]]:
    """The examples of all domains in every combination, as far as ``most``: where several numbers must agree."""
    free = [each for each in loss.hyper if not isinstance(each.domain, PerClass)]
    pools = [[*each.domain.examples, *([None] if each.nullable else [])] for each in free]
    for values in islice(product(*pools), most):
        yield dict(zip((each.name for each in free), values, strict=True))


def member(each: Hyper, generator: torch.Generator) -> object:
    """One member of a hyper-parameter's domain."""
    domain = each.domain.each if isinstance(each.domain, NumberOrTensor) else each.domain
    if isinstance(domain, Interval) and domain.whole:
        found: object = int(domain.low) + int(torch.randint(5, (), generator=generator))
    elif isinstance(domain, Interval):
        low = max(domain.low, -4.0)
        high = min(domain.high, low + 4.0)
        found = low + (high - low) * (0.02 + 0.96 * torch.rand((), generator=generator).item())
    else:
        pool = domain.options if isinstance(domain, Choice) else domain.examples
        found = pool[int(torch.randint(len(pool), (), generator=generator))]
    assert domain.holds(found) or isinstance(domain, Flag)
    return found


def per_class(loss: Loss, generator: torch.Generator, classes: int) -> dict[str, Any]:
    """A number for every class (a row for every class) where a hyper-parameter asks for them."""
    return {
        each.name: _table(each.domain, generator, classes)
        for each in loss.hyper
        if isinstance(each.domain, PerClass)
    }


def _table(domain: PerClass, generator: torch.Generator, classes: int) -> tuple[Any, ...]:
    shape = (classes,) * domain.axes
    noise = torch.randn(shape, generator=generator, dtype=torch.float64)
    if domain.stochastic:
        rows = torch.softmax(noise + 2.0 * torch.eye(classes, dtype=torch.float64), -1)
        return tuple(tuple(row) for row in rows.tolist())
    # Classes differ in size by some powers of ten, and counts are seldom below 1.
    drawn = torch.exp(1.5 * noise + 4.0).ceil() if domain.each.low >= 0 else noise
    found: tuple[Any, ...] = tuple(drawn.tolist())
    assert domain.holds(found)
    return found


def _literal(value: Any) -> str:
    if not isinstance(value, Tensor):
        return repr(value)
    if value.numel() > 24 or value.is_meta or type(value) is not Tensor:
        return f"<{str(value.dtype).removeprefix('torch.')} {tuple(value.shape)}>"
    dtype = "" if value.dtype in (torch.float32, torch.int64, torch.bool) else f", dtype={value.dtype}"
    text = repr(value.tolist()).replace("nan", "float('nan')").replace("inf", "float('inf')")
    return f"torch.tensor({text}{dtype})"
