"""Contrastive losses: pairs of one kind together, pairs of two kinds apart by a margin."""

from typing import Annotated

import torch
from torch import Tensor

from lossary.declare import (
    BinaryTarget,
    Choice,
    Claims,
    Elicits,
    Embedding,
    Example,
    Keep,
    Labels,
    Link,
    Paper,
    PerAnchor,
    PerRow,
    Positive,
    Task,
    loss,
)

from .distance import WAY, between, distance_of
from .triplet import pairwise

MARGIN = "how far apart two samples of different kinds are to be"

#: The distances that a pair is judged by; it is squared in any case.
Apart = Choice(("euclidean", "cosine"))


def together(first: Tensor, second: Tensor, distance: str) -> Tensor:
    """What a pair of one kind costs: half the squared distance."""
    if distance == "euclidean":
        return 0.5 * between(first, second, "squared")
    return 0.5 * between(first, second, distance).square()


def apart(distances: Tensor, margin: float) -> Tensor:
    """What a pair of two kinds costs: half the square of what its distance lacks of the margin."""
    return 0.5 * torch.relu(margin - distances).square()


def _near(a, b, m, distance):
    if distance == "euclidean":
        return distance_of(a, b, m, "squared") / 2
    return distance_of(a, b, m, distance) ** 2 / 2


def _far(a, b, m, margin, distance):
    return m.max(margin - distance_of(a, b, m, distance), 0) ** 2 / 2


def _sizes(a, b, y, m, *, margin, distance):
    """The parts, with what the roundings of margin - distance leave undecided."""
    d = distance_of(a, b, m, distance)
    # Unit vectors that nearly agree differ by the roundings of their entries, which are of size 1.
    rough = d * (d + (1 if distance == "cosine" else 0))
    return y * rough / 2 + (1 - y) * m.max(margin - d, 0) * (margin + d)


@loss(
    title="Contrastive loss",
    task=Task.METRIC,
    link=Link.IDENTITY,
    outputs="an embedding, of each of the two",
    decode="the embedding; compare with the loss's own distance",
    soft="mixture",
    elicits=Elicits.EMBEDDING,
    constant="embeddings (1 - share of pairs of one kind)·margin apart",
    claims=Claims(lower=0.0),
    cancels=_sizes,
    symbolic=False,
    formula=r"\frac{y}{2} d^2 + \frac{1 - y}{2} \max(0, \text{margin} - d)^2 \text{ with } "
    r"d = |x - z| \text{, } z \text{ the second}",
    derivative=r"\left(y - (1 - y) \frac{\max(0, \text{margin} - d)}{d}\right) (x - z)",
    example=Example(((0.0, 0.0), (0.3, 0.4), 0), 0.125, "(1 - 0.5)²/2 = 0.125"),
    use_when="Pairs are given, each with a word on whether the two are of one kind.",
    avoid_when="Kinds differ in spread: one margin for all of them then bends what a triplet leaves free.",
    aliases=("contrastive_loss", "siamese"),
    elsewhere={
        "sentence_transformers.losses.ContrastiveLoss": "no factor: it runs the network too; of its embeddings 1 with "
        "distance='cosine' and its margin of 0.5",
        "tensorflow_addons.losses.contrastive_loss of the distances": 0.5,
        "pytorch_metric_learning.losses.ContrastiveLoss": "no factor: it takes labels, see contrastive_batch",
    },
    paper=Paper("Hadsell, Chopra and LeCun", 2006, "Dimensionality Reduction by Learning an Invariant Mapping",
                equation="4"),
)  # fmt: skip
def contrastive(
    first: Embedding,
    second: Embedding,
    target: BinaryTarget,
    *,
    margin: Annotated[float, Positive, MARGIN] = 1.0,
    distance: Annotated[str, Apart, WAY] = "euclidean",
) -> PerRow:
    """Pairs of one kind (target 1) pull together, pairs of two kinds (target 0) push apart up to a margin.

    Shapes: first and second (..., D), target (...); per unit (...). In the paper Y = 1 says two kinds. Where the two
    coincide, the push has no direction, and its derivative is 0.
    """
    far = apart(between(first, second, distance), margin)
    return target * together(first, second, distance) + (1.0 - target) * far


@contrastive.definition
def _(a, b, y, m, *, margin, distance):
    near = y * _near(a, b, m, distance) if y != 0 else 0
    return near + ((1 - y) * _far(a, b, m, margin, distance) if y != 1 else 0)


@loss(
    title="Contrastive loss over a batch",
    task=Task.METRIC,
    link=Link.IDENTITY,
    outputs="an embedding",
    decode="the embedding; compare with the loss's own distance",
    coupled=True,
    elicits=Elicits.EMBEDDING,
    constant="no embedding that is the same for all is of use: pairs of two kinds give margin²/2 each",
    claims=Claims(lower=0.0),
    counts=lambda labels, i: len(labels) - 1,
    cancels=lambda e, labels, i, m, margin, distance: m.sum(
        [
            _sizes(e[i], other, int(labels[j] == labels[i]), m, margin=margin, distance=distance) / (len(e) - 1)
            for j, other in enumerate(e)
            if j != i
        ]
    ),
    symbolic=False,
    formula=r"\frac{1}{n - 1} \left(\sum_{j \ne i: y_j = y_i} \frac{1}{2} d_{ij}^2 + \sum_{j: y_j \ne y_i} \frac{1}{2} "
    r"\max(0, \text{margin} - d_{ij})^2\right)",
    derivative=r"\frac{1}{n - 1} \left(\sum_{j \ne i: y_j = y_i} (x_i - x_j) - \sum_{j: y_j \ne y_i} "
    r"\frac{\max(0, \text{margin} - d_{ij})}{d_{ij}} (x_i - x_j)\right)",
    example=Example(
        (((0.0, 0.0), (0.3, 0.4)), (0, 1), 0),
        0.125,
        "one other sample, of another label: (1 - 0.5)²/2 = 0.125",
    ),
    use_when="Samples come with labels, and distances themselves are to mean something: below the margin or not.",
    avoid_when="There are many labels: of all the pairs few are then of one kind, and the others stop costing early.",
    aliases=("contrastive_pairs",),
    elsewhere={
        "pytorch_metric_learning.losses.ContrastiveLoss": "no factor: it scales embeddings to length 1, does not "
        "square, and adds the mean over the positives that cost something to that over such negatives",
    },
    paper=Paper("Hadsell, Chopra and LeCun", 2006, "Dimensionality Reduction by Learning an Invariant Mapping",
                equation="4"),
)  # fmt: skip
def contrastive_batch(
    embeddings: Embedding,
    labels: Labels,
    *,
    margin: Annotated[float, Positive, MARGIN] = 1.0,
    distance: Annotated[str, Apart, WAY] = "euclidean",
    keep: Keep = None,
) -> PerAnchor:
    """The contrastive loss of each sample and all others of the batch: equal labels are one kind.

    Shapes: embeddings (N, D), labels (N,); per unit (N,). A sample's value is the mean over its pairs, and counts as
    many times as it has pairs, so that the mean is the mean over all pairs. A sample alone does not count.
    """
    alike = labels.unsqueeze(1) == labels.unsqueeze(0)
    near = together(embeddings.unsqueeze(1), embeddings.unsqueeze(0), distance)
    cost = torch.where(alike, near, apart(pairwise(embeddings, distance), margin))
    here = torch.arange(len(labels), device=labels.device)
    pairs = here.unsqueeze(1) != here.unsqueeze(0)
    if keep is not None:
        pairs = pairs & keep & keep.unsqueeze(1)
    many = pairs.sum(1)
    total = torch.where(pairs, cost, 0.0).sum(1)
    return total / many.clamp(min=1), many, None


@contrastive_batch.definition
def _(e, labels, i, m, *, margin, distance):
    if len(e) < 2:
        return None
    costs = [
        _near(e[i], other, m, distance) if labels[j] == labels[i] else _far(e[i], other, m, margin, distance)
        for j, other in enumerate(e)
        if j != i
    ]
    return m.sum(costs) / len(costs)
