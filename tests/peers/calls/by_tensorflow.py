"""The names that TensorFlow has for our losses."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from .calling import Late, Library

tf = Late("tensorflow")


def _tensor(ours: Tensor) -> Any:
    return tf.constant(ours.numpy())


LIBRARY = Library(
    {
        "tf.nn.l2_loss, with reduction='sum'": lambda case: tf.nn.l2_loss(_tensor(case.first)).numpy(),
        "tf.image.total_variation": lambda case: tf.image.total_variation(
            _tensor(case.first[..., None])
        ).numpy(),
    },
    packages=("tensorflow",),
)
