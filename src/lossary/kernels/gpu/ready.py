"""Whether a Triton kernel can run on a tensor, and what is lacking if not."""

from __future__ import annotations

import importlib.util
import os

import torch
from torch import Tensor

from lossary.core import probes
from lossary.core.backends import Lacking

from ..wants import TRANSFORMS

#: Promises of the contract that no kernel here keeps, with the reason.
EXEMPT = dict.fromkeys(
    TRANSFORMS,
    "a kernel has a backward pass alone and is launched on a GPU: torch's transforms and compilers take the eager math",
) | {
    "no_backend_falls_back": "the promise asks for a refusal on a CPU, where only the interpreter lets a kernel run",
}


def installed() -> bool:
    """Whether triton can be imported; it is not imported to know."""
    return importlib.util.find_spec("triton") is not None


def interpreted() -> bool:
    """Whether kernels run under Triton's interpreter, on tensors of the CPU. As Triton reads the environment."""
    return os.environ.get("TRITON_INTERPRET", "0").lower() in ("1", "true", "yes", "on", "y")


def lacking(tensor: Tensor) -> Lacking | None:
    """Why no kernel can run on ``tensor`` now; None: it can."""
    if tensor.device.type != "cuda" and not (tensor.is_cpu and interpreted()):
        got = "a CPU" if tensor.is_cpu else f"a tensor on {tensor.device.type!r}"
        return "a GPU that Triton compiles for", got, "leave backend out"
    if not installed():
        return "triton", "an environment without it", "pip install 'lossary[triton]', or leave backend out"
    # Numbers that are not floating at all are refused by the loss itself, in its own words.
    known = (torch.float32, torch.float64, torch.bfloat16, torch.float16)
    if tensor.is_floating_point() and tensor.dtype not in known:
        return "a dtype of 16 bits or more", str(tensor.dtype), "convert it"
    if not probes.is_eager():
        return (
            "a plain call",
            "one that is traced, compiled or transformed",
            "leave backend out: the compiler writes its own kernel of the eager math",
        )
    if probes.is_forward_mode():
        return "reverse mode", "forward-mode differentiation", "leave backend out"
    return None
