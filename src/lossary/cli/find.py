"""Which loss a command line means: one of the catalogue by any of its names, or a file's own; and its settings."""

from __future__ import annotations

import ast
import difflib
import importlib.util
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from lossary.core.errors import DataError, LossaryError, OptionError, UnknownLossError, sentence

if TYPE_CHECKING:
    from types import ModuleType

    from lossary.core.function import LossFunction


def find(name: str) -> LossFunction:
    """The loss called ``name`` anywhere, or ``file.py:name``.

    Raises:
        UnknownLossError: no loss has the name. DataError: the file is missing or cannot be run.
    """
    from lossary.core.registry import get

    path, colon, attribute = name.rpartition(":")
    if not colon or not path.endswith(".py"):
        return get(name)
    found = getattr(_module(Path(path)), attribute, None)
    if found is None:
        raise UnknownLossError(f"{path} has no {attribute!r}; name a loss that it declares.")
    if not hasattr(found, "loss"):
        raise UnknownLossError(
            f"{attribute!r} of {path} has no card: declare it with @loss of lossary.declare, as CONTRIBUTING shows."
        )
    return found  # type: ignore[no-any-return]


def settings(function: LossFunction, given: list[str]) -> dict[str, object]:
    """Hyper-parameters from ``name=value`` words.

    Raises:
        OptionError: a word without ``=``, or a name that the loss does not have.
        DomainError: a value outside its domain.
    """
    known = {each.name: each for each in function.loss.hyper}
    chosen: dict[str, object] = {}
    for word in given:
        name, equals, value = word.partition("=")
        if not equals or name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            expected = " or ".join(f"{each}=..." for each in known) or "nothing, since it has no settings"
            remedy = f"did you mean {near[0]!r}" if near and near[0] != name else "write --set name=value"
            raise OptionError(
                sentence(f"--set for {function.loss.name}", expected=expected, got=repr(word), remedy=remedy)
            )
        chosen[name] = _value(value, known[name].default)
        known[name].check(function.loss.name, chosen[name])
    return chosen


def _value(text: str, default: object) -> object:
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text  # a word such as cosine; where a number is expected its domain refuses it
    whole = isinstance(value, int) and not isinstance(value, bool)
    return float(value) if whole and not isinstance(default, bool) else value


def _module(path: Path) -> ModuleType:
    if not path.is_file():
        raise DataError(
            f"There is no file {str(path)!r}; give the path of a Python file, as in losses.py:ramp."
        )
    path = path.resolve()
    holder = getattr(sys.modules.get(path.stem), "__file__", None)
    taken = path.stem in sys.stdlib_module_names or (holder is not None and holder != str(path))
    name = f"own_{path.stem}" if taken else path.stem  # a file called json.py must not stand in for json
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise DataError(f"{str(path)!r} cannot be read as Python; give a file that ends in .py.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where the loss's annotations are looked up
    try:
        spec.loader.exec_module(module)
    except LossaryError:
        raise
    except SystemExit as error:
        # A script that ends itself would end this command too, and choose its exit code.
        raise DataError(
            f"{path.name} ends Python when it is imported; put what it runs under if __name__ == '__main__'."
        ) from error
    except Exception as error:  # whatever the user's file raises is said in a sentence
        said = " ".join(str(error).split())
        raise DataError(f"{path.name} stops with {type(error).__name__}: {said}") from error
    return module


def numbers(option: str, text: str) -> list[float]:
    """Numbers parted by commas.

    Raises:
        OptionError: something between the commas is no finite number.
    """
    found = []
    for each in text.split(","):
        try:
            found.append(float(each))
        except ValueError:
            found.append(math.nan)
        if not math.isfinite(found[-1]):
            raise OptionError(
                sentence(
                    option,
                    expected="finite numbers parted by commas",
                    got=repr(text),
                    remedy=f"write {option} 1,2",
                )
            )
    return found
