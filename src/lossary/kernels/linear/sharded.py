"""Cross-entropy behind a head whose classes are spread over the ranks of a process group.

Every rank holds all rows and some of the classes. What a row's value and slope need of the other ranks are its greatest
logit and four sums, so a chunk costs one maximum and one sum of (rows, 4) numbers, and no rank ever sees another's
logits. The value is the same on every rank; the gradient of the rows is added up over the ranks, that of the weight
stays where its classes are.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch import distributed as dist

from lossary.core import checks, probes, reduction, together, world
from lossary.core.errors import OptionError, sentence

from . import compute, nodes
from .asked import Call
from .chunks import Head, products
from .chunks import rows as fitting
from .compute import factor_of, units_of, wants_gradient
from .crossed import CrossEntropy
from .rows import Rows, distribution, settle


class Shards(NamedTuple):
    """Where the classes are.

    Attributes:
        group: the process group; None: the default one.
        first: this rank's first class.
        own: how many classes this rank has.
        most: how many classes any rank has.
        classes: how many classes there are.
    """

    group: Any
    first: int
    own: int
    most: int
    classes: int

    def greatest(self, numbers: Tensor) -> Tensor:
        """The greatest of every rank's numbers, in place."""
        dist.all_reduce(numbers, op=dist.ReduceOp.MAX, group=self.group)
        return numbers

    def added(self, *numbers: Tensor) -> tuple[Tensor, ...]:
        """The sums over the ranks of tensors of one shape."""
        together = torch.stack(numbers)
        dist.all_reduce(together, group=self.group)
        return together.unbind()


class _Copied(torch.autograd.Function):
    """The same rows on every rank; the gradients that the ranks have for them are added."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, group: Any) -> Tensor:
        ctx.group = group
        return rows.view_as(rows)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> tuple[Tensor, None]:
        return _Added.apply(grads[0], ctx.group), None  # type: ignore[no-untyped-call]


class _Added(torch.autograd.Function):
    """The sum over the ranks, on every rank."""

    @staticmethod
    def forward(ctx: Any, part: Tensor, group: Any) -> Tensor:
        ctx.group = group
        total = part.contiguous().clone()
        dist.all_reduce(total, group=group)
        return total

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> tuple[Tensor, None]:
        return _Copied.apply(grads[0], ctx.group), None  # type: ignore[no-untyped-call]


def judged(call: Call) -> Call:
    """The call judged, on every rank or on none, with ``Shards`` for its group. Every rank must make it.

    Raises:
        LossaryError: what this rank refuses. CallError: another refuses its part, or has other rows.
    """
    group, subject = world.process_group(call.class_group), f"{call.subject}(class_group=...)"

    def sound() -> Call:
        made = compute.judged(call)
        _check(made)
        return made

    def has(call: Call) -> together.Numbers:
        hidden = call.hidden
        return len(call.weight), hidden.shape[:-1].numel(), hidden.shape[-1], hidden.element_size()

    call, answers = together.settle(subject, group, call.hidden.device, sound, has, 4)
    own, *mine = has(call)
    say, remedy = "{} of {} numbers of {} bytes".format, "give every rank the same rows"
    together.alike(subject, "the same rows", [each[1:] for each in answers], tuple(mine), say, remedy)
    lengths = [each[0] for each in answers]
    shards = Shards(group, sum(lengths[: dist.get_rank(group)]), own, max(lengths), sum(lengths))
    return call._replace(class_group=shards)


def answer(call: Call, base: torch.dtype) -> Tensor:
    """The answer of a call that was judged. Every rank must make it.

    Raises:
        LossaryError: what this rank refuses. CallError: another refuses its targets, or leaves out other rows.
    """
    shards = call.class_group
    assert isinstance(shards, Shards)
    group, hidden, weight, options = shards.group, call.hidden, call.weight, call.options
    lead = hidden.shape[:-1]
    stand_in = torch.zeros((), dtype=base, device=hidden.device).expand(*lead, shards.classes)
    run = partial(settle, call.loss, stand_in, call.targets, call.hyper, options)
    subject = f"{call.subject}(class_group=...)"
    rows, answers = together.settle(subject, group, hidden.device, run, _counted, 1)
    say, remedy = "{} rows that count".format, "give every rank the same target and mask"
    together.alike(subject, "the same rows", answers, _counted(rows), say, remedy)
    wide = torch.float64 if base is torch.float64 else torch.float32
    count = lead.numel()
    # The same chunks on every rank, whatever it holds: they meet once a chunk.
    size = call.rows or fitting(count, shards.most, weight.shape[1], wide)
    flat = hidden.reshape(count, hidden.shape[-1])
    kept, chosen = rows, None
    if rows.counts is not None:
        chosen = rows.counts.nonzero().squeeze(1)
        flat, kept = flat.index_select(0, chosen), rows.take(chosen)
    flat = _Copied.apply(flat, group) if wants_gradient(flat) else flat  # type: ignore[no-untyped-call]
    math = _math(call, kept, shards, wide)
    sizes = (size, wide, products(base, hidden.device))
    bias, wanted = call.bias, (wants_gradient(flat), wants_gradient(weight), wants_gradient(call.bias))
    head = Head(flat.detach(), weight.detach(), None if bias is None else bias.detach(), *sizes)
    again = partial(_third, call.subject)
    ahead = sizes[2] is not torch.float16  # see compute
    if options.reduction != "none" and ahead and not wants_gradient(rows.measure):
        factor = factor_of(rows, kept, options, flat, wide)
        if not any(wanted):
            return (nodes.values(head, math, tuple(factor.shape)) * factor).sum()
        found: Tensor = nodes.Total.apply(flat, weight, bias, head, math, factor, again, wanted, None)  # type: ignore[no-untyped-call]
        return found
    unit = units_of(kept, flat)
    values: Tensor = nodes.Values.apply(flat, weight, bias, head, math, unit, again, None)  # type: ignore[no-untyped-call]
    if chosen is not None:
        values = values.new_zeros((count,)).index_copy(0, chosen, values)
    measure, keep = (None if each is None else each.reshape(rows.shape) for each in (rows.measure, rows.keep))
    return reduction.reduce(
        values.reshape(rows.shape), measure, keep, options.reduction, options.denominator, options.group
    )


def _counted(rows: Rows) -> together.Numbers:
    return (rows.shape.numel() if rows.counts is None else int(rows.counts.sum()),)


def _check(call: Call) -> None:
    """Refuse what a rank cannot compute from its slice of the classes."""
    target = call.targets[0]
    wrong = None
    if isinstance(target, Tensor) and target.is_floating_point():
        wrong = ("class indices", "a soft target", "pass target.argmax(-1), or leave class_group out")
    elif wants_gradient(call.options.class_weight) and call.options.label_smoothing != 0.0:
        fixed = "class weights that are fixed, where there is smoothing"
        wrong = (fixed, "some that learn", "pass class_weight.detach(), or leave class_group out")
    elif call.report:
        wrong = ("no report", f"report={call.report!r}", "leave one of them out")
    elif not probes.is_eager():
        wrong = ("a call that runs now", "torch.compile or torch.func around it", "call it outside of them")
    if wrong is not None:
        expected, got, remedy = wrong
        raise OptionError(
            sentence(f"{call.subject}(class_group=...)", expected=expected, got=got, remedy=remedy)
        )


def _third(subject: str, *_: Any) -> Tensor:
    raise OptionError(
        sentence(
            f"{subject}(class_group=...)",
            expected="at most two derivatives, one at a time",
            got="a third, or a batch of them",
            remedy="leave class_group out",
        )
    )


def _math(call: Call, kept: Rows, shards: Shards, wide: torch.dtype) -> CrossEntropy:
    """The math of this rank's classes: its slice of the target's distribution."""
    whole = distribution(kept, wide, checks.reads_values(call.hidden))
    assert whole.label is not None
    last = shards.first + shards.own
    here = (whole.label >= shards.first) & (whole.label < last)
    label = torch.where(here, whole.label - shards.first, 0)
    spread = None if whole.spread is None else whole.spread[shards.first : last]
    total = float(shards.classes) if whole.spread is None else whole.spread.sum()
    target = whole._replace(label=label, spread=spread, here=here)
    return CrossEntropy(target, call.z_loss, call.soft_cap, shards, total)
