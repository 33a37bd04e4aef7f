"""Triton kernels without a GPU: computed by Triton's interpreter, and compiled for a GPU that is not there.

Both need a fresh process: Triton decides when it is imported whether it interprets, and no other test shall see it.
"""

from __future__ import annotations

import ast
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
        [sys.executable, *arguments], env=there, capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]


@needs_triton
def test_under_the_interpreter_every_kernel_gives_what_the_eager_math_gives(tmp_path: Path) -> None:
    checks = sorted(map(str, HERE.glob("check_*.py")))
    assert len(checks) == 3
    run(["-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *checks], tmp_path, TRITON_INTERPRET="1")


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


def test_only_device_code_imports_triton_before_a_kernel_is_launched() -> None:
    found = set()
    for path in Path(lossary.__file__).parent.rglob("*.py"):
        for line in ast.parse(path.read_text()).body:
            names = [line.module or ""] if isinstance(line, ast.ImportFrom) and not line.level else []
            names += [each.name for each in line.names] if isinstance(line, ast.Import) else []
            if any(name.split(".")[0] == "triton" for name in names):
                found.add(path.parent.name)
    assert found == {"device"}
