"""The names that scikit-learn has for our losses; where a loss is an estimator's, the function it minimises."""

from __future__ import annotations

from typing import Any

import numpy as np
import sklearn.metrics
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import ElasticNet, SGDClassifier, SGDRegressor

from lossary.doctor.draw import Case

from .calling import Array, Call, Library, arrays, signs, two


def _metric(name: str) -> Call:
    """A metric of truth and prediction."""
    metric = getattr(sklearn.metrics, name)
    return lambda case: metric(*arrays(case))


def _pinball(case: Case) -> float:
    """Of one level, or the mean over several."""
    truth, guess = arrays(case)
    levels = np.atleast_1d(case.hyper["level"]).tolist()
    columns = guess.reshape(len(truth), len(levels)).T
    pairs = zip(columns, levels, strict=True)
    return float(np.mean([sklearn.metrics.mean_pinball_loss(truth, x, alpha=a) for x, a in pairs]))


def _probabilities(case: Case) -> tuple[Array, Array]:
    first, second = two(case)
    return second.numpy(), (first.sigmoid() if first.ndim == 1 else first.softmax(1)).numpy()


def _means(case: Case) -> tuple[Array, Array]:
    """Our means of counts and amounts are given by their logarithm."""
    first, second = two(case)
    return second.numpy(), first.exp().numpy()


def _log_loss(case: Case) -> float:
    truth, guess = _probabilities(case)
    classes = [0, 1] if guess.ndim == 1 else range(guess.shape[1])
    return float(sklearn.metrics.log_loss(truth, guess, labels=classes))


def _brier(case: Case) -> float:
    truth, guess = _probabilities(case)
    classes = [0, 1] if guess.ndim == 1 else range(guess.shape[1])
    return float(
        sklearn.metrics.brier_score_loss(truth, guess, labels=classes, scale_by_half=guess.ndim == 1)
    )


def _hinge(case: Case) -> float:
    truth, scores = arrays(case)
    classes = None if scores.ndim == 1 else range(scores.shape[1])
    return float(sklearn.metrics.hinge_loss(truth, scores, labels=classes))


def _sgd(estimator: Any, case: Case, truth: Any) -> Array:
    """The values of the loss that stochastic gradient descent minimises."""
    value = estimator._get_loss_function(estimator.loss).py_loss
    return np.array([value(t, x) for t, x in zip(truth.tolist(), case.first.tolist(), strict=True)])


def _exponential(case: Case) -> Array:
    chosen = GradientBoostingClassifier(loss="exponential")
    chosen.n_classes_ = 2
    found: Array = chosen._get_loss(sample_weight=None).loss(*arrays(case))
    return found


def _elastic_net(case: Case) -> Array:
    """What two fits tell: of one feature, (target - slope of the first part) / (1 + curvature of the second)."""
    share = float(case.hyper["share"])

    def fitted(target: float) -> float:
        model = ElasticNet(alpha=1.0, l1_ratio=share, fit_intercept=False, tol=1e-14)
        return float(model.fit(np.ones((1, 1)), np.array([target])).coef_[0])

    near, far = fitted(2.0), fitted(6.0)
    curvature = 4.0 / (far - near) - 1.0
    slope = 2.0 - near * (1.0 + curvature)
    values = case.first.numpy()
    found: Array = slope * np.abs(values) + 0.5 * curvature * values**2
    return found


_M = "sklearn.metrics."

LIBRARY = Library(
    {
        f"{_M}mean_squared_error": _metric("mean_squared_error"),
        f"{_M}mean_absolute_error": _metric("mean_absolute_error"),
        f"{_M}mean_absolute_percentage_error": _metric("mean_absolute_percentage_error"),
        f"{_M}mean_squared_log_error": _metric("mean_squared_log_error"),
        f"{_M}mean_pinball_loss": _pinball,
        f"{_M}mean_poisson_deviance": lambda case: sklearn.metrics.mean_poisson_deviance(*_means(case)),
        f"{_M}mean_gamma_deviance": lambda case: sklearn.metrics.mean_gamma_deviance(*_means(case)),
        f"{_M}mean_tweedie_deviance": lambda case: sklearn.metrics.mean_tweedie_deviance(
            *_means(case), power=case.hyper["power"]
        ),
        f"{_M}log_loss": _log_loss,
        f"{_M}brier_score_loss": _brier,
        f"{_M}brier_score_loss(scale_by_half=False)": _brier,
        f"{_M}hinge_loss": _hinge,
        "sklearn.linear_model.SGDClassifier(loss='modified_huber')": lambda case: _sgd(
            SGDClassifier(loss="modified_huber"), case, signs(case)
        ),
        "sklearn.linear_model.SGDClassifier(loss='perceptron')": lambda case: _sgd(
            SGDClassifier(loss="perceptron"), case, signs(case)
        ),
        "sklearn.linear_model.SGDRegressor(loss='epsilon_insensitive')": lambda case: _sgd(
            SGDRegressor(loss="epsilon_insensitive", epsilon=case.hyper["epsilon"]), case, case.target
        ),
        "sklearn.ensemble.GradientBoostingClassifier(loss='exponential')": _exponential,
        "sklearn.linear_model.ElasticNet(alpha=1.0, l1_ratio=share), with reduction='sum'": _elastic_net,
    },
    packages=("sklearn",),
)
