"""Text with delimiters (CSV, TSV and their relatives) read into columns of text.

The delimiter is the one of comma, semicolon, tab and bar under which most records have as many fields as
the header, and more than one. Records with another number of fields are left out with a note while they are
at most 1 %; above that the file is refused as no table.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

import pandas as pd

from lossary.core.errors import DataError, sentence
from lossary.lab.data.nearest import quoted

DELIMITERS = ("\t", ";", "|", ",")  # where two fit alike, the one that text and numbers hold less often
MARKUP = ("{", "[{", "<!doctype", "<html", "<?xml", "%pdf")  # JSON and pages split by chance only
DECLARED = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
SNIFFED = 500  # records looked at to find the delimiter
RAGGED = 0.01  # share of records with a wrong number of fields that is left out rather than refused
ABSENT = ["?"]  # beside pandas' own marks of a missing cell ("", "NA", "NaN", "null", "None", "#N/A", ...)


@dataclass(frozen=True)
class Shape:
    """What one pass over the records found."""

    header: list[str]
    records: int
    wrong: list[tuple[int, int]] = field(default_factory=list)  # (line, number of fields)


def decoded(raw: bytes, name: str) -> tuple[str, str, tuple[str, ...]]:
    """The text of a file, its encoding, and a note where it was guessed. Raises DataError for non-text."""
    marked = raw[:2] in (b"\xff\xfe", b"\xfe\xff")
    encodings = ["utf-16"] if marked else ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if _control_characters(text):
            break
        guessed = encoding == "cp1252"
        note = f"{quoted(name)} is not UTF-8 and was read as Windows-1252; check its accented letters"
        return text, encoding, (note,) if guessed else ()
    raise DataError(
        sentence(
            f"file {quoted(name)}",
            expected="a table as text (CSV, TSV) or Parquet",
            got="bytes that are not text",
            remedy="export it as CSV",
        )
    )


def _control_characters(text: str) -> bool:
    # No table holds any of these; a picture, a program or a compressed file holds one within its first bytes.
    return any(chr(code) in text for code in range(32) if code not in (9, 10, 11, 12, 13, 26, 27))


def sniffed(text: str, name: str) -> str:
    """The delimiter. Raises DataError where none of the four gives a table of at least two columns."""
    best, share = "", 0.0
    candidates = () if text[:1000].lstrip().lower().startswith(MARKUP) else DELIMITERS
    for delimiter in candidates:
        counts = [len(fields) for _, fields in islice(_records(text, delimiter, name), SNIFFED)]
        if not counts or counts[0] < 2:
            continue
        width, rest = counts[0], counts[1:]
        fitting = sum(count == width for count in counts) / len(counts)
        if rest and all(count == width + 1 for count in rest):
            fitting = (
                0.99  # every row one longer: row names, or a delimiter at the end, yet second to a full fit
            )
        if fitting > share:
            best, share = delimiter, fitting
    if best and share >= 0.5:
        return best
    raise DataError(
        sentence(
            f"file {quoted(name)}",
            expected="a header and rows of two columns or more, split by comma, semicolon, tab or bar",
            got="text in which none of the four splits the lines alike",
            remedy="export the table as CSV with a header",
        )
    )


def _records(text: str, delimiter: str, name: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    try:
        for fields in reader:
            if fields and fields != [""]:
                yield reader.line_num, fields
    except csv.Error as error:
        raise DataError(
            sentence(
                f"file {quoted(name)}, line {reader.line_num}",
                expected="fields with balanced quotes",
                got=str(error),
                remedy="close the quote or export the table again",
            )
        ) from None


def read_text(text: str, name: str, delimiter: str | None) -> tuple[pd.DataFrame, str, tuple[str, ...]]:
    """Columns of text under their header, the delimiter, and notes. Raises DataError for what is no table."""
    if not text.strip():
        raise DataError(
            sentence(
                f"file {quoted(name)}", expected="a table", got="an empty file", remedy="check the export"
            )
        )
    declared = DECLARED.match(text)  # Excel's own first line
    if declared:
        delimiter, text = declared[1], text[declared.end() :]
    mark = delimiter or sniffed(text, name)
    shape = _measured(text, mark, name)
    header, notes = _named(shape.header)
    if shape.records == 0:
        raise DataError(
            sentence(
                f"file {quoted(name)}",
                expected="rows below the header",
                got=f"a header of {len(header)} columns and no row",
                remedy="check the export",
            )
        )
    if all(_is_number(cell) for cell in shape.header):
        raise DataError(
            sentence(
                f"file {quoted(name)}",
                expected="a header with the names of the columns",
                got="a first line of numbers only",
                remedy="add a line of names at the top",
            )
        )
    width = len(header)
    if len(shape.wrong) == shape.records and {count for _, count in shape.wrong} == {width + 1}:
        text, header, note = _one_field_more(text, mark, name, header)
        notes.append(note)
    elif shape.wrong:
        notes.append(_tolerated(shape, name, width))
        text = _rewritten(text, mark, name, width)
    return _parsed(text, mark, header), mark, tuple(notes)


def _measured(text: str, delimiter: str, name: str) -> Shape:
    records = _records(text, delimiter, name)
    shape = Shape(next(records)[1], 0)
    width, count = len(shape.header), 0
    for line, fields in records:
        count += 1
        if len(fields) != width:
            shape.wrong.append((line, len(fields)))
    return Shape(shape.header, count, shape.wrong)


def _named(header: list[str]) -> tuple[list[str], list[str]]:
    names = [cell.strip() for cell in header]
    filled = [cell or f"column {position}" for position, cell in enumerate(names, start=1)]
    missing = [new for old, new in zip(names, filled, strict=True) if not old]
    notes = [f"a column without a name was called {quoted(new)}" for new in missing]
    return filled, notes


def _is_number(cell: str) -> bool:
    try:
        float(cell.replace(",", "."))
    except ValueError:
        return False
    return True


def _tolerated(shape: Shape, name: str, width: int) -> str:
    line, count = shape.wrong[0]
    if len(shape.wrong) > RAGGED * shape.records:
        raise DataError(
            sentence(
                f"file {quoted(name)}",
                expected=f"{width} fields in every row, as in its header",
                got=f"{count} in line {line} and {len(shape.wrong)} such rows of {shape.records}",
                remedy="quote fields that hold the delimiter, or export the table again",
            )
        )
    rows = "row was" if len(shape.wrong) == 1 else "rows were"
    return f"{len(shape.wrong)} {rows} left out: not {width} fields, the first in line {line}"


def _rewritten(text: str, delimiter: str, name: str, width: int) -> str:
    kept = io.StringIO(newline="")
    writer = csv.writer(kept, delimiter=delimiter)
    writer.writerows(fields for _, fields in _records(text, delimiter, name) if len(fields) == width)
    return kept.getvalue()


def _one_field_more(text: str, delimiter: str, name: str, header: list[str]) -> tuple[str, list[str], str]:
    """Every row one field longer than the header: a delimiter ending each line, or R's unnamed row names."""
    records = [fields for _, fields in islice(_records(text, delimiter, name), 1, None)]
    kept = io.StringIO(newline="")
    writer = csv.writer(kept, delimiter=delimiter)
    if all(not fields[-1].strip() for fields in records):
        writer.writerow(header)
        writer.writerows(fields[:-1] for fields in records)
        return kept.getvalue(), header, "every row ends in an empty field, which was left out"
    names = ["row name", *header]
    writer.writerow(names)
    writer.writerows(records)
    return kept.getvalue(), names, "the first column has no name in the header and was called 'row name'"


def _parsed(text: str, delimiter: str, header: list[str]) -> pd.DataFrame:
    # Read as text under numbers for names: what is a number is decided in `columns`, what is a name below.
    frame = pd.read_csv(
        io.StringIO(text),
        sep=delimiter,
        header=0,
        names=list(range(len(header))),
        index_col=False,
        dtype=str,
        na_values=ABSENT,
        skipinitialspace=True,
        low_memory=False,
    )
    frame.columns = pd.Index(header, dtype=object)
    return frame
