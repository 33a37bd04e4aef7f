"""The von Mises likelihood: a normal distribution on the circle."""

import math
from typing import Annotated

import torch
from torch import Tensor

from lossary.declare import (
    Claims,
    Elicits,
    Example,
    Link,
    Paper,
    PerRow,
    RealTarget,
    Task,
    columns,
    loss,
)

from .standard import standardised

# log(exp(-k)·I0(k)·sqrt(2πk)) in powers of 1/k, from Hankel's expansion; ten of them are exact from k = 50 on.
HANKEL = (1 / 8, 1 / 16, 25 / 384, 13 / 128, 1073 / 5120, 103 / 192, 375733 / 229376, 23797 / 4096,
          55384775 / 2359296, 2180461 / 20480)  # fmt: skip
LOG_FAR = math.log(50.0)
LOG_2PI = math.log(2.0 * math.pi)


def log_i0e(log_k: Tensor) -> Tensor:
    """log(exp(-k)·I0(k)) from the logarithm of k, with a derivative that holds for any k."""
    far = log_k > LOG_FAR
    near = torch.special.i0e(torch.exp(torch.where(far, 0.0, log_k))).log()
    log_k = torch.where(far, log_k, LOG_FAR)
    small, rest = torch.exp(-log_k), torch.zeros_like(log_k)
    for each in reversed(HANKEL):
        rest = (rest + each) * small
    return torch.where(far, rest - 0.5 * (log_k + LOG_2PI), near)


def half_sine(a: Tensor, b: Tensor) -> Tensor:
    """sin((a - b)/2), for any two angles: what a - b rounds away is a turn of its own."""
    gap = a - b
    x, y = a.detach(), b.detach()
    # Knuth's two-sum: gap + lost is a - b exactly.
    back = x - gap.detach()
    lost = 0.5 * ((x - (gap.detach() + back)) + (back - y))
    return torch.sin(0.5 * gap) * torch.cos(lost) + torch.cos(0.5 * gap) * torch.sin(lost)


@loss(
    title="Von Mises negative log-likelihood",
    task=Task.REGRESSION,
    link=Link.COLUMNS,
    outputs="2: the mean direction in radians and the logarithm of the concentration",
    decode="the direction is the first output, modulo 2π; 1/sqrt(exp(second)) is about the angle's standard deviation "
           "in radians where that is small",
    elicits=Elicits.DISTRIBUTION,
    constant="the direction of the targets' mean vector, and log k with I1(k)/I0(k) its length; on ±π/2 any direction "
             "as k goes to 0",
    claims=Claims(proper=True, smooth=True),
    cancels=lambda x, t, m: (
        m.log(2 * m.pi) + m.abs(m.log_i0e(m.exp(x[1]))) + m.exp(x[1]) * (1 - m.cos(t - x[0]))
    ),
    symbolic=False,
    formula=r"\log\left(2\pi I_0(\kappa)\right) - \kappa \cos(t - \mu)",
    derivative=r"\left(\kappa \sin(\mu - t),\ "
               r"\kappa \left(\frac{I_1(\kappa)}{I_0(\kappa)} - \cos(t - \mu)\right)\right) "
               r"\text{ by } \mu \text{ and } \log\kappa",
    example=Example(((0.0, 0.0), 1.5707963267948966), 2.0737914249165241, "a right angle, k = 1: log(2π·1.26607)"),
    decoded=lambda row: row[..., 0],
    law=lambda row: torch.distributions.VonMises(row[..., 0], row[..., 1].exp()),
    use_when="The target is an angle, a time of day or a season, and comes with a spread of its own.",
    avoid_when="A network must output directions all round: a single raw angle has a seam, so feed it from "
               "atan2 of two outputs.",
    aliases=("circular_normal_nll",),
    paper=Paper("von Mises", 1918, "Über die „Ganzzahligkeit“ der Atomgewichte und verwandte Fragen"),
)  # fmt: skip
def von_mises_nll(
    prediction: Annotated[Tensor, columns("mean direction", "log of the concentration")],
    target: RealTarget,
) -> PerRow:
    """How unlikely an angle is under the circle's own bell curve; whole turns change nothing.

    Shapes: prediction (..., 2), target (...) in radians; per unit (...).
    """
    direction, log_k = prediction.unbind(-1)
    # -k·cos d = -k + 2k·sin²(d/2), so that nothing cancels where k is large.
    chord = standardised(half_sine(target, direction), -0.5 * log_k)
    return 2.0 * chord.square() + (log_i0e(log_k) + LOG_2PI)


@von_mises_nll.definition
def _(x, t, m):
    direction, log_k = x
    k = m.exp(log_k)
    return m.log(2 * m.pi) + m.log_i0e(k) + k * (1 - m.cos(t - direction))


@von_mises_nll.slope
def _(prediction: Tensor, target: Tensor) -> Tensor:
    direction, log_k = prediction.unbind(-1)
    k, gap = log_k.exp(), target - direction
    ratio = torch.special.i1e(k) / torch.special.i0e(k)
    return torch.stack([-k * gap.sin(), k * (ratio - gap.cos())], -1)
