"""The names that SciPy has for our losses."""

from __future__ import annotations

import math

import numpy as np
import scipy.optimize
import scipy.special
import scipy.stats

from lossary.doctor.draw import Case

from .calling import Array, Library, arrays, two


def _residual(case: Case) -> Array:
    truth, guess = arrays(case)
    return guess - truth


def _least_squares(case: Case, kind: str, f_scale: float) -> Array:
    """The cost of each residual, as SciPy minimises it, at residuals that nothing can change."""
    found = [
        scipy.optimize.least_squares(lambda p, r=r: r + 0.0 * p, [0.0], loss=kind, f_scale=f_scale).cost
        for r in _residual(case)
    ]
    return np.array(found)


def _wasserstein(case: Case) -> Array:
    first, second = two(case)
    pairs = zip(first.numpy(), second.numpy(), strict=True)
    return np.array([scipy.stats.wasserstein_distance(x, y) for x, y in pairs])


def _entropy(case: Case) -> Array:
    """Of one distribution its entropy, of two their divergence."""
    guess = case.first.softmax(1).numpy()
    others = [guess] if len(case.inputs) == 1 else [two(case)[1].numpy(), guess]
    found: Array = scipy.stats.entropy(*others, axis=1)
    return found


LIBRARY = Library(
    {
        "scipy.special.pseudo_huber": lambda case: scipy.special.pseudo_huber(
            case.hyper["scale"], _residual(case)
        ),
        "scipy.optimize.least_squares(loss='soft_l1')": lambda case: _least_squares(
            case, "soft_l1", case.hyper["scale"]
        ),
        "scipy.optimize.least_squares(loss='cauchy'), f_scale=√2·scale": lambda case: _least_squares(
            case, "cauchy", math.sqrt(2.0) * case.hyper["scale"]
        ),
        "scipy.stats.entropy": _entropy,
        "scipy.stats.wasserstein_distance": _wasserstein,
    },
    packages=("scipy",),
)
