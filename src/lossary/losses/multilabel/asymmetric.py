"""The asymmetric loss: the focal loss with a fading of its own for absent labels."""

from typing import Annotated

import torch
from torch import Tensor

from lossary.declare import (
    BelowOne,
    BinaryLogits,
    BinaryTarget,
    Claims,
    Elicits,
    Example,
    Link,
    NonNegative,
    Paper,
    PerElement,
    Relative,
    Task,
    loss,
    share,
)

from ..binary.focal import faded


def _claim(p: Tensor, q: Tensor, clip: float) -> tuple[Tensor, Tensor, Tensor]:
    """Where p exceeds clip, r = p - clip by how much, and -log(1 - r); any numbers elsewhere. q is 1 - p."""
    counts = p > clip
    r = torch.where(counts, p, 0.5 + clip) - clip
    # 1 - r is 1 - p + clip, which keeps the digits of 1 - p where r is large.
    large = r > 0.5
    rest = torch.where(large, q + clip, 0.5)
    return counts, r, torch.where(large, -torch.log(rest), -torch.log1p(-torch.where(large, 0.5, r)))


def shifted(log_p: Tensor, log_not_p: Tensor, gamma: float, clip: float) -> Tensor:
    """-r^gamma · log(1 - r) with r = max(p - clip, 0), from the logarithms of p and 1 - p."""
    if clip == 0.0:
        return faded(log_not_p, log_p, gamma)
    counts, r, surprise = _claim(torch.exp(log_p), torch.exp(log_not_p), clip)
    return torch.where(counts, r**gamma * surprise, 0.0)


def _roundings(x, t, m, *, gamma_pos, gamma_neg, clip):
    """What one rounding of log(1 - p) leaves undecided of its power, and what a few of p and clip leave of that of
    their difference, in thirty-seconds (CONTRACT 10 counts in them)."""
    p, q = m.sigmoid(x), m.sigmoid(-x)
    r = m.max(p - clip, 0)
    ones = t * q**gamma_pos * m.log(p) * gamma_pos * m.log(q) if t != 0 else 0
    if r == 0:
        return ones / 32
    zeros = r**gamma_neg * (1 - gamma_neg * m.log(q + clip) / r) * (p * (1 - m.log(p)) + clip)
    return ones / 32 + (1 - t) * zeros / 8


def _is_focal(gamma_pos: float, gamma_neg: float, clip: float) -> bool:
    return gamma_pos == gamma_neg and clip == 0.0


def _is_cross_entropy(gamma_pos: float, gamma_neg: float, clip: float) -> bool:
    return gamma_pos == gamma_neg == clip == 0.0


@loss(
    title="Asymmetric loss",
    task=Task.MULTILABEL,
    link=Link.LOGIT,
    outputs="one logit per label",
    decode="the labels of the greatest logits; their sigmoid is no probability, so held-out data choose where to cut",
    soft="mixture",
    elicits=Elicits.ORDER,
    constant="where the faded pulls of ones and zeros balance; never below the logit of clip while a label occurs",
    claims=Claims(
        convex=_is_cross_entropy,
        proper=_is_cross_entropy,
        lower=0.0,
        calibrated=_is_focal,
        smooth=lambda gamma_neg, clip: gamma_neg > 0.0 or clip == 0.0,
    ),
    cancels=_roundings,
    example=Example((0.0, 0.0), 0.07192051811294523, "p = 1/2, 1/4 above clip: (1/4)·-log(3/4) = 0.07192",
                    {"gamma_neg": 1.0, "clip": 0.25}),
    relatives=(
        Relative("focal", "focal where both gammas are alike and nothing is clipped",
                 {"gamma_pos": 2.0, "gamma_neg": 2.0, "clip": 0.0}, {"gamma": 2.0, "alpha": None}),
        Relative("binary_cross_entropy", "cross-entropy where nothing fades and nothing is clipped",
                 {"gamma_pos": 0.0, "gamma_neg": 0.0, "clip": 0.0}),
    ),
    use_when="Each sample has a few labels of very many, and some of the absent ones are present but were not noted.",
    avoid_when="Probabilities are wanted, or labels are about as often present as absent.",
    aliases=("asl", "asymmetric_multi_label", "asymmetric_loss_multi_label"),
    elsewhere={
        "timm.loss.AsymmetricLossMultiLabel": "no factor: it sums over labels, and probabilities are floored at 1e-8",
    },
    paper=Paper("Ridnik et al.", 2021, "Asymmetric Loss For Multi-Label Classification", arxiv="2009.14119"),
)  # fmt: skip
def asymmetric(
    logits: BinaryLogits,
    target: BinaryTarget,
    *,
    gamma_pos: Annotated[
        float, NonNegative, "how fast present labels fade once found; 1 is the authors' program's"
    ] = 1.0,
    gamma_neg: Annotated[float, NonNegative, "how fast labels fade that are absent and not claimed"] = 4.0,
    clip: Annotated[float, BelowOne, "probability up to which an absent label costs nothing"] = 0.05,
) -> PerElement:
    """Focal loss with one fading for labels that are present and another, and a free stretch, for absent ones."""
    ones = share(target, faded(logits.log_p, logits.log_not_p, gamma_pos))
    return ones + share(1.0 - target, shifted(logits.log_p, logits.log_not_p, gamma_neg, clip))


@asymmetric.definition
def _(x, t, m, *, gamma_pos, gamma_neg, clip):
    p = 1 / (1 + m.exp(-x))
    q = 1 / (1 + m.exp(x))
    shifted, rest = m.max(p - clip, 0), m.min(q + clip, 1)  # they add up to 1
    return -t * q**gamma_pos * m.log(p) - (1 - t) * shifted**gamma_neg * m.log(rest)


@asymmetric.slope
def _(logits: Tensor, target: Tensor, *, gamma_pos: float, gamma_neg: float, clip: float) -> Tensor:
    p, q = torch.sigmoid(logits), torch.sigmoid(-logits)
    log_p, log_q = torch.nn.functional.logsigmoid(logits), torch.nn.functional.logsigmoid(-logits)
    ones = q**gamma_pos * (gamma_pos * p * log_p - q)
    if clip == 0.0:
        return target * ones + (1.0 - target) * p**gamma_neg * (p - gamma_neg * q * log_q)
    counts, r, surprise = _claim(p, q, clip)
    zeros = p * q * r**gamma_neg * (1.0 / (q + clip) + gamma_neg * surprise / r)
    return target * ones + (1.0 - target) * torch.where(counts, zeros, 0.0)
