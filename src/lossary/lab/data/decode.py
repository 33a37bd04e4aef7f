"""Files decoded by Pillow into arrays of bytes: grey, or red, green and blue; and masks as the numbers they hold."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lossary.core.errors import DataError, MissingExtraError
from lossary.lab.data.found import DAMAGE, refused
from lossary.lab.data.nearest import quoted

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".pbm"}
)
DEEP = ("I", "I;16", "I;16B", "I;16L", "I;16N", "F")
LOSSY = ("JPEG", "WEBP")  # their masks hold shades where only two values were meant


@dataclass(frozen=True, eq=False)
class Decoded:
    """One picture: bytes (height, width) or (height, width, 3), and whether something of it was left out."""

    levels: NDArray[np.uint8]
    transparent: bool
    deep: bool  # had more than 256 levels


@contextmanager
def opened(path: Path, shown: str) -> Iterator[Image]:
    """The picture behind a path, its header read. Raises DataError for what cannot be read or is no picture."""
    try:
        from PIL import Image
    except ImportError:
        raise MissingExtraError(
            f"{quoted(shown)} is a picture, which needs Pillow; run: pip install 'lossary[lab]'"
        ) from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # Pillow warns of large pictures and of odd headers; we judge both
            with Image.open(path) as image:
                yield image
    except PermissionError:
        raise refused(
            f"file {quoted(shown)}", "a file that can be read", "permission denied", "check its permissions"
        ) from None
    except DataError:
        raise
    except Image.DecompressionBombError:
        raise refused(
            f"file {quoted(shown)}",
            "a picture of modest size",
            "one of hundreds of megapixels",
            "make it smaller",
        ) from None
    except DAMAGE:
        raise refused(
            f"file {quoted(shown)}",
            "a picture",
            "one that cannot be decoded",
            "open it and save it again, or take it away",
        ) from None


def size(path: Path, shown: str) -> tuple[int, int]:
    """Height and width as the header says, as a person sees the picture."""
    with opened(path, shown) as image:
        turned = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
        return (image.width, image.height) if turned else (image.height, image.width)


def picture(path: Path, shown: str) -> Decoded:
    """The picture, upright as its camera noted. Raises DataError for what is no single picture."""
    with opened(path, shown) as image:
        _single(image, shown)
        from PIL import ImageOps

        upright = ImageOps.exif_transpose(image)
        if upright.mode in DEEP:
            levels, deep = _shallow(np.asarray(upright), shown)
            return Decoded(levels, False, deep)
        transparent = upright.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in upright.info
        grey = upright.mode in ("1", "L", "LA", "La")
        if upright.mode == "P":
            upright = upright.convert("RGBA" if transparent else "RGB")
        return Decoded(np.asarray(upright.convert("L" if grey else "RGB")), transparent, False)


def _single(image: Image, shown: str) -> None:
    frames = getattr(image, "n_frames", 1)
    if frames != 1:
        raise refused(
            f"file {quoted(shown)}", "one picture", f"{frames} in one file", "save each as a file of its own"
        )


def _shallow(values: NDArray[Any], shown: str) -> tuple[NDArray[np.uint8], bool]:
    if values.size and values.min() >= 0 and values.max() <= 255 and not (values % 1).any():
        return values.astype(np.uint8), False
    if values.dtype.kind == "f" or values.min() < 0 or values.max() > 65535:
        raise refused(
            f"file {quoted(shown)}",
            "a picture of 8 or 16 bits",
            f"values from {float(values.min()):g} to {float(values.max()):g}",
            "save it with 8 bits",
        )
    return np.rint(values / 257).astype(np.uint8), True


def mask(path: Path, shown: str) -> tuple[NDArray[Any], bool]:
    """The numbers of a mask, shape (height, width), and whether shades of a lossy format were cut in the middle."""
    with opened(path, shown) as image:
        _single(image, shown)
        from PIL import ImageOps

        lossy = image.format in LOSSY
        upright = ImageOps.exif_transpose(image)
        values = np.asarray(upright if upright.mode in ("P", "L", "1", *DEEP) else upright.convert("RGB"))
        if values.ndim == 3:
            if (values != values[:, :, :1]).any():
                raise refused(
                    f"mask {quoted(shown)}",
                    "one number an object, 0 for the background",
                    "colours",
                    "save it in shades of grey",
                )
            values = values[:, :, 0]
        if lossy:
            return values > 127, bool((np.unique(values) % 255 > 0).any())
        return values, False
