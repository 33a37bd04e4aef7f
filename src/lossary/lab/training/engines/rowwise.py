"""Which losses may be differentiated for the rows of all members at once: asked of the loss, then tried on a batch."""

from __future__ import annotations

import torch
from torch import Tensor

from lossary.core.errors import LossaryError
from lossary.core.modules import Single
from lossary.lab.training.engines.objective import SMOOTHING, mean_loss, settings_of, unit_slope
from lossary.lab.training.trial import Link
from lossary.nn import parse

ROWS = 32  # of a trial batch, beside the rows that are there for their values


def telling(target: Tensor) -> Tensor:
    """Some rows of a target (n, ...): the first, and such that differ: every value, or the fullest and the emptiest.

    A mean that leaves out a class, or an empty picture, must not pass for a mean over all rows by chance.
    """
    first = target[:ROWS]
    if target.ndim == 1:
        return torch.cat([first, torch.unique(target)[:ROWS]])
    sums = target.flatten(1).sum(1)
    return torch.cat([first, target[sums.argmin()][None], target[sums.argmax()][None]])


def by_rows(
    expression: str, link: Link, outputs: int, target: Tensor, *, weighted: bool = False
) -> str | None:
    """None when every row of the loss has a value of its own, else why not, in a sentence's words.

    target: (n, ...) of some rows (`telling` chooses them), on which the slopes are compared in float64 with the
    gradient of the mean.
    """
    for name, _, part in parse(expression).parts():
        assert isinstance(part, Single)
        loss = part.function.loss
        if loss.facts.coupled:
            return f"{name} compares the rows of a batch with each other"
        if loss.inputs[0].kind.domain is not None and link == "identity":
            return f"{name} does not take every output"
        beyond = sorted(set(settings_of(part)) - {each.name for each in loss.hyper} - {SMOOTHING})
        if beyond:
            return f"{name} is given {', '.join(beyond)}, which may be a matter of the whole batch"
    numbers = torch.Generator().manual_seed(0)
    raw = 2 * torch.randn(len(target), outputs, dtype=torch.float64, generator=numbers)
    truth = target.to(torch.float64) if target.is_floating_point() else target
    weight = torch.rand(len(target), dtype=torch.float64, generator=numbers) if weighted else None
    counted = torch.ones(len(target), dtype=torch.float64) if weight is None else weight
    wanted = raw.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(mean_loss(expression, link)(wanted, truth, weight), wanted)
    try:
        slope = unit_slope(expression, link)(raw, truth) * (counted / counted.sum()).unsqueeze(-1)
    except (LossaryError, RuntimeError, TypeError):  # no value for each row, or a slope with other arguments
        return f"{expression} does not give one value for a row's outputs and its target"
    if not torch.allclose(slope, gradient, rtol=1e-6, atol=1e-12):
        return f"the slope of {expression} is not what autograd finds"
    return None
