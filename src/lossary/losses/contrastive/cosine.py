"""Two views of one sample that should point the same way: no negatives, and a target that holds still."""

import torch
from torch import Tensor

from lossary.declare import (
    Claims,
    Elicits,
    Embedding,
    Example,
    Link,
    Paper,
    PerRow,
    Relative,
    Task,
    loss,
)

from ..metric.distance import between, direction, length, unit


def turned(x, z, m):
    """The terms of the cosine of two plain vectors."""
    return [v * w for v, w in zip(unit(x, m), unit(z, m), strict=True)]


@loss(
    title="Negative cosine similarity",
    task=Task.METRIC,
    link=Link.IDENTITY,
    outputs="an embedding",
    decode="the encoder's output before projector and predictor",
    elicits=Elicits.EMBEDDING,
    constant="any vector along the mean of the targets' directions",
    claims=Claims(lower=-1.0, upper=1.0),
    cancels=lambda x, z, m: 1 + m.sum([abs(each) for each in turned(x, z, m)]),
    symbolic=False,
    formula=r"-\frac{x \cdot t}{\|x\|\,\|t\|}",
    derivative=r"\frac{1}{\|x\|} \left(\frac{x \cdot t}{\|x\|\,\|t\|} \frac{x}{\|x\|} - \frac{t}{\|t\|}\right)",
    example=Example(((3.0, 4.0), (0.0, 2.0)), -0.8, "-(3·0 + 4·2)/(5·2) = -0.8"),
    use_when="Two views of a sample pass one network, one of them through a predictor as well: SimSiam.",
    avoid_when="There is no predictor, or the target is not detached: then all views collapse to one point.",
    aliases=("simsiam", "negative_cosine_similarity"),
    elsewhere={
        "lightly.loss.NegativeCosineSimilarity, of vectors no shorter than 1e-8": 1.0,
        "solo.losses.simsiam.simsiam_loss_func, of vectors no shorter than 1e-8": 1.0,
        "torch.nn.functional.cosine_similarity, of vectors no shorter than 1e-8": -1.0,
    },
    paper=Paper("Chen and He", 2021, "Exploring Simple Siamese Representation Learning", equation="1",
                arxiv="2011.10566"),
)  # fmt: skip
def negative_cosine(prediction: Embedding, target: Embedding) -> PerRow:
    """How little two vectors point the same way: -1 if they do, 1 if they are opposed, whatever their lengths.

    Shapes: both (..., D); per unit (...). Detach the target, and take the mean of both directions for SimSiam:
    ``(negative_cosine(p1, z2.detach()) + negative_cosine(p2, z1.detach())) / 2``.
    """
    # By the distance and not by the product, so that the gradient fades as the two come to agree.
    lengths = sum((each != 0).any(-1).to(each.dtype) for each in (prediction, target))
    return between(prediction, target, "cosine") - 0.5 * lengths


@negative_cosine.definition
def _(x, z, m):
    return -m.sum(turned(x, z, m))


@negative_cosine.slope
def _(prediction: Tensor, target: Tensor) -> Tensor:
    return _across(prediction, target)


def _across(prediction: Tensor, target: Tensor) -> Tensor:
    """The derivative of -cos by the prediction: what of the gap is at right angles to it, over its length."""
    here, gap = direction(prediction), direction(prediction) - direction(target)
    size = length(prediction).unsqueeze(-1)
    across = gap - here * (here * gap).sum(-1, keepdim=True)
    return torch.where(size == 0, gap, across) / torch.where(size == 0, 1.0, size)


@loss(
    title="BYOL loss",
    task=Task.METRIC,
    link=Link.IDENTITY,
    outputs="an embedding",
    decode="the encoder's output before projector and predictor",
    elicits=Elicits.EMBEDDING,
    constant="any vector along the mean of the targets' directions",
    claims=Claims(lower=0.0, upper=4.0),
    cancels=lambda x, z, m: 2 + 2 * m.sum([abs(each) for each in turned(x, z, m)]),
    symbolic=False,
    formula=r"2 - 2\,\frac{x \cdot t}{\|x\|\,\|t\|}",
    derivative=r"\frac{2}{\|x\|} \left(\frac{x \cdot t}{\|x\|\,\|t\|} \frac{x}{\|x\|} - \frac{t}{\|t\|}\right)",
    example=Example(((3.0, 4.0), (0.0, 2.0)), 0.4, "(0.6 - 0)² + (0.8 - 1)² = 0.36 + 0.04 = 0.4"),
    relatives=(
        Relative("negative_cosine", "2 more than twice it, with twice its gradient", factor=2.0, up_to_target=True),
    ),
    use_when="A predictor follows a slowly moving average of its own network: BYOL.",
    avoid_when="There is no predictor, or the target is not detached: then all views collapse to one point.",
    aliases=("normalized_mse",),
    elsewhere={
        "solo.losses.byol.byol_loss_func, of vectors no shorter than 1e-8": 1.0,
        "byol_pytorch.byol_pytorch.cosine_loss_fn": "no factor: vectors shorter than 1e-12 count as that long",
    },
    paper=Paper("Grill et al.", 2020, "Bootstrap your own latent: A new approach to self-supervised Learning",
                equation="2", arxiv="2006.07733"),
)  # fmt: skip
def byol(prediction: Embedding, target: Embedding) -> PerRow:
    """The squared distance between two vectors at length 1: 2 - 2·cos.

    Shapes: both (..., D); per unit (...). Detach the target, and add both directions: the paper's symmetric loss.
    """
    return 2.0 * between(prediction, target, "cosine")


@byol.definition
def _(x, z, m):
    return m.sum([(v - w) ** 2 for v, w in zip(unit(x, m), unit(z, m), strict=True)])


@byol.slope
def _(prediction: Tensor, target: Tensor) -> Tensor:
    return 2.0 * _across(prediction, target)
