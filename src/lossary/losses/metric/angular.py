"""The angle at which a negative sees a pair, kept below a bound."""

import math
from typing import Annotated

from lossary.declare import (
    Claims,
    Elicits,
    Embedding,
    Example,
    Interval,
    Keep,
    Labels,
    Link,
    Paper,
    PerAnchor,
    Task,
    loss,
    softplus,
)

from .distance import direction, unit
from .partners import EXEMPT, log_sum, mean_over, partners, positives, sides

Acute = Interval(
    "an angle above 0 and below 90, in degrees", 0.0, 90.0, False, False, (30.0, 36.0, 45.0, 60.0)
)


def _pairs(e, labels, i, m, alpha):
    near, far = sides(labels, i)
    if not near or not far:
        return []
    t = _square(m, alpha)
    u = [unit(x, m) for x in e]
    found = []
    for j in near:
        own = 2 * (1 + t) * m.dot(u[i], u[j])
        others = [4 * t * m.dot([v + w for v, w in zip(u[i], u[j], strict=True)], u[k]) for k in far]
        found.append(m.log(1 + m.sum([m.exp(each - own) for each in others])))
    return found


def _square(m, alpha):
    return (m.sin(alpha * m.pi / 180) / m.cos(alpha * m.pi / 180)) ** 2


def _sizes(e, labels, i, m, *, alpha):
    """What rounding cosines leaves undecided in the exponents, as far as the loss follows them."""
    pairs = _pairs(e, labels, i, m, alpha)
    t = _square(m, alpha)
    return m.sum([(1 - m.exp(-value)) * (2 + 10 * t) for value in pairs]) / max(len(pairs), 1)


@loss(
    title="Angular loss",
    task=Task.METRIC,
    link=Link.IDENTITY,
    outputs="an embedding",
    decode="the embedding; compare by cosine",
    coupled=True,
    elicits=Elicits.EMBEDDING,
    constant="any embedding that is the same for all gives log(1 + Q·exp(6·tan²(alpha) - 2)), with Q samples of other "
             "labels",
    claims=Claims(),
    cancels=_sizes,
    counts=positives,
    symbolic=False,
    formula=r"\frac{1}{|P_i|} \sum_{j \in P_i} \log\left(1 + \sum_{k \in N_i} e^{4 t (u_i + u_j) \cdot u_k - "
            r"2 (1 + t) u_i \cdot u_j}\right) \text{ with } t = \tan^2 \alpha \text{, } u = x / |x|, P_i \text{ the "
            r"samples of its label and } N_i \text{ those of others}",
    derivative=r"\frac{1}{|P_i|\,|x_i|} (1 - u_i u_i^\top) \sum_j \sum_k q_{jk} (4 t u_k - 2 (1 + t) u_j) \text{ by "
               r"the anchor } x_i, \text{ with } q_{jk} \text{ the share of each exponential in } 1 + \sum",
    example=Example(
        (((1.0, 0.0), (0.0, 2.0), (0.0, -3.0)), (0, 0, 1), 0), 0.018149927917809740,
        "tan²(45°) = 1: 4·((1, 1)·(0, -1)) - 4·0 = -4: log(1 + exp(-4))", {"alpha": 45.0},
    ),
    use_when="Labels differ in how widely their samples spread: an angle needs no margin for each scale.",
    avoid_when="Batches are large: its memory grows with the cube of their size.",
    aliases=("angular_loss",),
    elsewhere={
        "pytorch_metric_learning.losses.AngularLoss": "no factor: its negatives keep the length they are given with",
        "pytorch_metric_learning.losses.AngularLoss of embeddings of length 1": 1.0,
    },
    exempt=EXEMPT,
    paper=Paper("Wang, Zhou, Wen, Liu and Lin", 2017, "Deep Metric Learning with Angular Loss", arxiv="1708.01682"),
)  # fmt: skip
def angular(
    embeddings: Embedding,
    labels: Labels,
    *,
    alpha: Annotated[
        float, Acute, "bound of the angle at the negative, in degrees; the paper tries 36 to 55"
    ] = 40.0,
    keep: Keep = None,
) -> PerAnchor:
    """Each pair of a label against all samples of others, by the angle at which those see it.

    Shapes: embeddings (N, D), labels (N,); per unit (N,): the mean over a sample's partners, which counts as often as
    there are partners. Embeddings are brought to length 1.
    """
    positive, negative = partners(labels, keep)
    u = direction(embeddings)
    cosines = u @ u.mT
    t = math.tan(math.radians(alpha)) ** 2
    # Of one label, anchor and partner have the same negatives. (anchor, partner, negative)
    seen = 4.0 * t * (cosines.unsqueeze(1) + cosines.unsqueeze(0))
    pairs = positive & negative.any(1, keepdim=True)
    total = log_sum(seen, negative.unsqueeze(1).expand_as(seen))
    costs = softplus(total - 2.0 * (1.0 + t) * cosines)
    return mean_over(costs, pairs), pairs.sum(1), None


@angular.definition
def _(e, labels, i, m, *, alpha):
    pairs = _pairs(e, labels, i, m, alpha)
    return m.sum(pairs) / len(pairs) if pairs else None
