"""The Wasserstein distance on the line, between two sets of samples."""

from typing import Annotated

import torch
from torch import Tensor

from lossary.declare import (
    AtLeastOne,
    Claims,
    Elicits,
    Example,
    Link,
    Mass,
    Paper,
    PerDistribution,
    Samples,
    Task,
    loss,
)


@loss(
    title="Wasserstein distance in one dimension",
    task=Task.TRANSPORT,
    link=Link.IDENTITY,
    outputs="a set of numbers",
    decode="the set itself",
    elicits=Elicits.DISTRIBUTION,
    constant="a set equal to the target's",
    claims=Claims(lower=0.0),
    symbolic=False,
    formula=r"\int_0^1 \left|F_x^{-1}(u) - F_y^{-1}(u)\right|^p \mathrm{d}u",
    derivative=r"p \int_{u: F_x^{-1}(u) = x_i} \operatorname{sign}(x_i - y)\,|x_i - y|^{p-1}\,\mathrm{d}u",
    example=Example(((0.0, 2.0), (1.0, 5.0)), 2.0, "sorted, 0 goes to 1 and 2 to 5: (1 + 3)/2 = 2"),
    use_when="Two sets of numbers should have the same distribution and none has a partner in the other.",
    avoid_when="Samples are vectors (use a sliced or regularised form), or they are paired (use a regression loss).",
    aliases=("wasserstein", "earth_movers_distance", "emd_1d", "wasserstein_distance"),
    elsewhere={
        "scipy.stats.wasserstein_distance": lambda p: 1.0 if p == 1 else "no factor: its power is 1",
        "ot.wasserstein_1d": 1.0,
    },
    paper=Paper("Vallender", 1974, "Calculation of the Wasserstein distance between probability distributions on the "
                "line", doi="10.1137/1118101"),
)  # fmt: skip
def wasserstein_1d(
    x: Samples,
    y: Samples,
    *,
    x_weight: Mass = None,
    y_weight: Mass = None,
    p: Annotated[
        float, AtLeastOne, "power of the distance; the value is W_p to the power p, as is usual"
    ] = 1.0,
) -> PerDistribution:
    """The least cost of moving one set of numbers onto the other, the cost being distance to the power p.

    Shapes: x (..., n), y (..., m), weights like their sets and scaled to sum to 1; per unit (...).
    """
    x, mass_x = _sorted(x, x_weight)
    y, mass_y = _sorted(y, y_weight)
    if mass_x is None and mass_y is None:
        left, right, step = _even(int(x.shape[-1]), int(y.shape[-1]), x)
        gap = (x[..., left] - y[..., right]).abs()
    else:
        ends_x, ends_y = _ends(mass_x, x), _ends(mass_y, y)
        cuts = torch.cat([ends_x, ends_y], -1).sort(-1).values
        step = torch.diff(cuts, dim=-1, prepend=torch.zeros_like(cuts[..., :1]))
        # The sample whose interval (F_{i-1}, F_i] holds the cut: the first whose end reaches it.
        left = torch.searchsorted(ends_x.detach().contiguous(), cuts.detach()).clamp(max=x.shape[-1] - 1)
        right = torch.searchsorted(ends_y.detach().contiguous(), cuts.detach()).clamp(max=y.shape[-1] - 1)
        gap = (x.gather(-1, left) - y.gather(-1, right)).abs()
    # Where nothing is moved nothing is paid, were the distance infinite.
    gap = torch.where(step == 0, 0.0, gap)
    # A share of a power, as the power of a share: a term is infinite only where the answer is.
    cost = step * gap if p == 1.0 else (step * gap) * gap if p == 2.0 else _power(step ** (1.0 / p) * gap, p)
    return cost.sum(-1).to(torch.promote_types(x.dtype, y.dtype))


def _power(gap: Tensor, p: float) -> Tensor:
    """gap^p, whose second derivative is 0 and not infinite where samples coincide and p is below 2."""
    zero = gap == 0
    return torch.where(zero, 0.0, torch.where(zero, 1.0, gap) ** p)


def _sorted(x: Tensor, weight: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Samples in ascending order, and their masses in the same order in float64; what has no mass says nothing."""
    if weight is None:
        return x.sort(-1).values, None
    x, order = torch.where(weight == 0, 0.0, x).sort(-1)
    return x, weight.gather(-1, order).double()


def _ends(mass: Tensor | None, x: Tensor) -> Tensor:
    """Where each sample's interval of mass ends, the last at exactly 1. (..., n)"""
    if mass is None:
        count = x.shape[-1]
        ends = torch.arange(1, count + 1, dtype=torch.float64, device=x.device) / count
        return ends.expand(x.shape)
    total = mass.cumsum(-1)
    return total / total[..., -1:]


def _even(n: int, m: int, like: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Which samples meet, and with how much mass, when all weigh alike: exact, in units of 1/(n·m)."""
    ends = sorted({(i + 1) * m for i in range(n)} | {(j + 1) * n for j in range(m)})
    starts = [0, *ends[:-1]]
    left = torch.tensor([start // m for start in starts], device=like.device)
    right = torch.tensor([start // n for start in starts], device=like.device)
    width = [(end - start) / (n * m) for start, end in zip(starts, ends, strict=True)]
    return left, right, torch.tensor(width, dtype=like.dtype, device=like.device)


@wasserstein_1d.definition
def _(x, y, wx, wy, m, *, p):
    xs, ys = (m.sort(list(zip(*each, strict=True))) for each in ((x, wx), (y, wy)))
    # Masses in units of 1/(Σwx·Σwy): without a division, two ends that coincide do so exactly.
    rest_x, rest_y = [w * m.sum(wy) for _, w in xs], [w * m.sum(wx) for _, w in ys]
    i, j, cost = 0, 0, 0
    while i < len(xs) and j < len(ys):
        moved = min(rest_x[i], rest_y[j])
        cost = cost + moved * m.abs(xs[i][0] - ys[j][0]) ** p
        rest_x[i], rest_y[j] = rest_x[i] - moved, rest_y[j] - moved
        i, j = i + (rest_x[i] == 0), j + (rest_y[j] == 0)
    return cost / (m.sum(wx) * m.sum(wy))
