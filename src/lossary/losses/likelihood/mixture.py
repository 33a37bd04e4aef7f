"""The likelihood of a mixture of normal distributions: mixture density networks."""

import math
from typing import Annotated

import torch
from torch import Tensor

from lossary.declare import (
    Claims,
    Elicits,
    Example,
    Link,
    Paper,
    PerRow,
    RealTarget,
    Task,
    blocks,
    log_softmax,
    loss,
)

from .standard import standardised


def _parts(x, t, m):
    """Each component's probability and (log of the scale, half the squared deviation)."""
    size = len(x) // 3
    raised = [m.exp(v) for v in x[:size]]
    total = m.sum(raised)
    halves = [((t - x[size + k]) / m.exp(x[2 * size + k])) ** 2 / 2 for k in range(size)]
    return [each / total for each in raised], x[2 * size :], halves


def _density(x, t, m):
    share, scales, halves = _parts(x, t, m)
    return [p * m.exp(-h - s) / m.sqrt(2 * m.pi) for p, s, h in zip(share, scales, halves, strict=True)]


def _sizes(x, t, m):
    """Σ |terms| of each component's log-density, by how much it has to say."""
    share, scales, halves = _parts(x, t, m)
    density = _density(x, t, m)
    total = m.sum(density)
    terms = [m.abs(m.log(p)) + m.abs(s) + h for p, s, h in zip(share, scales, halves, strict=True)]
    return m.log(2 * m.pi) + m.sum(
        [d / total * each for d, each in zip(density, terms, strict=True) if d != 0]
    )


@loss(
    title="Mixture density negative log-likelihood",
    task=Task.REGRESSION,
    link=Link.COLUMNS,
    outputs="3K: a logit, a location and the logarithm of a scale for each of K components",
    decode="weights are softmax of the first K outputs, the mean is their sum with the next K; quantiles by bisection",
    elicits=Elicits.DISTRIBUTION,
    constant="a mixture that fits the targets; none is best, since a component on a single target grows without end",
    claims=Claims(proper=True, smooth=True),
    cancels=_sizes,
    symbolic=False,
    formula=r"-\log\sum_k \pi_k\,\frac{1}{\sigma_k\sqrt{2\pi}}\exp\left(-\frac{(t - \mu_k)^2}{2\sigma_k^2}\right)",
    derivative=r"\left(\pi_k - r_k,\ r_k\frac{\mu_k - t}{\sigma_k^2},\ r_k \left(1 - \frac{(t - \mu_k)^2}{\sigma_k^2}"
               r"\right)\right),\quad r_k \text{ component } k\text{'s share of the density}",
    example=Example(((0.0, 0.0, -1.0, 1.0, 0.0, 0.0), 0.0), 1.4189385332046727,
                    "both components lie 1 off: -log(1/2 + 1/2) + 1/2 + log(2π)/2"),
    decoded=lambda row: (torch.softmax(row.chunk(3, -1)[0], -1) * row.chunk(3, -1)[1]).sum(-1),
    law=lambda row: torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(logits=row.chunk(3, -1)[0]),
        torch.distributions.Normal(row.chunk(3, -1)[1], row.chunk(3, -1)[2].exp()),
    ),
    use_when="For one input several separate answers are right, as in an inverse problem.",
    avoid_when="One answer with an error bar is enough: a component can sit on a single target and its likelihood "
               "grow without bound.",
    aliases=("mdn", "gaussian_mixture_nll"),
    paper=Paper("Bishop", 1994, "Mixture density networks"),
)  # fmt: skip
def mixture_density_nll(
    prediction: Annotated[Tensor, blocks("weight logit", "location", "log of the scale")],
    target: RealTarget,
) -> PerRow:
    """How unlikely the target is under a predicted mixture of K normal distributions.

    Shapes: prediction (..., 3K), target (...); per unit (...).
    """
    logit, location, log_scale = prediction.chunk(3, -1)
    gap = target.unsqueeze(-1) - location
    # A component too far away to hold its distance has no say, and no derivative.
    gone = standardised(gap.detach(), log_scale.detach()).square().isinf()
    z = standardised(torch.where(gone, 0.0, gap), log_scale)
    terms = torch.where(gone, -torch.inf, log_softmax(logit, -1) - log_scale - 0.5 * z.square())
    none = gone.all(-1)
    terms = torch.where(none.unsqueeze(-1), 0.0, terms)
    # Taken off and put back: the shares of components that are all unlikely would drown in the size of the logarithm.
    top = terms.detach().amax(-1)
    found = torch.exp(terms - top.unsqueeze(-1)).sum(-1).log() + top
    return torch.where(none, torch.inf, 0.5 * math.log(2.0 * math.pi) - found)


@mixture_density_nll.definition
def _(x, t, m):
    return -m.log(m.sum(_density(x, t, m)))


@mixture_density_nll.slope
def _(prediction: Tensor, target: Tensor) -> Tensor:
    logit, location, log_scale = prediction.chunk(3, -1)
    z = standardised(target.unsqueeze(-1) - location, log_scale)
    weight = torch.softmax(logit, -1)
    mine = torch.softmax(torch.log_softmax(logit, -1) - log_scale - 0.5 * z.square(), -1)
    return torch.cat([weight - mine, standardised(-mine * z, log_scale), mine * (1.0 - z.square())], -1)
