"""Where the compiled backend can run."""

from __future__ import annotations

import os
import shutil
import sys

import torch
from torch import Tensor

from lossary.core import probes
from lossary.core.backends import Asked, Lacking
from lossary.core.declaration import Loss

_EAGER = 'leave backend out, or pass backend="eager"'


def compiler() -> str | None:
    """The C++ compiler that Inductor would use on a CPU, None where there is none."""
    usual = {"darwin": "clang++", "win32": "cl"}.get(sys.platform, "g++")
    return shutil.which(os.environ.get("CXX") or usual)


def lacks(loss: Loss, asked: Asked) -> Lacking | None:
    """Why a call cannot be compiled: what is expected, what there is, the remedy; None where it can."""
    tensors = [each for each in (*asked[0], *asked[1].values(), *asked[2]) if isinstance(each, Tensor)]
    if tensors and tensors[0].is_meta:
        return "tensors with values", "meta tensors", _EAGER
    if not probes.is_eager():
        got = "one inside torch.compile, torch.func, tracing or export"
        return "a call on its own", got, f"{_EAGER}: the eager math composes with all of these"
    if any(type(each) not in (Tensor, torch.nn.Parameter, torch.nn.Buffer) for each in tensors):
        return "plain tensors", "a subclass of torch.Tensor", _EAGER
    if tensors and tensors[0].is_cpu and compiler() is None:
        named = os.environ.get("CXX")
        got = f"no {named}, which CXX names" if named else "none"
        return "a C++ compiler, which Inductor needs on a CPU", got, f"install g++, or {_EAGER}"
    return None


def worth(loss: Loss, asked: Asked) -> str | None:
    """Why ``auto`` would compile a call: never. Seconds out of nowhere are a surprise, so it waits to be asked."""
    return None
