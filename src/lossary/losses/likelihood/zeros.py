"""Extra zeros beside a law of counts."""

import torch
from torch import Tensor
from torch.distributions import Categorical, Distribution, MixtureSameFamily

from lossary.declare import softplus


def with_zeros(extra: Tensor, nothing: Tensor, counted: Tensor, target: Tensor) -> Tensor:
    """-log of the probability of a count, or of a zero that has another cause.

    Args:
        extra: logit of that cause.
        nothing: -log of the probability that the law itself gives to 0; may be infinite.
        counted: -log of the probability that it gives to the target.
        target: the counts.
    """
    # A count above 0 rules the other cause out; a 0 may have either.
    return torch.where(target == 0, _zero(extra, nothing), softplus(extra) + counted)


def _zero(extra: Tensor, nothing: Tensor) -> Tensor:
    never = nothing.isinf()
    size = torch.where(never, 1.0, nothing)
    # The probability that the law holds and gives more than 0: near 0 and near 1 it needs the two forms below. So does
    # 1 - exp(-size), for the sake of its derivative.
    small = size < 1.0
    more = torch.where(small, -torch.expm1(-torch.where(small, size, 0.0)), 1.0 - torch.exp(-size))
    miss = torch.sigmoid(-extra) * more
    likely = miss < 0.5
    seldom = softplus(extra) - torch.logaddexp(extra, -size)
    found = torch.where(likely, -torch.log1p(-torch.where(likely, miss, 0.0)), seldom)
    return torch.where(never, softplus(-extra), found)


def zero_or(extra: Tensor, laws: Distribution) -> Distribution:
    """The law of a count that has another cause with this logit; on the last axis of ``laws`` zero, then the counts."""
    return MixtureSameFamily(Categorical(logits=torch.stack([extra, torch.zeros_like(extra)], -1)), laws)


def beside_zero(log_odds: Tensor) -> Tensor:
    """The logarithm of a mean or of odds, on a last axis behind one at which a draw other than 0 does not happen."""
    return torch.stack([torch.full_like(log_odds, -80.0), log_odds], -1)
