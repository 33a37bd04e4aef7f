"""The names that statsmodels has for our losses."""

from __future__ import annotations

from typing import Any

import numpy as np
from statsmodels.discrete.count_model import ZeroInflatedNegativeBinomialP, ZeroInflatedPoisson
from statsmodels.discrete.discrete_model import NegativeBinomial
from statsmodels.robust.norms import TukeyBiweight

from lossary.doctor.draw import Case

from .calling import Array, Library, two


def _tukey(case: Case) -> Array:
    first, second = two(case)
    found: Array = TukeyBiweight(c=case.hyper["scale"]).rho((first - second).numpy())
    return found


def _law(case: Case, made: Any) -> Array:
    """Less the log-likelihood of every row, each as a model of its own."""
    first, second = two(case)
    return np.array(
        [-made(np.array([t]), *row) for t, row in zip(second.tolist(), first.tolist(), strict=True)]
    )


def _negative_binomial(count: Array, mean: float, dispersion: float) -> float:
    return float(NegativeBinomial(count, np.ones((1, 1))).loglike(np.array([mean, dispersion])))


def _zero_inflated(count: Array, mean: float, extra: float) -> float:
    one = np.ones((1, 1))
    return float(ZeroInflatedPoisson(count, one, exog_infl=one).loglike(np.array([extra, mean])))


def _zero_inflated_negative_binomial(count: Array, mean: float, dispersion: float, extra: float) -> float:
    one = np.ones((1, 1))
    model = ZeroInflatedNegativeBinomialP(count, one, exog_infl=one)
    return float(model.loglike(np.array([extra, mean, np.exp(dispersion)])))


_D = "statsmodels.discrete."

LIBRARY = Library(
    {
        "statsmodels.robust.norms.TukeyBiweight": _tukey,
        f"{_D}discrete_model.NegativeBinomial": lambda case: _law(case, _negative_binomial),
        f"{_D}count_model.ZeroInflatedPoisson": lambda case: _law(case, _zero_inflated),
        f"{_D}count_model.ZeroInflatedNegativeBinomialP": lambda case: _law(
            case, _zero_inflated_negative_binomial
        ),
    },
    packages=("statsmodels",),
)
