"""Which trials the stacked engine may train: asked of the loss's declaration, then tried on one batch."""

from __future__ import annotations

from functools import cache

import torch

from lossary.core.kinds import Form
from lossary.core.modules import Single
from lossary.core.unit import Unit
from lossary.lab.training.engines.objective import SMOOTHING, mean_loss, settings_of, unit_slope
from lossary.lab.training.networks import Mlp
from lossary.lab.training.trial import Link, Trial
from lossary.nn import parse


def stackable(trial: Trial) -> str | None:
    """None when the stacked engine can train this trial, else why it cannot, in the words of the report."""
    network = trial.setup.network
    if not isinstance(network, Mlp) or network.dropout or trial.setup.optimizer != "adamw":
        return "only a network of linear layers is stacked so far"
    if trial.learns != "answer" or trial.readout != "identity":
        return "only trainings on the answer itself are stacked so far"
    return _unstackable(trial.loss, trial.link, network.outputs)


@cache
def _unstackable(expression: str, link: Link, outputs: int) -> str | None:
    targets: set[Form] = set()
    for name, _, part in parse(expression).parts():
        assert isinstance(part, Single)
        loss = part.function.loss
        if loss.facts.coupled:
            return f"{name} compares the rows of a batch with each other"
        first, target = loss.inputs[0].kind.form, loss.inputs[-1].kind.form
        if (
            loss.unit not in (Unit.ELEMENT, Unit.ROW)
            or first not in (Form.REAL, Form.SCORE, Form.LOGIT, Form.LOGITS, Form.SCORES)
            or target not in (Form.REAL, Form.BINARY, Form.CLASS)
        ):
            return f"{name} does not give one value for a row's outputs and its target"
        beyond = sorted(set(settings_of(part)) - {each.name for each in loss.hyper} - {SMOOTHING})
        if beyond:
            return f"{name} is given {', '.join(beyond)}, which its slope does not know"
        targets.add(target)
    if not _slope_is_true(expression, link, outputs, targets):
        return f"the slope of {expression} is not what autograd finds"
    return None


def _slope_is_true(expression: str, link: Link, outputs: int, targets: set[Form]) -> bool:
    """One made-up batch, weighted, in float64: the slopes the stack would use against the gradient of the mean."""
    numbers = torch.Generator().manual_seed(0)
    raw = 2 * torch.randn(16, outputs, dtype=torch.float64, generator=numbers).squeeze(1)
    raw.requires_grad_()
    target = torch.randn(16, dtype=torch.float64, generator=numbers)
    if Form.CLASS in targets or link == "softmax":
        target = torch.randint(outputs, (16,), generator=numbers)
    elif Form.BINARY in targets or link == "sigmoid":
        target = (target > 0).double()
    weight = torch.rand(16, dtype=torch.float64, generator=numbers)
    (gradient,) = torch.autograd.grad(mean_loss(expression, link)(raw, target, weight), raw)
    slope = unit_slope(expression, link)(raw.detach(), target)
    share = (weight / weight.sum()).view(-1, *[1] * (raw.ndim - 1))
    return torch.allclose(slope * share, gradient, rtol=1e-6, atol=1e-12)
