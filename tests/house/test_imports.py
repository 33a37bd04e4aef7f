"""Who may import whom, and what `import lossary` costs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

# A room and a room it must not import. Each pair, planted, has to break a contract of pyproject.toml.
FORBIDDEN = (
    ("core", "losses"),
    ("core", "kernels"),
    ("losses", "kernels"),
    ("losses", "lab"),
    ("kernels", "doctor"),
    ("doctor", "lab"),
    ("lab", "doctor"),
    ("lab", "report"),
    ("report", "cli"),
    ("core", "cli"),
)
HEAVY = ("core", "pandas"), ("losses", "scipy"), ("lab", "rich"), ("lab", "altair")


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """import-linter's judgement of the package in `folder`/src under the contracts in `folder`/pyproject.toml."""
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    return subprocess.run(
        [sys.executable, "-c", program, "--no-cache"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder / "src")},
        capture_output=True,
        text=True,
        check=False,
    )


def modules_after(source: str) -> set[str]:
    """The top-level modules outside the standard library that a fresh interpreter holds after `source`."""
    program = f"import sys\n{source}\nprint(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    tops = {name.partition(".")[0] for name in ran.stdout.splitlines()[-1].split()}
    return {top for top in tops if top not in sys.stdlib_module_names and not top.startswith("_")}


def copied(root: Path, folder: Path) -> Path:
    """A copy of the package and its contracts that a test may spoil."""
    shutil.copy(root / "pyproject.toml", folder)
    shutil.copytree(root / "src" / "lossary", folder / "src" / "lossary")
    return folder


def plant(copy: Path, room: str, line: str, name: str = "planted") -> None:
    """Writes a module into `room` that holds this line."""
    package = copy / "src" / "lossary" / room
    package.mkdir(exist_ok=True)
    (package / "__init__.py").touch()
    (package / f"{name}.py").write_text(f"{line}\n")


def test_imports_go_one_way(root: Path) -> None:
    judged = lint_imports(root)
    assert judged.returncode == 0, judged.stdout


@pytest.fixture(scope="module")
def judged(root: Path, tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """One judgement of a copy in which every forbidden import is planted, each in a module of its own."""
    folder = copied(root, tmp_path_factory.mktemp("planted"))
    for _, other in FORBIDDEN:
        plant(folder, other, "")
    for room, other in FORBIDDEN:
        plant(folder, room, f"import lossary.{other}.planted", f"planted_{other}")
    for room, library in HEAVY:
        plant(folder, room, f"import {library}", f"planted_{library}")
    return lint_imports(folder)


@pytest.mark.parametrize(("room", "other"), FORBIDDEN)
def test_an_import_against_the_direction_is_found(
    judged: subprocess.CompletedProcess[str], room: str, other: str
) -> None:
    assert judged.returncode == 1
    assert f"lossary.{room}.planted_{other} -> lossary.{other}.planted" in judged.stdout


@pytest.mark.parametrize(("room", "library"), HEAVY)
def test_a_library_in_the_wrong_room_is_found(
    judged: subprocess.CompletedProcess[str], room: str, library: str
) -> None:
    assert judged.returncode == 1
    assert f"lossary.{room}.planted_{library} -> {library}" in judged.stdout


def test_a_room_without_a_place_is_found(root: Path, tmp_path: Path) -> None:
    copy = copied(root, tmp_path)
    plant(copy, "attic", "")
    assert lint_imports(copy).returncode == 1


def test_import_lossary_brings_nothing_that_torch_did_not_bring() -> None:
    used = "import lossary, torch; lossary.mse(torch.zeros(2), torch.ones(2)).item(); lossary.nn.Huber()"
    assert modules_after(used) - modules_after("import torch; torch.zeros(2).sum().item()") == {"lossary"}


def test_the_help_of_the_command_line_does_not_wait_for_torch() -> None:
    loaded = modules_after(
        "from lossary.cli import main\nsys.argv = ['lossary', '--help']\n"
        "try:\n    main()\nexcept SystemExit as stop:\n    assert not stop.code"
    )
    assert not loaded & {"torch", "numpy", "pandas", "sklearn", "scipy", "sympy", "altair"}
