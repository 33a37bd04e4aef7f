"""Records survive JSON, and equal records have equal bytes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pytest

from lossary.lab import record
from lossary.lab.record import RecordError


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Inner:
    value: float
    name: str | None = None


@dataclass(frozen=True)
class Outer:
    inner: Inner
    many: tuple[Inner, ...]
    pair: tuple[int, str]
    table: Mapping[int, float]
    colour: Colour
    flag: bool = False
    number: int | float = 1


WHOLE = Outer(Inner(0.1), (Inner(1.0, "a"), Inner(-2.5)), (3, "x"), {7: 0.25}, Colour.RED, True, 2)


def test_a_record_comes_back_equal_and_with_its_types() -> None:
    back = record.read(Outer, record.text(WHOLE))
    assert back == WHOLE
    assert isinstance(back.number, int)
    assert isinstance(back.colour, Colour)


def test_equal_records_have_equal_bytes_whatever_the_order_of_their_mappings() -> None:
    assert record.text({"b": 1, "a": 2}) == record.text({"a": 2, "b": 1}) == '{"a":2,"b":1}'
    assert record.digest(WHOLE) == record.digest(record.read(Outer, record.text(WHOLE)))


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_what_json_has_no_number_for_comes_back_as_a_float(value: float) -> None:
    back = record.read(Inner, record.text(Inner(value))).value
    assert back == value or (math.isnan(back) and math.isnan(value))


def test_every_digit_of_a_float_survives() -> None:
    assert record.read(Inner, record.text(Inner(0.1 + 0.2))).value == 0.1 + 0.2


def test_numpy_values_are_written_as_plain_ones() -> None:
    assert record.text({"a": np.float64(0.5), "b": np.arange(3)}) == '{"a":0.5,"b":[0,1,2]}'


def test_fields_of_another_version_are_named() -> None:
    with pytest.raises(RecordError, match=r"unknown \['more'\] and missing \['value'\]"):
        record.restore(Inner, {"more": 1})


def test_what_is_no_record_is_refused() -> None:
    with pytest.raises(TypeError, match="cannot hold"):
        record.text(object())
