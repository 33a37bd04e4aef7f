"""A promise that no broken loss fails promises nothing: each mutant fails what it should, and nothing else."""

from __future__ import annotations

import importlib.util
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

from lossary import doctor
from lossary.doctor.impostor import Mutant

pytestmark = pytest.mark.filterwarnings(
    r"ignore:.*torch\.jit.*:DeprecationWarning",
    "ignore::DeprecationWarning:torch",
    "ignore::FutureWarning:torch",
    "ignore::UserWarning",  # mutants do what torch advises against
)

#: A promise is taken seriously when so many mutants fail it.
ENOUGH = 3


def _load(path: Path) -> ModuleType:
    """A file of mutants as a module; torch.compile looks its functions up by the module's name."""
    name = f"lossary_mutants_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


MUTANTS: list[Mutant] = [
    mutant
    for path in sorted((Path(__file__).parent / "mutants").glob("*.py"))
    for mutant in _load(path).MUTANTS
]
SLOW = {each.name for each in doctor.PROMISES.values() if each.slow}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.says)
def test_a_mutant_fails_what_it_breaks_and_nothing_else(mutant: Mutant) -> None:
    found = doctor.examine(mutant.make(), slow=bool(mutant.fails & SLOW))
    assert {each.promise for each in found.findings} == mutant.fails


def test_every_promise_is_failed_by_three_mutants() -> None:
    failed = Counter(name for mutant in MUTANTS for name in mutant.fails)
    assert {name: failed[name] for name in doctor.PROMISES if failed[name] < ENOUGH} == {}


def test_mutants_list_promises_that_exist() -> None:
    assert {name for mutant in MUTANTS for name in mutant.fails} <= set(doctor.PROMISES)
