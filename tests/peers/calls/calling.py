"""What every table of calls shares: how a name on a card is called on the inputs of a case, and where it can be."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from lossary.doctor.draw import Case

#: Another library's name, called on the inputs of a case: one value for all, or one per unit, which says more.
Call = Callable[[Case], Any]
Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Library:
    """The calls of one library.

    Attributes:
        calls: by the name on the card.
        packages: what must be there to call them.
        tolerance: relative; greater where the library itself computes in float32.
        slopes: whether it gives derivatives by the prediction, because it never says a value.
    """

    calls: Mapping[str, Call]
    packages: tuple[str, ...]
    tolerance: float = 1e-9
    slopes: bool = False

    @property
    def here(self) -> bool:
        return all(importlib.util.find_spec(each) is not None for each in self.packages)


class Late:
    """A module imported when it is first used, so that a table of calls can be read without the library.

    ``alone`` leaves out the ``__init__`` of those packages: they import much that their losses do not need.
    """

    def __init__(self, name: str, alone: tuple[str, ...] = ()) -> None:
        self._name, self._alone = name, alone
        self._found: types.ModuleType | None = None

    def __getattr__(self, name: str) -> Any:
        if self._found is None:
            bare = [each for each in self._alone if each not in sys.modules]
            for each in bare:
                spec = importlib.util.find_spec(each)
                assert spec is not None and spec.submodule_search_locations is not None
                sys.modules[each] = types.ModuleType(each)
                sys.modules[each].__path__ = list(spec.submodule_search_locations)
            self._found = importlib.import_module(self._name)
            for each in bare:
                del sys.modules[each]
        return getattr(self._found, name)


def two(case: Case) -> tuple[Tensor, Tensor]:
    """The first two inputs: prediction and target."""
    first, second = case.inputs[:2]
    assert first is not None and second is not None
    return first, second


def arrays(case: Case) -> tuple[Array, Array]:
    """Truth and prediction as NumPy's, in the order of scikit-learn and Keras: the truth first."""
    first, second = two(case)
    return second.numpy(), first.numpy()


def signs(case: Case) -> Tensor:
    """A binary target as -1 and 1."""
    return 2 * case.target - 1


def rows(case: Case) -> tuple[tuple[Tensor, ...], Tensor]:
    """The columns of a prediction, and the target."""
    first, second = two(case)
    return first.unbind(-1), second
