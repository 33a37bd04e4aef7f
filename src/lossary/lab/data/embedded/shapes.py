"""Pictures of shapes with their masks, drawn here: for segmentation where no package carries pictures to learn from."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lossary.lab.data.embedded.origin import Embedded, Loaded, numbered
from lossary.lab.data.table import FILE

SIDE = 32
ROWS = 400
SHAPES = ("disc", "square", "triangle")
LIGHTER = (20, 70)  # how much lighter than its background a shape is, of 255
NOISE = 24.0  # standard deviation of the grey of a pixel
SHADE = 40.0  # by how much the background changes from one side to the other, at most


def shapes(
    rows: int, foreground: float, seed: int = 0, side: int = SIDE
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], list[str]]:
    """Grey pictures (rows, 1, side, side), masks (rows, side, side) of 0 and 1, and the shape in each.

    Each picture holds one shape, lighter than a shaded, noisy background. Its area is drawn between half and one
    and a half of `foreground`, the mean share of a picture that is shape (at most 0.4, or it would not fit).
    """
    random = np.random.RandomState(seed)  # its numbers are the same in every version of numpy
    y, x = np.mgrid[0:side, 0:side] + 0.5
    pictures = np.empty((rows, 1, side, side), np.uint8)
    masks = np.empty((rows, side, side), np.uint8)
    names = []
    for row in range(rows):
        name = SHAPES[random.randint(len(SHAPES))]
        area = max(foreground * random.uniform(0.5, 1.5) * side * side, 4.0)
        mask = _inside(name, area, x, y, side, random)
        angle, slope = random.uniform(0, 2 * np.pi), random.uniform(0, SHADE)
        shade = slope * (np.cos(angle) * x + np.sin(angle) * y) / side
        grey = random.uniform(70, 140) + shade + random.uniform(*LIGHTER) * mask
        grey = grey + random.normal(0, NOISE, (side, side))
        pictures[row, 0] = np.clip(np.rint(grey), 0, 255)
        masks[row] = mask
        names.append(name)
    return pictures, masks, names


def _inside(
    name: str,
    area: float,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    side: int,
    random: np.random.RandomState,
) -> NDArray[np.bool_]:
    """Which pixels a shape of this area, at a random place inside the picture, covers: at least one."""
    if name == "disc":
        reach = np.sqrt(area / np.pi)
    elif name == "square":
        reach = np.sqrt(area) / 2
    else:
        reach = np.sqrt(2 * area) / 2  # half the base of a triangle as high as it is wide
    low, high = min(reach, side / 2), max(side - reach, side / 2)
    dx, dy = x - random.uniform(low, high), y - random.uniform(low, high)
    if name == "disc":
        inside = dx**2 + dy**2 <= reach**2
    elif name == "square":
        inside = np.maximum(abs(dx), abs(dy)) <= reach
    else:
        inside = (abs(dy) <= reach) & (abs(dx) <= (dy + reach) / 2)
    if not inside.any():
        inside.flat[np.argmin(dx**2 + dy**2)] = True
    return np.asarray(inside)


def _drawn(foreground: float) -> Callable[[Embedded], Loaded]:
    def load(entry: Embedded) -> Loaded:
        pictures, masks, names = shapes(ROWS, foreground)
        frame = pd.DataFrame({FILE: numbered(entry, ROWS), "shape": names})
        return Loaded(frame, pictures, masks)

    return load


def _set(name: str, foreground: float) -> Embedded:
    return Embedded(
        name,
        f"Shapes on a noisy background, about {foreground:.0%} of a picture: which pixels are the shape?",
        "segmentation",
        "mask",
        ROWS,
        (1, SIDE, SIDE),
        "drawn by Lossary, the same on every machine",
        "Apache-2.0",
        "lossary",
        "lab",
        _drawn(foreground),
        data_alone=False,
    )


SETS = (_set("shapes", 0.15), _set("shapes_1", 0.01), _set("shapes_5", 0.05), _set("shapes_30", 0.30))
