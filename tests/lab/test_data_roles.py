"""Arrays and Arrow files, several targets, groups, times and text: read, and refused in one sentence where unfit."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pytest
import torch
from PIL import Image

from lossary.core.errors import DataError
from lossary.lab.data import read
from lossary.lab.design import design
from lossary.lab.planning.options import Options
from lossary.lab.running.store import Store

ROWS = 60
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(ROWS, 3))
Y = np.arange(ROWS) % 2
LABELS = RANDOM.integers(0, 2, (ROWS, 3))


def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "x": np.arange(ROWS) * 0.5,
            "said": [f"a text with the number {row}" for row in range(ROWS)],
            "who": [f"person {row % 6}" for row in range(ROWS)],
            "when": pd.Timestamp("2020-01-01") + pd.to_timedelta(np.arange(ROWS), "D"),
            "label_a": Y,
            "label_b": (Y == 0) | (np.arange(ROWS) % 3 == 0),
            "label_c": LABELS[:, 2].astype(float),
            "y": Y,
        }
    )


def refused(source: object, target: object = None, **options: object) -> str:
    with pytest.raises(DataError) as caught:
        read(source, target, **options)  # type: ignore[arg-type]
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith(".")
    return message


@pytest.mark.parametrize(
    "asked", ["label_a,label_b,label_c", "label_*", "label_a, label_[bc]", "*_a,*b,label_c"]
)
def test_several_targets_are_named_by_words_and_patterns(asked: str) -> None:
    if "[" in asked:  # only a star stands for letters: brackets are in the names of columns
        assert refused(frame(), asked).startswith(
            "target 'label_[bc]': expected a column of the table, got no column"
        )
        return
    table = read(frame(), asked)
    assert table.targets == ("label_a", "label_b", "label_c")
    assert table.target == asked
    assert table.features == ("x", "said", "who", "when", "y")
    np.testing.assert_array_equal(table.labels()[:, 0], Y)
    assert table.labels().dtype == np.float32
    assert set(np.unique(table.labels())) == {0.0, 1.0}
    assert read(frame(), table.target).targets == table.targets


def test_several_targets_from_python() -> None:
    table = read(frame(), targets=("label_b", "label_a"))
    assert (table.targets, table.target) == (("label_b", "label_a"), "label_b,label_a")


def test_a_column_of_just_that_name_is_one_target() -> None:
    data = frame().rename(columns={"y": "size, area"})
    assert read(data, "size, area").targets == ()
    assert read(data, "label_a*").targets == ()
    assert read(data, "label_a*").target == "label_a"


def test_every_role_is_no_feature() -> None:
    table = read(frame(), "y", group="who", time="when", text="said", weight="x")
    assert (table.group, table.time, table.text, table.weight) == ("who", "when", "said", "x")
    assert table.features == ("label_a", "label_b", "label_c")


def changed(**columns: object) -> pd.DataFrame:
    return frame().assign(**columns)


ROLES = {
    "target and group": (
        (frame(), "y", {"group": "y"}),
        "group 'y': expected a column of its own, got the target; name another column.",
    ),
    "group and time": (
        (frame(), "y", {"group": "when", "time": "when"}),
        "time 'when': expected a column of its own, got the group; name another column.",
    ),
    "no such group": (
        (frame(), "y", {"group": "whom"}),
        "group 'whom': expected a column of the table, got no column of this name; the nearest column is 'who'.",
    ),
    "one group": (
        (changed(who="all"), "y", {"group": "who"}),
        "group 'who': expected at least 3 groups, for training, validation and test rows, got only 'all'; "
        "name another column.",
    ),
    "two groups": (
        (changed(who=Y), "y", {"group": "who"}),
        "group 'who': expected at least 3 groups, for training, validation and test rows, got 2 groups; "
        "name another column.",
    ),
    "a group a row": (
        (frame(), "y", {"group": "said"}),
        "group 'said': expected groups of several rows, got another one in every row; "
        "leave it out: nothing stays together.",
    ),
    "missing groups": (
        (changed(who=[None] * 6 + ["a", "b", "c"] * 18), "y", {"group": "who"}),
        "group 'who': expected a column that names each row's group, got 6 missing of 60; fill them or name another.",
    ),
    "no group at all": (
        (changed(who=[None] * ROWS), "y", {"group": "who"}),
        "group 'who': expected a column that names each row's group, got 60 missing of 60; fill them or name another.",
    ),
    "time as text": (
        (frame(), "y", {"time": "who"}),
        "time 'who': expected dates or numbers that order the rows, got text such as 'person 0'; "
        "write dates as 2020-12-31.",
    ),
    "time missing": (
        (changed(when=[np.nan, *range(ROWS - 1)]), "y", {"time": "when"}),
        "time 'when': expected dates or numbers that order the rows, got 1 missing of 60; fill them or name another.",
    ),
    "one time": (
        (changed(when=7), "y", {"time": "when"}),
        "time 'when': expected dates or numbers that order the rows, got only '7'; name another column.",
    ),
    "text of numbers": (
        (frame(), "y", {"text": "x"}),
        "text 'x': expected a column of text, got values such as '0.0'; name another column.",
    ),
    "weight of nothing": (
        (changed(x=[None] * ROWS), "y", {"weight": "x"}),
        "weight 'x': expected finite numbers of 0 or more, not all 0, got no value in any row; "
        "correct it or name another.",
    ),
    "a target of numbers": (
        (frame(), "label_a,x", {}),
        "target 'x': expected 0 or 1 in every row, as one of several targets, got '0.5', '1.5', '2.0'; "
        "ask about it alone, or make a column of 0 and 1 of each of its levels.",
    ),
    "a target with gaps": (
        (changed(label_a=[np.nan] + [0.0, 1.0] * 29 + [1.0]), "label_*", {}),
        "target 'label_a': expected 0 or 1 in every row, as one of several targets, got 1 missing of 60; "
        "fill them or leave it out.",
    ),
    "a target that never changes": (
        (changed(label_a=0), "label_*", {}),
        "target 'label_a': expected both 0 and 1, as one of several targets, got only 0; "
        "leave it out: there is nothing to learn.",
    ),
    "a target that is not there": (
        (frame(), "label_a,labell_b", {}),
        "target 'labell_b': expected a column of the table, got no column of this name; "
        "the nearest column is 'label_b'.",
    ),
    "a pattern of nothing": (
        (frame(), "tag_*", {}),
        "target 'tag_*': expected columns of the table, got none that it fits; "
        "choose from 'x', 'said', 'who', 'when', 'label_a', 'label_b', 'label_c', 'y'.",
    ),
}


@pytest.mark.parametrize("case", ROLES)
def test_a_role_that_a_column_cannot_have_is_refused(case: str) -> None:
    (data, target, options), message = ROLES[case]
    assert refused(data, target, **options) == message


@pytest.mark.parametrize("suffix", [".arrow", ".feather", ".data"])
def test_arrow_files_are_read_like_any_table(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"table{suffix}"
    pyarrow.feather.write_feather(frame(), path)
    table = read(path, "y")
    pd.testing.assert_frame_equal(table.frame, read(frame(), "y").frame)
    assert table.reading.format == "arrow"


def test_arrow_streams_are_read_too(tmp_path: Path) -> None:
    table = pa.Table.from_pandas(frame(), preserve_index=False)
    with pa.ipc.new_stream(tmp_path / "table.arrow", table.schema) as writer:
        writer.write_table(table)
    pd.testing.assert_frame_equal(read(tmp_path / "table.arrow", "y").frame, read(frame(), "y").frame)


def test_a_damaged_arrow_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.feather"
    pyarrow.feather.write_feather(frame(), path)
    path.write_bytes(path.read_bytes()[:100])
    assert refused(path, "y").startswith("file 'table.feather': expected an Arrow or Feather file, got ")
    path.write_bytes(b"")
    assert refused(path, "y").startswith("file 'table.feather': expected an Arrow or Feather file, got ")


def test_arrays_from_python_become_columns() -> None:
    one = read((X, Y))
    assert (list(one.frame.columns), one.target, one.name) == (["x0", "x1", "x2", "y"], "y", "arrays")
    for other in (read(X, Y), read(X.tolist(), Y.tolist()), read((torch.tensor(X), torch.tensor(Y)))):
        assert other.digest == one.digest
    assert read((X, Y[:, None])).digest == one.digest
    assert read((X, Y)).digest != read((X, 1 - Y)).digest
    learning = torch.tensor(X, dtype=torch.bfloat16, requires_grad=True)
    assert read((learning, Y)).frame["x0"].tolist() == pytest.approx(X[:, 0], abs=0.02)


def test_a_frame_and_a_series_of_answers() -> None:
    table = read(frame()[["x", "who"]], frame()["label_a"])
    assert (table.target, table.features) == ("label_a", ("x", "who"))
    assert refused(frame(), frame()["y"]).startswith(
        "the frame with its answers: expected columns with names of their"
    )


def test_texts_from_python() -> None:
    table = read((frame()["said"].tolist(), Y))
    assert (table.text, table.features, table.target) == ("text", (), "y")


def test_answers_in_columns_are_labels_or_classes() -> None:
    labels = read((X, LABELS))
    assert (labels.target, labels.targets) == ("y0,y1,y2", ("y0", "y1", "y2"))
    np.testing.assert_array_equal(labels.labels(), LABELS)
    classes = np.arange(ROWS) % 3
    table = read((X, np.eye(3)[classes]))
    np.testing.assert_array_equal(table.answers(), classes)
    assert table.notes == ("'y' has a single 1 in every row and was read as 3 classes",)


def test_an_archive_is_the_same_table(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", X=X, labels=Y, site=np.arange(ROWS) // 10)
    table = read(tmp_path / "a.npz", group="site")
    assert (table.target, table.features, table.reading.format) == ("labels", ("x0", "x1", "x2"), "npz")
    np.savez(tmp_path / "b.npz", data=X)
    assert read(tmp_path / "b.npz", "x2").features == ("x0", "x1")


def test_archives_that_cannot_be_used_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.savez("objects.npz", x=X, y=np.array([{}] * ROWS, dtype=object))
    assert refused("objects.npz") == (
        "file 'objects.npz': expected arrays of numbers or text, got an array of objects, which could run a program "
        "when read; save it with a plain dtype, such as float64 or str."
    )
    np.savez("names.npz", train=X, answers=Y)
    assert refused("names.npz") == (
        "file 'names.npz': expected an array 'x' or 'images' and an array 'y', 'labels' or 'masks', "
        "got 'train', 'answers'; rename the arrays."
    )
    np.savez("more.npz", x=X, y=Y, mean=X.mean(axis=0))
    assert refused("more.npz") == (
        "array 'mean' of file 'more.npz': expected a value for each of the 60 rows of 'x', got the shape 3; "
        "leave it out."
    )
    whole = Path("more.npz").read_bytes()
    Path("cut.npz").write_bytes(whole[:-40])
    assert (
        refused("cut.npz")
        == "file 'cut.npz': expected arrays that can be read, got a damaged file; save it again."
    )
    Path("cut.npz").write_bytes(b"")
    assert (
        refused("cut.npz")
        == "file 'cut.npz': expected arrays that can be read, got a damaged file; save it again."
    )
    np.save("one.npy", X)
    assert refused("one.npy") == (
        "file 'one.npy': expected inputs and answers together, got one array; "
        "save both in one file: numpy.savez('data.npz', x=inputs, y=answers)."
    )
    with zipfile.ZipFile("book.zip", "w") as packed:
        packed.writestr("sheet.xml", "")
    assert "got a workbook or a zip archive" in refused("book.zip")


ARRAYS = {
    "ragged": (
        ([[1, 2], [3]], [0, 1]),
        "array 'x': expected rows alike in length, got rows of different lengths; pad",
    ),
    "empty": (
        (X[:0], Y[:0]),
        "array 'x': expected an array with a row for every case, got no row; check what was",
    ),
    "single": (
        (3.0, 1),
        "array 'x': expected an array with a row for every case, got a single value; check what",
    ),
    "complex": (
        (X * 1j, Y),
        "array 'x': expected numbers of rows x columns, pictures of three or four dimensions, or",
    ),
    "many answers": (
        (X, X),
        "array 'y': expected one answer a row, or columns of 0 and 1, got the shape 60 x 3 with",
    ),
    "infinite": ((np.where(X > 0, np.inf, X), Y), "column 'x0': expected finite numbers, got"),
    "no answer": (
        (X, np.where(Y, np.nan, 0)),
        "target 'y': expected a value in every row, got 30 missing of 60; rem",
    ),
    "one answer": (
        (X, 0),
        "array 'y': expected an answer for each of the 60 rows of 'x', got a single one; check",
    ),
}


@pytest.mark.parametrize("case", ARRAYS)
def test_arrays_that_cannot_be_used_are_refused(case: str) -> None:
    given, message = ARRAYS[case]
    assert refused(given).startswith(message)


def damaged(raw: bytes, random: np.random.Generator) -> bytes:
    """A few bits turned, or the end cut off."""
    changed = np.frombuffer(raw, np.uint8).copy()
    if random.random() < 0.3:
        return changed[: random.integers(len(raw))].tobytes()
    changed[random.integers(len(raw), size=3)] ^= (1 << random.integers(8, size=3)).astype(np.uint8)
    return changed.tobytes()


def test_random_damage_is_read_or_refused_and_never_a_crash(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    np.savez(tmp_path / "a.npz", x=X, y=Y)
    pyarrow.feather.write_feather(frame(), tmp_path / "b.feather")
    frame().to_parquet(tmp_path / "c.parquet")
    for name in "xy":
        (tmp_path / "d" / name).mkdir(parents=True)
        for number in range(2):
            grey = random.integers(0, 256, (9, 9), dtype=np.uint8)
            Image.fromarray(grey).save(tmp_path / "d" / name / f"{number}.png")
    for file, target in (("a.npz", None), ("b.feather", "y"), ("c.parquet", "y"), ("d/x/0.png", None)):
        path = tmp_path / file
        source = tmp_path / "d" if file.startswith("d") else path
        whole, ends = path.read_bytes(), []
        for _ in range(60):
            path.write_bytes(damaged(whole, random))
            try:
                ends.append(str(read(source, target).rows))
            except DataError as error:
                ends.append(str(error))
        assert not any("\n" in end for end in ends)
        assert any(end.endswith(".") for end in ends)


def test_what_is_no_source_is_refused() -> None:
    assert refused(X) == (
        "source: expected a path, the name of an embedded set, a pandas frame or arrays (X, y), got a ndarray alone; "
        "give the answers beside the inputs, as (X, y)."
    )
    assert refused(7).endswith("got an int alone; name the data.")
    assert refused("/dev/zero", "y") == (
        "source '/dev/zero': expected a file or a folder, got a device; name a file."
    )


def test_a_frame_of_arrow_is_a_frame() -> None:
    assert read(pa.Table.from_pandas(frame()), "y").digest == read(frame(), "y").digest


def test_a_changed_pixel_is_refused_where_a_run_is_resumed(tmp_path: Path) -> None:
    pictures = RANDOM.integers(0, 256, (40, 6, 6), dtype=np.uint8)
    for number, picture in enumerate(pictures):
        place = tmp_path / "pets" / ("cat" if number % 2 else "dog")
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(place / f"{number:02}.png")
    options = Options(splits=2, seeds=1, epochs=2)
    planned, _ = design(tmp_path / "pets", options)
    with Store(tmp_path / "run") as store:
        store.adopt(planned.plan)
        store.adopt(design(tmp_path / "pets", options)[0].plan)
        pictures[0, 2, 3] ^= 1
        Image.fromarray(pictures[0]).save(tmp_path / "pets" / "dog" / "00.png")
        with pytest.raises(DataError):
            store.adopt(design(tmp_path / "pets", options)[0].plan)
