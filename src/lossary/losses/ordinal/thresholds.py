"""One binary question per threshold: is the class beyond it?"""

import torch
from torch import Tensor

from lossary.declare import (
    Claims,
    ClassTarget,
    Elicits,
    Example,
    Link,
    Paper,
    PerRow,
    Task,
    Thresholds,
    loss,
    share,
    softplus,
)


def sides(target: Tensor, thresholds: Tensor) -> tuple[Tensor, Tensor]:
    """P(Y > k) and P(Y <= k) for every threshold k, (..., K-1), of indices or of rows of probabilities."""
    if target.is_floating_point():
        return target.flip(-1).cumsum(-1).flip(-1)[..., 1:], target.cumsum(-1)[..., :-1]
    k = torch.arange(thresholds.shape[-1], device=target.device)
    above = target.unsqueeze(-1) > k
    return above.to(thresholds.dtype), (~above).to(thresholds.dtype)


def stops(target: Tensor, thresholds: Tensor) -> Tensor:
    """P(Y = k) for every threshold k: the class that has reached it and goes no further."""
    if target.is_floating_point():
        return target[..., :-1]
    k = torch.arange(thresholds.shape[-1], device=target.device)
    return (target.unsqueeze(-1) == k).to(thresholds.dtype)


def tails(chances: Tensor) -> Tensor:
    """P(Y > k) of class probabilities (..., K), for every threshold but the last class."""
    return chances.flip(-1).cumsum(-1).flip(-1)[..., 1:]


def between(beyond: Tensor) -> Tensor:
    """Class probabilities (..., K) from P(Y > k); where thresholds contradict each other, no class has less than 0."""
    sure = torch.ones_like(beyond[..., :1])
    steps = torch.cat([sure, beyond], -1) - torch.cat([beyond, 0.0 * sure], -1)
    steps = steps.clamp(min=0.0)
    return steps / steps.sum(-1, keepdim=True)


@loss(
    title="CORAL loss",
    task=Task.ORDINAL,
    link=Link.ORDERED,
    outputs="one logit less than there are classes; in CORAL they share their weights and differ by a bias",
    decode="the number of logits above 0 is the class; sigmoid(logit k) is the probability of a class beyond k",
    soft="mixture",
    probabilities=lambda raw: between(torch.sigmoid(raw)),
    decoded=lambda raw: (raw > 0).sum(-1),
    shared=torch.ones,
    raw=lambda chances: torch.logit(tails(chances)),
    elicits=Elicits.PROBABILITY,
    constant="the logit of the share of targets beyond each threshold; on 0, 0, 1, 2 it is 0 and -1.0986",
    claims=Claims(convex=True, proper=True, lower=0.0, smooth=True),
    symbolic=False,
    formula=r"\sum_k \left(q_k \log(1 + e^{-x_k}) + (1 - q_k) \log(1 + e^{x_k})\right) \text{ with } q_k \text{ "
            r"the target's share beyond } k",
    derivative=r"\sigma(x_i) - q_i",
    example=Example(((2.0, 0.0), 1), 0.8200751916029877, "log(1 + exp(-2)) + log(1 + exp(0)) = 0.12693 + 0.69315"),
    use_when="Classes are ordered and a miss by two is worse than one by one; a shared head keeps ranks consistent.",
    avoid_when="The classes' order is not the order of one quality: the head cannot then tell them apart.",
    aliases=("consistent_rank_logits", "ordinal_cross_entropy"),
    elsewhere={"coral_pytorch.losses.coral_loss": 1.0},
    paper=Paper(
        "Cao, Mirjalili and Raschka", 2020,
        "Rank consistent ordinal regression for neural networks with application to age estimation",
        equation="4", arxiv="1901.07884",
    ),
)  # fmt: skip
def coral(thresholds: Thresholds, target: ClassTarget) -> PerRow:
    """Cross-entropy of every question whether the class lies beyond a threshold, added up."""
    above, below = sides(target, thresholds)
    return (share(above, softplus(-thresholds)) + share(below, softplus(thresholds))).sum(-1)


@coral.definition
def _(x, y, m):
    yes = [m.sum(y[k + 1 :]) * m.log(1 + m.exp(-v)) for k, v in enumerate(x)]
    no = [m.sum(y[: k + 1]) * m.log(1 + m.exp(v)) for k, v in enumerate(x)]
    return m.sum(yes) + m.sum(no)


@coral.slope
def _(thresholds: Tensor, target: Tensor) -> Tensor:
    above, below = sides(target, thresholds)
    return below * torch.sigmoid(thresholds) - above * torch.sigmoid(-thresholds)


@loss(
    title="CORN loss",
    task=Task.ORDINAL,
    link=Link.ORDERED,
    outputs="one logit less than there are classes",
    decode="sigmoid(logit k) is the probability of a class beyond k among those that reach k; their product up to k is "
           "the probability of a class beyond k, and the number of products above one half is the class",
    soft="mixture",
    probabilities=lambda raw: between(torch.sigmoid(raw).cumprod(-1)),
    decoded=lambda raw: (torch.sigmoid(raw).cumprod(-1) > 0.5).sum(-1),
    raw=lambda chances: torch.logit(tails(chances) / tails(torch.cat([chances[..., :1] * 0, chances], -1))[..., :-1]),
    elicits=Elicits.PROBABILITY,
    constant="the logit of the share beyond each threshold among those that reach it; on 0, 0, 1, 2: 0 and 0",
    claims=Claims(convex=True, proper=True, lower=0.0, smooth=True),
    symbolic=False,
    formula=r"\sum_k \left(q_k \log(1 + e^{-x_k}) + y_k \log(1 + e^{x_k})\right) \text{ with } q_k \text{ the "
            r"target's share beyond } k \text{ and } y_k \text{ that at } k",
    derivative=r"y_i \sigma(x_i) - q_i \sigma(-x_i)",
    example=Example(((2.0, 0.0), 1), 0.8200751916029877, "log(1 + exp(-2)) + log(1 + exp(0)) = 0.12693 + 0.69315"),
    use_when="Classes are ordered and the head should not have to share its weights: ranks stay consistent without it.",
    avoid_when="High classes are rare: the questions at the top are then learned from few rows.",
    aliases=("conditional_ordinal_regression", "continuation_ratio"),
    elsewhere={"coral_pytorch.losses.corn_loss": "no factor: it divides by the number of questions asked in the batch"},
    paper=Paper(
        "Shi, Cao and Raschka", 2023,
        "Deep neural networks for rank-consistent ordinal regression based on conditional probabilities",
        arxiv="2111.08851",
    ),
)  # fmt: skip
def corn(thresholds: Thresholds, target: ClassTarget) -> PerRow:
    """Cross-entropy of the questions that a class still reaches: the surprise at it when thresholds are met in turn."""
    above, _ = sides(target, thresholds)
    stay = stops(target, thresholds)
    return (share(above, softplus(-thresholds)) + share(stay, softplus(thresholds))).sum(-1)


@corn.definition
def _(x, y, m):
    def surprise(label):
        stays = m.log(1 + m.exp(x[label])) if label < len(x) else 0
        return m.sum([m.log(1 + m.exp(-v)) for v in x[:label]]) + stays

    return m.sum([q * surprise(label) for label, q in enumerate(y) if q != 0])


@corn.slope
def _(thresholds: Tensor, target: Tensor) -> Tensor:
    above, _ = sides(target, thresholds)
    return stops(target, thresholds) * torch.sigmoid(thresholds) - above * torch.sigmoid(-thresholds)
