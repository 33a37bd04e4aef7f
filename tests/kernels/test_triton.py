"""Triton kernels without a GPU: computed by Triton's interpreter, and compiled for a GPU that is not there.

Both need a fresh process: Triton decides when it is imported whether it interprets, and no other test shall see it.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import lossary
from lossary.core.errors import BackendError

HERE = Path(__file__).parent / "interpreted"
needs_triton = pytest.mark.skipif(
    importlib.util.find_spec("triton") is None, reason="triton is not installed"
)


def run(arguments: list[str], cache: Path, **variables: str) -> None:
    """A Python process of its own, which must end well; what it printed says why it did not."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TRITON", "PYTEST"))}
    there = kept | {"TRITON_CACHE_DIR": str(cache), "TRITON_HOME": str(cache), **variables}
    done = subprocess.run(
        [sys.executable, *arguments], env=there, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]


@needs_triton
@pytest.mark.parametrize("what", sorted(each.stem.removeprefix("check_") for each in HERE.glob("check_*.py")))
def test_under_the_interpreter_a_kernel_gives_what_the_eager_math_gives(what: str, tmp_path: Path) -> None:
    options = ["-q", "-x", "-p", "no:cacheprovider", "-p", "no:randomly"]
    run(["-m", "pytest", *options, str(HERE / f"check_{what}.py")], tmp_path, TRITON_INTERPRET="1")


@needs_triton
def test_every_kernel_compiles_for_a_gpu_that_is_not_there(tmp_path: Path) -> None:
    run([str(HERE / "compile_all.py")], tmp_path)


def test_on_a_cpu_triton_is_refused_and_auto_is_eager() -> None:
    logits, target = torch.randn(3, 4), torch.tensor([0, 1, 3])
    with pytest.raises(
        BackendError, match="expected a GPU that Triton compiles for, got a CPU; leave backend out"
    ):
        lossary.cross_entropy(logits, target, backend="triton")
    assert lossary.explain(lossary.cross_entropy, logits, target).backend == "eager"


def test_importing_lossary_and_its_kernels_leaves_triton_alone() -> None:
    code = (
        "import sys, torch, lossary\n"
        "lossary.cross_entropy(torch.randn(3, 4), torch.tensor([0, 1, 3]))\n"
        "import lossary.kernels.gpu.cross_entropy\n"
        "assert 'triton' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
