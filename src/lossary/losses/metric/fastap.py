"""FastAP: the average precision with which a sample finds its partners, over a soft histogram of distances."""

from typing import Annotated

import torch
from torch import Tensor

from lossary.declare import (
    Claims,
    Elicits,
    Embedding,
    Example,
    Keep,
    Labels,
    Link,
    Paper,
    PerAnchor,
    Task,
    Whole,
    loss,
)

from .bins import beside, counted, pulses
from .distance import between
from .partners import distances, partners, sides


def _counts(e, labels, i, m, bins):
    """The soft histograms of a sample's distances to its partners and to the others."""
    near, far = distances(e, labels, i, m, "cosine")
    return [
        [m.sum(column) for column in zip(*(pulses(d * bins / 2, bins, m) for d in found), strict=True)]
        or [0] * (int(bins) + 1)
        for found in (near, far)
    ]


def _sizes(e, labels, i, m, *, bins):
    """Counts are sums of shares, each of which is what a rounded position leaves of 1."""
    return 4 * bins if sides(labels, i)[0] else 0


@loss(
    title="FastAP loss",
    task=Task.METRIC,
    link=Link.IDENTITY,
    outputs="an embedding",
    decode="the embedding; compare by cosine similarity",
    coupled=True,
    elicits=Elicits.EMBEDDING,
    constant="any embedding that is the same for all gives Q/(P + Q), with P partners and Q samples of other labels",
    claims=Claims(lower=0.0, upper=1.0),
    counts=lambda labels, i: int(labels.count(labels[i]) > 1),
    cancels=_sizes,
    symbolic=False,
    formula=r"\frac{1}{|P_i|} \sum_z h_z \frac{F_z}{H_z + F_z} \text{ with } h \text{ the soft histogram of the "
    r"squared distances, 0 to 4, to } P_i \text{, the samples of its label, } H \text{ its sum up to } z \text{ and } "
    r"F \text{ that of the others}",
    derivative=r"\sum_k g_{ik} \nabla d_{ik} \text{ with } g_{ik} \text{ how much steeper the value is in the count of "
    r"the node after } d_{ik} \text{ than in that before it, over a bin's width}",
    example=Example(
        (((1.0, 0.0), (3.0, 4.0), (0.0, 1.0)), (0, 0, 1), 0), 0.2,
        "squared distances 0.8 and 2 in steps of 2: its like counts 0.6 for 0 and 0.4 for 2, where one other lies: "
        "0.4·1/(1 + 1)", {"bins": 2},
    ),
    use_when="Retrieval is what counts, of partners among the whole batch, and the batch is large.",
    avoid_when="Batches are small, or most labels occur once: average precision over a few samples says little.",
    aliases=("fast_ap",),
    elsewhere={"pytorch_metric_learning.losses.FastAPLoss": 1.0},
    paper=Paper("Cakir, He, Xia, Kulis and Sclaroff", 2019, "Deep Metric Learning to Rank"),
)  # fmt: skip
def fastap(
    embeddings: Embedding,
    labels: Labels,
    *,
    bins: Annotated[int, Whole(1), "into how many steps the squared distances from 0 to 4 fall"] = 10,
    keep: Keep = None,
) -> PerAnchor:
    """One less the average precision with which each sample finds those of its label among the batch, by distance.

    Shapes: embeddings (N, D), labels (N,); per unit (N,). A sample without a partner of its label does not count.
    Distances are squared, of embeddings of length 1; each counts for the two nodes beside it, and its derivative is
    that of the bin it starts where it lies on a node.
    """
    near, far = partners(labels, keep)
    if not len(labels):
        return embeddings.sum(-1), near.any(1), None
    apart = between(embeddings.unsqueeze(1), embeddings.unsqueeze(0), "cosine")
    return missed(apart, near, far, bins), near.any(1), None


def missed(apart: Tensor, near: Tensor, far: Tensor, bins: int) -> Tensor:
    """One less the average precision of each row of cosine distances, 0 to 2, of which some are near. (A, N) to (A,)"""
    below, share = beside(apart * (bins / 2.0), bins)
    hits, others = (counted(below, share, each, bins) for each in (near, far))
    sought, wrong = hits.cumsum(-1), others.cumsum(-1)
    found = sought + wrong
    # One less the precision at every node, and not its sum less than 1: nothing cancels where all is found first.
    empty = found == 0
    lost = torch.where(empty, 0.0, wrong / torch.where(empty, 1.0, found))
    return (hits * lost).sum(-1) / near.sum(-1).clamp(min=1)


@fastap.definition
def _(e, labels, i, m, *, bins):
    if not sides(labels, i)[0]:
        return None
    hits, others = _counts(e, labels, i, m, bins)
    total, sought, found = 0, 0, 0
    for hit, other in zip(hits, others, strict=True):
        sought, found = sought + hit, found + hit + other
        if hit != 0:
            total += hit * sought / found
    return 1 - total / m.sum(hits)
