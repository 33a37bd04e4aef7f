"""Write the reference values of every loss: what its definition says, to 30 digits.

    python tools/reference.py            write tests/reference/*.json
    python tools/reference.py --check    exit 1 if a definition says something else today

The tables are what stays when code and definition change together; tests/reference compares the losses with them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mpmath
import torch

import lossary
from lossary.doctor.draw import Case
from lossary.doctor.judge import exact
from lossary.doctor.scalars import per_call, units
from lossary.doctor.subject import Subject

FOLDER = Path(__file__).resolve().parents[1] / "tests" / "reference"
SEED, DIGITS = 0, 30


def table(name: str) -> list[dict[str, Any]]:
    """Calls of one loss in float64, ordinary and extreme, each with the exact value of its units."""
    subject = Subject(lossary.get(name), torch.Generator().manual_seed(SEED))
    return [row(case) for case in _cases(subject)]


def _cases(subject: Subject) -> Iterator[Case]:
    for turn, hyper in enumerate(subject.hypers(4)):
        for flavour in ("ordinary", "extreme"):
            yield subject.case(4, hyper=hyper, dtype=torch.float64, flavour=flavour, soft=bool(turn % 2))


def row(case: Case) -> dict[str, Any]:
    """One call: inputs, hyper-parameters, sample axes, and the exact value of every unit."""
    definition, cancels = (
        per_call(case.loss, each) for each in (case.loss.definition, case.loss.facts.cancels)
    )
    assert definition is not None
    below = torch.finfo(torch.float64).smallest_normal
    found = []
    for unit in units(case):
        judged = exact(definition, unit.arguments, case.hyper, below=below, cancels=cancels)
        value, scale = ("0", "0") if judged is None else (_digits(judged.value), _digits(judged.scale))
        found.append({"place": list(unit.place), "value": value, "scale": scale})
    return {
        "inputs": [None if each is None else _listed(each) for each in case.inputs],
        "hyper": {
            name: list(value) if isinstance(value, tuple) else value for name, value in case.hyper.items()
        },
        "samples": list(case.samples),
        "units": found,
    }


def _listed(tensor: torch.Tensor) -> dict[str, Any]:
    return {"dtype": str(tensor.dtype).removeprefix("torch."), "values": tensor.tolist()}


def _digits(number: Any) -> str:
    return str(mpmath.nstr(mpmath.mpf(number), DIGITS))


def main(check: bool) -> int:
    """Write or check the tables; returns the exit code."""
    FOLDER.mkdir(exist_ok=True)
    stale = []
    for name in lossary.names():
        text = (
            json.dumps(table(name), indent=None, separators=(",", ":")).replace('{"inputs"', '\n{"inputs"')
            + "\n"
        )
        path = FOLDER / f"{name}.json"
        if check and (not path.exists() or path.read_text(encoding="utf-8") != text):
            stale.append(name)
        elif not check:
            path.write_text(text, encoding="utf-8")
    if stale:
        print(
            f"{', '.join(stale)}: the definition says something else than tests/reference; run make reference"
        )
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
