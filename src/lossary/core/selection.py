"""Choosing by ``where``: what does not count is replaced, never multiplied by 0."""

from __future__ import annotations

import torch
from torch import Tensor

_made: dict[tuple[float, torch.dtype], Tensor] = {}


def select(keep: Tensor, tensor: Tensor, otherwise: float, live: bool) -> Tensor:
    """``tensor`` where ``keep``, and a number elsewhere; of the dtype of ``tensor``.

    ``live`` says that nothing traces this call (see ``checks.reads_values``).
    """
    if live and tensor.is_cpu:
        # torch makes a tensor of a number at every call, which costs as much as the selection; here it is made once.
        key = (otherwise, tensor.dtype)
        if key not in _made:
            _made[key] = torch.tensor(otherwise, dtype=tensor.dtype)
        return torch.where(keep, tensor, _made[key])
    return torch.where(keep, tensor, torch.full((), otherwise, dtype=tensor.dtype, device=tensor.device))
