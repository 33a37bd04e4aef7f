"""The names that optax has for our losses; they are functions of arrays of JAX."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor
from torch.nn import functional as F

from lossary.doctor.draw import Case

from .calling import Array, Call, Late, Library, signs, two

jax = Late("jax")
optax = Late("optax")


def _called(name: str, *given: Tensor, **options: Any) -> Array:
    jax.config.update("jax_enable_x64", True)
    arrays = [jax.numpy.asarray(each.numpy()) for each in given]
    found: Array = np.asarray(getattr(optax.losses, name)(*arrays, **options))
    return found


def _loss(name: str, **hyper: str) -> Call:
    """A loss of prediction and truth, its options under our names."""
    return lambda case: _called(
        name, *two(case), **{theirs: case.hyper[ours] for theirs, ours in hyper.items()}
    )


def _one_hot(case: Case) -> tuple[Tensor, Tensor]:
    return case.first, F.one_hot(case.target, case.classes).double()


def _width(case: Case) -> float:
    return float(case.hyper["delta"] if "delta" in case.hyper else case.hyper["beta"])


_O = "optax.losses."

LIBRARY = Library(
    {
        f"{_O}squared_error": _loss("squared_error"),
        f"{_O}l2_loss": _loss("l2_loss"),
        f"{_O}huber_loss": lambda case: _called("huber_loss", *two(case), delta=_width(case)),
        f"{_O}log_cosh": _loss("log_cosh"),
        f"{_O}sigmoid_binary_cross_entropy": _loss("sigmoid_binary_cross_entropy"),
        f"{_O}sigmoid_focal_loss": _loss("sigmoid_focal_loss", alpha="alpha", gamma="gamma"),
        f"{_O}hinge_loss": lambda case: _called("hinge_loss", case.first, signs(case)),
        f"{_O}perceptron_loss": lambda case: _called("perceptron_loss", case.first, signs(case)),
        f"{_O}multiclass_hinge_loss": _loss("multiclass_hinge_loss"),
        f"{_O}multiclass_sparsemax_loss": _loss("multiclass_sparsemax_loss"),
        f"{_O}softmax_cross_entropy": lambda case: _called("softmax_cross_entropy", *_one_hot(case)),
        f"{_O}poly_loss_cross_entropy": lambda case: _called(
            "poly_loss_cross_entropy", *_one_hot(case), epsilon=case.hyper["epsilon"]
        ),
        f"{_O}kl_divergence": lambda case: _called("kl_divergence", case.first.log_softmax(1), two(case)[1]),
    },
    packages=("optax", "jax"),
)
