"""NT-Xent: one view of a sample finds the other among all views of the batch."""

from typing import Annotated

import torch
from torch import Tensor

from lossary.declare import (
    Claims,
    Elicits,
    Embedding,
    Example,
    Keep,
    Link,
    Paper,
    PerAnchor,
    Task,
    loss,
)

from ..metric.partners import EXEMPT
from .pairs import (
    MEANING,
    Temperature,
    Warmth,
    against,
    apart,
    scaled,
    similarities,
    surprise,
    unsure,
)


def views(
    one: Tensor, other: Tensor, temperature: Warmth, keep: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Of all 2N views: log Σ exp over the views of other samples, similarity to its other view, who has others."""
    z = similarities(torch.cat([one, other]), torch.cat([one, other]), temperature)
    rest, some = against(z, apart(len(one), keep, z.device).repeat(2, 2))
    count = len(one)
    return rest, torch.cat([z.diagonal(count), z.diagonal(-count)]), some


def both(views: Tensor) -> Tensor:
    """The mean over the two views of each sample. (2N,) to (N,)"""
    return 0.5 * (views[: len(views) // 2] + views[len(views) // 2 :])


def turns(one, other, i, m):
    """Both views of a sample in turn as anchor, with its other view and all views of other samples, as scaled lists."""
    firsts, seconds = scaled(one, m), scaled(other, m)
    rest = firsts[:i] + firsts[i + 1 :] + seconds[:i] + seconds[i + 1 :]
    return (firsts[i], seconds[i], rest), (seconds[i], firsts[i], rest)


@loss(
    title="NT-Xent",
    task=Task.METRIC,
    link=Link.IDENTITY,
    outputs="an embedding",
    decode="the embedding; compare by cosine",
    coupled=True,
    elicits=Elicits.EMBEDDING,
    constant="any embedding that is the same for all costs log(2N - 1) in a batch of N",
    claims=Claims(lower=0.0),
    cancels=lambda one, other, i, m, temperature: (
        m.sum([unsure(a, own, rest, m, temperature) for a, own, rest in turns(one, other, i, m)]) / 2
    ),
    symbolic=False,
    formula=r"\frac{\ell_{ab} + \ell_{ba}}{2} \text{ with } \ell_{ab} = -\log \frac{\exp(s_{ab}/\tau)}"
    r"{\sum_{k \ne a} \exp(s_{ak}/\tau)} \text{ over all } 2N \text{ views and their cosines } s",
    derivative=r"\frac{1}{\tau} \left(\sum_{k \ne a} p_{ak} \nabla s_{ak} - \nabla s_{ab}\right)"
    r" \text{ for } \ell_{ab} \text{, with the softmax } p \text{ over } k \ne a",
    example=Example(
        (((1.0, 0.0), (0.0, 1.0)), ((2.0, 0.0), (0.0, 3.0)), 0), 0.5514447139320511,
        "each view: cosine 1 with its other view and 0 with two of the other sample: -log(e/(e + 2)) = 0.5514",
        {"temperature": 1.0},
    ),
    use_when="Two random views of each sample are at hand, no labels, and batches are large (SimCLR).",
    avoid_when="Batches are small: decoupled loses less there.",
    aliases=("normalized_temperature_cross_entropy", "simclr", "ntxent"),
    elsewhere={
        "pytorch_metric_learning.losses.SelfSupervisedLoss(NTXentLoss())": 1.0,
        "lightly.loss.NTXentLoss": 1.0,
        "solo.losses.simclr.simclr_loss_func, of two views": 1.0,
        "pytorch_metric_learning.losses.NTXentLoss": "1, with both views one after the other and two of each label",
    },
    exempt=EXEMPT,
    paper=Paper("Chen, Kornblith, Norouzi and Hinton", 2020,
                "A Simple Framework for Contrastive Learning of Visual Representations", equation="1",
                arxiv="2002.05709"),
)  # fmt: skip
def nt_xent(
    one: Embedding,
    other: Embedding,
    *,
    temperature: Annotated[Warmth, Temperature, MEANING] = 0.1,
    keep: Keep = None,
) -> PerAnchor:
    """Cross-entropy of a view's similarities to all other views of the batch, the mean over a sample's two views.

    Shapes: both (N, D), row i of both are views of sample i; per unit (N,).
    """
    rest, own, some = views(one, other, temperature, keep)
    return both(surprise(rest, own, some)), torch.ones_like(some[: len(one)]), None


@nt_xent.definition
def _(one, other, i, m, *, temperature):
    found = []
    for anchor, own, rest in turns(one, other, i, m):
        z = m.dot(anchor, own) / temperature
        found.append(m.log(m.exp(z) + m.sum([m.exp(m.dot(anchor, each) / temperature) for each in rest])) - z)
    return m.sum(found) / 2
