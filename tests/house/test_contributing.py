"""Adding a loss takes one file: the one that CONTRIBUTING shows, added to a copy of the package."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SHOWN = re.compile(
    r"<!-- a-loss:.*?```python\n# (?P<path>\S+)\n(?P<source>.*?)^```", re.MULTILINE | re.DOTALL
)

USED = """
import torch, lossary

score = torch.tensor([-3.0, 0.5, 2.0], requires_grad=True)
target = torch.tensor([1.0, 1.0, 0.0])
values = lossary.ramp(score, target, reduction="none")
assert values.tolist() == [2.0, 0.5, 2.0], values
assert lossary.ramp(score, target, weight=torch.tensor([0.0, 1.0, 1.0])).item() == 1.25
assert lossary.nn.Ramp(ceiling=3.0)(score, target, reduction="none").tolist() == [3.0, 0.5, 3.0]
assert lossary.get("ramp") is lossary.ramp
assert "ramp" in lossary.names()
assert lossary.ramp.card.hyper[0].meaning.startswith("the most that one element can cost")
"""

EXAMINED = """
import lossary
from lossary.doctor import examine

found = examine(lossary.ramp, slow=False)
assert found.passed, [f"{each.promise}: {each.found}" for each in found.findings]
assert found.kept
"""


def python(folder: Path, *arguments: str) -> str:
    """What Python prints when it runs with the package in `folder`."""
    environment = os.environ | {"PYTHONPATH": str(folder / "src")}
    ran = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def enlarged(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package with the file from CONTRIBUTING, after `make stubs`."""
    folder = tmp_path_factory.mktemp("enlarged")
    shutil.copytree(root / "src" / "lossary", folder / "src" / "lossary")
    shutil.copytree(root / "tools", folder / "tools")
    shown = SHOWN.search((root / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    assert shown is not None
    added = folder / shown["path"]
    assert not added.exists(), "the example must be a loss that the catalogue lacks"
    added.write_text(shown["source"], encoding="utf-8")
    with pytest.raises(AssertionError, match="run make stubs"):
        python(folder, "tools/stubs.py", "--check")
    python(folder, "tools/stubs.py")
    return folder


def test_one_file_adds_a_function_a_module_a_name_and_a_card(enlarged: Path) -> None:
    python(enlarged, "-c", USED)


def test_one_file_adds_a_typed_stub(enlarged: Path) -> None:
    stub = (enlarged / "src" / "lossary" / "__init__.pyi").read_text(encoding="utf-8")
    assert "\nramp: _Ramp\n" in stub
    assert "ceiling: float = 2.0" in stub


def test_the_example_passes_the_doctor(enlarged: Path) -> None:
    python(enlarged, "-c", EXAMINED)
