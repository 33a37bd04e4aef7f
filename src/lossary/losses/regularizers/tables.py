"""Prices on a table of numbers as a whole: rows at right angles, pictures without steps."""

from itertools import pairwise
from typing import Annotated

import torch
from torch import Tensor

from lossary.declare import (
    Choice,
    Claims,
    Elicits,
    Example,
    Link,
    Paper,
    PerRow,
    Table,
    Task,
    loss,
)


@loss(
    title="Orthogonality penalty",
    task=Task.PENALTY,
    link=Link.IDENTITY,
    outputs="any: it is a price on weights or activations",
    decode="nothing to decode",
    elicits=Elicits.OWN,
    constant="rows of length 1 at right angles; no table of one repeated number unless it is 1 by 1",
    claims=Claims(smooth=True),
    cancels=lambda x, m: m.sum(
        [
            2 * abs(m.sum([a * b for a, b in zip(r, s, strict=True)]) - (i == j))
            * (m.sum([abs(a * b) for a, b in zip(r, s, strict=True)]) + (i == j))
            for i, r in enumerate(x) for j, s in enumerate(x)
        ]
    ),
    symbolic=False,
    formula=r"\sum_{j,k} (x_j \cdot x_k - [j = k])^2 \text{ with } x_j \text{ the rows of } x",
    derivative=r"4 (x x^\top - 1) x",
    example=Example((((1.0, 0.0), (1.0, 1.0)),), 3.0, "W·W' - 1 = (0, 1; 1, 1): 1 + 1 + 1 = 3"),
    use_when="Layers should keep the length of what passes through them, as deep and recurrent networks want.",
    avoid_when="There are more rows than columns: then not all rows can be at right angles, and it never reaches 0.",
    aliases=("soft_orthogonality", "orthogonal_regularizer"),
    elsewhere={"keras.regularizers.OrthogonalRegularizer": "no factor: absolute cosines of distinct rows there"},
    exempt={
        "autocast_changes_nothing": "a backward pass run inside autocast multiplies matrices in its dtype",
    },
    paper=Paper("Bansal, Chen and Wang", 2018,
                "Can We Gain More from Orthogonality Regularizations in Training Deep CNNs?", arxiv="1810.09102"),
)  # fmt: skip
def orthogonality(tables: Table) -> PerRow:
    """The squared distance of a table's W·W' from the identity."""
    eye = torch.eye(tables.shape[-2], dtype=tables.dtype, device=tables.device)
    return (tables @ tables.mT - eye).square().sum((-2, -1))


@orthogonality.definition
def _(x, m):
    def product(i, j):
        return m.sum([a * b for a, b in zip(x[i], x[j], strict=True)]) - (1 if i == j else 0)

    return m.sum([product(i, j) ** 2 for i in range(len(x)) for j in range(len(x))])


@orthogonality.slope
def _(tables: Tensor) -> Tensor:
    eye = torch.eye(tables.shape[-2], dtype=tables.dtype, device=tables.device)
    return 4.0 * (tables @ tables.mT - eye) @ tables


def _absolute(distance: str) -> float | str:
    """The factor to a library that compares neighbours in one way."""
    return 1.0 if distance == "absolute" else "no factor: its distance is absolute"


@loss(
    title="Total variation of a picture",
    task=Task.PENALTY,
    link=Link.IDENTITY,
    outputs="a picture or a map",
    decode="nothing to decode",
    elicits=Elicits.OWN,
    constant="any picture of one colour",
    claims=Claims(convex=True, lower=0.0, smooth=lambda distance: distance == "squared"),
    cancels=lambda x, m, distance: m.sum(
        [_size(m, a, b, distance)
         for i, r in enumerate(x) for j, a in enumerate(r)
         for b in ([x[i + 1][j]] if i + 1 < len(x) else []) + ([r[j + 1]] if j + 1 < len(r) else [])]
    ),
    symbolic=False,
    formula=r"\sum_{j,k} d(x_j - x_k) \text{ over pairs of neighbours with } d(u) = |u| \text{ or } u^2",
    derivative=r"\sum_j d'(x_i - x_j) \text{ over the neighbours } j \text{ of } i \text{ with } d'(u) = "
               r"\operatorname{sign}(u) \text{ or } 2u",
    example=Example((((0.0, 1.0), (3.0, 1.0)),), 6.0, "down |3 - 0| + |1 - 1|, across |1 - 0| + |1 - 3|: 6"),
    use_when="A picture or a map is the output and should be smooth apart from its edges, as in denoising.",
    avoid_when="Fine texture matters: it is what total variation takes for noise.",
    aliases=("tv_norm", "picture_total_variation"),
    elsewhere={
        "kornia.losses.TotalVariation": _absolute,
        "torchmetrics.image.TotalVariation": _absolute,
        "tf.image.total_variation": _absolute,
    },
    paper=Paper("Rudin, Osher and Fatemi", 1992, "Nonlinear total variation based noise removal algorithms",
                doi="10.1016/0167-2789(92)90242-F"),
)  # fmt: skip
def image_total_variation(
    pictures: Table,
    *,
    distance: Annotated[str, Choice(("absolute", "squared")), "how neighbours are compared"] = "absolute",
) -> PerRow:
    """How much neighbouring numbers of a picture differ, down and across.

    The anisotropic form, which adds up both differences; Rudin, Osher and Fatemi take the length of the two.
    """
    down, across = pictures.diff(dim=-2), pictures.diff(dim=-1)
    if distance == "squared":
        return down.square().sum((-2, -1)) + across.square().sum((-2, -1))
    return down.abs().sum((-2, -1)) + across.abs().sum((-2, -1))


@image_total_variation.definition
def _(x, m, *, distance):
    def apart(a, b):
        return m.abs(a - b) if distance == "absolute" else (a - b) ** 2

    down = [apart(a, b) for r, s in pairwise(x) for a, b in zip(r, s, strict=True)]
    across = [apart(a, b) for r in x for a, b in pairwise(r)]
    return m.sum(down) + m.sum(across)


def _size(m, a, b, distance):
    return abs(a) + abs(b) if distance == "absolute" else 2 * abs(a - b) * (abs(a) + abs(b))
