"""An .npz file of numpy: arrays of inputs and answers by their names."""

from __future__ import annotations

import zipfile
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lossary.core.errors import DataError
from lossary.lab.data.arrays import combined, known
from lossary.lab.data.found import DAMAGE, Content, refused
from lossary.lab.data.nearest import quoted
from lossary.lab.data.pictures import LARGEST_BYTES

INPUTS = ("x", "images", "image", "pictures", "data", "features", "inputs")
ANSWERS = ("y", "labels", "label", "target", "targets", "classes", "masks", "mask")


def is_archive(raw: bytes) -> bool:
    """Whether these are the bytes of an .npz file: a zip of arrays and of nothing else."""
    try:
        with zipfile.ZipFile(BytesIO(raw)) as packed:
            names = packed.namelist()
    except zipfile.BadZipFile:
        return False
    return bool(names) and all(name.endswith(".npy") for name in names)


def from_archive(raw: bytes, name: str) -> Content:
    """What the arrays `x` (or `images`, `data` ...) and `y` (or `labels`, `masks` ...) hold; any other array with a
    value a row is a column of its name. Raises DataError for anything else, and for arrays of objects: reading those
    would run whatever they say."""
    subject = f"file {quoted(name)}"
    arrays = _arrays(raw, subject)
    x = next((key for word in INPUTS for key in arrays if key.lower() == word), None)
    y = next((key for word in ANSWERS for key in arrays if key.lower() == word), None)
    if x is None or (y is None and arrays[x].ndim != 2):
        raise refused(
            subject,
            "an array 'x' or 'images' and an array 'y', 'labels' or 'masks'",
            known(list(arrays)),
            "rename the arrays",
        )
    rows = len(arrays[x]) if arrays[x].ndim else 0
    others = {key: values for key, values in arrays.items() if key not in (x, y)}
    for key, values in others.items():
        if values.ndim != 1 or len(values) != rows:
            raise refused(
                f"array {quoted(key)} of {subject}",
                f"a value for each of the {rows:,} rows of {quoted(x)}",
                f"the shape {' x '.join(str(size) for size in values.shape) or 'of a single value'}",
                "leave it out",
            )
    return combined(arrays[x], None if y is None else arrays[y], (x, y or ""), subject, others)


def _arrays(raw: bytes, subject: str) -> dict[str, NDArray[Any]]:
    try:
        with zipfile.ZipFile(BytesIO(raw)) as packed:
            size = sum(entry.file_size for entry in packed.infolist())
        if size > 8 * LARGEST_BYTES:  # float64 where bytes would do
            raise refused(
                subject,
                f"up to {8 * LARGEST_BYTES / 2**30:.0f} GiB",
                f"{size / 2**30:.0f} GiB",
                "give fewer rows",
            )
        with np.load(BytesIO(raw), allow_pickle=False) as loaded:
            found = {key: loaded[key] for key in loaded.files}
        if not all(isinstance(values, np.ndarray) for values in found.values()):
            raise refused(
                subject, "arrays alone", "something else among them", "save it again with numpy.savez"
            )
        return found
    except DataError:
        raise
    except DAMAGE as error:
        if "allow_pickle" in str(error):
            raise refused(
                subject,
                "arrays of numbers or text",
                "an array of objects, which could run a program when read",
                "save it with a plain dtype, such as float64 or str",
            ) from None
        raise refused(subject, "arrays that can be read", "a damaged file", "save it again") from None
