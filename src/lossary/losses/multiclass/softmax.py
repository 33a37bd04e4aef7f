"""What losses of a softmax share: the target as a row, the way from log p to the logits, and what rounding leaves."""

from torch import Tensor
from torch.nn import functional as F


def soften(target: Tensor, beside: Tensor) -> Tensor:
    """The target as a row of probabilities, of the dtype of another row."""
    return target if target.is_floating_point() else F.one_hot(target, beside.shape[-1]).to(beside.dtype)


def through_softmax(pull: Tensor, p: Tensor) -> Tensor:
    """The derivative by the logits, from the derivatives by each log p."""
    return pull - p * pull.sum(-1, keepdim=True)


def logit_roundings(x, y, m):
    """What rounding the differences of logits once leaves undecided, in thirty-seconds: CONTRACT 10 counts in them."""
    p = m.softmax(x)
    return (
        m.sum(
            [
                q * m.sum([m.abs(v - w) * s for v, s in zip(x, p, strict=True)])
                for w, q in zip(x, y, strict=True)
                if q != 0
            ]
        )
        / 32
    )
