"""The scores of the other classes, for costs that compare the true class with each of them."""

from collections.abc import Callable

import torch
from torch import Tensor

from lossary.declare import share


def over_rivals(cost: Callable[[Tensor, Tensor], Tensor], scores: Tensor, target: Tensor) -> Tensor:
    """E[cost(scores of Y's rivals, score of Y)] with Y drawn from ``target``; Y is its own rival, at -inf.

    Shapes: scores (..., C); cost takes (..., Y, C) and (..., Y, 1) to (..., Y); result (...). A soft target takes C²
    rivals a row.
    """
    classes = torch.arange(scores.shape[-1], device=scores.device)
    soft = target.is_floating_point()
    truths = classes.expand(target.shape) if soft else target.unsqueeze(-1)
    own = scores.gather(-1, truths).unsqueeze(-1)
    found = cost(torch.where(classes == truths.unsqueeze(-1), -torch.inf, scores.unsqueeze(-2)), own)
    return share(target, found).sum(-1) if soft else found.squeeze(-1)


def pulled(pull: Callable[[Tensor, Tensor], Tensor], scores: Tensor, target: Tensor) -> Tensor:
    """The slope of ``over_rivals`` where ``pull`` is the slope of the cost in the rivals' scores, and that in the true
    class's score is less all of it."""
    classes = torch.arange(scores.shape[-1], device=scores.device)
    soft = target if target.is_floating_point() else (classes == target.unsqueeze(-1)).to(scores.dtype)
    rivals = torch.where(classes == classes.unsqueeze(-1), -torch.inf, scores.unsqueeze(-2))
    pulls = soft.unsqueeze(-1) * pull(rivals, scores.unsqueeze(-1))
    return pulls.sum(-2) - pulls.sum(-1)
