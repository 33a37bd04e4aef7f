"""Pictures and masks: folders, archives and arrays read alike, and what is none refused in one sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from lossary.core.errors import DataError
from lossary.lab.data import folder, read
from lossary.lab.data import pictures as pictures_module

RANDOM = np.random.default_rng(0)
GREY = RANDOM.integers(0, 256, (12, 6, 8), dtype=np.uint8)
COLOUR = RANDOM.integers(0, 256, (12, 6, 8, 3), dtype=np.uint8)
MASKS = np.repeat([[[0] * 4 + [1] * 4]], 12, axis=0).repeat(6, axis=1).astype(np.uint8)


def save(path: Path, levels: NDArray[np.uint8], **options: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(levels).save(path, **options)


def classes(root: Path, levels: NDArray[np.uint8]) -> Path:
    for number, picture in enumerate(levels):
        save(root / ("cat" if number < 6 else "dog") / f"{number:02}.png", picture)
    return root


def masked(root: Path, masks: NDArray[np.uint8] = MASKS) -> Path:
    for number, (picture, mask) in enumerate(zip(GREY, masks, strict=True)):
        save(root / "images" / f"{number:02}.png", picture)
        save(root / "masks" / f"{number:02}.png", mask)
    return root


def refused(source: object, target: object = None, **options: str) -> str:
    with pytest.raises(DataError) as caught:
        read(source, target, **options)  # type: ignore[arg-type]
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith(".")
    return message


def test_a_folder_a_class_is_read_in_the_order_of_names(tmp_path: Path) -> None:
    table = read(classes(tmp_path / "pets", GREY))
    assert table.pictures is not None
    np.testing.assert_array_equal(table.pictures[:, 0], GREY)
    assert table.answers().tolist() == ["cat"] * 6 + ["dog"] * 6
    assert table.frame["file"].tolist()[:2] == ["cat/00.png", "cat/01.png"]
    assert (table.target, table.features, table.name, table.notes) == ("class", (), "pets", ())
    assert (table.reading.format, table.masks, table.kind) == ("pictures", None, None)


def test_colours_come_channels_first_and_a_grey_picture_among_them_is_made_so(tmp_path: Path) -> None:
    root = classes(tmp_path, COLOUR)
    table = read(root)
    assert table.pictures is not None
    np.testing.assert_array_equal(table.pictures, COLOUR.transpose(0, 3, 1, 2))
    save(root / "dog" / "11.png", GREY[11])
    mixed = read(root)
    assert mixed.pictures is not None
    assert (mixed.pictures[11] == GREY[11]).all()
    assert mixed.notes == ("1 grey picture made red, green and blue like the others",)


def test_transparency_is_left_out_with_a_note(tmp_path: Path) -> None:
    clear = np.concatenate([COLOUR, np.full((12, 6, 8, 1), 9, np.uint8)], axis=3)
    table = read(classes(tmp_path, clear))
    assert table.pictures is not None
    np.testing.assert_array_equal(table.pictures, COLOUR.transpose(0, 3, 1, 2))
    assert table.notes == ("12 pictures had transparency, which was left out",)


def test_sixteen_bits_become_eight_with_a_note(tmp_path: Path) -> None:
    root = classes(tmp_path, GREY)
    deep = GREY[0].astype(np.uint16) * 257
    Image.fromarray(deep).save(root / "cat" / "00.png")
    table = read(root)
    assert table.pictures is not None
    np.testing.assert_array_equal(table.pictures[0, 0], GREY[0])
    assert table.notes == ("1 picture had more than 8 bits, of which 8 were kept",)


def test_a_picture_turned_by_its_camera_is_read_upright(tmp_path: Path) -> None:
    root = classes(tmp_path, GREY)
    turn = Image.Exif()
    turn[0x0112] = 6  # the camera was held on its side
    Image.fromarray(np.rot90(GREY[0])).save(root / "cat" / "00.png", exif=turn)
    table = read(root)
    assert table.pictures is not None
    np.testing.assert_array_equal(table.pictures[0, 0], GREY[0])


def test_other_files_are_left_out_by_name(tmp_path: Path) -> None:
    root = classes(tmp_path, GREY)
    (root / "cat" / "notes.txt").write_text("taken in May")
    (root / "cat" / ".DS_Store").write_text("")
    assert read(root).notes == ("1 file left out, no picture by its ending: 'cat/notes.txt'",)


def test_one_changed_pixel_is_another_digest(tmp_path: Path) -> None:
    root = classes(tmp_path, GREY)
    before = read(root).digest
    assert read(root).digest == before
    changed = GREY[3].copy()
    changed[2, 2] ^= 1
    save(root / "cat" / "03.png", changed)
    assert read(root).digest != before


def test_one_changed_pixel_of_a_mask_is_another_digest(tmp_path: Path) -> None:
    before = read(masked(tmp_path)).digest
    changed = MASKS.copy()
    changed[3, 2, 2] = 1
    assert read(masked(tmp_path, changed)).digest != before


def test_masks_are_paired_by_name_and_numbered(tmp_path: Path) -> None:
    table = read(masked(tmp_path / "cells", MASKS * 255))
    assert table.masks is not None
    np.testing.assert_array_equal(table.masks, MASKS)
    assert (table.target, table.features, list(table.frame.columns)) == ("mask", (), ["file"])
    several = MASKS * np.arange(1, 9, dtype=np.uint8)
    numbered = read(masked(tmp_path / "more", several)).masks
    np.testing.assert_array_equal(numbered, several)


def test_empty_masks_among_others_are_noted(tmp_path: Path) -> None:
    some = MASKS.copy()
    some[:2] = 0
    assert read(masked(tmp_path, some)).notes == ("2 of 12 masks are empty",)


def test_shades_of_a_lossy_mask_are_cut_at_the_middle(tmp_path: Path) -> None:
    root = masked(tmp_path)
    for number, mask in enumerate(MASKS):
        (root / "masks" / f"{number:02}.png").unlink()
        save(root / "masks" / f"{number:02}.jpg", mask * 255, quality=60)
    table = read(root)
    np.testing.assert_array_equal(table.masks, MASKS)
    assert all("cut at the middle" in note for note in table.notes)


def archive(path: Path, **arrays: object) -> Path:
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return path


LABELS = np.arange(12) % 2


@pytest.mark.parametrize(
    "given",
    [GREY, GREY[:, None], GREY[..., None], GREY.astype(np.float32), GREY.astype(np.int64)],
    ids=["grey", "channels second", "channels last", "float", "int"],
)
def test_arrays_of_any_layout_are_the_same_pictures(tmp_path: Path, given: NDArray[np.float64]) -> None:
    for table in (read(archive(tmp_path / "a.npz", images=given, labels=LABELS)), read((given, LABELS))):
        assert table.pictures is not None
        np.testing.assert_array_equal(table.pictures, GREY[:, None])
        assert table.answers().tolist() == LABELS.tolist()
        assert table.features == ()


def test_numbers_from_0_to_1_become_levels() -> None:
    table = read((GREY / 255, LABELS))
    assert table.pictures is not None
    np.testing.assert_array_equal(table.pictures, GREY[:, None])
    assert table.notes == ("values from 0 to 1 were read as 256 levels of brightness",)


def test_archives_hold_masks_and_further_columns(tmp_path: Path) -> None:
    table = read(
        archive(tmp_path / "a.npz", images=COLOUR, masks=MASKS, slide=np.repeat(list("abc"), 4)),
        group="slide",
    )
    assert table.pictures is not None
    assert (table.pictures.shape, table.target, table.group) == ((12, 3, 6, 8), "mask", "slide")
    np.testing.assert_array_equal(table.masks, MASKS)


def shortened(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:80])


REFUSED = {
    "one": (
        lambda root: (classes(root, GREY[:7]),),
        "class folder 'dog': expected at least two pictures, got one; "
        "add pictures of the class or take its folder away.",
    ),
    "no class": (
        lambda root: [save(root / f"{number}.png", picture) for number, picture in enumerate(GREY)],
        "folder 'ROOT': expected pictures in one folder a class, or in 'images' with their 'masks', got 12 pictures "
        "and no folder of a class; move each picture into the folder of its class.",
    ),
    "a single class": (
        lambda root: [save(root / "cat" / f"{number}.png", picture) for number, picture in enumerate(GREY)],
        "folder 'ROOT': expected at least two class folders, got pictures in 'cat' alone; "
        "put the pictures of each class into a folder of its own.",
    ),
    "sizes": (
        lambda root: (classes(root, GREY), save(root / "cat" / "00.png", GREY[0, :5])),
        "12 pictures: expected one size, width x height, got 2: 8 x 6 (11), 8 x 5 (1); "
        "resize or crop them to one size first.",
    ),
    "no picture": (
        lambda root: (classes(root, GREY), (root / "cat" / "00.png").write_bytes(b"no picture")),
        "file 'cat/00.png': expected a picture, got one that cannot be decoded; "
        "open it and save it again, or take it away.",
    ),
    "cut off": (
        lambda root: (classes(root, GREY), shortened(root / "cat" / "00.png")),
        "file 'cat/00.png': expected a picture, got one that cannot be decoded; "
        "open it and save it again, or take it away.",
    ),
    "several in one": (
        lambda root: (classes(root, GREY), Image.fromarray(GREY[0]).save(
            root / "cat" / "00.gif", save_all=True, append_images=[Image.fromarray(GREY[1])])),
        "file 'cat/00.gif': expected one picture, got 2 in one file; save each as a file of its own.",
    ),
    "deeper": (
        lambda root: classes(root / "train", GREY),
        "folder 'ROOT': expected pictures in one folder a class, or in 'images' with their 'masks', got no picture in "
        "'train'; name one of them: 'ROOT/train'.",
    ),
    "beside": (
        lambda root: (classes(root, GREY), save(root / "odd.png", GREY[0])),
        "folder 'ROOT': expected pictures in one folder a class, or in 'images' with their 'masks', got 1 beside the "
        "class folders; move each into the folder of its class.",
    ),
    "nothing": (
        lambda root: root.mkdir(exist_ok=True),
        "folder 'ROOT': expected pictures in one folder a class, or in 'images' with their 'masks', got an empty "
        "folder; name a folder with pictures, or a file.",
    ),
    "no mask": (
        lambda root: (masked(root), (root / "masks" / "05.png").unlink()),
        "folder 'ROOT': expected a mask of the same name for every picture, got no mask for '05'; "
        "add the mask or take the file away from 'images'.",
    ),
    "mask alone": (
        lambda root: (masked(root), (root / "images" / "05.png").unlink()),
        "folder 'ROOT': expected a mask of the same name for every picture, got no picture for '05'; "
        "add the picture or take the file away from 'masks'.",
    ),
    "mask of another size": (
        lambda root: (masked(root), save(root / "masks" / "05.png", MASKS[5, :4])),
        "mask 'masks/05.png': expected the size of its picture, 8 x 6, got 8 x 4; draw it anew or take both away.",
    ),
    "mask in colours": (
        lambda root: (masked(root), save(root / "masks" / "05.png", COLOUR[5])),
        "mask 'masks/05.png': expected one number an object, 0 for the background, got colours; "
        "save it in shades of grey.",
    ),
    "empty masks": (
        lambda root: masked(root, MASKS * 0),
        "folder 'ROOT/masks': expected masks in which some pixels are an object and others are not, got no pixel that "
        "is one; check that 0 stands for the background.",
    ),
    "full masks": (
        lambda root: masked(root, MASKS * 0 + 7),
        "folder 'ROOT/masks': expected masks in which some pixels are an object and others are not, got none but such "
        "pixels; check that 0 stands for the background.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_folder_that_cannot_be_used_is_refused(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make, message = REFUSED[case]
    make(Path("ROOT"))
    assert refused("ROOT") == message


def test_a_folder_that_may_not_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(self: Path) -> None:
        raise PermissionError(13, "Permission denied")

    classes(tmp_path / "pets", GREY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Path, "iterdir", forbidden)
    assert refused("pets") == (
        "folder 'pets': expected a folder that can be read, got permission denied; check its permissions."
    )


def test_more_pictures_than_memory_holds_are_refused_before_they_are_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (folder, pictures_module):
        monkeypatch.setattr(module, "LARGEST_BYTES", 500)
    assert refused(classes(tmp_path, GREY)).startswith("12 pictures of 8 x 6: expected pictures of up to")
    assert refused((GREY, LABELS)).startswith("array 'x': expected pictures of up to")


ARRAYS = {
    "missing": (
        (np.where(GREY < 128, np.nan, 0.5), LABELS),
        "array 'x': expected whole numbers from 0 to 255, or numbers from 0 to 1, got",
    ),
    "beyond": (
        (GREY.astype(np.float64) - 300, LABELS),
        "array 'x': expected whole numbers from 0 to 255, or numbers from 0 to 1, got values from -300 to -45; "
        "rescale the pictures first.",
    ),
    "fractions": (
        (GREY / 2, LABELS),
        "array 'x': expected whole numbers from 0 to 255, or numbers from 0 to 1, got fractions up to 127.5; "
        "rescale the pictures first.",
    ),
    "alike": (
        (np.zeros((12, 6, 8)), LABELS),
        "array 'x': expected pictures that differ, got 12 times the same picture; check how they were written.",
    ),
    "channels": (
        (np.zeros((12, 6, 8, 2)), LABELS),
        "array 'x': expected pictures with 1, 3 or 4 channels in the second or the last dimension, got the shape "
        "12 x 6 x 8 x 2; arrange it as pictures x channels x height x width.",
    ),
    "either": (
        (np.zeros((12, 3, 8, 3)), LABELS),
        "array 'x': expected pictures with 1, 3 or 4 channels in the second or the last dimension, got the shape "
        "12 x 3 x 8 x 3, where both could be channels; arrange it as pictures x channels x height x width.",
    ),
    "masks of another size": (
        (GREY, MASKS[:, :4]),
        "masks: expected one number a pixel, 12 x 6 x 8 as the pictures have it, got 12 x 4 x 8; "
        "arrange them as the pictures.",
    ),
    "negative masks": (
        (GREY, MASKS.astype(np.int64) - 1),
        "array 'y': expected whole numbers, 0 for the background and 1 and up for objects, got -1; "
        "write one number an object.",
    ),
    "rows": (
        (GREY, LABELS[:7]),
        "array 'y': expected an answer for each of the 12 rows of 'x', got 7; check that both are of the same rows.",
    ),
}


@pytest.mark.parametrize("case", ARRAYS)
def test_arrays_that_are_no_pictures_are_refused(case: str) -> None:
    given, message = ARRAYS[case]
    assert refused(given).startswith(message)


def test_a_folder_of_pictures_wants_no_column_that_it_has_not(tmp_path: Path) -> None:
    assert refused(classes(tmp_path, GREY), group="slide").startswith(
        "group 'slide': expected a column of the table"
    )
