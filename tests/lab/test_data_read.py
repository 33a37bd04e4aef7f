"""Reading: what a file says is what the table holds, whoever wrote it."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lossary.core.errors import MissingExtraError
from lossary.lab.data import Table, read
from lossary.lab.data import files as files_module
from lossary.lab.data.nearest import nearest, quoted
from lossary.lab.data.table import content_digest


def table(folder: Path, text: str | bytes, name: str = "data.csv", target: str = "y") -> Table:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read(path, target)


def column(folder: Path, cells: list[str], delimiter: str = ",") -> tuple[list[object], str, tuple[str, ...]]:
    """The cells of one column `x` as they are read, the kind of the column, and the notes."""
    lines = [f"x{delimiter}y", *(f"{cell}{delimiter}{i % 2}" for i, cell in enumerate(cells))]
    read_back = table(folder, "\n".join(lines))
    x = read_back.frame["x"]
    return x.tolist(), str(x.dtype), read_back.notes


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_delimiter_newline_and_byte_order_mark_change_nothing(
    delimiter: str, newline: str, bom: bytes, tmp_path: Path
) -> None:
    rows = [["size", "note", "y"], ["1.5", '"two\nlines, and; more|"', "0"], ["2.5", '"a ""b"""', "1"]]
    text = newline.join(delimiter.join(row) for row in rows)
    read_back = table(tmp_path, bom + text.encode())
    assert list(read_back.frame.columns) == ["size", "note", "y"]
    assert read_back.frame["size"].tolist() == [1.5, 2.5]
    assert read_back.frame["note"].tolist() == ["two\nlines, and; more|", 'a "b"']
    assert read_back.reading.delimiter == delimiter
    assert read_back.notes == ()


def test_a_file_that_is_not_utf8_is_read_as_windows_1252_with_a_note(tmp_path: Path) -> None:
    read_back = table(tmp_path, "größe,y\n1,0\n2,1\n".encode("cp1252"))
    assert read_back.features == ("größe",)
    assert read_back.notes == (
        "'data.csv' is not UTF-8 and was read as Windows-1252; check its accented letters",
    )
    assert table(tmp_path, "größe\ty\n1\t0\n2\t1\n".encode("utf-16"), "wide.tsv").features == ("größe",)


def test_a_column_called_script_is_plain_text(tmp_path: Path) -> None:
    name = "<script>alert(1)</script>"
    read_back = table(tmp_path, f"{name},y\n1,0\n2,1\n", target=name)
    assert read_back.target == name
    assert read_back.features == ("y",)


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["1,5", "2", "-0,25", "1.234,5"], [1.5, 2.0, -0.25, 1234.5]),
        (["0,125", "0,250", "1,000", "2,000"], [0.125, 0.25, 1.0, 2.0]),
        (["1234,567", "2,345", "3", "4"], [1234.567, 2.345, 3.0, 4.0]),
    ],
)
def test_a_decimal_comma_is_read_where_nothing_else_is_meant(
    cells: list[str], values: list[float], tmp_path: Path
) -> None:
    got, kind, notes = column(tmp_path, cells, ";")
    assert (got, kind, notes) == (values, "float64", ())


def test_one_column_settles_the_decimal_comma_for_the_file(tmp_path: Path) -> None:
    read_back = table(tmp_path, "a;b;c;y\n1,5;1,234;1.234;0\n2,5;5,678;15.678;1\n")
    assert read_back.reading.decimal == ","
    assert read_back.frame["b"].tolist() == [1.234, 5.678]
    assert read_back.frame["c"].tolist() == [1234, 15678]


def test_a_comma_that_may_mean_thousands_or_thousandths_stays_text_with_a_note(tmp_path: Path) -> None:
    got, kind, notes = column(tmp_path, ["1,234", "5,678"], ";")
    assert (got, kind) == (["1,234", "5,678"], "object")
    assert notes == (
        "column 'x' was read as text: cells such as '1,234' may hold thousands or a decimal comma",
    )


def test_commas_between_thousands_are_read_where_nothing_else_is_meant(tmp_path: Path) -> None:
    got, _, _ = column(tmp_path, ['"1,234.50"', '"12"', '"1,234,567"'])
    assert got == [1234.5, 12.0, 1234567.0]


def test_codes_with_leading_zeros_stay_text(tmp_path: Path) -> None:
    got, kind, notes = column(tmp_path, ["01099", "80331", "0"])
    assert (got, kind) == (["01099", "80331", "0"], "object")
    assert notes == ("column 'x' holds codes with leading zeros and was read as text",)
    assert column(tmp_path, ["0.5", "0", "-0.25"])[0] == [0.5, 0.0, -0.25]


@pytest.mark.parametrize(
    ("cells", "day"),
    [
        (["2020-12-31", "2021-01-01"], "2020-12-31"),
        (["2020-12-31T23:00:00Z", "2021-01-01 10:30"], "2020-12-31 23:00"),
        (["2020/12/31", "2021/1/1"], "2020-12-31"),
        (["3.4.2020", "5.6.2021"], "2020-04-03"),
        (["03/04/2020", "31/12/2020"], "2020-04-03"),
        (["03/04/2020", "12/31/2020"], "2020-03-04"),
    ],
)
def test_dates_are_read_where_day_and_month_are_told_apart(
    cells: list[str], day: str, tmp_path: Path
) -> None:
    got, kind, notes = column(tmp_path, [*cells, ""])
    assert kind == "datetime64[us]"
    assert got[0] == pd.Timestamp(day)
    assert got[-1] is pd.NaT
    assert notes == ()


def test_a_date_that_may_be_read_two_ways_stays_text_with_a_note(tmp_path: Path) -> None:
    _, kind, notes = column(tmp_path, ["03/04/2020", "05/06/2020"])
    assert kind == "object"
    assert notes == (
        "column 'x' was read as text: '03/04/2020' does not tell day from month; write dates as 2020-12-31",
    )


def test_missing_cells_are_missing_whatever_stands_for_them(tmp_path: Path) -> None:
    got, kind, _ = column(tmp_path, ["1", "", "NA", "NaN", "null", "?", "N/A"])
    assert kind == "float64"
    assert np.isnan(np.array(got, dtype=float)).tolist() == [False] + [True] * 6


def test_empty_columns_and_rows_are_left_out_with_a_note(tmp_path: Path) -> None:
    read_back = table(tmp_path, "a,b,c,y\n1,,,0\n,,,\n2,,,1\n")
    assert read_back.features == ("a",)
    assert read_back.rows == 2
    assert read_back.notes == (
        "1 empty row was left out",
        "columns 'b', 'c' left out: no value in any row",
    )


def test_a_stray_row_is_left_out_with_a_note(tmp_path: Path) -> None:
    read_back = table(tmp_path, "a,y\n" + "1,0\n2,1\n" * 100 + "total: 300\n")
    assert read_back.rows == 200
    assert read_back.notes == ("1 row was left out: not 2 fields, the first in line 202",)


def test_row_names_and_closing_delimiters_are_understood(tmp_path: Path) -> None:
    named = table(tmp_path, "a,y\nr1,1,0\nr2,2,1\n")
    assert named.frame["a"].tolist() == [1, 2]
    assert named.features == ("row name", "a")
    closing = table(tmp_path, "a,y\n1,0,\n2,1,\n", "closing.csv")
    assert closing.frame["a"].tolist() == [1, 2]
    assert closing.features == ("a",)
    nameless = table(tmp_path, ",a,y\n0,1,0\n1,2,1\n", "nameless.csv")
    assert nameless.features == ("column 1", "a")


def test_a_comma_inside_every_cell_is_no_delimiter(tmp_path: Path) -> None:
    read_back = table(tmp_path, "size, m2\ty\n1,5\t0\n2,5\t1\n")
    assert read_back.reading.delimiter == "\t"
    assert read_back.frame["size, m2"].tolist() == [1.5, 2.5]


def test_the_delimiter_that_excel_declares_is_taken(tmp_path: Path) -> None:
    read_back = table(tmp_path, "sep=|\r\na|y\r\n1|0\r\n2|1\r\n")
    assert read_back.features == ("a",)
    assert read_back.reading.delimiter == "|"


def test_the_digest_is_that_of_the_content(tmp_path: Path) -> None:
    text = "a,y\n1,0\n2,1\n"
    one, other = table(tmp_path, text), table(tmp_path, text, "other.csv")
    assert one.digest == other.digest == hashlib.sha256(text.encode()).hexdigest()
    frame = pd.DataFrame({"a": ["xy", "z"], "y": [0, 1]})
    moved = pd.DataFrame({"a": ["x", "yz"], "y": [0, 1]})
    assert read(frame, "y").digest == read(frame.copy(), "y").digest != read(moved, "y").digest
    assert content_digest(frame) != content_digest(frame.astype({"y": float}))


def test_parquet_holds_the_same_table_as_its_frame(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1.5, None], "b": ["x", "y"], "y": [0, 1]})
    frame.to_parquet(tmp_path / "data.parquet")
    from_file, from_frame = read(tmp_path / "data.parquet", "y"), read(frame, "y")
    pd.testing.assert_frame_equal(from_file.frame, from_frame.frame)
    assert from_file.reading.format == "parquet"


def test_parquet_without_pyarrow_names_the_install_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data.parquet").write_bytes(b"PAR1")
    monkeypatch.setattr(files_module, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"run: pip install 'lossary\[lab\]'$"):
        read(tmp_path / "data.parquet", "y")


def test_a_frame_is_made_plain_and_left_as_it_was() -> None:
    frame = pd.DataFrame(
        {
            "flag": [True, False, True],
            "level": pd.Categorical(["a", None, "b"]),
            "count": pd.array([1, None, 3], dtype="Int64"),
            "when": pd.to_datetime(["2020-01-01", "2020-01-02", None], utc=True),
            "day": [date(2020, 1, 1), date(2020, 1, 2), date(2020, 1, 3)],
            "took": pd.to_timedelta([1, 2, 36], unit="h"),
            "price": [Decimal("1.5"), Decimal("2.5"), None],
            "mixed": [1, "a", None],
            7: [1, 2, 3],
            "y": [0, 1, 0],
        },
        index=[5, 5, 6],
    )
    before = frame.copy(deep=True)
    plain = read(frame, "y").frame
    pd.testing.assert_frame_equal(frame, before)
    assert {name: str(kind) for name, kind in plain.dtypes.items()} == {
        "flag": "object",
        "level": "object",
        "count": "float64",
        "when": "datetime64[us]",
        "day": "datetime64[us]",
        "took": "float64",
        "price": "float64",
        "mixed": "object",
        "7": "int64",
        "y": "int64",
    }
    assert plain["flag"].tolist() == ["True", "False", "True"]
    assert plain["mixed"].tolist()[:2] == ["1", "a"]
    assert plain["took"].tolist() == [1 / 24, 2 / 24, 1.5]
    assert plain.index.tolist() == [0, 1, 2]


def test_an_embedded_set_can_be_asked_about_another_column() -> None:
    assert read("iris", "petal length (cm)").target == "petal length (cm)"


def test_weights_are_no_feature() -> None:
    frame = pd.DataFrame({"x": [1, 2, 3], "w": [0, 1, 2], "y": [0, 1, 0]})
    weighted = read(frame, "y", weight="w")
    assert weighted.features == ("x",)
    assert weighted.weights() is not None
    assert weighted.weights().tolist() == [0.0, 1.0, 2.0]  # type: ignore[union-attr]
    assert read(frame, "y").weights() is None


def test_names_are_quoted_short_and_the_nearest_is_found() -> None:
    assert quoted("a\nb") == "'a\\nb'"
    assert len(quoted("x" * 1000)) < 70
    assert nearest("PRICE", ["size", "price"]) == "price"
    assert nearest("q", ["size", "price"]) is None


def test_the_same_digest_in_another_process() -> None:
    code = "from lossary.lab.data import read; print(read('iris').digest)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == read("iris").digest
