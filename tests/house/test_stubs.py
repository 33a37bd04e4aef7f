"""The generated stubs say what the functions take, and a type checker believes them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

START = "import torch\nimport lossary\n\nx = torch.ones(2)\n"


def mypy(root: Path, tmp_path: Path, line: str) -> str:
    """What mypy says of a program of a user's that ends in this line."""
    program = tmp_path / "program.py"
    program.write_text(f"{START}{line}\n", encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", str(program)],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    return ran.stdout


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("lossary.huber(x, x, dleta=2.0)", 'Unexpected keyword argument "dleta"'),
        ("lossary.huber(x)", 'Missing positional argument "target"'),
        ("lossary.nn.Huber(delta='wide')", 'Argument "delta" to "Huber" has incompatible type "str"'),
    ],
)
def test_a_wrong_call_is_found_without_running_it(
    root: Path, tmp_path: Path, line: str, complaint: str
) -> None:
    assert complaint in mypy(root, tmp_path, line)


def test_a_right_call_is_not_complained_of(root: Path, tmp_path: Path) -> None:
    line = "print(lossary.huber(x, x, delta=2.0).item(), lossary.huber.card.title, 0.5 * lossary.nn.Huber())"
    assert "Success" in mypy(root, tmp_path, line)


def test_generated_files_are_what_would_be_generated(root: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "tools/stubs.py", "--check"], cwd=root, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
