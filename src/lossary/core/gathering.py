"""One batch from the parts that the ranks hold, for losses that compare the samples of a batch.

Every rank computes the loss of the whole batch. In the backward pass each rank's part receives the gradients that all
ranks have for it; an average over ranks, as data-parallel wrappers take it, is then the gradient of the whole batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch import distributed as dist

from . import together, world
from .declaration import Loss
from .measure import fit
from .options import Options
from .shapes import frame


class _Gather(torch.autograd.Function):
    """Concatenate the ranks' tensors along the first axis; the gradients of all ranks are added."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor, group: Any, sizes: list[int]) -> Tensor:
        ctx.group, ctx.sizes = group, sizes
        # Parts may differ in length, and a collective wants equal ones: pad to the longest, then cut.
        padded = tensor.new_zeros((max(sizes), *tensor.shape[1:]))
        padded[: len(tensor)] = tensor
        parts = [torch.empty_like(padded) for _ in sizes]
        dist.all_gather(parts, padded, group=group)
        return torch.cat([part[:size] for part, size in zip(parts, sizes, strict=True)])

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> tuple[Tensor, None, None]:
        return _Scatter.apply(grads[0], ctx.group, ctx.sizes), None, None  # type: ignore[no-untyped-call]


class _Scatter(torch.autograd.Function):
    """Add the ranks' tensors up and leave each rank its part; the transpose of gathering them, and the reverse."""

    @staticmethod
    def forward(ctx: Any, whole: Tensor, group: Any, sizes: list[int]) -> Tensor:
        ctx.group, ctx.sizes = group, sizes
        total = whole.contiguous().clone()
        dist.all_reduce(total, group=group)
        rank = dist.get_rank(group)
        start = sum(sizes[:rank])
        return total[start : start + sizes[rank]]

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> tuple[Tensor, None, None]:
        return _Gather.apply(grads[0], ctx.group, ctx.sizes), None, None  # type: ignore[no-untyped-call]


def part(
    loss: Loss, inputs: tuple[Tensor | None, ...], hyper: Mapping[str, Any], options: Options
) -> tuple[Tensor | None, ...]:
    """This rank's inputs, weight and mask, of shapes that belong together here and on every other rank.

    Raises:
        LossaryError: what this rank refuses. CallError: another rank refuses its part, or has one of another kind.
    """
    first, subject = inputs[0], f"{loss.name}(gather=...)"
    assert first is not None
    run = partial(_shaped, loss, inputs, hyper, options)
    group, many = world.process_group(options.gather), 2 * (len(inputs) + 2)
    found, answers = together.settle(subject, group, first.device, run, _kinds, many)
    names = [*(each.name for each in loss.inputs), "weight", "mask"]
    say, remedy = partial(_in_words, names), "give every rank the same arguments"
    together.alike(subject, "parts of one kind", answers, _kinds(found), say, remedy)
    return found


def _shaped(
    loss: Loss, inputs: tuple[Tensor | None, ...], hyper: Mapping[str, Any], options: Options
) -> tuple[Tensor | None, ...]:
    where_is = frame(loss, inputs, hyper, options.class_dim)
    first = inputs[0]
    assert first is not None
    aside = (
        None if each is None else fit(loss, name, each, first, where_is.samples).expand(where_is.samples)
        for name, each in (("weight", options.weight), ("mask", options.mask))
    )
    return (*inputs, *aside)


def _kinds(found: tuple[Tensor | None, ...]) -> together.Numbers:
    """How many numbers of how many bytes each tensor has for a sample; of what is not there, none."""
    kinds = ((0, 0) if each is None else (each.shape[1:].numel(), each.element_size()) for each in found)
    return tuple(number for kind in kinds for number in kind)


def _in_words(names: list[str], *kinds: int) -> str:
    """Such kinds for an error."""
    pairs = zip(names, kinds[::2], kinds[1::2], strict=True)
    return ", ".join(f"{name} of {count} x {size} bytes" for name, count, size in pairs if size)


def gather(tensors: tuple[Tensor | None, ...], group: object) -> tuple[tuple[Tensor | None, ...], float]:
    """The whole batch of each tensor, and what its loss's gradient is to be multiplied by; None stays None.

    Every rank must call it, also one with no sample.

    Args:
        tensors: parts of this rank, samples on the first axis; all of one length.
        group: a process group, ``True`` for the default one, or ``Summed`` where the loop adds gradients.

    Raises:
        OptionError: ``group`` is no process group, or none was started.
    """
    inner = world.process_group(group)
    scale = 1.0 / dist.get_world_size(inner) if isinstance(group, world.Summed) else 1.0
    first = next(each for each in tensors if each is not None)
    lengths = [length for (length,) in together.told((len(first),), inner, first.device)]
    return tuple(None if each is None else _whole(each, inner, lengths) for each in tensors), scale


def _whole(tensor: Tensor, group: Any, lengths: list[int]) -> Tensor:
    if tensor.dtype is torch.bool:  # not every backend gathers booleans
        return _whole(tensor.to(torch.uint8), group, lengths).bool()
    whole: Tensor = _Gather.apply(tensor, group, lengths)  # type: ignore[no-untyped-call]
    return whole
