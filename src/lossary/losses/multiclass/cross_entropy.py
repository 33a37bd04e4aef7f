"""Cross-entropy over classes."""

import torch
from torch import Tensor

from lossary.declare import (
    Claims,
    ClassLogits,
    ClassTarget,
    Elicits,
    Example,
    Link,
    Paper,
    PerRow,
    Relative,
    Task,
    loss,
    over_classes,
)

from .softmax import logit_roundings, soften


@loss(
    title="Cross-entropy",
    task=Task.MULTICLASS,
    link=Link.SOFTMAX,
    outputs="one logit per class",
    decode="class probabilities are softmax(logits); the class is their argmax",
    soft="mixture",
    elicits=Elicits.PROBABILITY,
    constant="the logarithms of the classes' shares",
    claims=Claims(convex=True, proper=True, lower=0.0, lipschitz=2.0**0.5, calibrated=True, smooth=True),
    cancels=logit_roundings,
    example=Example(((2.0, 0.0, 0.0), 0), 0.2395447662218845, "log(1 + 2·exp(-2)) = 0.23954"),
    relatives=(
        Relative("categorical_focal", "focal with gamma 0", theirs={"gamma": 0.0}),
        Relative("kl", "the divergence from the target, plus the target's own entropy", up_to_target=True),
    ),
    use_when="One of several classes is true, and their probabilities are wanted.",
    avoid_when="Several classes can be true at once (one binary cross-entropy each), or many labels are wrong.",
    aliases=("ce", "nll", "softmax_cross_entropy", "categorical_crossentropy", "sparse_categorical_crossentropy",
             "categorical_cross_entropy", "multinomial_logistic",
             "softmax_cross_entropy_with_integer_labels"),
    elsewhere={
        "torch.nn.functional.cross_entropy": 1.0,
        "keras.losses.SparseCategoricalCrossentropy(from_logits=True)": 1.0,
        "keras.losses.CategoricalCrossentropy(from_logits=True)": 1.0,
        "optax.losses.softmax_cross_entropy": 1.0,
        "sklearn.metrics.log_loss": 1.0,
    },
    paper=Paper("Bridle", 1990, "Probabilistic interpretation of feedforward classification network outputs",
                doi="10.1007/978-3-642-76153-9_28"),
)  # fmt: skip
def cross_entropy(logits: ClassLogits, target: ClassTarget) -> PerRow:
    """The surprise at the true class, -log of the probability that the model gave it.

    With class weights a mean divides by the weights of the targets: of indices as torch does; of soft and of smoothed
    targets too, where torch divides by the number of rows and by the weights of the unsmoothed labels.
    """
    return over_classes(lambda log_p: -log_p, logits, target)


@cross_entropy.definition
def _(x, y, m):
    total = m.log(m.sum([m.exp(v) for v in x]))
    return m.sum([q * (total - v) for v, q in zip(x, y, strict=True) if q != 0])


@cross_entropy.slope
def _(logits: Tensor, target: Tensor) -> Tensor:
    p = torch.softmax(logits, -1)
    soft = soften(target, p)
    return p * soft.sum(-1, keepdim=True) - soft
