"""What the documents name exists: functions, modules, commands, options, make targets, files."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

DOCUMENTS = ("README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "CHANGELOG.md", "docs/decisions/README.md")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def read(root: Path, name: str) -> str:
    return (root / name).read_text(encoding="utf-8")


def code(text: str, *languages: str) -> str:
    """All fenced code in one of these languages, and all inline code."""
    fenced = [body for language, body in FENCE.findall(text) if language in languages]
    return "\n".join([*fenced, *re.findall(r"`([^`\n]+)`", FENCE.sub("", text))])


def resolve(dotted: str) -> object:
    """The object that a dotted name such as `lossary.nn.Focal` stands for."""
    found: object = importlib.import_module("lossary")
    path = "lossary"
    for part in dotted.split(".")[1:]:
        path = f"{path}.{part}"
        try:
            found = getattr(found, part)
        except AttributeError:
            found = importlib.import_module(path)
    return found


@cache
def helped(*command: str) -> str:
    """What the command line says of a command."""
    program = "import sys; from lossary.cli import main; sys.argv[0] = 'lossary'; main()"
    ran = subprocess.run(
        [sys.executable, "-c", program, *command, "--help"], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, f"lossary {' '.join(command)} does not exist: {ran.stderr}"
    return re.sub(r"\x1b\[[0-9;]*m", "", ran.stdout)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_name_in_a_document_exists(root: Path, name: str) -> None:
    shown = code(read(root, name), "python")
    for dotted in sorted(set(re.findall(r"(?<![\w./-])lossary(?:\.[A-Za-z_]\w*)+", shown))):
        resolve(dotted)
    for module, names in re.findall(r"^from (lossary[\w.]*) import ([\w, ]+)$", shown, re.MULTILINE):
        for one in names.split(","):
            resolve(f"{module}.{one.strip()}")


def test_the_python_in_the_readme_runs(root: Path) -> None:
    blocks = [body for language, body in FENCE.findall(read(root, "README.md")) if language == "python"]
    assert blocks
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", "\n".join(blocks)], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_command_and_option_in_a_document_exists(root: Path, name: str) -> None:
    shown = code(read(root, name), "", "sh", "console")
    calls = re.findall(r"(?:^|\$ |bin/)lossary ([a-z]+)(.*)$", shown, re.MULTILINE)
    help_of = {verb: helped(verb) for verb, _ in set(calls) if verb}
    for verb, rest in calls:
        for option in re.findall(r"--[a-z][a-z-]*", rest):
            assert option in help_of[verb], f"lossary {verb} has no {option}"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_make_target_in_a_document_exists(root: Path, name: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", read(root, "Makefile"), re.MULTILINE))
    named = set(re.findall(r"^make ([a-z]+)", code(read(root, name), "", "sh", "console"), re.MULTILINE))
    assert named <= targets


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_link_to_a_file_leads_somewhere(root: Path, name: str) -> None:
    folder = (root / name).parent
    links = re.findall(r"\]\(([^)#\s]+)", read(root, name))
    missing = [link for link in links if "://" not in link and not (folder / link).exists()]
    assert not missing


def test_every_decision_is_in_the_index(root: Path) -> None:
    index = read(root, "docs/decisions/README.md")
    decisions = sorted(path.name for path in (root / "docs" / "decisions").glob("[0-9]*.md"))
    assert decisions
    assert [name for name in decisions if f"({name})" not in index] == []


def test_every_extra_named_in_an_install_line_exists(root: Path) -> None:
    project = tomllib.loads(read(root, "pyproject.toml"))["project"]
    sources = [*(root / "src").rglob("*.py"), *(root / name for name in DOCUMENTS)]
    named = {
        extra.strip()
        for source in sources
        for extras in re.findall(r"lossary\[([\w, ]+)\]", source.read_text(encoding="utf-8"))
        for extra in extras.split(",")
    }
    assert named <= set(project["optional-dependencies"])
