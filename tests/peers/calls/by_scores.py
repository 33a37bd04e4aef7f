"""The names that libraries of scores for probabilistic forecasts have for ours; they take the truth first."""

from __future__ import annotations

from typing import Any

from lossary.doctor.draw import Case

from .calling import Late, Library, arrays, rows

properscoring = Late("properscoring")
scoringrules = Late("scoringrules")


def _normal(case: Case) -> tuple[Any, Any, Any]:
    (mean, log_scale), target = rows(case)
    return target.numpy(), mean.numpy(), log_scale.exp().numpy()


def _interval(case: Case) -> Any:
    (low, high), target = rows(case)
    return scoringrules.interval_score(target.numpy(), low.numpy(), high.numpy(), case.hyper["alpha"])


def _estimator(case: Case) -> str:
    return "fair" if case.hyper["fair"] else "nrg"


PROPERSCORING = Library(
    {
        "properscoring.crps_ensemble": lambda case: properscoring.crps_ensemble(*arrays(case)),
        "properscoring.crps_gaussian": lambda case: properscoring.crps_gaussian(*_normal(case)),
    },
    packages=("properscoring",),
)
SCORINGRULES = Library(
    {
        "scoringrules.crps_ensemble": lambda case: scoringrules.crps_ensemble(
            *arrays(case), estimator=_estimator(case)
        ),
        "scoringrules.crps_normal": lambda case: scoringrules.crps_normal(*_normal(case)),
        "scoringrules.es_ensemble": lambda case: scoringrules.es_ensemble(
            *arrays(case), estimator=_estimator(case)
        ),
        "scoringrules.interval_score": _interval,
    },
    packages=("scoringrules",),
)
