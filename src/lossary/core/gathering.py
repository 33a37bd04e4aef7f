"""One batch from the parts that the ranks hold, for losses that compare the samples of a batch.

Every rank computes the loss of the whole batch. In the backward pass each rank's part receives the gradients that all
ranks have for it; an average over ranks, as data-parallel wrappers take it, is then the gradient of the whole batch.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch import distributed as dist

from . import together, world


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
