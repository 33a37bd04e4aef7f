"""The committed values of every loss, to 30 digits: what stays when code and definition change together."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import mpmath
import pytest
import torch
from torch import Size

import lossary
from lossary.doctor.draw import Case
from lossary.doctor.rounding import VALUE, within

HERE = Path(__file__).parent


def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference", HERE.parents[1] / "tools" / "reference.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


REFERENCE = tool()


def rows(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))
    return found


def case_of(name: str, row: dict[str, Any]) -> Case:
    """The call that a row describes."""
    inputs = tuple(
        None if each is None else torch.tensor(each["values"], dtype=getattr(torch, each["dtype"]))
        for each in row["inputs"]
    )
    first = inputs[0]
    assert first is not None
    return Case(lossary.get(name), inputs, row["hyper"], Size(row["samples"]))


@pytest.mark.parametrize("name", lossary.names())
def test_a_loss_has_its_committed_values(name: str) -> None:
    judged = 0
    for row in rows(name):
        values = case_of(name, row)(reduction="none")
        for unit in row["units"]:
            got = values[tuple(unit["place"])].item()
            with mpmath.workdps(40):
                wanted, scale = mpmath.mpf(unit["value"]), mpmath.mpf(unit["scale"])
                assert within(got, wanted, scale, VALUE, torch.float64), (row["inputs"], unit, got)
            judged += 1
    assert judged >= 8


@pytest.mark.parametrize("name", lossary.names())
def test_a_definition_says_today_what_it_said(name: str) -> None:
    for row in rows(name):
        assert REFERENCE.row(case_of(name, row)) == row


def test_a_table_that_is_wrong_in_its_last_digits_is_noticed() -> None:
    row = rows("log_cosh")[0]
    unit = row["units"][0]
    value = mpmath.mpf(unit["value"]) * (1 + mpmath.mpf(2) ** -40)
    got = case_of("log_cosh", row)(reduction="none")[tuple(unit["place"])].item()
    assert not within(got, value, mpmath.mpf(0), VALUE, torch.float64)
