"""Agreement of several predictions for one row."""

import math

import torch
from torch import Tensor

from lossary.declare import (
    Claims,
    ClassLogits,
    Elicits,
    Example,
    Link,
    Paper,
    PerRow,
    Task,
    log_softmax,
    loss,
    share,
)

from ..divergence.apart import rise
from .excess import excess
from .softmax import through_softmax


def shannon_spread(*log_p: Tensor) -> Tensor:
    """The mean of KL(p_i || m) over n rows of log p, with m the mean of the p_i: from 0 to log n.

    It is found from the end that is near. Where the rows have little in common it is log n less what they share, so
    that the constant drowns no slope. Else p - m, which adds up to 0 over the rows, turns each p·log(p/m) of either
    sign into p·log(p/m) - p + m, which is never negative: rows that are alike cancel nothing.
    """
    rows = torch.stack(log_p)
    top = rows.detach().amax(0)
    there = top > -torch.inf  # what all rows rule out costs nothing
    gap = torch.where(there, rows - torch.where(there, top, 0.0), 0.0)
    weight, part, over = torch.exp(top), torch.exp(gap), rise(gap)
    most = math.log(len(rows))
    shared = (weight * share(part, -log_softmax(gap, 0)).mean(0)).sum(-1)
    middle = over.mean(0)
    lead = gap - torch.log1p(middle)  # log(p/m)
    near = lead > -1.0
    alike = torch.where(near, part, 0.0) * excess(torch.where(near, lead, 0.0))
    apart = share(part, torch.where(near, 0.0, lead)) + torch.where(near, 0.0, middle - over)
    return torch.where(shared < 0.5 * most, most - shared, (weight * (alike + apart).mean(0)).sum(-1))


def _probabilities(x, m):
    """p and log p of a row of logits."""
    total = m.log(m.sum([m.exp(v) for v in x]))
    return [(m.exp(v - total), v - total) for v in x]


def _sums(clean, first, second, m):
    """Σ p·(|log p| + |log m|): the terms of opposite signs."""
    found = 0
    for triple in zip(*(_probabilities(x, m) for x in (clean, first, second)), strict=True):
        middle = m.sum([p for p, _ in triple]) / 3
        found += m.sum([p * (m.abs(v) + m.abs(m.log(middle))) for p, v in triple if p != 0]) / 3
    return found


@loss(
    title="Jensen-Shannon consistency",
    task=Task.PENALTY,
    link=Link.SOFTMAX,
    outputs="one logit per class, for the row and for two altered copies of it",
    decode="class probabilities are softmax(clean)",
    elicits=Elicits.DISTRIBUTION,
    constant="any, the same for all three: only their disagreement costs",
    claims=Claims(lower=0.0, upper=math.log(3.0), smooth=True),
    cancels=_sums,
    example=Example(((0.0, 0.0), (0.0, 0.0), (0.0, float("-inf"))), 0.17441604792151594,
                    "m = (2/3, 1/3): 2·(log(3/4) + log(3/2))/2 + log(3/2) = 0.52325, over 3"),
    use_when="Augmented copies of a row should be seen alike: added, about 12 times, to the clean row's cross-entropy.",
    avoid_when="An augmentation can change the class, or nothing else holds the predictions from all being alike.",
    aliases=("augmix_consistency", "augmix_jsd"),
    elsewhere={
        "timm.loss.JsdCrossEntropy": "no factor: a cross-entropy added to 12 times this, of chunks of one batch, and "
        "the mixture clamped at 1e-7",
    },
    paper=Paper("Hendrycks et al.", 2020,
                "AugMix: A Simple Data Processing Method to Improve Robustness and Uncertainty", arxiv="1912.02781"),
    symbolic=False,
    formula=r"\frac{1}{3} \sum_k \operatorname{KL}(p_k \parallel m) \text{ with } p_k = "
            r"\operatorname{softmax}(x_k) \text{ and } m = \frac{p_1 + p_2 + p_3}{3}",
    derivative=r"\frac{p_i}{3} \left(\log\frac{p_i}{m_i} - \operatorname{KL}(p \parallel m)\right) \text{ with } "
               r"p \text{ that of the clean row}",
)  # fmt: skip
def jsd_consistency(clean: ClassLogits, first: ClassLogits, second: ClassLogits) -> PerRow:
    """How much three predictions for one row disagree: the mean divergence from their mean, in nats."""
    return shannon_spread(clean, first, second)


@jsd_consistency.definition
def _(clean, first, second, m):
    found = 0
    for triple in zip(*(_probabilities(x, m) for x in (clean, first, second)), strict=True):
        middle = m.sum([p for p, _ in triple]) / 3
        found += m.sum([p * (v - m.log(middle)) for p, v in triple if p != 0]) / 3
    return found


@jsd_consistency.slope
def _(clean: Tensor, first: Tensor, second: Tensor) -> Tensor:
    rows = torch.log_softmax(torch.stack((clean, first, second)), -1)
    p, lead = rows[0].exp(), rows[0] - torch.logsumexp(rows, 0) + torch.tensor(3.0).log()
    pull = share(p, lead) / 3.0
    return through_softmax(pull, p)
