"""Data that cannot be compared on are refused in one sentence, word for word."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lossary.core.errors import DataError
from lossary.lab.asking.infer import infer
from lossary.lab.asking.profile import profile
from lossary.lab.data import read

GOOD = "a,b,y\n" + "".join(f"{i % 7},{i % 5},{i % 3}\n" for i in range(60))


def write(folder: Path, content: str | bytes, name: str = "data.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refused(source: str | Path | pd.DataFrame, target: str | None = "y", **options: str | None) -> str:
    """The one sentence that reading, inferring and profiling end in."""
    positive = options.pop("positive", None)
    with pytest.raises(DataError) as caught:
        table = read(source, target, **options)
        profile(table, infer(table, positive=positive))
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith(".")
    return message


FILES: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", "file 'data.csv': expected a table, got an empty file; check the export."),
    "blank": ("\ufeff \n\n", "file 'data.csv': expected a table, got an empty file; check the export."),
    "header only": (
        "a,b,y\n",
        "file 'data.csv': expected rows below the header, got a header of 3 columns and no row; "
        "check the export.",
    ),
    "one row": (
        "a,b,y\n1,2,3\n",
        "table 'data': expected at least 10 rows, got 1 row; gather more data.",
    ),
    "constant target": (
        "a,y\n" + "".join(f"{i % 7},5\n" for i in range(60)),
        "target 'y': expected at least two different values, got only '5'; name another column.",
    ),
    "counting target": (
        "a,y\n" + "".join(f"{i % 7},{i + 100}\n" for i in range(60)),
        "target 'y': expected values to predict, got an identifier (counts the rows through); "
        "name another column.",
    ),
    "named target": (
        "a,y\n" + "".join(f"{i % 7},person {i}\n" for i in range(60)),
        "target 'y': expected values to predict, got an identifier (has 60 distinct texts in 60 rows); "
        "name another column.",
    ),
    "one row per class": (
        "a,y\n" + "".join(f"{i % 7},{'abcdefghijkl'[i]}\n" for i in range(12)),
        "target 'y': expected several rows of each class, got one row of each; gather more rows of each class.",
    ),
    "a rare class": (
        "a,y\n" + "".join(f"{i % 7},{'ab'[i % 2]}\n" for i in range(60)) + "1,c\n",
        "target 'y': expected at least 5 rows of each class, got 1 of 'c'; "
        "merge rare classes or leave their rows out.",
    ),
    "a missing target": (
        GOOD + "1,2,\n3,4,NaN\n",
        "target 'y': expected a value in every row, got 2 missing of 62; remove the rows without an answer.",
    ),
    "no target at all": (
        "a,y\n1,\n2,\n3,\n",
        "target 'y': expected a value in every row, got 3 missing of 3; name another column.",
    ),
    "a date as target": (
        "a,y\n" + "".join(f"{i % 7},2020-01-{i % 9 + 1:02d}\n" for i in range(60)),
        "target 'y': expected classes or numbers, got dates; derive a number of days or a class from it.",
    ),
    "a stray word among numbers": (
        "a,y\n" + "".join(f"{i % 7},{i * i}\n" for i in range(60)) + "1,unknown\n",
        "target 'y': expected numbers, got numbers and the text 'unknown' in row 61; "
        "correct the cell or remove the row.",
    ),
    "all columns missing": (
        "a,b,y\n,,1\n,,2\n,,1\n",
        "table 'data': expected at least one column with values beside the target, got none; "
        "add the columns to learn from.",
    ),
    "nothing to learn from": (
        "name,site,y\n" + "".join(f"n{i},x,{i % 2}\n" for i in range(60)),
        "table 'data': expected at least one column to learn from, got only "
        "'name (has 60 distinct texts in 60 rows)', 'site (one value in every row)'; "
        "add columns with values that repeat or can be measured.",
    ),
    "duplicate names": (
        "a,b,a ,y\n1,2,3,4\n",
        "file 'data.csv': expected columns with names of their own, got more than one called 'a'; "
        "rename or remove all but one.",
    ),
    "infinite": (
        GOOD + "inf,2,1\n",
        "column 'a': expected finite numbers, got 1 infinite, the first in row 61; "
        "leave the cell empty where a value is unknown.",
    ),
    "too large": (
        GOOD + "-1e200,2,1\n",
        "column 'a': expected numbers up to 1e+100 in size, got 1 beyond, the first in row 61; "
        "rescale the column or leave it out.",
    ),
    "ragged": (
        "a,b,y\n" + "1,2,3\n" * 30 + "1,2\n" * 6,
        "file 'data.csv': expected 3 fields in every row, as in its header, got 2 in line 32 and 6 such rows "
        "of 36; quote fields that hold the delimiter, or export the table again.",
    ),
    "prose": (
        "Once upon a time, there was a table.\nIt had no columns.\nNobody, it is said, ever read it.\n" * 4,
        "file 'data.csv': expected a header and rows of two columns or more, split by comma, semicolon, tab or "
        "bar, got text in which none of the four splits the lines alike; export the table as CSV with a header.",
    ),
    "json": (
        '{"a": 1, "y": 2}\n{"a": 1, "y": 2}\n',
        "file 'data.csv': expected a header and rows of two columns or more, split by comma, semicolon, tab or "
        "bar, got text in which none of the four splits the lines alike; export the table as CSV with a header.",
    ),
    "no header": (
        "1,2,3\n4,5,6\n",
        "file 'data.csv': expected a header with the names of the columns, got a first line of numbers only; "
        "add a line of names at the top.",
    ),
    "a picture": (
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256)),
        "file 'data.csv': expected a table as text (CSV, TSV) or Parquet, got bytes that are not text; "
        "export it as CSV.",
    ),
    "a workbook": (
        b"PK\x03\x04rest",
        "file 'data.csv': expected a table as text (CSV, TSV) or Parquet, got a workbook or a zip archive; "
        "save the sheet as CSV.",
    ),
    "a compressed file": (
        b"\x1f\x8brest",
        "file 'data.csv': expected a table as text (CSV, TSV) or Parquet, got a compressed file; "
        "unpack it first.",
    ),
    "a broken Parquet file": (
        b"PAR1 and then nothing of use",
        "file 'data.csv': expected a Parquet file, got",
    ),
}


@pytest.mark.parametrize("case", FILES)
def test_a_file_that_is_no_table_is_refused_in_one_sentence(case: str, tmp_path: Path) -> None:
    content, message = FILES[case]
    said = refused(write(tmp_path, content))
    assert said.startswith(message) if case == "a broken Parquet file" else said == message


def test_an_unclosed_quote_is_refused(tmp_path: Path) -> None:
    text = 'a,b,y\n1,"open,3\n' + "1,2,3\n" * 30_000
    assert refused(write(tmp_path, text)).startswith("file 'data.csv', line ")


def test_a_missing_file_names_the_nearest_one(tmp_path: Path) -> None:
    write(tmp_path, GOOD, "houses.csv")
    near = repr(str(tmp_path / "houses.csv"))
    said = refused(tmp_path / "house.csv")
    assert said.startswith("source ")
    if len(str(tmp_path)) < 40:
        assert f"the nearest file is {near}" in said
    assert "the nearest file is " in said


def test_a_missing_file_beside_this_folder_is_named_in_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, GOOD, "houses.csv")
    monkeypatch.chdir(tmp_path)
    assert refused("Houses.cvs") == (
        "source 'Houses.cvs': expected a file or the name of an embedded set, got neither; "
        "the nearest file is 'houses.csv'."
    )
    assert refused("breast_cancr") == (
        "source 'breast_cancr': expected a file or the name of an embedded set, got neither; "
        "the nearest embedded set is 'breast_cancer'."
    )
    assert refused("nowhere/houses.csv") == (
        "source 'nowhere/houses.csv': expected a file or the name of an embedded set, got neither; "
        "there is no folder 'nowhere' either."
    )


def test_a_folder_is_refused_and_its_tables_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, GOOD, "houses.csv")
    monkeypatch.chdir(tmp_path)
    assert refused(".") == "source '.': expected a file, got a folder; name one of its files: 'houses.csv'."


def test_a_column_that_does_not_exist_names_the_nearest_one(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD.replace("a,b,y", "area,rooms,price"))
    assert refused(path, "pric") == (
        "target 'pric': expected a column of the table, got no column of this name; "
        "the nearest column is 'price'."
    )
    assert refused(path, "zzz") == (
        "target 'zzz': expected a column of the table, got no column of this name; "
        "choose from 'area', 'rooms', 'price'."
    )
    assert refused(path, "price", weight="romms") == (
        "weight 'romms': expected a column of the table, got no column of this name; "
        "the nearest column is 'rooms'."
    )
    assert refused(path, None) == (
        "target: expected the name of the column to predict, got none; "
        "choose one of 'data': 'area', 'rooms', 'price'."
    )


WEIGHTS = {
    "text": (["a"] * 40, "text such as 'a'"),
    "missing": ([1.0] * 39 + [np.nan], "1 missing"),
    "negative": ([1.0] * 39 + [-2.0], "-2 in row 40"),
    "infinite": ([1.0] * 39 + [np.inf], "an infinite one"),
    "zero": ([0] * 40, "only zeros"),
}


@pytest.mark.parametrize("case", WEIGHTS)
def test_a_weight_is_finite_and_not_negative(case: str) -> None:
    values, got = WEIGHTS[case]
    frame = pd.DataFrame({"x": np.arange(40) % 7, "y": np.arange(40) % 2, "w": values})
    assert refused(frame, weight="w") == (
        f"weight 'w': expected finite numbers of 0 or more, not all 0, got {got}; correct it or name another."
    )


def test_the_target_is_no_weight() -> None:
    frame = pd.DataFrame({"x": np.arange(40) % 7, "y": np.arange(40) % 2})
    assert refused(frame, weight="y") == (
        "weight 'y': expected a column of its own, got the target; name another column."
    )


def test_a_frame_with_duplicate_names_or_lists_is_refused() -> None:
    assert refused(pd.DataFrame()) == (
        "table 'frame': expected columns, got none; name a table with columns and rows."
    )
    twice = pd.DataFrame(np.ones((4, 3)), columns=["x", "x", "y"])
    assert "more than one called 'x'" in refused(twice)
    lists = pd.DataFrame({"x": [[1], [2]], "y": [0, 1]})
    assert refused(lists) == (
        "column 'x': expected numbers, dates, text or true and false, got a list in a cell; "
        "turn it into several plain columns or leave it out."
    )


def test_a_positive_level_must_exist() -> None:
    frame = pd.DataFrame({"x": np.arange(40) % 7, "y": np.tile(["benign", "malignant"], 20)})
    assert refused(frame, positive="malignat") == (
        "positive 'malignat': expected a level of 'y', got no level of this name; "
        "the nearest level is 'malignant'."
    )
    three = pd.DataFrame({"x": np.arange(60) % 7, "y": np.arange(60) % 3})
    assert refused(three, positive="1") == (
        "positive '1': expected a target of two levels in 'y', got 3 levels; leave it out."
    )
    numbers = pd.DataFrame({"x": np.arange(60) % 7, "y": np.sqrt(np.arange(60))})
    assert refused(numbers, positive="1") == (
        "positive '1': expected a target of two levels in 'y', got numbers; leave it out."
    )
