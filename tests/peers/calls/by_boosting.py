"""The names that gradient boosters have for our losses; they compute in float32."""

from __future__ import annotations

import numpy as np

from lossary.doctor.draw import Case

from .calling import Array, Call, Late, Library, arrays

catboost = Late("catboost.utils")
xgboost = Late("xgboost")


def _expectile(case: Case) -> float:
    name = f"Expectile:alpha={case.hyper['level']}"
    return float(catboost.eval_metric(*arrays(case), name)[0])


def _slopes(objective: str, **hyper: str) -> Call:
    """The derivatives that XGBoost boosts by.

    It never says them. But a tree of one leaf on one sample adds -g / (h + lambda), so two lambdas tell g.
    """

    def call(case: Case) -> Array:
        truth, guess = arrays(case)
        options = {theirs: float(case.hyper[ours]) for theirs, ours in hyper.items()}
        found = [_step(objective, x, t, options) for x, t in zip(guess, truth, strict=True)]
        return np.array(found)

    return call


def _step(objective: str, guess: float, truth: float, options: dict[str, float]) -> float:
    data = xgboost.DMatrix(np.zeros((1, 1)), label=[truth], base_margin=[guess])
    leaves = []
    for penalty in (1e6, 3e6):  # far above h, so that little cancels
        settings = {"objective": objective, "eta": 1.0, "lambda": penalty, "max_delta_step": 0.0}
        settings |= {"min_child_weight": 0.0, "nthread": 1, "verbosity": 0, **options}
        trees = xgboost.train(settings, data, num_boost_round=1).trees_to_dataframe()
        leaves.append(float(trees["Gain"].iloc[0]))  # of a leaf it holds the value
    one, three = leaves
    return 0.0 if one == three else 2e6 / (1.0 / one - 1.0 / three)


CATBOOST = Library({"catboost Expectile": _expectile}, packages=("catboost",), tolerance=1e-6)
XGBOOST = Library(
    {
        "xgboost reg:pseudohubererror": _slopes("reg:pseudohubererror", huber_slope="scale"),
        "xgboost reg:squaredlogerror": _slopes("reg:squaredlogerror"),
        "xgboost.XGBRegressor(objective='count:poisson')": _slopes("count:poisson"),
    },
    packages=("xgboost",),
    tolerance=1e-4,
    slopes=True,
)
