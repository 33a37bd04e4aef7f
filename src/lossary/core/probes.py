"""Every question Lossary asks of torch's internals, in one file; what Inductor is told stands with its kernels.

Tested on the oldest and the newest torch supported; when torch moves something, this is the file that changes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeGuard, TypeVar

import torch
from torch import Tensor
from torch.autograd import forward_ad

_functorch = torch._C._functorch
Function = TypeVar("Function", bound=Callable[..., Any])


def is_eager() -> bool:
    """Whether values can be read now without breaking or marking a graph.

    False while torch compiles, exports, traces, runs under a dispatch mode (fake tensors, make_fx) or under a
    ``torch.func`` transform.
    """
    return (
        not torch.compiler.is_compiling()
        and _functorch.peek_interpreter_stack() is None
        and torch._C._len_torch_dispatch_stack() == 0
        and torch._C._get_tracing_state() is None
    )


def autocast_is_on(tensor: object) -> TypeGuard[Tensor]:
    """Whether ``tensor`` is one, on a device for which autocast is enabled."""
    if not isinstance(tensor, Tensor):
        return False
    if tensor.is_cpu:
        return torch.is_autocast_enabled("cpu")
    # A meta tensor computes nothing, and torch knows no autocast for its device.
    return not tensor.is_meta and torch.is_autocast_enabled(tensor.device.type)


def without_autocast(tensor: Tensor) -> torch.autocast:
    """A block in which products of matrices on the tensor's device keep their dtype."""
    return torch.autocast(tensor.device.type, enabled=False)


def constant(function: Function) -> Function:
    """As ``torch.compiler.assume_constant_result``, without the compiler's two seconds of imports and 130 MB."""
    function._dynamo_marked_constant = True  # type: ignore[attr-defined]
    return function


@constant
def multiplies_bfloat16() -> bool:
    """Whether torch's own library multiplies matrices of bfloat16 natively on this CPU."""
    there = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return there and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def is_batched(*tensors: Tensor | None) -> bool:
    """Whether one of the tensors is a batch that torch maps over, as ``torch.vmap`` and batched gradients do."""
    return any(
        each is not None and (_functorch.is_batchedtensor(each) or _functorch.is_legacy_batchedtensor(each))
        for each in tensors
    )


def is_forward_mode() -> bool:
    """Whether derivatives are carried forward now, by dual tensors."""
    return forward_ad._current_level >= 0


def transforms() -> bool:
    """Whether ``torch.func`` or forward-mode differentiation runs this code, which a kernel's own backward cannot.

    Asked so a compiler knows the answer too; of the interpreters' stack it always says that there is one.
    """
    return torch._C._are_functorch_transforms_active() or is_forward_mode()
