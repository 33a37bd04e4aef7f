"""Finding a loss by any of its names, and saying which one was meant when there is none."""

from __future__ import annotations

import difflib
import importlib
import re
from collections.abc import Callable
from typing import Any, cast

from .backends import Explanation
from .errors import DeclarationError, OptionError, UnknownLossError, sentence
from .function import LossFunction

#: Losses declared so far in this process, by name. The catalogue's others are imported on first use.
_declared: dict[str, LossFunction] = {}
_aliases: dict[str, str] = {}


def register(function: LossFunction) -> None:
    """Make a declared loss findable. A module imported again replaces its own losses.

    Raises:
        DeclarationError: another module's loss has the name, or one of the aliases.
    """
    loss = function.loss
    for name in (loss.name, *loss.facts.aliases):
        holder = _catalogue().get(name, "") or (
            _declared[_aliases.get(name, name)].loss.module if _aliases.get(name, name) in _declared else ""
        )
        if holder and holder != loss.module:
            raise DeclarationError(
                sentence(
                    f"loss {loss.name}",
                    expected="a name that is free",
                    got=f"{name!r}, which {holder} has",
                    remedy="choose another name",
                )
            )
    _declared[loss.name] = function
    for alias in loss.facts.aliases:
        _aliases[alias] = loss.name


def get(name: str) -> LossFunction:
    """The loss called ``name``, here or in torch, Keras, optax or scikit-learn.

    Raises:
        UnknownLossError: no loss has the name; the message suggests the nearest.
    """
    found = _lookup(name)
    if found is None:
        plain = {_plain(each): each for each in (*_catalogue_aliases(), *_aliases, *names())}
        near = difflib.get_close_matches(_plain(name), plain, n=1, cutoff=0.6)
        hint = "lossary.names() lists them all."
        if near:
            meant = plain[near[0]]
            hint = f"Did you mean {_aliases.get(meant, _catalogue_aliases().get(meant, meant))!r}?"
        raise UnknownLossError(f"No loss is called {name!r}. {hint}")
    return found


def explain(loss: str | Callable[..., Any], *inputs: Any, **options: Any) -> Explanation:
    """Which backend computes a call, and why not the others.

    Args:
        loss: the function, its module, or a loss's name.
        inputs: what it would be called with, as ``options``.

    Raises:
        LossaryError: whatever the call itself would refuse before it computes.
    """
    function: Any = get(loss) if isinstance(loss, str) else loss
    if not hasattr(function, "explain"):
        raise OptionError(
            sentence(
                "explain(loss)",
                expected="one loss: its function, its name or its module",
                got=repr(loss),
                remedy="explain the parts of a sum one by one",
            )
        )
    found: Explanation = function.explain(*inputs, **options)
    return found


def names() -> tuple[str, ...]:
    """Canonical names of all losses, sorted."""
    return tuple(sorted({*_catalogue(), *_declared}))


def _lookup(name: str) -> LossFunction | None:
    for candidate in (name, _plain(name)):
        canonical = _aliases.get(candidate) or _catalogue_aliases().get(candidate) or candidate
        if canonical in _declared:
            return _declared[canonical]
        if canonical in _catalogue():
            return cast(LossFunction, getattr(importlib.import_module(_catalogue()[canonical]), canonical))
    return None


def _plain(name: str) -> str:
    """A name without the marks of other worlds: MSELoss, mse_loss and mse are one."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
    return re.sub(r"[\s-]+", "_", snake).removesuffix("_loss")


def _catalogue() -> dict[str, str]:
    return _index()[0]


def _catalogue_aliases() -> dict[str, str]:
    return _index()[1]


def _index() -> tuple[dict[str, str], dict[str, str]]:
    # The index is generated from the catalogue; the core reads its two tables and imports no loss.
    try:
        module = importlib.import_module("lossary._index")
    except ModuleNotFoundError:
        return {}, {}
    return module.CATALOGUE, module.ALIASES
