"""A small picture as a PNG inside the page: nothing to fetch, and no library needed for 32 pixels a side."""

from __future__ import annotations

import struct
import zlib
from base64 import b64decode, b64encode

from lossary.lab.behaving import Thumbnail

_COLOURS = {1: 0, 3: 2}  # channels -> what PNG calls grey and red-green-blue


def address(picture: Thumbnail) -> str:
    """The picture as a `data:` address. Raises ValueError where its bytes are not as many as its pixels."""
    pixels = b64decode(picture.pixels)
    stride = picture.width * picture.channels
    if len(pixels) != stride * picture.height:
        raise ValueError(
            f"picture: expected {stride * picture.height} bytes for {picture.width} x {picture.height} pixels, got "
            f"{len(pixels)}; write the comparison anew."
        )
    lines = (b"\0" + pixels[at : at + stride] for at in range(0, len(pixels), stride))  # 0: lines as they are
    size = struct.pack(">IIBBBBB", picture.width, picture.height, 8, _COLOURS[picture.channels], 0, 0, 0)
    parts = (
        b"\x89PNG\r\n\x1a\n",
        _chunk(b"IHDR", size),
        _chunk(b"IDAT", zlib.compress(b"".join(lines), 9)),
        _chunk(b"IEND", b""),
    )
    return "data:image/png;base64," + b64encode(b"".join(parts)).decode()


def _chunk(kind: bytes, content: bytes) -> bytes:
    checked = kind + content
    return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))
