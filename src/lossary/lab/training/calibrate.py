"""Calibration on validation: one temperature for what means probabilities, scale and offset for scores.

The temperature (Guo et al. 2017, section 4.2) is the one whose log-loss is least. That is convex in b = 1/temperature,
so its slope has one root, found by bisection for all members at once. Where validation rows are separated without an
error the best b would be infinite, and one wrong test row infinitely wrong; so the truth is held as uncertain as
Platt (1999, "Probabilistic outputs for support vector machines", section 2.2) holds it: of a class with n rows, a row
is in it with probability (n + 1)/(n + 2). A margin or a ranking score may lie anywhere, so for those an offset is
fitted beside the scale, as Platt did.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from lossary.lab.metrics.platt import held_uncertain, platt

# Between 1/e⁸ and e⁸: beyond them a logit of 1 is as good as 0 or as certainty.
LOG_BOUND = 8.0
STEPS = 40  # halves the 16 units of log b to 1.5e-11
LEAST = -1e6  # a log-probability of 0 as a number: times any share of 0 it is 0, and not NaN
MOST = 10_000  # labels or pixels of a part that a calibration looks at: more would not move two parameters


class Line(NamedTuple):
    """Calibrated = scale * outputs + offset; (...) each. An offset of None is none, as with several classes."""

    scale: Tensor
    offset: Tensor | None = None


def sharpness(outputs: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """b, float64 (...), so that outputs * b are calibrated: outputs (..., N, K) logits or margins, target (..., N)."""
    scores = outputs.detach().to(torch.float64).nan_to_num(nan=torch.nan, posinf=torch.inf, neginf=LEAST)
    measure = torch.ones(target.shape, dtype=torch.float64) if weight is None else weight.to(torch.float64)
    slope = _one_slope if scores.shape[-1] == 1 else _slope
    of_log_loss = slope(scores, target, measure)
    low = torch.full(scores.shape[:-2], -LOG_BOUND, dtype=torch.float64)
    high = -low
    for _ in range(STEPS):
        middle = (low + high) / 2
        below = of_log_loss(middle.exp()) < 0
        low, high = torch.where(below, middle, low), torch.where(below, high, middle)
    return ((low + high) / 2).exp()


Slope = Callable[
    [Tensor], Tensor
]  # b (...) -> the derivative of the log-loss in b (...), times the weight of all rows


def _slope(scores: Tensor, target: Tensor, measure: Tensor) -> Slope:
    truth = _held_uncertain(one_hot(target.long(), scores.shape[-1]).to(torch.float64), measure)

    def at(b: Tensor) -> Tensor:
        shares = (b[..., None, None] * scores).softmax(-1)
        return (measure * ((shares - truth) * scores).sum(-1)).sum(-1)

    return at


def _one_slope(scores: Tensor, target: Tensor, measure: Tensor) -> Slope:
    """The same for one logit z, which is the two logits (0, z)."""
    logit = scores[..., 0]
    truth, weighted = held_uncertain(target, measure), measure * logit
    return lambda b: (weighted * ((b[..., None] * logit).sigmoid() - truth)).sum(-1)


def _held_uncertain(truth: Tensor, measure: Tensor) -> Tensor:
    """One-hot rows (..., N, K), the rest of a row's probability shared by the other classes."""
    rows = (measure[..., None] * truth).sum(-2, keepdim=True)
    doubt = (truth / (rows + 2)).sum(-1, keepdim=True)
    return truth * (1 - doubt) + (1 - truth) * doubt / (truth.shape[-1] - 1)


def fitted(
    outputs: Tensor, target: Tensor, weight: Tensor | None = None, *, wide: bool = False, scores: bool = False
) -> Line:
    """What calibrates members (..., N, K): of `wide` ones (labels, pixels; target (..., N, K)) all K by one line.

    `scores` are no log-odds, and with a single cut between two answers get an offset too.
    """
    if wide:
        outputs, target, weight = flattened(outputs, target, weight)
    if not scores or outputs.shape[-1] > 1:
        return Line(sharpness(outputs, target, weight))
    values = outputs[..., 0].detach().to(torch.float64)
    measure = torch.ones((), dtype=torch.float64) if weight is None else weight.to(torch.float64)
    return Line(*platt(values, target.expand(values.shape), measure.expand(values.shape)))


def flattened(outputs: Tensor, target: Tensor, weight: Tensor | None) -> tuple[Tensor, Tensor, Tensor | None]:
    """Labels or pixels (..., N, K) as rows of two classes: (..., N * K, 1), target and weight (..., N * K).

    Of more than MOST the same random ones for every member.
    """
    columns = outputs.shape[-1]
    size = outputs.shape[-2] * columns
    values, truth = outputs.flatten(-2), target.flatten(-2)
    measure = None if weight is None else weight.repeat_interleave(columns, -1)
    if size > MOST:
        some = torch.randperm(size, generator=torch.Generator().manual_seed(0))[:MOST].sort().values
        values, truth = values[..., some], truth[..., some]
        measure = None if measure is None else measure[..., some]
    return values[..., None], truth, measure


def calibrated(outputs: Tensor, line: Tensor | Line) -> Tensor:
    """Members (..., N, K) along their own line (...), float64; a tensor alone is a scale."""
    scale, offset = line if isinstance(line, Line) else (line, None)
    values = outputs.to(torch.float64) * scale[..., None, None]
    return values if offset is None else values + offset[..., None, None]
