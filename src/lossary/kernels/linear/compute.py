"""From a call to its answer: which form computes it, what its rows are, and how values become one number."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor

from lossary.core import checks, probes, reduction, registry
from lossary.core.backends import Explanation
from lossary.core.errors import BackendError, OptionError, sentence
from lossary.core.options import Options

from . import asked, nodes, plain
from .asked import Call
from .chunks import Head, products
from .chunks import rows as fitting
from .crossed import CrossEntropy
from .declared import Declared
from .report import Watch
from .rows import Rows, distribution, settle

#: What computes a call, in the order in which ``auto`` considers them, and what each is.
FORMS = {
    "chunked": "a chunk of the logits is in memory at a time, and gradients are made with the values",
    "eager": "all logits are made, and autograd keeps what it needs",
}


def compute(call: Call) -> Any:
    """The answer of a call.

    Raises:
        LossaryError: whatever ``linear`` says.
    """
    asked.check(call)
    backend = choose(call)
    if probes.autocast_is_on(call.hidden):
        base = torch.get_autocast_dtype(call.hidden.device.type)
        base = torch.float64 if call.hidden.dtype is torch.float64 else base
        with torch.autocast(call.hidden.device.type, enabled=False):
            return _compute(call, backend, base)
    return _compute(call, backend, call.hidden.dtype)


def choose(call: Call) -> str:
    """The form that computes a call.

    Raises:
        OptionError: no such backend. BackendError: one that does not run behind a linear head.
    """
    if call.backend == "auto":
        return "chunked"
    if call.backend not in FORMS:
        known = call.backend in ("compile", "triton")
        raise (BackendError if known else OptionError)(
            sentence(
                f"{call.subject}(backend=...)",
                expected=f"'auto', {', '.join(map(repr, FORMS))}",
                got=repr(call.backend),
                remedy="leave backend out",
            )
        )
    return call.backend


def explain(call: Call) -> Explanation:
    """Which form computes a call, and why not the other."""
    asked.check(call)
    chosen = choose(call)
    why = FORMS[chosen] if call.backend == "auto" else "asked for"
    others = tuple((name, "not asked for") for name in FORMS if name != chosen)
    return Explanation(f"{call.subject}({call.loss.name})", chosen, why, others)


def _compute(call: Call, backend: str, base: torch.dtype) -> Any:
    hidden, weight, options = call.hidden, call.weight, call.options
    classes, lead = len(weight), hidden.shape[:-1]
    stand_in = torch.zeros((), dtype=base, device=hidden.device).expand(*lead, classes)
    rows = settle(call.loss, stand_in, call.targets, call.hyper, options)
    wide = torch.float64 if base is torch.float64 else torch.float32
    count = lead.numel()
    size = call.rows or fitting(count, classes, weight.shape[1], wide)
    sizes = (size if backend == "chunked" else max(count, 1), wide, products(base, hidden.device))
    flat = hidden.reshape(count, hidden.shape[-1])
    eager = probes.is_eager() and not probes.transforms()
    kept, chosen = rows, None
    counts = rows.counts
    if counts is not None and eager and flat.is_cpu:
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
    loss = _finish(call, rows, kept, chosen, flat, sizes, eager and backend == "chunked", watch)
    return loss if watch is None else watch.report(loss)


def _finish(
    call: Call,
    rows: Rows,
    kept: Rows,
    chosen: Tensor | None,
    flat: Tensor,
    sizes: nodes.Sizes,
    eager: bool,
    watch: Watch | None,
) -> Tensor:
    """The values of the rows that count, and the reduction over all."""
    options, weight, bias = call.options, call.weight, call.bias
    declared = Declared(
        call.loss, call.hyper, kept.options, kept.targets, kept.axes, kept.classes, kept.keep, call.soft_cap
    )
    grad = torch.is_grad_enabled()
    learned = grad and any(isinstance(each, Tensor) and each.requires_grad for each in _settings(call))
    follow = partial(plain.values, math=declared, z_loss=call.z_loss, sizes=sizes)
    live = checks.reads_values(flat)
    if not eager or learned:
        values = follow(flat, weight, bias, forget=learned and eager, watch=watch)
    else:
        again = partial(follow, forget=False)
        math = _math(call, kept, declared, sizes, live)
        head = Head(flat, weight, bias, *sizes)
        wanted = (grad and flat.requires_grad, grad and weight.requires_grad,
                  grad and bias is not None and bias.requires_grad)  # fmt: skip
        measured = rows.measure is not None and rows.measure.requires_grad and grad
        unit = _units(kept, flat)
        if options.reduction != "none" and not measured:
            factor = _factor(rows, kept, options, unit, flat.device, sizes[1], live)
            if any(wanted):
                total: Tensor = nodes.Total.apply(
                    flat, weight, bias, head, math, factor, again, wanted, watch
                )
                return total
            return (nodes.values(head, math, unit, watch) * factor).sum()
        if any(wanted):
            values = nodes.Values.apply(flat, weight, bias, head, math, unit, again, watch)
        else:
            values = nodes.values(head, math, unit, watch)
    if chosen is not None:
        whole = values.new_zeros((rows.shape[: call.hidden.ndim - 1].numel(), *values.shape[1:]))
        values = whole.index_copy(0, chosen, values)
    return reduction.reduce(
        values.reshape(rows.shape),
        None if rows.measure is None else rows.measure.reshape(rows.shape),
        None if rows.keep is None else rows.keep.reshape(rows.shape),
        options.reduction,
        options.denominator,
        options.group,
    )


def _settings(call: Call) -> tuple[Any, ...]:
    """Whatever of a call may want a gradient beside the head."""
    return (*call.targets, *call.hyper.values(), call.options.class_weight)


def _units(kept: Rows, flat: Tensor) -> tuple[int, ...]:
    """The shape of the values of these rows."""
    elements = len(kept.shape) and kept.axes[0] is None
    return (flat.shape[0], kept.shape[-1]) if elements else (flat.shape[0],)


def _math(call: Call, kept: Rows, declared: Declared, sizes: nodes.Sizes, live: bool) -> nodes.RowLoss:
    if call.loss is registry.get("cross_entropy").loss:
        return CrossEntropy(distribution(kept, sizes[1], live), call.z_loss, call.soft_cap)
    return declared


def _factor(
    rows: Rows,
    kept: Rows,
    options: Options,
    unit: tuple[int, ...],
    device: torch.device,
    wide: torch.dtype,
    live: bool,
) -> Tensor:
    """What each value is multiplied by in the answer: its measure, divided where the answer is a mean."""
    one = torch.ones((), dtype=wide, device=device)
    if options.reduction == "mean":
        count = reduction.total_measure(rows.shape, one, rows.measure, rows.keep)
        one = reduction.divide(one, count, options.denominator, options.group, live)
    if kept.measure is not None:
        one = kept.measure.detach() * one
    if kept.keep is not None:
        one = torch.where(kept.keep, one, torch.zeros_like(one))
    return one.expand(unit)
