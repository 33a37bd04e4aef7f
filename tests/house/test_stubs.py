"""The generated stubs say what the functions take, and a type checker believes them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

WRONG = {
    "lossary.huber(x, x, dleta=2.0)": 'Unexpected keyword argument "dleta"',
    "lossary.huber(x)": 'Missing positional argument "target"',
    "lossary.nn.Huber(delta='wide')": 'Argument "delta" to "Huber" has incompatible type "str"',
}
RIGHT = "print(lossary.huber(x, x, delta=2.0).item(), lossary.huber.card.title, 0.5 * lossary.nn.Huber())"
START = ["import torch", "import lossary", "x = torch.ones(2)"]


@pytest.fixture(scope="module")
def said(root: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What mypy says of each line of a program of a user's: one run reads torch once."""
    program = tmp_path_factory.mktemp("user") / "program.py"
    lines = [*START, *WRONG, RIGHT]
    program.write_text("\n".join(lines) + "\n", encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", str(program)],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    found = dict.fromkeys(lines, "")
    for number, complaint in re.findall(r"program\.py:(\d+): error: (.*)", ran.stdout):
        found[lines[int(number) - 1]] += complaint
    assert any(found.values()), ran.stdout + ran.stderr
    return found


@pytest.mark.parametrize(("line", "complaint"), WRONG.items())
def test_a_wrong_call_is_found_without_running_it(said: dict[str, str], line: str, complaint: str) -> None:
    assert complaint in said[line]


def test_a_right_call_is_not_complained_of(said: dict[str, str]) -> None:
    assert [said[line] for line in (*START, RIGHT)] == [""] * (len(START) + 1)


def test_generated_files_are_what_would_be_generated(root: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "tools/stubs.py", "--check"], cwd=root, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
