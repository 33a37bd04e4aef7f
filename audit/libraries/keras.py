"""Keras, on its torch backend, where its losses are functions of torch tensors."""

from __future__ import annotations

import os

from ..peer import Library, Peer

_K = "keras.losses."
_ELEMENT = "loss(target[..., None], prediction[..., None])"
_MAKE = "keras.losses.{}(reduction=reduction, dtype=dtype)"
_TINY = "the documentation says that divisors and logarithms are kept from 0 by keras.backend.epsilon(), 1e-7"
_SMALL = {
    "values_are_exact": _TINY,
    "values_are_exact_at_extremes": _TINY,
    "gradients_are_exact": _TINY,
    "gradients_are_exact_at_extremes": _TINY,
    "gradients_at_kinks_are_subgradients": _TINY,
}
#: Keras moves every tensor to a device of its own choice, and has symbolic tensors of its own for shapes.
_DEVICES = frozenset({"runs_on_meta_and_fake_tensors"})
_ENCODED = _DEVICES | {"targets_outside_their_domain_are_refused"}


def _element(name: str, ours: str, *, options: str = "", factor: str = "", **facts: object) -> Peer:
    make = _MAKE.format(name).replace("(reduction", f"({options}reduction")
    weighted = _ELEMENT[:-1] + ", sample_weight=weight[..., None])"
    call, first = _ELEMENT, "prediction"
    if ours in ("binary_cross_entropy", "focal", "hinge", "squared_hinge"):
        first = "scores" if "hinge" in ours else "logits"
    call, weighted = (each.replace("prediction", first) for each in (call, weighted))
    plain = f"loss(target, {first})"
    return Peer(
        f"{_K}{name}", ours, f"{call}{factor}", make=make, weighted=f"{weighted}{factor}",
        plain=f"{plain}{factor}", single=True, lacks=_DEVICES, **facts,  # type: ignore[arg-type]
    )  # fmt: skip


def peers() -> tuple[Peer, ...]:
    """Every loss of keras.losses that the catalogue has."""
    hot = "torch.nn.functional.one_hot(target, logits.shape[1]).to(logits.dtype)"
    return (
        _element("MeanSquaredError", "mse"),
        _element("MeanAbsoluteError", "mae"),
        _element("Huber", "huber", options="delta=delta, "),
        _element("LogCosh", "log_cosh"),
        _element("MeanAbsolutePercentageError", "mape", factor=" * 0.01", documented=_SMALL),
        _element("MeanSquaredLogarithmicError", "msle", documented=_SMALL),
        _element("BinaryCrossentropy", "binary_cross_entropy", options="from_logits=True, ", soft=True),
        _element("BinaryFocalCrossentropy", "focal", options="from_logits=True, gamma=gamma, ", fixed={"alpha": None}),
        _element("Hinge", "hinge"),
        _element("SquaredHinge", "squared_hinge"),
        Peer(f"{_K}SparseCategoricalCrossentropy", "cross_entropy", "loss(target, logits.movedim(1, -1))",
             make="keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction=reduction, dtype=dtype)",
             weighted="loss(target, logits.movedim(1, -1), sample_weight=weight)", lacks=_DEVICES, single=True),
        Peer(f"{_K}SparseCategoricalCrossentropy(ignore_class=-100)", "cross_entropy",
             "loss(target, logits.movedim(1, -1))", ignores=True, lacks=_DEVICES, single=True,
             make="keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-100, "
             "reduction=reduction, dtype=dtype)"),
        Peer(f"{_K}CategoricalCrossentropy", "cross_entropy", f"loss({hot}.movedim(-1, 1), logits)",
             make="keras.losses.CategoricalCrossentropy(from_logits=True, axis=1, reduction=reduction, dtype=dtype)",
             weighted=f"loss({hot}.movedim(-1, 1), logits, sample_weight=weight)", lacks=_ENCODED, single=True),
        Peer(f"{_K}CategoricalFocalCrossentropy", "categorical_focal", f"loss({hot}, logits.movedim(1, -1))",
             make="keras.losses.CategoricalFocalCrossentropy(alpha=1.0, gamma=gamma, from_logits=True, "
             "reduction=reduction, dtype=dtype)", lacks=_ENCODED, single=True),
        Peer(f"{_K}KLDivergence", "kl",
             "loss(target.movedim(1, -1), torch.softmax(prediction, 1).movedim(1, -1))",
             make="keras.losses.KLDivergence(reduction=reduction, dtype=dtype)",
             fixed={"direction": "forward"}, lacks=_DEVICES, single=True),
        Peer(f"{_K}CategoricalGeneralizedCrossEntropy", "generalized_cross_entropy",
             "loss(target, torch.softmax(logits, 1).movedim(1, -1))",
             make="keras.losses.CategoricalGeneralizedCrossEntropy(q=q, reduction=reduction, dtype=dtype)",
             fixed={"q": 0.7}, lacks=_DEVICES, single=True),
    )  # fmt: skip


def _with_torch() -> None:
    os.environ["KERAS_BACKEND"] = "torch"


LIBRARY = Library(
    "keras",
    ("import os; os.environ['KERAS_BACKEND'] = 'torch'", "import math, torch, keras"),
    peers,
    reductions={"none": None, "mean": "sum_over_batch_size"},
    prepare=_with_torch,
)
