"""optax, whose losses are functions of JAX arrays: values and first derivatives are asked for."""

from __future__ import annotations

from ..peer import Library, Peer

_O = "optax.losses."
_BROADCASTS = {"nothing_broadcasts": "targets are documented to be broadcastable to predictions"}


def peers() -> tuple[Peer, ...]:
    """Every loss of optax.losses that the catalogue has; each gives one value per unit, and its users reduce."""
    signs = "2 * target - 1"
    hot = "jax.nn.one_hot(target, logits.shape[1], dtype=logits.dtype)"
    encoded = frozenset({"targets_outside_their_domain_are_refused"})
    return (
        Peer(f"{_O}squared_error", "mse", "optax.losses.squared_error(prediction, target)"),
        Peer(f"{_O}l2_loss", "mse", "optax.losses.l2_loss(prediction, target) * 2"),
        Peer(f"{_O}huber_loss", "huber", "optax.losses.huber_loss(prediction, target, delta=delta)",
             documented=_BROADCASTS),
        Peer(f"{_O}log_cosh", "log_cosh", "optax.losses.log_cosh(prediction, target)", documented=_BROADCASTS),
        Peer(f"{_O}sigmoid_binary_cross_entropy", "binary_cross_entropy",
             "optax.losses.sigmoid_binary_cross_entropy(logits, target)", soft=True, documented=_BROADCASTS),
        Peer(f"{_O}sigmoid_focal_loss", "focal",
             "optax.losses.sigmoid_focal_loss(logits, target, alpha=alpha, gamma=gamma)",
             documented=_BROADCASTS),
        Peer(f"{_O}hinge_loss", "hinge", f"optax.losses.hinge_loss(scores, {signs})"),
        Peer(f"{_O}perceptron_loss", "perceptron", f"optax.losses.perceptron_loss(scores, {signs})"),
        Peer(f"{_O}softmax_cross_entropy_with_integer_labels", "cross_entropy",
             "optax.losses.softmax_cross_entropy_with_integer_labels(logits, target, axis=1)"),
        Peer(f"{_O}softmax_cross_entropy", "cross_entropy",
             f"optax.losses.softmax_cross_entropy(logits, {hot}, axis=1)", lacks=encoded),
        Peer(f"{_O}safe_softmax_cross_entropy", "cross_entropy",
             f"optax.losses.safe_softmax_cross_entropy(logits, {hot})", lacks=encoded, flat=True,
             documented=_BROADCASTS),
        Peer(f"{_O}poly_loss_cross_entropy", "categorical_poly1",
             f"optax.losses.poly_loss_cross_entropy(logits, {hot}, epsilon=epsilon)", lacks=encoded, flat=True,
             documented=_BROADCASTS),
        Peer(f"{_O}multiclass_hinge_loss", "categorical_hinge",
             "optax.losses.multiclass_hinge_loss(scores, target)"),
        Peer(f"{_O}multiclass_sparsemax_loss", "sparsemax",
             "optax.losses.multiclass_sparsemax_loss(scores, target)"),
        Peer(f"{_O}kl_divergence", "kl",
             "optax.losses.kl_divergence(jax.nn.log_softmax(prediction, 1), target)",
             fixed={"direction": "forward"}),
    )  # fmt: skip


LIBRARY = Library(
    "optax",
    ("import math, jax, jax.numpy as jnp, optax",),
    peers,
    kind="jax",
)
