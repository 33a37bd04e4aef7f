"""Dice: one minus the overlap of two regions."""

from typing import Annotated

import torch
from torch import Tensor

from lossary.declare import (
    BinaryLogits,
    BinaryTarget,
    Claims,
    ClassLogits,
    ClassTarget,
    Elicits,
    Example,
    Flag,
    Inner,
    Link,
    NonNegative,
    Paper,
    PerRegion,
    Task,
    loss,
)

MILLETARI = Paper("Milletari, Navab and Ahmadi", 2016, "V-Net", equation="p. 6", arxiv="1606.04797")
SMOOTH = "added to the overlap and to the size of both, in elements: an absent class then costs little"
SQUARED = "whether sizes are sums of squares, as in V-Net, or sums"


def missed_share(
    p: Tensor, not_p: Tensor, target: Tensor, inner: Tensor | None, smooth: float, squared: bool, axes: int
) -> Tensor:
    """1 - (2·Σ w·p·t + smooth) / (Σ w·(p + t) + smooth) over the ``axes`` axes after the batch axis.

    Near perfect overlap it is Σ w·(p·(1 - t) + t·(1 - p)) over the same sizes, whose terms have one sign; near none it
    is the formula above, whose derivative is then the one in which nothing cancels. Two empty regions overlap
    perfectly: 0 of 0 counts as 0.
    """
    over = tuple(range(1, axes + 1))
    weight = 1.0 if inner is None else inner
    beyond, short = p * (1.0 - target), target * not_p
    if squared:
        missed, size = (beyond - short).square(), p.square() + target.square()
    else:
        missed, size = beyond + short, p + target
    sizes = (weight * size).sum(over) + smooth
    empty = sizes == 0
    divisor = torch.where(empty, 1.0, sizes)
    apart = (weight * missed).sum(over) / divisor
    shared = (2.0 * (weight * p * target).sum(over) + smooth) / divisor
    return torch.where(empty, 0.0, torch.where(apart < 0.5, apart, 1.0 - shared))


@loss(
    title="Dice loss",
    task=Task.SEGMENTATION,
    link=Link.SOFTMAX,
    outputs="one logit per class and element",
    decode="class probabilities are softmax(logits) over the class axis; the class is their argmax",
    soft="distribution",
    elicits=Elicits.OVERLAP,
    constant="no closed form: it depends on the shares of all regions at once",
    claims=Claims(lower=0.0, upper=1.0, smooth=True),
    example=Example(
        (((0.0, 0.0), (0.0, 0.0)), (0, 1), 0),
        1 / 3,
        "p = 1/2 twice, t = 1 and 0: 1 - (2·1/2 + 1)/(1 + 1 + 1) = 1/3",
    ),
    use_when="The share of a class is small and its overlap is what is judged; add cross-entropy for smooth training.",
    avoid_when="Regions are tiny or absent in most samples, or calibrated probabilities are wanted.",
    aliases=("soft_dice", "f1"),
    elsewhere={
        "monai.losses.DiceLoss(softmax=True, to_onehot_y=True, smooth_nr=1, smooth_dr=1)": 1.0,
        "segmentation_models_pytorch.losses.DiceLoss": "no factor: it sums over the batch before it divides",
    },
    paper=MILLETARI,
)
def dice(
    logits: ClassLogits,
    target: ClassTarget,
    *,
    smooth: Annotated[float, NonNegative, SMOOTH] = 1.0,
    squared: Annotated[bool, Flag(), SQUARED] = False,
    inner: Inner = None,
) -> PerRegion:
    """One minus the overlap of a predicted and a true region, for each sample and class.

    Shapes: logits (N, C, ...), target (N, ...) of indices or (N, C, ...) of probabilities; per unit (N, C).
    A weight or mask (N,) weighs samples; one with more axes weighs elements inside the sums.
    """
    p = logits.exp()
    # The value of 1 - p comes from expm1, which is exact near p = 1; its derivative -1 from p, which is exact near 0.
    not_p = -torch.expm1(logits.detach()) - (p - p.detach())
    return missed_share(p, not_p, target, inner, smooth, squared, logits.ndim - 2)


@dice.definition
def _(x, t, w, c, m, *, smooth, squared):
    p = [m.softmax(row)[c] for row in x]
    return _dice(p, [row[c] for row in t], w, m, smooth, squared)


def _dice(p, t, w, m, smooth, squared):
    both = m.sum([2 * a * b * v for a, b, v in zip(p, t, w, strict=True)])
    power = 2 if squared else 1
    size = m.sum([(a**power + b**power) * v for a, b, v in zip(p, t, w, strict=True)])
    return 0 if size + smooth == 0 else 1 - (both + smooth) / (size + smooth)


@loss(
    title="Binary Dice loss",
    task=Task.SEGMENTATION,
    link=Link.LOGIT,
    outputs="one logit per element",
    decode="the probability of the region is sigmoid(logit); inside where the logit is above 0",
    soft="distribution",
    elicits=Elicits.OVERLAP,
    constant="no closed form: it depends on the shares of all regions at once",
    claims=Claims(lower=0.0, upper=1.0, smooth=True),
    example=Example(
        ((0.0, 0.0), (1.0, 0.0)), 1 / 3, "p = 1/2 twice, t = 1 and 0: 1 - (2·1/2 + 1)/(1 + 1 + 1) = 1/3"
    ),
    use_when="One kind of region on a background, or labels that may overlap, folded into the batch axis.",
    avoid_when="Regions are tiny or absent in most samples, or calibrated probabilities are wanted.",
    elsewhere={"monai.losses.DiceLoss(sigmoid=True, smooth_nr=1, smooth_dr=1)": 1.0},
    paper=MILLETARI,
)
def binary_dice(
    logits: BinaryLogits,
    target: BinaryTarget,
    *,
    smooth: Annotated[float, NonNegative, SMOOTH] = 1.0,
    squared: Annotated[bool, Flag(), SQUARED] = False,
    inner: Inner = None,
) -> PerRegion:
    """One minus the overlap of a predicted and a true region, for each sample.

    Shapes: logits and target (N, ...); per unit (N,).
    """
    return missed_share(
        logits.log_p.exp(), logits.log_not_p.exp(), target, inner, smooth, squared, target.ndim - 1
    )


@binary_dice.definition
def _(x, t, w, m, *, smooth, squared):
    return _dice([1 / (1 + m.exp(-v)) for v in x], t, w, m, smooth, squared)
