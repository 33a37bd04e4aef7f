"""Cosine embedding loss: pairs of one kind in one direction, pairs of two kinds at an angle."""

from typing import Annotated

import torch
from torch import Tensor

from lossary.declare import (
    BinaryTarget,
    Claims,
    Elicits,
    Embedding,
    Example,
    Interval,
    Link,
    Paper,
    PerRow,
    Task,
    loss,
)

from .distance import direction, unit

Cosine = Interval("a number from -1 up to but not including 1", -1.0, 1.0, True, False, (-0.5, 0.0, 0.3, 0.9))


def _missing(first: Tensor, second: Tensor) -> Tensor:
    """What the cosine lacks of 1."""
    u, v = direction(first), direction(second)
    # 1 - cos = |u - v|²/2 for unit vectors: nothing cancels for vectors that nearly agree.
    lengths = u.detach().square().sum(-1) * v.detach().square().sum(-1)
    return torch.where(lengths == 0, 1.0 - (u * v).sum(-1), 0.5 * (u - v).square().sum(-1))


def _cosine(a, b, m):
    return m.dot(unit(a, m), unit(b, m))


def _sizes(a, b, y, m, *, margin):
    """What the roundings of a cosine near 1, and of what it has above the margin, leave undecided."""
    cosine = _cosine(a, b, m)
    # Unit vectors that nearly agree differ by the roundings of their entries, which are of size 1.
    gap = m.sqrt(m.max(m.still(2 - 2 * cosine), 0))
    return y * gap + (1 - y) * (abs(margin) + 1)


@loss(
    title="Cosine embedding loss",
    task=Task.METRIC,
    link=Link.IDENTITY,
    outputs="an embedding, of each of the two",
    decode="the embedding; compare by cosine similarity",
    soft="mixture",
    elicits=Elicits.EMBEDDING,
    constant="one direction where more pairs are of one kind than of two, the angle of the margin where fewer are",
    claims=Claims(lower=0.0, upper=2.0),
    cancels=_sizes,
    symbolic=False,
    formula=r"y (1 - \cos(x, z)) + (1 - y) \max(0, \cos(x, z) - \text{margin}) \text{ with } z \text{ the second}",
    derivative=r"\left(-y + (1 - y) [\cos(x, z) > \text{margin}]\right) \frac{1}{|x|} \left(\frac{z}{|z|} - "
    r"\cos(x, z) \frac{x}{|x|}\right)",
    example=Example(((3.0, 4.0), (4.0, 3.0), 1), 0.04, "1 - (12 + 12)/(5·5) = 0.04"),
    use_when="Pairs are given with a word on whether they are of one kind, and lengths of embeddings mean nothing.",
    avoid_when="Pairs of one kind should stop pulling once they are close: here they pull until they coincide.",
    aliases=("cosine_embedding_loss",),
    elsewhere={
        "torch.nn.functional.cosine_embedding_loss": "no factor: it adds 1e-12 to squared lengths; without that 1, "
        "and its target is 1 or -1",
    },
    paper=Paper("Hadsell, Chopra and LeCun", 2006, "Dimensionality Reduction by Learning an Invariant Mapping"),
)  # fmt: skip
def cosine_embedding(
    first: Embedding,
    second: Embedding,
    target: BinaryTarget,
    *,
    margin: Annotated[float, Cosine, "the cosine below which a pair of two kinds costs nothing"] = 0.0,
) -> PerRow:
    """Pairs of one kind (target 1) are to point in one direction, pairs of two kinds (target 0) not to.

    Shapes: first and second (..., D), target (...); per unit (...). A zero vector has no direction: its cosine with
    any other is 0.
    """
    missing = _missing(first, second)
    return target * missing + (1.0 - target) * torch.relu((1.0 - margin) - missing)


@cosine_embedding.definition
def _(a, b, y, m, *, margin):
    cosine = _cosine(a, b, m)
    return y * (1 - cosine) + (1 - y) * m.max(cosine - margin, 0)
