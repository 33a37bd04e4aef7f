"""Inputs and answers as arrays, from Python or from an .npz file: a table, pictures or text, and what is asked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lossary.lab.data.columns import from_frame
from lossary.lab.data.found import Content, Found, refused
from lossary.lab.data.nearest import listed, quoted
from lossary.lab.data.pictures import masks, pictures
from lossary.lab.data.refusals import unique_names
from lossary.lab.data.table import FILE, MASK, Reading, content_digest


def from_arrays(inputs: Any, answers: Any) -> Found:
    """A table behind `(X, y)`: numpy arrays, tensors, lists, or a pandas frame with a series. Raises DataError."""
    if isinstance(inputs, pd.DataFrame):
        content = _framed(inputs, answers)
    else:
        name = str(answers.name) if isinstance(answers, pd.Series) and answers.name is not None else "y"
        content = combined(_array(inputs, "x"), _array(answers, "y"), ("x", name), "arrays")
    digest = content_digest(content.frame, content.pictures, content.masks)
    return Found(content, "arrays", "arrays from Python", digest, Reading("arrays"))


def _array(values: Any, name: str) -> NDArray[Any]:
    """As a numpy array; a tensor is read where it lies, without its gradient."""
    if hasattr(values, "detach"):
        values = values.detach().cpu()
        values = values.float() if str(values.dtype) == "torch.bfloat16" else values
        return np.asarray(values.numpy())
    try:
        array = np.asarray(values)
    except ValueError:
        raise refused(
            f"array {quoted(name)}", "rows alike in length", "rows of different lengths", "pad them"
        ) from None
    if array.dtype.kind == "O" and array.ndim == 1 and all(isinstance(cell, str) for cell in array):
        return array.astype(str)
    return array


def _framed(inputs: pd.DataFrame, answers: Any) -> Content:
    named = answers.name if isinstance(answers, pd.Series) and answers.name is not None else "y"
    beside = _answers(_array(answers, "y"), str(named), len(inputs), "arrays")
    frame = from_frame(inputs)
    unique_names([*frame.columns, *beside.frame.columns], "the frame with its answers")
    return Content(pd.concat([frame, beside.frame], axis=1), beside.target, notes=beside.notes)


def combined(
    x: NDArray[Any],
    y: NDArray[Any] | None,
    names: tuple[str, str],
    subject: str,
    others: dict[str, NDArray[Any]] | None = None,
) -> Content:
    """Inputs, answers and further columns as one content; `names` are those of `x` and `y`.

    Inputs: numbers (rows, columns); text (rows,); pictures (rows, height, width) or with channels second or last.
    Answers: one a row; 0 and 1 in several columns; for pictures also masks of their size. Raises DataError.
    """
    if x.ndim == 0 or len(x) == 0:
        got = "a single value" if x.ndim == 0 else "no row"
        raise refused(
            f"array {quoted(names[0])}", "an array with a row for every case", got, "check what was given"
        )
    if y is not None and (y.ndim == 0 or len(y) != len(x)):
        got = "a single one" if y.ndim == 0 else f"{len(y):,}"
        raise refused(
            f"array {quoted(names[1])}",
            f"an answer for each of the {len(x):,} rows of {quoted(names[0])}",
            got,
            "check that both are of the same rows",
        )
    inputs = _inputs(x, names[0], subject)
    further = pd.DataFrame(others or {})
    drawn = None
    if y is None:
        asked = Content(pd.DataFrame(index=range(len(x))))
    else:
        drawn = _drawn(y, inputs.pictures)
        if drawn is None:
            asked = _answers(y, names[1], len(x), subject)
        else:
            numbered, notes = masks(drawn, f"array {quoted(names[1])}")
            asked = Content(pd.DataFrame(index=range(len(x))), MASK, masks=numbered, notes=notes)
    frame = from_frame(pd.concat([inputs.frame, further, asked.frame], axis=1))
    unique_names([str(label) for label in frame.columns], subject)
    notes = (*inputs.notes, *asked.notes)
    return Content(frame, asked.target, inputs.text, None, inputs.pictures, asked.masks, notes)


def _inputs(x: NDArray[Any], name: str, subject: str) -> Content:
    if x.dtype.kind == "U" and x.ndim == 1:
        return Content(pd.DataFrame({"text": x.astype(object)}), text="text")
    if x.dtype.kind not in "biufO" or x.ndim > 4:
        shape = " x ".join(str(size) for size in x.shape)
        raise refused(
            f"array {quoted(name)}",
            "numbers of rows x columns, pictures of three or four dimensions, or one text a row",
            f"{x.dtype} of shape {shape}",
            "arrange or convert it",
        )
    if x.ndim > 2:
        if x.dtype.kind == "O":
            raise refused(f"array {quoted(name)}", "pictures of numbers", "objects", "convert it to uint8")
        levels, notes = pictures(x, f"array {quoted(name)}")
        files = [f"{name}[{row}]" for row in range(len(x))]
        return Content(pd.DataFrame({FILE: files}, dtype=object), pictures=levels, notes=notes)
    wide = x.reshape(len(x), -1)
    if wide.dtype.kind == "b":
        wide = wide.astype(np.int64)
    columns = [f"x{column}" for column in range(wide.shape[1])]
    return Content(from_frame(pd.DataFrame(wide, columns=columns)))


def _drawn(y: NDArray[Any], levels: NDArray[np.uint8] | None) -> NDArray[Any] | None:
    """The answers as masks (rows, height, width), or None where they are none of these pictures'."""
    if levels is None or y.ndim < 3:
        return None
    size = (len(levels), *levels.shape[2:])
    for one in (y.shape == size, y.ndim == 4 and y.shape == (size[0], 1, *size[1:]), y.shape == (*size, 1)):
        if one:
            return y.reshape(size)
    raise refused(
        "masks",
        f"one number a pixel, {size[0]:,} x {size[1]} x {size[2]} as the pictures have it",
        " x ".join(f"{length:,}" for length in y.shape),
        "arrange them as the pictures",
    )


def _answers(y: NDArray[Any], name: str, rows: int, subject: str) -> Content:
    """One answer a row as a column; several columns of 0 and 1 as labels, or as classes where one holds a row."""
    if y.ndim == 0 or len(y) != rows:
        raise refused(
            f"array {quoted(name)}",
            f"an answer for each of {rows:,} rows",
            f"{len(y):,}" if y.ndim else "a single one",
            "check that both are of the same rows",
        )
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim == 1:
        return Content(from_frame(pd.DataFrame({name: _plain(y)})), name)
    if y.ndim > 2 or y.dtype.kind not in "biuf" or not np.isin(y, (0, 1)).all():
        raise refused(
            f"array {quoted(name)}",
            "one answer a row, or columns of 0 and 1",
            f"the shape {' x '.join(str(size) for size in y.shape)}"
            + (" with other values" if y.ndim == 2 else ""),
            "give one column",
        )
    if (y.sum(axis=1) == 1).all():
        note = f"{quoted(name)} has a single 1 in every row and was read as {y.shape[1]} classes"
        return Content(pd.DataFrame({name: y.argmax(axis=1).astype(np.int64)}), name, notes=(note,))
    columns = [f"{name}{column}" for column in range(y.shape[1])]
    return Content(pd.DataFrame(y.astype(np.int64), columns=columns), ",".join(columns))


def _plain(values: NDArray[Any]) -> Any:
    if values.dtype.kind == "S":
        return np.char.decode(values, "utf-8", "replace").astype(object)
    return values.astype(object) if values.dtype.kind == "U" else values


def known(names: list[str]) -> str:
    """The names of arrays, for a sentence."""
    return listed(names) if names else "none"
