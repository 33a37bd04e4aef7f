"""Compile every kernel for compute capability 9.0, to machine code, with no GPU at hand; none may spill registers.

Run as a program, for Triton must not be interpreting. The launchers run as they are, on tensors of the CPU whose
numbers nobody reads: only the launch itself is replaced by a compilation. With ``all`` as
an argument, every form of each.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.runtime import driver
from triton.runtime.jit import JITFunction

from lossary.kernels.contrastive.tiles import Sum, Table
from lossary.kernels.gpu import pairs
from lossary.kernels.gpu.rows import Target, rows

PTXAS = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "ptxas"


class Absent:
    """A GPU by its description alone."""

    def get_current_target(self) -> GPUTarget:
        return GPUTarget("cuda", 90, 32)

    def get_current_device(self) -> int:
        return 0

    def get_current_stream(self, device: int) -> int:
        return 0


def compiling(self: JITFunction, grid: Any) -> Callable[..., Any]:
    """What a launch becomes: a compilation, judged by what the assembler says of it."""

    def launch(*arguments: Any, **options: Any) -> None:
        made = self.warmup(*arguments, grid=grid, **options)
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder, "kernel.ptx")
            source.write_text(made.asm["ptx"])
            command = [PTXAS, "-v", "--gpu-name=sm_90a", source, "-o", source.with_suffix(".cubin")]
            said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
        spilt = [int(each) for each in re.findall(r"(\d+) bytes spill", said)]
        used = re.findall(r"Used (\d+) registers", said)
        print(
            f"{self.fn.__name__}: {used[0]} registers, {sum(spilt)} bytes spilt, {made.metadata.shared} shared"
        )
        if sum(spilt):
            sys.exit(f"{self.fn.__name__} spills registers with {options}")

    return launch


def rows_of(
    classes: int, inner: int = 1, dtype: torch.dtype = torch.float32, soft: bool = False, **options: Any
) -> None:
    """Compile what rows of so many classes are computed with."""
    logits = torch.empty(2, classes, inner, dtype=dtype)
    y = torch.empty(2, classes, inner) if soft else torch.empty(2 * inner, dtype=torch.int64)
    keep, scale = torch.ones(2 * inner, dtype=torch.bool), torch.ones(2 * inner)
    rows(logits, Target(y, **options), keep, scale, slope=logits, unless=torch.ones(()))


def pairs_of(sum: Sum, dtype: torch.dtype = torch.float32) -> None:
    """Compile what sums over a table of similarities and their gradients are computed with."""
    a, b, there = torch.empty(100, 256, dtype=dtype), torch.empty(90, 256, dtype=dtype), torch.arange(100)
    bias = torch.empty((), dtype=dtype) if sum is Sum.SOFTPLUS else None
    table, side = Table(sum, (there, there) if sum is Sum.SAME else (there,)), torch.empty(100, dtype=dtype)
    pairs._sums(a, b, bias, table, False)
    one, two = pairs._Side(a, side, side), pairs._Side(b, side, side)
    pairs._gradient(one, two, bias, table, True, side if bias is not None else None)


def main(all: bool) -> None:
    everything = {
        "hit": torch.ones(2),
        "share": torch.ones(2),
        "spread": torch.ones(8192),
        "z": 1e-4,
        "cap": 30.0,
    }
    rows_of(16384)
    rows_of(128000, dtype=torch.bfloat16)
    rows_of(8192, **everything)
    pairs_of(Sum.BOTH)
    pairs_of(Sum.SOFTPLUS)
    if all:
        rows_of(32000, **everything)
        rows_of(19, inner=4096)
        rows_of(19, inner=4096, **everything)
        for dtype in (torch.float16, torch.float64):
            rows_of(1, dtype=dtype)
            rows_of(2048, dtype=dtype, soft=True)
            rows_of(32000, dtype=dtype, soft=True)
        for sum in Sum:
            pairs_of(sum, torch.float64)


if __name__ == "__main__":
    driver.set_active(Absent())
    JITFunction.__getitem__ = compiling  # type: ignore[method-assign]
    main("all" in sys.argv)
