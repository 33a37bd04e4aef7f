"""The sliced Wasserstein distance: two clouds of vectors, compared along one direction after the other."""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor

from lossary.declare import (
    AtLeastOne,
    Claims,
    Directions,
    Elicits,
    Example,
    Link,
    Paper,
    PerRow,
    Points,
    Task,
    Whole,
    loss,
)

from ...core.errors import DomainError, sentence
from ..metric.distance import direction
from .wasserstein import wasserstein_1d


def _moves(xs, ys):
    """How much mass goes from which number to which between two sets of them, in units of 1/(n·m)."""
    i, j, rest_x, rest_y = 0, 0, len(ys), len(xs)
    while i < len(xs):
        moved = min(rest_x, rest_y)
        yield moved, xs[i], ys[j]
        rest_x, rest_y = rest_x - moved, rest_y - moved
        if rest_x == 0:
            i, rest_x = i + 1, len(ys)
        if rest_y == 0:
            j, rest_y = j + 1, len(xs)


def _along(each, cloud, m, products=lambda v, w: v * w):
    """The projections of a cloud on one direction; where its length is 0, all are 0."""
    if all(w == 0 for w in each):
        return [0 * row[0] for row in cloud]
    length = m.sqrt(m.sum([w**2 for w in each]))
    return [m.sum([products(v, w) for v, w in zip(row, each, strict=True)]) / length for row in cloud]


def _sizes(x, y, directions, m, *, p):
    """What a rounding of the projections may change: the slope of each cost times the size of its two sums."""

    def sized(each, cloud):
        return sorted(
            zip(_along(each, cloud, m), _along(each, cloud, m, lambda v, w: abs(v * w)), strict=True)
        )

    found = []
    for each in directions:
        for moved, (one, near), (two, far) in _moves(sized(each, x), sized(each, y)):
            # Where a gap is 0, it is that of a rounding, here taken for 2^-20 of the sums.
            found.append(moved * p * (near + far) * (abs(one - two) + (near + far) / 2**20) ** (p - 1))
    return m.sum(found) / (len(x) * len(y) * len(directions))


@loss(
    title="Sliced Wasserstein distance",
    task=Task.TRANSPORT,
    link=Link.IDENTITY,
    outputs="n × D: a cloud of vectors",
    decode="the cloud itself",
    elicits=Elicits.DISTRIBUTION,
    constant="a cloud equal to the target's",
    claims=Claims(lower=0.0),
    cancels=_sizes,
    symbolic=False,
    formula=r"\frac{1}{K} \sum_k \int_0^1 \left|F_{x \cdot \theta_k}^{-1}(u) - F_{y \cdot \theta_k}^{-1}(u)\right|^p"
            r" \mathrm{d}u \text{ with directions } \theta_k \text{ of length 1}",
    derivative=r"\frac{p}{K} \sum_k \theta_k \int_{u: F_{x \cdot \theta_k}^{-1}(u) = x_i \cdot \theta_k} "
               r"\operatorname{sign}(g_k)\,|g_k|^{p-1}\,\mathrm{d}u \text{ with } g_k = x_i \cdot \theta_k - "
               r"F_{y \cdot \theta_k}^{-1}(u)",
    example=Example(
        (((0.0, 0.0), (2.0, 0.0)), ((1.0, 0.0), (5.0, 0.0)), ((1.0, 0.0), (0.0, 1.0))), 1.0,
        "along the first axis (1 + 3)/2 = 2, along the second 0: on average 1", {"p": 1.0},
    ),
    use_when="Two clouds of vectors should have the same distribution, and no critic is to be trained for it.",
    avoid_when="There are many features: a random direction then sees little of what differs, and many are needed.",
    aliases=("sliced_wasserstein_distance", "swd"),
    elsewhere={"ot.sliced_wasserstein_distance": "no factor: the p-th root of it, along its own directions"},
    exempt={
        "autocast_changes_nothing": "a backward pass run inside autocast multiplies matrices in its dtype",
    },
    paper=Paper("Bonneel, Rabin, Peyré and Pfister", 2015, "Sliced and Radon Wasserstein Barycenters of Measures",
                doi="10.1007/s10851-014-0506-3"),
)  # fmt: skip
def sliced_wasserstein(
    x: Points,
    y: Points,
    directions: Directions,
    *,
    p: Annotated[
        float, AtLeastOne, "power of the distance; the value is the mean of W_p to the power p, as is usual"
    ] = 2.0,
) -> PerRow:
    """The mean of the Wasserstein distances between two clouds' projections on given directions.

    Shapes: x (..., n, D), y (..., m, D), directions (..., K, D), of which the length does not matter; per unit (...).
    ``lossary.random_directions`` draws them evenly; fresh ones for every step see all of the clouds in the end.
    """
    # A K-th of a power, as the power of a K-th's root: no sum is infinite where the mean is not.
    along = float(directions.shape[-2]) ** (-1.0 / p) * direction(directions)
    found: Tensor = wasserstein_1d.loss.block(along @ x.mT, along @ y.mT, x_weight=None, y_weight=None, p=p)
    return found.sum(-1)


@sliced_wasserstein.definition
def _(x, y, directions, m, *, p):
    costs = [
        moved * m.abs(one - two) ** p
        for each in directions
        for moved, one, two in _moves(m.sort(_along(each, x, m)), m.sort(_along(each, y, m)))
    ]
    return m.sum(costs) / (len(x) * len(y) * len(directions))


def random_directions(
    count: int,
    features: int,
    *,
    generator: torch.Generator | None = None,
    dtype: torch.dtype | None = None,
    device: torch.device | str | None = None,
) -> Tensor:
    """Directions drawn evenly from the sphere, each of length 1: (count, features).

    Raises:
        DomainError: ``count`` or ``features`` is no whole number above 0.
    """
    for name, value in (("count", count), ("features", features)):
        if not Whole(1).holds(value):
            raise DomainError(
                sentence(
                    f"random_directions({name})",
                    expected="a whole number of at least 1",
                    got=repr(value),
                    remedy="50 directions are a usual number, and as many features as the clouds have",
                )
            )
    drawn = torch.randn((count, features), generator=generator, dtype=dtype, device=device)
    return direction(drawn)
