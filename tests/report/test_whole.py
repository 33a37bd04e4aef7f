"""A file of the run folder is the old one or the new one, whatever happens while it is written."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from lossary.report.whole import write_whole


def test_a_file_that_could_not_be_written_whole_is_the_one_that_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = write_whole(tmp_path / "results.json", b"old")
    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space left"):
        patch.setattr(os, "fsync", full)
        write_whole(path, b"new, and longer")
    assert path.read_bytes() == b"old"
    path.write_bytes(b"{half of a fi")  # as another program may leave it
    assert write_whole(path, b"new").read_bytes() == b"new"
    assert [each.name for each in tmp_path.iterdir()] == ["results.json"]
