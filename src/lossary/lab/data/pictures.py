"""Arrays of any common layout as pictures (rows, channels, height, width) of bytes, and as masks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lossary.lab.data.found import refused

CHANNELS = (1, 3, 4)  # grey; red, green and blue; the same with transparency
LARGEST_BYTES = 2**31  # of all pictures together: more would not fit beside the networks of a comparison
OBJECTS = 255  # that one mask can number


def pictures(array: NDArray[Any], subject: str) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Pictures from an array of three dimensions (grey) or four, channels second or last. Raises DataError."""
    values, notes = _channels_second(array, subject)
    if min(values.shape[2:]) < 2:
        raise refused(
            subject,
            "pictures of at least 2 x 2 pixels",
            f"{values.shape[2]} x {values.shape[3]}",
            "give it as a table of two dimensions",
        )
    levels, said = _bytes(values, subject)
    if len(levels) > 1 and (levels == levels[0]).all():
        raise refused(
            subject,
            "pictures that differ",
            f"{len(levels)} times the same picture",
            "check how they were written",
        )
    return np.ascontiguousarray(levels), (*notes, *said)


def _channels_second(array: NDArray[Any], subject: str) -> tuple[NDArray[Any], tuple[str, ...]]:
    if array.ndim == 3:
        return array[:, None], ()
    second, last = array.shape[1] in CHANNELS, array.shape[3] in CHANNELS
    if second == last:
        shape = " x ".join(str(size) for size in array.shape)
        raise refused(
            subject,
            "pictures with 1, 3 or 4 channels in the second or the last dimension",
            f"the shape {shape}" + (", where both could be channels" if second else ""),
            "arrange it as pictures x channels x height x width",
        )
    values = array if second else array.transpose(0, 3, 1, 2)
    if values.shape[1] == 4:
        return values[:, :3], ("the pictures' transparency was left out",)
    return values, ()


def _bytes(values: NDArray[Any], subject: str) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    if values.size > LARGEST_BYTES:
        raise too_large(values.size, subject)
    if values.dtype == np.bool_:
        return values.astype(np.uint8) * np.uint8(255), ()
    if values.dtype == np.uint8:
        return values, ()
    if values.dtype.kind not in "iuf":
        raise _unfit(subject, f"values of the kind {values.dtype}")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        count = int((~np.isfinite(values)).sum())
        raise _unfit(subject, f"{count:,} missing or infinite" if count > 1 else "one missing or infinite")
    low, high = float(values.min()), float(values.max())
    if low < 0 or high > 255:
        raise _unfit(subject, f"values from {low:g} to {high:g}")
    if values.dtype.kind != "f" or (high > 1 and bool((values % 1 == 0).all())):
        return values.astype(np.uint8), ()
    if high > 1:
        raise _unfit(subject, f"fractions up to {high:g}")
    return np.rint(values * 255).astype(np.uint8), (
        "values from 0 to 1 were read as 256 levels of brightness",
    )


def _unfit(subject: str, got: str) -> Exception:
    return refused(
        subject, "whole numbers from 0 to 255, or numbers from 0 to 1", got, "rescale the pictures first"
    )


def too_large(size: int, subject: str) -> Exception:
    """The error of pictures that would take more memory than there may be."""
    return refused(
        subject,
        f"pictures of up to {LARGEST_BYTES / 2**30:.0f} GiB together",
        f"{size / 2**30:.1f} GiB",
        "make them smaller or give fewer",
    )


def masks(array: NDArray[Any], subject: str) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Masks (rows, height, width): 0 background, 1 and up the objects of a picture, 0 and 1 where there are only two
    values. Raises DataError for what numbers no objects, and where no pixel, or every pixel, is one."""
    if array.dtype.kind == "f" and bool(np.isfinite(array).all()) and bool((array % 1 == 0).all()):
        array = array.astype(np.int64)
    if array.dtype.kind not in "iub" or (array.size and int(array.min()) < 0):
        raise refused(
            subject,
            "whole numbers, 0 for the background and 1 and up for objects",
            f"values of the kind {array.dtype}" if array.dtype.kind not in "iu" else f"{int(array.min())}",
            "write one number an object",
        )
    present = array > 0
    if not present.any() or present.all():
        raise refused(
            subject,
            "masks in which some pixels are an object and others are not",
            "no pixel that is one" if not present.any() else "none but such pixels",
            "check that 0 stands for the background",
        )
    held = np.unique(array)
    if len(held) == 2:
        array = present
    elif int(held[-1]) > OBJECTS:
        if len(held) > OBJECTS + 1:
            raise refused(
                subject,
                f"up to {OBJECTS} different objects",
                f"{len(held) - 1:,}",
                "number the objects of each picture from 1",
            )
        array = np.searchsorted(held, array) + (0 if held[0] == 0 else 1)
    blank = int((~present.any(axis=(1, 2))).sum())
    notes = (f"{blank} of {len(array)} masks {'is' if blank == 1 else 'are'} empty",) if blank else ()
    return np.ascontiguousarray(array.astype(np.uint8)), notes
