"""From a call to its answer: which form computes it, what its rows are, and how values become one number."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from lossary.core import checks, probes, reduction
from lossary.core.backends import Explanation, Lacking
from lossary.core.errors import BackendError, OptionError, sentence
from lossary.core.options import Options
from lossary.losses.multiclass.cross_entropy import cross_entropy

from ..gpu.head import HeadRows
from ..gpu.ready import lacking
from ..gpu.tuning import for_head
from . import compiled, nodes, plain, refused
from .asked import Call
from .chunks import Head, products
from .chunks import rows as fitting
from .crossed import CrossEntropy
from .declared import Declared
from .nodes import Sizes
from .report import Watch
from .rows import Rows, distribution, settle

#: What computes a call, in the order in which ``auto`` considers them, and what each is.
FORMS = {
    "triton": "a chunk of the logits is in memory at a time, and one kernel makes values and slopes of it",
    "chunked": "a chunk of the logits is in memory at a time, and gradients are made with the values",
    "eager": "all logits are made, and autograd keeps what it needs",
}


def compute(call: Call) -> Any:
    """The answer of a call.

    Raises:
        LossaryError: whatever ``linear`` says.
    """
    call, run = (judged(call), _compute) if call.class_group is None else _sharded(call)
    if probes.autocast_is_on(call.hidden):
        base = torch.get_autocast_dtype(call.hidden.device.type)
        base = torch.float64 if call.hidden.dtype is torch.float64 else base
        with probes.without_autocast(call.hidden):
            return run(call, base)
    return run(call, call.hidden.dtype)


def judged(call: Call) -> Call:
    """A call that is sound, with the form that computes it."""
    refused.check(call)
    return call._replace(backend=choose(call))


def choose(call: Call) -> str:
    """The form that computes a call.

    Raises:
        OptionError: no such backend. BackendError: one that does not run behind a linear head.
    """
    if call.backend == "auto":
        return "triton" if call.hidden.is_cuda and _lacking(call, "triton") is None else "chunked"
    if call.backend not in FORMS:
        known = call.backend == "compile"
        raise (BackendError if known else OptionError)(
            sentence(
                f"{call.subject}(backend=...)",
                expected=f"'auto', {', '.join(map(repr, FORMS))}",
                got=repr(call.backend),
                remedy="leave backend out",
            )
        )
    found = _lacking(call, call.backend)
    if found is not None:
        expected, got, remedy = found
        raise BackendError(
            sentence(f"{call.subject}(backend={call.backend!r})", expected=expected, got=got, remedy=remedy)
        )
    return call.backend


def _lacking(call: Call, name: str) -> Lacking | None:
    """Why a form cannot compute a call; None: it can."""
    if call.class_group is not None and name != "chunked":
        return "all classes on one rank", "classes spread over a group", "leave backend out"
    if name != "triton":
        return None
    if call.loss is not cross_entropy.loss:
        return "cross_entropy", call.loss.name, "leave backend out"
    if any(map(wants_gradient, (*call.targets, call.options.class_weight))):
        return "a target and class weights without a gradient", "one that requires it", "leave backend out"
    return lacking(call.hidden)


def explain(call: Call) -> Explanation:
    """Which form computes a call, and why not the others."""
    refused.check(call)
    chosen = choose(call)
    why = FORMS[chosen] if call.backend == "auto" else "asked for"
    others = []
    for name in FORMS:
        found = _lacking(call, name)
        reason = "not asked for" if found is None else f"it wants {found[0]}, and there is {found[1]}"
        others.extend([] if name == chosen else [(name, reason)])
    return Explanation(f"{call.subject}({call.loss.name})", chosen, why, tuple(others))


def _sharded(call: Call) -> tuple[Call, Callable[[Call, torch.dtype], Any]]:
    """A call whose classes are spread over a process group, sound on all of its ranks, and what computes it."""
    from . import sharded  # it builds on this file

    return sharded.judged(call), sharded.answer


def _compute(call: Call, base: torch.dtype) -> Any:
    hidden, weight, options, backend = call.hidden, call.weight, call.options, call.backend
    classes, lead = len(weight), hidden.shape[:-1]
    stand_in = torch.zeros((), dtype=base, device=hidden.device).expand(*lead, classes)
    rows = settle(call.loss, stand_in, call.targets, call.hyper, options)
    wide = torch.float64 if base is torch.float64 else torch.float32
    count = lead.numel()
    fit = for_head(weight.shape[1]) if backend == "triton" else fitting(count, classes, weight.shape[1], wide)
    sizes = (max(count, 1) if backend == "eager" else call.rows or fit, wide, products(base, hidden.device))
    flat = hidden.reshape(count, hidden.shape[-1])
    kept, chosen = rows, None
    counts = rows.counts
    if counts is not None and probes.is_eager() and flat.is_cpu:
        # A row that does not count costs nothing at all, and what it holds reaches nothing.
        chosen = counts.nonzero().squeeze(1)
        chosen = None if len(chosen) == count else chosen
    if chosen is not None:
        flat, kept = flat.index_select(0, chosen), rows.take(chosen)
    elif counts is not None:
        flat = torch.where(counts.unsqueeze(1), flat, torch.zeros((), dtype=flat.dtype, device=flat.device))
    watch = None
    if call.report:
        watch = Watch(call.report, kept.targets[-1], call.soft_cap, kept.counts)
    way = _way(call, rows, watch)
    # Slopes in float16 are made when the scale of the loss is known, since at 1 they may round to 0.
    ahead = way == "operator" or (way == "node" and sizes[2] is not torch.float16)
    if options.reduction != "none" and ahead and not wants_gradient(rows.measure):
        loss = _total(call, way, rows, kept, flat, sizes, watch)
    else:
        values = _values(call, way, kept, flat, sizes, watch)
        if chosen is not None:
            values = values.new_zeros((count, *values.shape[1:])).index_copy(0, chosen, values)
        loss = reduction.reduce(
            values.reshape(rows.shape),
            None if rows.measure is None else rows.measure.reshape(rows.shape),
            None if rows.keep is None else rows.keep.reshape(rows.shape),
            options.reduction,
            options.denominator,
            options.group,
        )
    return loss if watch is None else watch.report(loss)


def _way(call: Call, rows: Rows, watch: Watch | None) -> str:
    """How autograd is to see a call.

    Returns:
        "node": functions with a backward of their own; "operator": one that a compiler takes whole; "again": plain
        operations, each chunk made again in the backward; "plain": plain operations, for whoever transforms them.
    """
    if call.backend == "eager" or probes.transforms():
        return "plain"
    learned = any(map(wants_gradient, (*call.targets, *call.hyper.values(), call.options.class_weight)))
    if probes.is_eager():
        return "again" if learned else "node"
    crossed = call.loss is cross_entropy.loss and call.options.reduction != "none" and watch is None
    compiled = crossed and torch.compiler.is_compiling() and not learned and not wants_gradient(rows.measure)
    return "operator" if compiled else "plain"


def wants_gradient(setting: object) -> bool:
    """Whether a setting wants a gradient of its own."""
    return isinstance(setting, Tensor) and setting.requires_grad and torch.is_grad_enabled()


def _total(
    call: Call, way: str, rows: Rows, kept: Rows, flat: Tensor, sizes: Sizes, watch: Watch | None
) -> Tensor:
    """The sum or mean, with gradients made on the way."""
    weight, bias = call.weight, call.bias
    math = _math(call, kept, sizes, checks.reads_values(flat))
    factor = factor_of(rows, kept, call.options, flat, sizes[1])
    wanted = (wants_gradient(flat), wants_gradient(weight), wants_gradient(bias))
    found: Tensor
    if way == "operator":
        assert isinstance(math, CrossEntropy)
        found = compiled.total(flat, weight, bias, math, factor, sizes, wanted)
    elif any(wanted):
        again = partial(_plain, call, kept, sizes, False)
        head = Head(flat.detach(), weight.detach(), None if bias is None else bias.detach(), *sizes)
        found = nodes.Total.apply(flat, weight, bias, head, math, factor, again, wanted, watch)  # type: ignore[no-untyped-call]
    else:
        head = Head(flat, weight, bias, *sizes)
        found = (nodes.values(head, math, factor.shape, watch) * factor).sum()
    return found


def _values(call: Call, way: str, kept: Rows, flat: Tensor, sizes: Sizes, watch: Watch | None) -> Tensor:
    """One value per unit of the rows that count."""
    weight, bias = call.weight, call.bias
    if way != "node":
        return _plain(call, kept, sizes, way == "again", flat, weight, bias, watch)
    math = _math(call, kept, sizes, checks.reads_values(flat))
    unit = units_of(kept, flat)
    if not any(map(wants_gradient, (flat, weight, bias))):
        return nodes.values(Head(flat, weight, bias, *sizes), math, unit, watch)
    again = partial(_plain, call, kept, sizes, False)
    head = Head(flat.detach(), weight.detach(), None if bias is None else bias.detach(), *sizes)
    found: Tensor = nodes.Values.apply(flat, weight, bias, head, math, unit, again, watch)  # type: ignore[no-untyped-call]
    return found


def _plain(
    call: Call,
    kept: Rows,
    sizes: Sizes,
    forget: bool,
    hidden: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    watch: Watch | None = None,
) -> Tensor:
    """The same values in operations that autograd follows."""
    return plain.values(hidden, weight, bias, _declared(call, kept), call.z_loss, sizes, forget, watch)


def _declared(call: Call, kept: Rows) -> Declared:
    return Declared(
        call.loss, call.hyper, kept.options, kept.targets, kept.axes, kept.classes, kept.keep, call.soft_cap
    )


def _math(call: Call, kept: Rows, sizes: Sizes, live: bool) -> nodes.RowLoss | nodes.Walker:
    if call.loss is cross_entropy.loss:
        math = CrossEntropy(distribution(kept, sizes[1], live), call.z_loss, call.soft_cap)
        return HeadRows(math) if call.backend == "triton" else math
    return _declared(call, kept)


def units_of(kept: Rows, flat: Tensor) -> tuple[int, ...]:
    """The shape of the values of these rows: of elements it is that of the logits."""
    count = flat.shape[0]
    return (count,) if kept.axes[0] is not None else (count, kept.shape[-1])


def factor_of(rows: Rows, kept: Rows, options: Options, flat: Tensor, wide: torch.dtype) -> Tensor:
    """What each value is multiplied by in the answer: its measure, divided where the answer is a mean."""
    one = torch.ones((), dtype=wide, device=flat.device)
    if options.reduction == "mean":
        keep = None if rows.keep is None else rows.keep.reshape(rows.shape)
        count = reduction.total_measure(rows.shape, one, rows.measure, keep)
        live = checks.reads_values(flat)
        one = reduction.divide(one, count, options.denominator, options.group, live)
    if kept.measure is not None:
        one = kept.measure.detach() * one
    if kept.keep is not None:
        one = torch.where(kept.keep, one, torch.zeros_like(one))
    return one.expand(units_of(kept, flat))
