"""Losses on the cosines of embeddings with proxies, one for each class."""

from typing import Annotated

import torch
from torch import Tensor

from lossary.declare import (
    Claims,
    ClassTarget,
    Elicits,
    Example,
    Keep,
    Link,
    NonNegative,
    Paper,
    PerAnchor,
    PerRow,
    Positive,
    Task,
    loss,
)

from ..multiclass.rivals import over_rivals
from ..multiclass.rivals import pulled as over_pulls
from ..multilabel.zlpr import above_zero
from .angular_margin import DECODE, OUTPUTS
from .cosines import Cosines


def _sizes(x, y, m, *, scale):
    """Scaled leads, whose two cosines set each other off, and the 1 beside which a logarithm is rounded."""
    found = []
    for k, q in enumerate(y):
        if q != 0:
            rivals = [v for j, v in enumerate(x) if j != k]
            parts = m.softmax([scale * v for v in rivals])
            leads = [p * (m.abs(v) + m.abs(x[k])) for p, v in zip(parts, rivals, strict=True)]
            found.append(q * (scale * m.sum(leads) + 1))
    return m.sum(found)


@loss(
    title="Proxy-NCA loss",
    task=Task.METRIC,
    link=Link.IDENTITY,
    outputs=OUTPUTS.replace("centres", "proxies"),
    decode=DECODE,
    soft="mixture",
    elicits=Elicits.EMBEDDING,
    constant="no closed form: one class at 1 and the others at -1 where there is only that class",
    claims=Claims(convex=True, smooth=True),
    cancels=_sizes,
    symbolic=False,
    formula=r"\sum_k y_k \log \sum_{j \ne k} e^{s (x_j - x_k)}",
    derivative=r"s \sum_k y_k (q_{ki} - [i = k]) \text{ with } q_k = \operatorname{softmax}(s x) \text{ over the "
    r"classes but } k",
    example=Example(
        ((0.5, 0.25, 0.25), 0),
        0.1931471805599453,
        "scaled by 2 both rivals are behind by 0.5: log(2·exp(-0.5)) = log 2 - 0.5",
    ),
    use_when="Embeddings are learned from labels and triplets are too many: one proxy stands for each class.",
    avoid_when="A right answer should stop pulling: the loss has no lower end, and what is right is pulled on.",
    aliases=("proxy_neighbourhood_component_analysis",),
    elsewhere={
        "pytorch_metric_learning.losses.ProxyNCALoss": "no factor: the true class's proxy is in its denominator too, "
        "which is cosface with margin=0 and scale=2",
    },
    paper=Paper("Movshovitz-Attias, Toshev, Leung, Ioffe and Singh", 2017,
                "No Fuss Distance Metric Learning using Proxies", arxiv="1703.07464"),
)  # fmt: skip
def proxy_nca(
    cosines: Cosines,
    target: ClassTarget,
    *,
    scale: Annotated[
        float, Positive, "what cosines are multiplied by; 2 makes them the paper's squared distances"
    ] = 2.0,
) -> PerRow:
    """The proxy of the sample's class must be nearer than the proxies of all others together.

    The input are cosines, of embeddings of length 1 with one proxy of length 1 per class: a linear layer without bias
    on normalised vectors, whose weight holds the proxies. Between such vectors the squared distance is 2 - 2·cos.
    """
    return over_rivals(lambda rivals, own: torch.logsumexp(scale * (rivals - own), -1), cosines, target)


@proxy_nca.definition
def _(x, y, m, *, scale):
    found = []
    for k, q in enumerate(y):
        if q != 0:
            near = m.exp(-(2 - 2 * x[k]) * scale / 2)
            far = m.sum([m.exp(-(2 - 2 * v) * scale / 2) for j, v in enumerate(x) if j != k])
            found.append(-q * m.log(near / far))
    return m.sum(found)


@proxy_nca.slope
def _(cosines: Tensor, target: Tensor, *, scale: float) -> Tensor:
    return over_pulls(lambda rivals, own: scale * torch.softmax(scale * (rivals - own), -1), cosines, target)


def _sides(x, y, m, margin, scale):
    """For every proxy the exponents of its positives and of its negatives."""
    rows = list(zip(x, y, strict=True))
    for k in range(len(x[0])):
        yield (
            [scale * (margin - row[k]) for row, own in rows if own[k] != 0],
            [scale * (row[k] + margin) for row, own in rows if own[k] == 0],
        )


def _weighed(x, y, i, m, *, margin, scale):
    """The exponents, each by its share of its proxy's sum."""
    sides = list(_sides(x, y, m, margin, scale))
    found = []
    for each, count in ((0, sum(1 for near, _ in sides if near)), (1, len(sides))):
        for side in sides:
            raised = [m.exp(v) for v in side[each]]
            terms = [v * (scale * (1 + margin)) for v in raised]
            found.append(m.sum(terms) / (1 + m.sum(raised)) / count)
    return m.sum(found)


@loss(
    title="Proxy-Anchor loss",
    task=Task.METRIC,
    link=Link.IDENTITY,
    outputs=OUTPUTS.replace("centres", "proxies"),
    decode=DECODE,
    coupled=True,
    elicits=Elicits.EMBEDDING,
    constant="no closed form: a balance of the pull of its own class on every proxy and the push of the others",
    claims=Claims(convex=True, smooth=True),
    cancels=_weighed,
    symbolic=False,
    formula=r"\frac{1}{|P'|} \sum_{p \in P'} \log\left(1 + \sum_{i: y_i = p} e^{-s (x_{ip} - \delta)}\right) + "
    r"\frac{1}{|P|} \sum_{p \in P} \log\left(1 + \sum_{i: y_i \ne p} e^{s (x_{ip} + \delta)}\right) \text{ with "
    r"} P \text{ the proxies and } P' \text{ those of classes in the batch}",
    derivative=r"-\frac{s}{|P'|} q_{ip} \text{ for the proxy } p = y_i \text{, } \frac{s}{|P|} q_{ip} \text{ for "
    r"another, with } q_{ip} \text{ the share of each exponential in its } 1 + \sum",
    example=Example(
        (((0.5, -0.5),), (0,), 0),
        1.0397207708399179,
        "one sample, at scale 1 and margins 0.5: log(1 + exp(-(0.5 - 0.5))) + log(1 + exp(-0.5 + 0.5))/2 + log(1)/2",
        {"margin": 0.5, "scale": 1.0},
    ),
    use_when="Embeddings are learned from labels, and the samples of a batch should still weigh against each other.",
    avoid_when="There are very many classes: every proxy is pushed by every batch.",
    elsewhere={"pytorch_metric_learning.losses.ProxyAnchorLoss": 1.0},
    paper=Paper("Kim, Kim, Cho and Kwak", 2020, "Proxy Anchor Loss for Deep Metric Learning", arxiv="2003.13911"),
)  # fmt: skip
def proxy_anchor(
    cosines: Cosines,
    target: ClassTarget,
    *,
    margin: Annotated[float, NonNegative, "how far past 0 a cosine is to be, on either side"] = 0.1,
    scale: Annotated[float, Positive, "how sharply the worst samples of a proxy are preferred"] = 32.0,
    keep: Keep = None,
) -> PerAnchor:
    """Each proxy pulls the samples of its class and pushes all others, the farthest and the nearest of them most.

    The input are cosines, of embeddings of length 1 with one proxy of length 1 per class: a linear layer without bias
    on normalised vectors, whose weight holds the proxies. Shapes: cosines (N, C), target (N,); per unit (N,): every
    sample of a batch has the batch's one value. With nothing but the proxies of absent classes the pull is 0.
    """
    count, classes = cosines.shape
    there = torch.ones(count, dtype=torch.bool, device=cosines.device) if keep is None else keep
    if count == 0:
        return cosines.sum(-1), there, None
    own = torch.arange(classes, device=cosines.device).unsqueeze(1) == target
    near, far = own & there, ~own & there
    by_proxy = cosines.mT
    pulls = above_zero(scale * (margin - by_proxy), near)
    pushes = above_zero(scale * (by_proxy + margin), far)
    value = pulls.sum() / near.any(1).sum().clamp(min=1) + pushes.mean()
    return value.expand(count), torch.ones_like(there), None


@proxy_anchor.definition
def _(x, y, i, m, *, margin, scale):
    sides = list(_sides(x, y, m, margin, scale))
    pulls = [m.log(1 + m.sum([m.exp(v) for v in near])) for near, _ in sides if near]
    pushes = [m.log(1 + m.sum([m.exp(v) for v in far])) for _, far in sides]
    return m.sum(pulls) / len(pulls) + m.sum(pushes) / len(pushes)
