"""What is claimed of a loss, in words, at given hyper-parameters."""

from __future__ import annotations

import inspect
from collections.abc import Mapping

from lossary.core.card import Claims
from lossary.core.loss import settle
from lossary.report.numbers import short

_WORDS = {  # (where it holds, what that means, where it does not)
    "convex": ("convex", "", "not convex"),
    "smooth": ("smooth", "continuously differentiable", "not smooth"),
    "proper": ("proper", "least, on average, at the truth", "not proper"),
    "calibrated": ("classification-calibrated", "minimising it leads to the best decision", "not calibrated"),
    "symmetric": ("symmetric", "even noise in the labels does no harm", "not symmetric"),
}


def claims_at(claims: Claims, hyper: Mapping[str, object]) -> dict[str, object]:
    """The claims as values; those that are not made are left out."""
    settled = {name: settle(value, hyper) for name, value in vars(claims).items()}
    return {name: value for name, value in settled.items() if value is not None}


def claims_in_words(claims: Claims, hyper: Mapping[str, object]) -> list[str]:
    """One phrase a claim, each with the hyper-parameters it depends on."""
    found = claims_at(claims, hyper)
    said = []
    for name, (yes, meaning, no) in _WORDS.items():
        fact = getattr(claims, name)
        # What is not claimed is said only where it might be, at other settings, and of the two that all know.
        if found.get(name):
            said.append(yes + at(fact, hyper) + (f": {meaning}" if meaning else ""))
        elif callable(fact) or name in ("convex", "smooth"):
            said.append(no + at(fact, hyper))
    low, high = found.get("lower"), found.get("upper")
    if low is not None and high is not None:
        said.append(f"between {_number(low)} and {_number(high)}")
    elif low is not None:
        said.append(f"at least {_number(low)}")
    elif high is not None:
        said.append(f"at most {_number(high)}{at(claims.upper, hyper)}")
    if "lipschitz" in found:
        said.append(f"gradient no longer than {_number(found['lipschitz'])}{at(claims.lipschitz, hyper)}")
    return said


def at(fact: object, hyper: Mapping[str, object]) -> str:
    """`` at gamma = 2``, where the fact depends on gamma."""
    if not callable(fact):
        return ""
    return " at " + ", ".join(f"{name} = {value(hyper[name])}" for name in inspect.signature(fact).parameters)


def value(setting: object) -> str:
    """A setting as one types it."""
    if isinstance(setting, (list, tuple)):
        return f"[{', '.join(value(each) for each in setting)}]"
    return f"{setting:g}" if isinstance(setting, float) else str(setting)


def _number(found: object) -> str:
    assert isinstance(found, (int, float))
    return short(found, 4)
