"""What was asked of a run folder, kept in it: enough to go on with no other argument, and to name what has changed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from lossary.core.errors import DataError
from lossary.lab import record
from lossary.lab.comparison import Data
from lossary.lab.planning.options import Options
from lossary.lab.planning.plan import Plan


@dataclass(frozen=True)
class Request:
    """The arguments of a comparison, and what its data were. It decides nothing: the plan does."""

    source: str | None  # as it was given; None for rows that came from memory
    place: str  # the working directory then
    options: Options
    data: Data
    rows: int

    def again(self) -> tuple[str, Options]:
        """Source and options that mean the same from here. Raises DataError for rows that came from memory."""
        if self.source is None:
            raise DataError(
                f"resume: expected a comparison of a file or an embedded set, got one of {self.data.source}; "
                "call `compare` with the same rows and out= again: it goes on where it stopped."
            )
        if self.data.reading.format == "embedded":
            return self.source, self.options
        model = None if self.options.model is None else self._from_here(self.options.model)
        return self._from_here(self.source), replace(self.options, model=model)

    def _from_here(self, path: str) -> str:
        return path if self.place == os.getcwd() else os.path.join(self.place, path)


def request_for(source: object, options: Options, data: Data, rows: int) -> Request:
    """The request behind a design. `source` is what `design` was given, `data` what it found."""
    named = os.fspath(source) if isinstance(source, (str, os.PathLike)) else None
    return Request(named, os.getcwd(), options, data, rows)


def differing(folder: Path, held: str, asked: Plan, before: Request | None, now: Request | None) -> str:
    """Why the plan in a folder, as the text that is `held`, is not the one that is asked for; in one sentence."""
    try:
        old, new = json.loads(held), record.plain(asked)
    except ValueError:
        return (
            f"{folder}: holds a plan that cannot be read; delete the folder, or name another one with --out."
        )
    if before is not None and now is not None and before.data.digest != now.data.digest:
        return (
            f"{folder}: expected the data of the comparison in it, {_rows(before)}, got other data, {_rows(now)}; "
            "put the old data back, or name another folder with --out."
        )
    parts = list(_settings(old["settings"], new["settings"]))
    if old["versions"] != new["versions"]:
        kept = dict(old["versions"])
        changed = (f"{name} {kept.get(name)}, now {v}" for name, v in new["versions"] if kept.get(name) != v)
        what = f"other versions of its libraries ({', '.join(changed)})"
    elif parts:
        what = f"other settings ({', '.join(parts)})"
    elif old["data"] != new["data"]:
        what = "other data"
    else:
        what = "other losses or another network"
    return f"{folder}: holds a comparison with {what}; name another folder with --out, or leave --out away."


def _rows(request: Request) -> str:
    return f"{request.data.name} of {request.rows:,} rows with digest {request.data.digest[:8]}"


def _settings(old: dict[str, object], new: dict[str, object]) -> Iterator[str]:
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            yield f"{name}={old.get(name)!r}, now {new.get(name)!r}"
