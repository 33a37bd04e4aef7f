"""Frozen dataclasses to JSON and back, so that every stage of a comparison can be stored, shown and tested alone.

One meaning for all records: fields by name, tuples and arrays as lists, enumerations by value, mappings with string
keys, numbers as `repr` prints them. JSON has no infinities, so those floats are the strings "inf", "-inf", "nan".
"""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import json
import math
import types
import typing
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar, Union

from lossary.core.errors import LossaryError

T = TypeVar("T")
Plain = Any  # what json.dumps takes: None, bool, int, float, str, list, dict


class RecordError(LossaryError):
    """A stored record does not have the fields that this version of Lossary writes."""


def plain(value: object) -> Plain:
    """The JSON form of a record, a number, a text, or a container of those. Raises TypeError for anything else."""
    if isinstance(value, enum.Enum):
        return plain(value.value)
    if value is None or isinstance(value, (bool, str, int)):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else repr(float(value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {_key(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted(plain(item) for item in value)
    if hasattr(value, "tolist"):  # numpy scalars and arrays, tensors
        return plain(value.tolist())
    raise TypeError(f"a record cannot hold {type(value).__name__} {value!r}")


def _key(key: object) -> str:
    if isinstance(key, enum.Enum):
        key = key.value
    return key if isinstance(key, str) else repr(key)


def text(value: object, *, indent: int | None = None) -> str:
    """Canonical JSON: sorted keys, no clock, no locale; equal records give equal bytes."""
    separators = (",", ":") if indent is None else (",", ": ")
    return json.dumps(
        plain(value),
        sort_keys=True,
        ensure_ascii=False,
        allow_nan=False,
        indent=indent,
        separators=separators,
    )


def digest(value: object) -> str:
    """The sha256 of the canonical JSON, as 64 hexadecimal digits."""
    return hashlib.sha256(text(value).encode()).hexdigest()


def read(kind: type[T], source: str) -> T:
    """The record of type `kind` that `text` wrote. Raises RecordError where the fields do not fit."""
    return restore(kind, json.loads(source))


def restore(kind: type[T], value: Plain) -> T:
    """The value of type `kind` whose `plain` form is given; fields left out take their defaults."""
    return typing.cast(T, _restore(kind, value, kind.__name__))


def _restore(kind: Any, value: Plain, where: str) -> Any:
    if kind is Any or kind is object:
        return value
    origin = typing.get_origin(kind)
    if origin is typing.Annotated:
        return _restore(typing.get_args(kind)[0], value, where)
    if origin is typing.Literal:
        return value
    if origin in (Union, types.UnionType):
        return _restore_union(kind, value, where)
    if origin is not None:
        return _restore_container(origin, typing.get_args(kind), value, where)
    if isinstance(kind, type):
        return _restore_plain(kind, value, where)
    raise TypeError(f"{where}: no rule to read {kind!r}")


def _restore_plain(kind: type, value: Plain, where: str) -> Any:
    if dataclasses.is_dataclass(kind):
        return _restore_record(kind, value, where)
    if issubclass(kind, enum.Enum):
        return kind(value)
    if kind is float and isinstance(value, (int, float, str)) and not isinstance(value, bool):
        return float(value)
    if kind is type(None) and value is None:
        return None
    if kind in (tuple, list, dict, set, frozenset):
        return kind(value)
    if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
        return value
    raise RecordError(
        f"{where}: expected {kind.__name__}, got {value!r}; the file was written by another version"
    )


def _restore_record(kind: type, value: Plain, where: str) -> Any:
    if not isinstance(value, dict):
        raise RecordError(f"{where}: expected the fields of {kind.__name__}, got {value!r}")
    hints = _hints(kind)
    fields = {f.name: f for f in dataclasses.fields(kind) if f.init}
    unknown = sorted(set(value) - set(fields))
    missing = sorted(
        name
        for name, f in fields.items()
        if name not in value and f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
    )
    if unknown or missing:
        raise RecordError(
            f"{where}: expected the fields of {kind.__name__}, got unknown {unknown} and missing {missing}; "
            "the file was written by another version of Lossary"
        )
    return kind(**{name: _restore(hints[name], item, f"{where}.{name}") for name, item in value.items()})


def _restore_container(origin: Any, of: tuple[Any, ...], value: Plain, where: str) -> Any:
    if issubclass(origin, Mapping):
        return {_restore_key(of[0], k): _restore(of[1], v, f"{where}[{k!r}]") for k, v in value.items()}
    if not isinstance(value, list):
        raise RecordError(f"{where}: expected a list, got {value!r}")
    if origin is tuple and not (len(of) == 2 and of[1] is Ellipsis):
        return tuple(_restore(t, v, f"{where}[{i}]") for i, (t, v) in enumerate(zip(of, value, strict=True)))
    items = [_restore(of[0], v, f"{where}[{i}]") for i, v in enumerate(value)]
    if origin in (tuple, frozenset, set):
        return origin(items)
    return items


def _restore_key(kind: Any, key: str) -> Any:
    return kind(key) if isinstance(kind, type) and kind is not str else key


def _restore_union(kind: Any, value: Plain, where: str) -> Any:
    choices = typing.get_args(kind)
    if value is None and type(None) in choices:
        return None
    refused: RecordError | ValueError | None = None
    # An exact type first, so that `int | float` keeps an int an int and `float | str` keeps a text a text.
    for choice in sorted(choices, key=lambda c: c is not type(value)):
        if choice is type(None):
            continue
        try:
            return _restore(choice, value, where)
        except (RecordError, ValueError) as error:
            refused = error
    raise RecordError(f"{where}: expected {kind}, got {value!r}") from refused


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind, include_extras=True)
