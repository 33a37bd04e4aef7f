"""One fluorescence micrograph of nuclei with its mask, from stardist, cut into tiles."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lossary.core.errors import MissingExtraError
from lossary.lab.data.embedded.origin import Embedded, Loaded, content
from lossary.lab.data.table import FILE

SIDE = 512
TILE = 32
BLOCK = 128  # neighbouring tiles share nuclei, so they stay together


def _nuclei(entry: Embedded) -> Loaded:
    picture = _tiles(_read(entry, "data/images/img2d.tif"))
    mask = _tiles(_read(entry, "data/images/mask2d.tif"))
    corners = [(y, x) for y in range(0, SIDE, TILE) for x in range(0, SIDE, TILE)]
    frame = pd.DataFrame(
        {
            FILE: [f"{entry.name}[{y}:{y + TILE}, {x}:{x + TILE}]" for y, x in corners],
            "block": [f"block {y // BLOCK}, {x // BLOCK}" for y, x in corners],
        }
    )
    return Loaded(frame, picture[:, None], mask)


def _read(entry: Embedded, path: str) -> NDArray[np.uint8]:
    raw = content(entry, path)
    try:
        from PIL import Image
    except ImportError:
        raise MissingExtraError(
            f"the set \"{entry.name}\" is a picture, which needs Pillow; run: pip install 'lossary[lab]'"
        ) from None
    # Stored in 16 bits, but no value is above 255: grey levels to 235, 125 nuclei numbered up to 183.
    return np.asarray(Image.open(BytesIO(raw))).astype(np.uint8)


def _tiles(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    count = SIDE // TILE
    parts = picture.reshape(count, TILE, count, TILE).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(parts.reshape(-1, TILE, TILE))


SETS = (
    Embedded(
        "nuclei",
        "Nuclei under the microscope, one picture cut into 256 tiles of 32 x 32: which pixels are a nucleus?",
        "segmentation",
        "mask",
        (SIDE // TILE) ** 2,
        (1, TILE, TILE),
        "Data Science Bowl 2018 (Caicedo and others 2019), one picture as copied in stardist",
        "no licence of its own; distributed within stardist (BSD 3-Clause)",
        "stardist",
        "nuclei",
        _nuclei,
        group="block",
        note="all tiles are of one picture: a score says how well the rest of this picture is found, and nothing about "
        "others",
    ),
)
