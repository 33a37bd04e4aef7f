"""The names that Keras has for our losses, on its torch backend, where float64 passes through float32."""

from __future__ import annotations

import os
from typing import Any

from torch import Tensor
from torch.nn import functional as F

from lossary.doctor.draw import Case

from .calling import Call, Late, Library, two

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = Late("keras")


def _loss(name: str, *, settings: dict[str, Any] | None = None, **hyper: str) -> Call:
    """A loss of truth and prediction, its options under our names; it takes means over the last axis itself."""

    def call(case: Case) -> Tensor:
        first, second = two(case)
        options = {theirs: case.hyper[ours] for theirs, ours in hyper.items()}
        made = getattr(keras.losses, name)(dtype="float64", reduction=None, **(settings or {}), **options)
        found: Tensor = made(*_last(case, second, first))
        return found

    return call


def _last(case: Case, second: Tensor, first: Tensor) -> tuple[Tensor, Tensor]:
    """An axis for Keras to take its means over, where units are elements."""
    return (second[:, None], first[:, None]) if first.ndim == 1 else (second, first)


def _one_hot(name: str, **hyper: str) -> Call:
    """A loss over classes whose target is a row for every sample."""
    call = _loss(name, settings={"from_logits": True, **({"alpha": 1.0} if hyper else {})}, **hyper)
    return lambda case: call(
        Case(
            case.function,
            (case.first, F.one_hot(case.target, case.classes).double()),
            case.hyper,
            case.samples,
        )
    )


def _divergence(case: Case) -> Tensor:
    first, second = two(case)
    return keras.losses.KLDivergence(dtype="float64", reduction=None)(second, first.softmax(1))


_K = "keras.losses."

LIBRARY = Library(
    {
        f"{_K}MeanSquaredError": _loss("MeanSquaredError"),
        f"{_K}MeanAbsoluteError": _loss("MeanAbsoluteError"),
        f"{_K}MeanAbsolutePercentageError": _loss("MeanAbsolutePercentageError"),
        f"{_K}Huber": _loss("Huber", delta="delta"),
        f"{_K}LogCosh": _loss("LogCosh"),
        f"{_K}Hinge": _loss("Hinge"),
        f"{_K}SquaredHinge": _loss("SquaredHinge"),
        f"{_K}BinaryCrossentropy(from_logits=True)": _loss(
            "BinaryCrossentropy", settings={"from_logits": True}
        ),
        f"{_K}BinaryFocalCrossentropy(from_logits=True)": lambda case: _loss(
            "BinaryFocalCrossentropy",
            settings={"from_logits": True, "apply_class_balancing": case.hyper["alpha"] is not None},
            gamma="gamma",
            **({} if case.hyper["alpha"] is None else {"alpha": "alpha"}),
        )(case),
        f"{_K}SparseCategoricalCrossentropy(from_logits=True)": _loss(
            "SparseCategoricalCrossentropy", settings={"from_logits": True}
        ),
        f"{_K}CategoricalCrossentropy(from_logits=True)": _one_hot("CategoricalCrossentropy"),
        f"{_K}CategoricalFocalCrossentropy(alpha=1, from_logits=True)": _one_hot(
            "CategoricalFocalCrossentropy", gamma="gamma"
        ),
        f"{_K}KLDivergence": _divergence,
        "keras.regularizers.L1(1.0), with reduction='sum'": lambda case: keras.regularizers.L1(1.0)(
            case.first
        ),
        "keras.regularizers.L2(1.0), with reduction='sum'": lambda case: keras.regularizers.L2(1.0)(
            case.first
        ),
    },
    packages=("keras",),
    tolerance=1e-6,
)
