"""A folder of pictures: one folder a class, or `images` and `masks` with the same names."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lossary.core.errors import DataError
from lossary.lab.data import decode
from lossary.lab.data.found import Content, Found, refused
from lossary.lab.data.nearest import listed, quoted
from lossary.lab.data.pictures import LARGEST_BYTES, masks, too_large
from lossary.lab.data.table import CLASS, FILE, MASK, Reading, content_digest

IMAGES = ("images", "image", "pictures")
MASKS = ("masks", "mask")
WHAT = "pictures in one folder a class, or in 'images' with their 'masks'"


@dataclass(frozen=True)
class Inside:
    """What a folder holds, hidden files aside, by name."""

    folders: tuple[Path, ...]
    pictures: tuple[Path, ...]
    others: tuple[Path, ...]


def from_folder(path: Path, tables: frozenset[str]) -> Found:
    """The pictures of a folder. Raises DataError for a folder that holds none in one of the two orders."""
    inside = _inside(path)
    named = {folder.name.lower(): folder for folder in inside.folders}
    images = next((named[name] for name in IMAGES if name in named), None)
    drawn = next((named[name] for name in MASKS if name in named), None)
    if images is not None and drawn is not None:
        content = _masked(path, images, drawn)
    else:
        content = _classes(path, inside, tables)
    digest = content_digest(content.frame, content.pictures, content.masks)
    full = path.resolve().name or str(path)
    return Found(content, full, full, digest, Reading("pictures", str(path)))


def _inside(path: Path) -> Inside:
    try:
        children = sorted(child for child in path.iterdir() if not child.name.startswith((".", "__MACOSX")))
        folders = tuple(child for child in children if child.is_dir())
        files = [child for child in children if not child.is_dir() and child.name.lower() != "thumbs.db"]
    except OSError as error:
        raise refused(
            f"folder {quoted(path)}",
            "a folder that can be read",
            (error.strerror or "an error").lower(),
            "check its permissions",
        ) from None
    pictures = tuple(file for file in files if file.suffix.lower() in decode.SUFFIXES)
    return Inside(
        folders, pictures, tuple(file for file in files if file.suffix.lower() not in decode.SUFFIXES)
    )


def _classes(path: Path, inside: Inside, tables: frozenset[str]) -> Content:
    held = [(folder, _inside(folder)) for folder in inside.folders]
    filled = [(folder, found) for folder, found in held if found.pictures]
    if not filled:
        raise _no_pictures(path, inside, held, tables)
    if inside.pictures:
        raise refused(
            f"folder {quoted(path)}",
            WHAT,
            f"{len(inside.pictures)} beside the class folders",
            "move each into the folder of its class",
        )
    if len(filled) == 1:
        raise refused(
            f"folder {quoted(path)}",
            "at least two class folders",
            f"pictures in {quoted(filled[0][0].name)} alone",
            "put the pictures of each class into a folder of its own",
        )
    for folder, found in held:
        deeper = next((below for below in found.folders if _inside(below).pictures), None)
        if deeper is not None:
            raise refused(
                f"folder {quoted(path)}",
                WHAT,
                f"pictures in a folder inside a class folder, {quoted(f'{folder.name}/{deeper.name}')}",
                f"name {quoted(folder)} if its folders are the classes",
            )
        if len(found.pictures) < 2:
            raise refused(
                f"class folder {quoted(folder.name)}",
                "at least two pictures",
                "one" if found.pictures else "none",
                "add pictures of the class or take its folder away",
            )
    files = [file for _, found in held for file in found.pictures]
    classes = [folder.name for folder, found in held for _ in found.pictures]
    names = [file.relative_to(path).as_posix() for file in files]
    levels, notes = _decoded(files, names)
    others = [file.relative_to(path).as_posix() for _, found in held for file in found.others]
    frame = pd.DataFrame({FILE: names, CLASS: classes}, dtype=object)
    return Content(frame, CLASS, pictures=levels, notes=(*notes, *_left_out(others)))


def _no_pictures(
    path: Path, inside: Inside, held: list[tuple[Path, Inside]], tables: frozenset[str]
) -> DataError:
    named = sorted(file.name for file in inside.others if file.suffix.lower() in tables)
    if named:
        return refused(
            f"source {quoted(path)}", "a file", "a folder", f"name one of its files: {listed(named)}"
        )
    if inside.pictures:
        got = f"{len(inside.pictures)} pictures and no folder of a class"
        return refused(f"folder {quoted(path)}", WHAT, got, "move each picture into the folder of its class")
    deeper = [folder for folder, found in held if any(_inside(below).pictures for below in found.folders)]
    if deeper:
        got = f"no picture in {listed(folder.name for folder in inside.folders)}"
        return refused(f"folder {quoted(path)}", WHAT, got, f"name one of them: {listed(deeper)}")
    got = "an empty folder" if not (inside.folders or inside.others) else "no picture"
    return refused(f"folder {quoted(path)}", WHAT, got, "name a folder with pictures, or a file")


def _masked(path: Path, images: Path, drawn: Path) -> Content:
    first, second = _inside(images), _inside(drawn)
    if not first.pictures:
        raise refused(
            f"folder {quoted(images)}", "pictures", "none", "add the pictures that the masks are of"
        )
    pictures, outlines = _by_stem(first.pictures, images), _by_stem(second.pictures, drawn)
    for lonely, lacking, remedy in (
        ([stem for stem in outlines if stem not in pictures], "picture", drawn),
        ([stem for stem in pictures if stem not in outlines], "mask", images),
    ):
        if lonely:
            raise refused(
                f"folder {quoted(path)}",
                "a mask of the same name for every picture",
                f"no {lacking} for {listed(lonely)}",
                f"add the {lacking} or take the file away from {quoted(remedy.name)}",
            )
    files = [pictures[stem] for stem in pictures]
    names = [file.relative_to(path).as_posix() for file in files]
    levels, notes = _decoded(files, names)
    drawings, shaded = [], 0
    for stem in pictures:
        shown = outlines[stem].relative_to(path).as_posix()
        values, cut = decode.mask(outlines[stem], shown)
        shaded += cut
        if values.shape != levels.shape[2:]:
            raise refused(
                f"mask {quoted(shown)}",
                f"the size of its picture, {levels.shape[3]} x {levels.shape[2]}",
                f"{values.shape[1]} x {values.shape[0]}",
                "draw it anew or take both away",
            )
        drawings.append(values)
    numbered, said = masks(np.stack(drawings), f"folder {quoted(drawn)}")
    others = [file.relative_to(path).as_posix() for file in (*first.others, *second.others)]
    cut_note = (
        (f"{_count(shaded, 'mask')} held shades of a lossy format, cut at the middle",) if shaded else ()
    )
    frame = pd.DataFrame({FILE: names}, dtype=object)
    notes = (*notes, *said, *cut_note, *_left_out(others))
    return Content(frame, MASK, pictures=levels, masks=numbered, notes=notes)


def _by_stem(files: tuple[Path, ...], folder: Path) -> dict[str, Path]:
    twice = [stem for stem, count in Counter(file.stem for file in files).items() if count > 1]
    if twice:
        raise refused(
            f"folder {quoted(folder)}",
            "files that differ in more than their ending",
            f"more than one called {listed(twice)}",
            "take all but one away",
        )
    return {file.stem: file for file in files}


def _decoded(files: list[Path], names: list[str]) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """The pictures in one array; all in colour where one is. Raises DataError where their sizes differ."""
    sizes = Counter(decode.size(file, name) for file, name in zip(files, names, strict=True))
    if len(sizes) > 1:
        most = ", ".join(f"{width} x {height} ({count})" for (height, width), count in sizes.most_common(3))
        raise refused(
            f"{len(files)} pictures",
            "one size, width x height",
            f"{len(sizes)}: {most}{' and more' if len(sizes) > 3 else ''}",
            "resize or crop them to one size first",
        )
    (height, width) = next(iter(sizes))
    if len(files) * height * width > LARGEST_BYTES:
        raise too_large(len(files) * height * width, f"{len(files)} pictures of {width} x {height}")
    decoded = [decode.picture(file, name) for file, name in zip(files, names, strict=True)]
    colour = [each.levels.ndim == 3 for each in decoded]
    notes = []
    for count, what in (
        (sum(each.transparent for each in decoded), "transparency, which was left out"),
        (sum(each.deep for each in decoded), "more than 8 bits, of which 8 were kept"),
    ):
        if count:
            notes.append(f"{_count(count, 'picture')} had {what}")
    if not any(colour):
        return np.stack([each.levels for each in decoded])[:, None], tuple(notes)
    if not all(colour):
        notes.append(
            f"{_count(len(colour) - sum(colour), 'grey picture')} made red, green and blue like the others"
        )
    whole = np.empty((len(decoded), 3, height, width), np.uint8)
    for row, each in enumerate(decoded):
        whole[row] = each.levels.transpose(2, 0, 1) if each.levels.ndim == 3 else each.levels
    return whole, tuple(notes)


def _left_out(others: list[str]) -> tuple[str, ...]:
    if not others:
        return ()
    return (f"{_count(len(others), 'file')} left out, no picture by its ending: {listed(others)}",)


def _count(number: int, noun: str) -> str:
    return f"1 {noun}" if number == 1 else f"{number} {noun}s"
