"""A file of the run folder is there whole or not at all: whoever is interrupted keeps the one that was there."""

from __future__ import annotations

import os
from pathlib import Path


def write_whole(path: Path, content: bytes) -> Path:
    """Write beside the file, then put it in the place of the old one; returns `path`. Raises OSError."""
    beside = path.with_name(path.name + ".new")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())  # else a power cut may leave the new name with nothing under it
    return beside.replace(path)
