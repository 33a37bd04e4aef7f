"""Means over the ranks of a data-parallel job: exact, whatever each rank was given.

Data-parallel wrappers average gradients over ranks. A rank's loss is therefore its own sum, divided by the count of
*all* ranks and multiplied by their number; the average of those gradients is the gradient of the whole batch's mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch import distributed as dist

from .errors import OptionError, sentence

if TYPE_CHECKING:
    from torch.distributed import ProcessGroup


@dataclass(frozen=True)
class Summed:
    """A group whose training loop *adds* the gradients of its ranks instead of averaging them."""

    group: ProcessGroup | None = None


def spread(count: Tensor | None, group: object) -> tuple[Tensor | None, float]:
    """Sum ``count`` over the ranks of ``group``; also what a rank's loss is multiplied by.

    Every rank must call it, one with nothing to count too. ``count`` None is left alone: it is global already.

    Raises:
        OptionError: ``group`` is no process group, or none was started.
    """
    inner = process_group(group)
    if count is not None:
        count = count.detach().clone()
        dist.all_reduce(count, group=inner)
    size = dist.get_world_size(inner)
    return count, 1.0 if isinstance(group, Summed) else float(size)


def process_group(group: object) -> Any:
    """The process group meant by a group, ``True`` or ``Summed``; None for the default one.

    Raises:
        OptionError: ``group`` is no process group, or none was started.
    """
    if not dist.is_available() or not dist.is_initialized():
        raise OptionError(
            sentence(
                "group",
                expected="a process group of a running torch.distributed job",
                got=f"{group!r} without one",
                remedy="call torch.distributed.init_process_group first, or leave it out",
            )
        )
    if isinstance(group, Summed):
        group = True if group.group is None else group.group
    if group is not True and not isinstance(group, dist.ProcessGroup):
        raise OptionError(
            sentence(
                "group",
                expected="a process group, True for the default one, or lossary.Summed(group)",
                got=repr(group),
                remedy="leave it out on one process",
            )
        )
    return None if group is True else group


def report(value: Tensor, group: object) -> Tensor:
    """The number to log: the loss of the whole batch, the same on every rank.

    Args:
        value: what the loss returned on this rank, called with this ``group``.
        group: the process group, ``True`` for the default one, or ``Summed``.
    """
    total, scale = spread(value.detach().to(torch.float64), group)
    assert total is not None
    return (total / scale).to(value.dtype)
