"""One-parameter calibration: the temperature whose log-loss on validation is least (Guo et al. 2017, section 4.2).

The loss is convex in b = 1/temperature, so its slope has one root, found by bisection for all members at once. Where
validation rows are separated without an error the best b would be infinite, and one wrong test row infinitely wrong;
so the truth is held as uncertain as Platt (1999, "Probabilistic outputs for support vector machines", section 2.2)
holds it: of a class with n rows, a row is in it with probability (n + 1)/(n + 2).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import one_hot

# Between 1/e⁸ and e⁸: beyond them a logit of 1 is as good as 0 or as certainty.
LOG_BOUND = 8.0
STEPS = 40  # halves the 16 units of log b to 1.5e-11


def sharpness(outputs: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """b, float64 (...), so that outputs * b are calibrated: outputs (..., N, K) logits or margins, target (..., N)."""
    scores = outputs.detach().to(torch.float64)
    if scores.shape[-1] == 1:  # one logit z is the two logits (0, z)
        scores = torch.cat([torch.zeros_like(scores), scores], -1)
    measure = torch.ones(target.shape, dtype=torch.float64) if weight is None else weight.to(torch.float64)
    truth = _held_uncertain(one_hot(target.long(), scores.shape[-1]).to(torch.float64), measure)
    low = torch.full(scores.shape[:-2], -LOG_BOUND, dtype=torch.float64)
    high = -low
    for _ in range(STEPS):
        middle = (low + high) / 2
        shares = (middle.exp()[..., None, None] * scores).softmax(-1)
        slope = (measure * ((shares - truth) * scores).sum(-1)).sum(-1)  # of the log-loss, in b
        low, high = torch.where(slope < 0, middle, low), torch.where(slope < 0, high, middle)
    return ((low + high) / 2).exp()


def _held_uncertain(truth: Tensor, measure: Tensor) -> Tensor:
    """One-hot rows (..., N, K), the rest of a row's probability shared by the other classes."""
    rows = (measure[..., None] * truth).sum(-2, keepdim=True)
    doubt = (truth / (rows + 2)).sum(-1, keepdim=True)
    return truth * (1 - doubt) + (1 - truth) * doubt / (truth.shape[-1] - 1)


def calibrated(outputs: Tensor, b: Tensor) -> Tensor:
    """Members (..., N, K) times their own b (...), float64."""
    return outputs.to(torch.float64) * b[..., None, None]
