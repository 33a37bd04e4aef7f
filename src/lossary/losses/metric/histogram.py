"""Histogram loss: how often a pair of two labels is more alike than a pair of one."""

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
from .distance import between, distance_of
from .partners import mean_over, partners, positives, sides


def _risen(e, labels, m, bins):
    """The share of the batch's pairs of two labels up to each node; none where there is no such pair."""
    found = [
        pulses(distance_of(e[j], e[k], m, "cosine") * bins / 2, bins, m)
        for j in range(len(e))
        for k in sides(labels, j)[1]
        if j < k
    ]
    total, risen = 0, []
    for column in zip(*found, strict=True):
        total += m.sum(column)
        risen.append(total / len(found))
    return risen


def _sizes(e, labels, i, m, *, bins):
    """Shares of a bin, each of which is what a rounded position leaves of 1."""
    return 4 * bins * positives(labels, i)


@loss(
    title="Histogram loss",
    task=Task.METRIC,
    link=Link.IDENTITY,
    outputs="an embedding",
    decode="the embedding; compare by cosine similarity",
    coupled=True,
    elicits=Elicits.EMBEDDING,
    constant="any embedding that is the same for all gives 1",
    claims=Claims(lower=0.0),
    counts=positives,
    cancels=_sizes,
    symbolic=False,
    formula=r"\frac{1}{|P_i|} \sum_{j \in P_i} F(s_{ij}) \text{ with } F \text{ the share of the batch's pairs of two "
    r"labels that are at least as alike, by a soft histogram of cosines, } P_i \text{ the samples of its label}",
    derivative=r"\frac{1}{|P_i|} \sum_{j \in P_i} \left(f(s_{ij}) \nabla s_{ij} + \nabla F\right) \text{ with } f "
    r"\text{ the slope of } F \text{ in its place and } \nabla F \text{ that of its histogram}",
    example=Example(
        (((1.0, 0.0), (0.0, 1.0), (-1.0, 0.0)), (0, 0, 1), 0), 0.5,
        "a cosine of 0 within the label, of -1 and 0 across: one of two is at least as alike", {"bins": 2},
    ),
    use_when="Batches hold many pairs of both kinds, and no margin is to be chosen: only the order of pairs counts.",
    avoid_when="Batches are small: two histograms of a few pairs each say little of how the two kinds lie.",
    aliases=("histogram_loss",),
    elsewhere={"pytorch_metric_learning.losses.HistogramLoss, every sample with a partner": 1.0},
    paper=Paper("Ustinova and Lempitsky", 2016, "Learning Deep Embeddings with Histogram Loss",
                arxiv="1611.00822"),
)  # fmt: skip
def histogram(
    embeddings: Embedding,
    labels: Labels,
    *,
    bins: Annotated[
        int, Whole(1), "into how many steps the cosines from -1 to 1 fall; 100 for batches of hundreds"
    ] = 20,
    keep: Keep = None,
) -> PerAnchor:
    """The chance that a random pair of two labels is more alike than a random pair of one, by soft histograms.

    Shapes: embeddings (N, D), labels (N,); per unit (N,): the mean over the pairs of a sample with those of its label,
    of the share of all the batch's pairs of two labels that are at least as alike. It counts as often as there are
    such pairs, so that the mean is the batch's. Derivatives are those of the bin that starts where a cosine lies on a
    node.
    """
    near, far = partners(labels, keep)
    pairs = near & far.any()
    if not len(labels):
        return embeddings.sum(-1), pairs.sum(1), None
    apart = between(embeddings.unsqueeze(1), embeddings.unsqueeze(0), "cosine")
    # Every pair of two labels stands in the table twice, which changes no share.
    risen = places(apart, far, bins).sum(0).cumsum(-1) / far.sum().clamp(min=1)
    return outdone(apart, pairs, risen, bins), pairs.sum(1), None


def places(apart: Tensor, there: Tensor, bins: int) -> Tensor:
    """How many of each row's cosine distances, 0 to 2, are of each node. (A, N) to (A, bins + 1)"""
    return counted(*beside(apart * (bins / 2.0), bins), there, bins)


def outdone(apart: Tensor, near: Tensor, risen: Tensor, bins: int) -> Tensor:
    """The mean over each row's near pairs of the share that has risen up to their distance. (A, N) to (A,)"""
    below, share = beside(apart * (bins / 2.0), bins)
    # Between two nodes it is a straight line.
    return mean_over(torch.lerp(risen[below], risen[below + 1], share), near)


@histogram.definition
def _(e, labels, i, m, *, bins):
    if not positives(labels, i):
        return None
    risen = _risen(e, labels, m, bins)
    found = [
        m.dot(pulses(distance_of(e[i], e[j], m, "cosine") * bins / 2, bins, m), risen)
        for j in sides(labels, i)[0]
    ]
    return m.sum(found) / len(found)
