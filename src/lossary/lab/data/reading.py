"""From whatever the user names to a Table: a file, a folder, a frame, arrays, or an embedded set."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd

from lossary.lab.data.arrays import from_arrays
from lossary.lab.data.columns import from_frame
from lossary.lab.data.embedded import EMBEDDED, Embedded
from lossary.lab.data.files import from_path
from lossary.lab.data.found import Content, Found, refused
from lossary.lab.data.refusals import checked, named, unique_names
from lossary.lab.data.roles import Roles, expanded
from lossary.lab.data.table import MASK, Reading, Table, content_digest


def read(
    source: Any,
    target: Any = None,
    *,
    weight: str | None = None,
    group: str | None = None,
    time: str | None = None,
    text: str | None = None,
    targets: Sequence[str] = (),
) -> Table:
    """The table behind `source`, with what is wrong with it said in one sentence.

    `source` is a path (CSV, TSV, Parquet, Arrow, Feather, .npz, a folder of pictures in class folders or with masks),
    a pandas frame, inputs `(X, y)` or `X` with `y` for the target (numpy arrays, tensors, lists), or the name of an
    embedded set, which wins over a file of the same name ("./iris" is the file).

    `target` is a column. Several columns of 0 and 1 are asked about as "a,b,c", as "label_*", or by `targets`.
    Embedded sets, pictures and arrays bring a target of their own. `weight` says how much each row counts, the rows
    of one `group` stay together, `time` says which rows came first, `text` is a column to read.

    Columns without any value are left out with a note. Raises DataError for data that cannot be compared on,
    MissingExtraError for a missing package.
    """
    found, target = _found(source, target)
    content = found.content
    if targets:
        target = ",".join(targets)
    own = target is None or target == content.target
    target = content.target if target is None else str(target)
    masked = content.masks is not None and target == MASK and MASK not in content.frame.columns
    several = (
        () if target is None or masked else tuple(targets) or expanded(target, list(content.frame.columns))
    )
    if len(several) == 1:
        target, several = several[0], ()
    asked = named(found.name, content.frame, target)
    taken = {asked, *several, weight, time}
    roles = Roles(
        asked,
        several,
        weight,
        (content.group if content.group not in {*taken, text} else None) if group is None else group,
        time,
        (content.text if content.text not in {*taken, group} else None) if text is None else text,
    )
    frame, notes = checked(
        content.frame, found.name, roles, pictures=content.pictures is not None, masked=masked
    )
    return Table(
        frame=frame,
        target=asked,
        name=found.name,
        source=found.source,
        licence=found.licence,
        digest=found.digest,
        weight=weight,
        notes=(*content.notes, *notes),
        reading=found.reading,
        targets=several,
        group=roles.group,
        time=time,
        text=roles.text,
        pictures=content.pictures,
        masks=content.masks if masked else None,
        kind=found.kind if own else None,
    )


def _found(source: Any, target: Any) -> tuple[Found, str | None]:
    """The content of a source, and the name of what is asked where one was given beside it."""
    if isinstance(source, tuple) and len(source) == 2 and not isinstance(source[0], str):
        return from_arrays(*source), target
    if target is not None and not isinstance(target, str):
        return from_arrays(source, target), None
    if not isinstance(source, pd.DataFrame) and hasattr(source, "to_pandas"):  # a frame of polars or pyarrow
        source = source.to_pandas()
    if isinstance(source, pd.DataFrame):
        unique_names([str(label).strip() for label in source.columns], "the frame")
        frame = from_frame(source)
        return Found(
            Content(frame), "frame", "a pandas frame", content_digest(frame), Reading("frame")
        ), target
    if str(source) in EMBEDDED:
        return _embedded(EMBEDDED[str(source)]), target
    if isinstance(source, str | PathLike):
        return from_path(Path(source), EMBEDDED), target
    raise refused(
        "source",
        "a path, the name of an embedded set, a pandas frame or arrays (X, y)",
        f"{'an' if type(source).__name__[0] in 'aeiou' else 'a'} {type(source).__name__} alone",
        "give the answers beside the inputs, as (X, y)" if hasattr(source, "__len__") else "name the data",
    )


def _embedded(entry: Embedded) -> Found:
    loaded = entry.load(entry)
    frame = from_frame(loaded.frame)
    digest = content_digest(frame, loaded.pictures, loaded.masks)
    notes = () if entry.note is None else (entry.note,)
    content = Content(frame, entry.target, entry.text, entry.group, loaded.pictures, loaded.masks, notes)
    reading = Reading("embedded", entry.name)
    return Found(content, entry.name, entry.source, digest, reading, entry.licence, entry.kind)
