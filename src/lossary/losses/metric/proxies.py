"""Losses on the cosines of embeddings with proxies, one for each class."""

from typing import Annotated

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
    Positive,
    Task,
    loss,
)

from ..multiclass.rivals import over_rivals
from ..multiclass.rivals import pulled as over_pulls
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
    claims=Claims(smooth=True),
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
    return over_pulls(
        lambda rivals, own: scale * torch.softmax(scale * (rivals - own), -1), cosines, target
    )
