"""Spreading embeddings by the distance to the nearest of the others: an estimate of their entropy."""

from math import log
from typing import Annotated

import torch

from lossary.declare import (
    Claims,
    Elicits,
    Embedding,
    Example,
    Keep,
    Link,
    NonNegative,
    Paper,
    PerAnchor,
    Task,
    loss,
)

from ..metric.distance import apart, between, direction, length, unit


def _along(x, z):
    """Whether two plain vectors have exactly one direction; dividing by their lengths would leave a trace of digits."""
    if any(v * b != w * a for v, w in zip(x, z, strict=True) for a, b in zip(x, z, strict=True)):
        return False
    return all(v * w >= 0 for v, w in zip(x, z, strict=True)) and any(v != 0 for v in x) == any(
        w != 0 for w in z
    )


def _nearest(e, i, m):
    u = [unit(x, m) for x in e]
    squares = [0 if _along(e[i], e[j]) else apart(u[i], u[j], m) for j in range(len(e)) if j != i]
    return m.sqrt(m.min(squares)) if squares else None


def _sizes(e, i, m, *, eps):
    """The logarithm, and what rounding two vectors of length 1 leaves undecided of the distance between them."""
    near = _nearest(e, i, m)
    if near is None or near + eps == 0:
        return 0
    return abs(m.log(near + eps)) + 2 / (near + eps)


@loss(
    title="KoLeo",
    task=Task.METRIC,
    link=Link.IDENTITY,
    outputs="an embedding",
    decode="the embedding at length 1",
    coupled=True,
    elicits=Elicits.EMBEDDING,
    constant="none: where all are the same, distances are 0 and the loss is -log(eps), its greatest",
    claims=Claims(upper=lambda eps: -log(eps) if eps > 0 else None),
    cancels=_sizes,
    symbolic=False,
    formula=r"-\log\left(\min_{j \ne i} |u_i - u_j| + \epsilon\right) \text{ with } u = x / |x|",
    derivative=r"-\frac{(1 - u_i u_i^\top)(u_i - u_{j^*})}{|x_i|\,d\,(d + \epsilon)} \text{ with } d = "
               r"|u_i - u_{j^*}|",
    example=Example((((2.0, 0.0), (0.0, 1.0), (-3.0, 0.0)), 0), -0.34657359027997264,
                    "the nearest lies at right angles: -log(√2)", {"eps": 0.0}),
    use_when="A whole batch should spread over the sphere, as beside a self-supervised loss in DINOv2.",
    avoid_when="Batches hold copies of a sample: the price of nearness is without bound but for eps.",
    aliases=("kozachenko_leonenko", "koleo_loss"),
    elsewhere={
        "dinov2.loss.KoLeoLoss": "no factor: it adds its eps to every coordinate's difference as well",
        "lightly.loss.KoLeoLoss": "no factor: it adds its eps to every coordinate's difference as well",
    },
    paper=Paper("Sablayrolles, Douze, Schmid and Jégou", 2019, "Spreading vectors for similarity search",
                arxiv="1806.03198"),
)  # fmt: skip
def koleo(
    embeddings: Embedding,
    *,
    eps: Annotated[
        float, NonNegative, "added to a distance, so that copies cost -log(eps); the paper has 0"
    ] = 1e-8,
    keep: Keep = None,
) -> PerAnchor:
    """Minus the logarithm of the distance to the nearest other sample of the batch, at length 1.

    Shapes: embeddings (N, D); per unit (N,), 0 for a sample that is alone. ``.units(...)`` returns the members as
    well, (N, 2): each sample and its nearest. At a copy the distance has no slope, and its gradient is 0.
    """
    count = len(embeddings)
    here = torch.arange(count, device=embeddings.device)
    u = direction(embeddings)
    if count == 0:
        return u.sum(-1), here == 0, here.unsqueeze(-1).expand(0, 2)
    others = here.unsqueeze(1) != here
    if keep is not None:
        others = others & keep
    held = u.detach()
    nearest = torch.where(others, between(held.unsqueeze(1), held, "squared"), torch.inf).argmin(1)
    some = others.any(1)
    nearest = torch.where(some, nearest, here)
    distance = length(u - u[nearest]) + eps
    copies = distance == 0
    value = torch.where(copies, torch.inf, -torch.where(copies | ~some, 1.0, distance).log())
    return torch.where(some, value, 0.0), torch.ones_like(some), torch.stack([here, nearest], -1)


@koleo.definition
def _(e, i, m, *, eps):
    near = _nearest(e, i, m)
    return 0 if near is None else -m.log(near + eps)
