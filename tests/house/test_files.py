"""What may and may not stand in a file that is committed."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

# Roots under which people and machines keep their own things. Spelt in pieces, or this file would name them too.
ROOTS = "|".join(("home", "root", "Users", "opt", "work", "tmp", "mnt"))
MACHINE_PATH = re.compile(rf"(?<![\w.~/}}\])-])/(?:{ROOTS})/\w")
PACKAGE_INDEX = re.compile(
    "|".join(("index" + "-url", "find" + "-links", "file:" + "//", "files.python" + "hosted"))
)


@pytest.fixture(scope="module")
def texts(root: Path) -> dict[Path, str]:
    """Every text file that is, or would be, committed, by its path in the checkout."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(command, cwd=root, capture_output=True, check=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is not a git checkout, so nothing says which files would be committed")
    found = {}
    for name in filter(None, listed.split("\0")):
        if (root / name).is_file():
            content = (root / name).read_bytes()
            if b"\0" not in content:
                found[Path(name)] = content.decode("utf-8")
    return found


def places(text: str, forbidden: re.Pattern[str]) -> list[int]:
    """The numbers of the lines in which a forbidden pattern stands."""
    return [number for number, line in enumerate(text.splitlines(), 1) if forbidden.search(line)]


def test_no_file_names_a_path_of_a_machine(root: Path, texts: dict[Path, str]) -> None:
    mine = {str(root), sys.prefix, f"{Path.home()}/", f"{tempfile.gettempdir()}/"}
    here = re.compile("|".join(re.escape(path) for path in sorted(mine) if len(path) > 2))
    named = {
        str(path): lines
        for path, text in texts.items()
        if (lines := places(text, MACHINE_PATH) + places(text, here))
    }
    assert not named, "a temporary folder comes from tmp_path, a place in the checkout from __file__"


def test_no_file_names_a_package_index(texts: dict[Path, str]) -> None:
    named = {str(path): lines for path, text in texts.items() if (lines := places(text, PACKAGE_INDEX))}
    assert not named, "where packages come from is the business of each machine's own settings"


@pytest.mark.parametrize(
    "line", ["cd /{}/someone", 'open("/{}/data.csv")', "`/{}/a b/c`", "(/{}/x)", "=/{}/x"]
)
@pytest.mark.parametrize("folder", ROOTS.split("|"))
def test_a_path_of_a_machine_is_found(line: str, folder: str) -> None:
    assert places(line.format(folder), MACHINE_PATH) == [1]


@pytest.mark.parametrize(
    "line", ["https://example.org/{}/x", "src/{}/x", "~/{}/x", "{{folder}}/{}/x", "/{}", "../{}/x"]
)
def test_an_address_or_a_relative_path_is_not_a_path_of_a_machine(line: str) -> None:
    assert places(line.format("work"), MACHINE_PATH) == []
