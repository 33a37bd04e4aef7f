"""What the triplets of a tile cost, and how that moves with each distance, from sorted distances and counts.

Each rule takes distances (c, N) in float64, the roles and the margin, and gives values (c,) and slopes (c, N): the
derivative of an anchor's value in each of its distances. Slopes can be differentiated again where they are not
constant.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ..derivatives import one_at_a_time, third
from .roles import TILE, Roles

#: Triplets that are looked at together where each has a cost of its own.
TRIPLETS = 4 * TILE


def every(apart: Tensor, roles: Roles, margin: float | None, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """All triplets, O(N log P) for an anchor with P positives where there is a margin."""
    if margin is None:
        found: tuple[Tensor, Tensor] = _Soft.apply(apart, roles, dtype)  # type: ignore[no-untyped-call]
        return found
    with torch.no_grad():
        return _counted(apart, roles, margin, dtype)


def _counted(apart: Tensor, roles: Roles, margin: float, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """A triplet costs what its negative lacks of the positive's distance and margin, and all those are counted.

    Positives are few and are sorted. Each negative finds among them those it is too near for, whose sum is a sum of
    a suffix; and each positive has as many such negatives as fell before it.
    """
    bounds = torch.where(roles.real, apart.gather(1, roles.positives) + margin, -torch.inf)
    bounds, order = bounds.sort(1)
    wide = bounds.shape[1]
    # A bound met exactly costs nothing and pulls at nothing, as relu does. Float32 can be compared as float32.
    first = torch.searchsorted(bounds.to(dtype), apart.to(dtype), right=True)
    first = first.masked_fill_(roles.alike, wide)
    sums = torch.where(bounds == -torch.inf, 0.0, bounds).flip(1).cumsum(1).flip(1)
    sums = F.pad(sums, (0, 1))
    violated = (wide - first).double()
    many = (roles.near * roles.far).clamp(min=1).double().unsqueeze(1)
    values = _lacking(sums.gather(1, first), violated, apart) / many
    hits = torch.zeros_like(sums).scatter_add_(
        1, first, torch.ones((), dtype=sums.dtype, device=sums.device).expand_as(violated)
    )
    pulls = hits.cumsum(1)[:, :wide]
    slopes = violated.neg_().scatter_add_(1, roles.positives.gather(1, order), pulls)
    return values.squeeze(1), slopes.div_(many)


def _lacking(sums: Tensor, violated: Tensor, apart: Tensor) -> Tensor:
    """Σ of what negatives lack: of each the sum of the bounds that it violates, less itself as often."""
    found = (sums - violated * apart).sum(1, keepdim=True)
    if bool(found.isfinite().all()):
        return found
    # A negative that is infinitely far violates nothing, and lacks nothing.
    taken = torch.where((violated == 0) & (apart == torch.inf), 0.0, violated * apart)
    return (sums - taken).sum(1, keepdim=True)


class _Soft(torch.autograd.Function):
    """All triplets with the soft margin: each costs something, so that a few positives at a time meet all negatives."""

    @staticmethod
    def forward(ctx: Any, apart: Tensor, roles: Roles, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        ctx.roles, ctx.dtype = roles, dtype
        many = (roles.near * roles.far).clamp(min=1).double().unsqueeze(1)
        values, slopes = apart.new_zeros(len(apart), 1), torch.zeros_like(apart)
        near, far = _sides(apart, roles, dtype)
        for some, places in _positives(near, roles):
            gap = some.unsqueeze(2) - far.unsqueeze(1)
            values += -F.logsigmoid(-gap).sum((1, 2), dtype=torch.float64).unsqueeze(1)
            rate = torch.sigmoid(gap)
            slopes.scatter_add_(1, places, rate.sum(2, dtype=torch.float64))
            slopes -= rate.sum(1, dtype=torch.float64)
        slopes /= many
        ctx.save_for_backward(apart, slopes)
        return (values / many).squeeze(1), slopes

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> tuple[Tensor, None, None]:
        one_at_a_time(*grads)
        return _Bent.apply(*grads, *ctx.saved_tensors, ctx.roles, ctx.dtype), None, None  # type: ignore[no-untyped-call]


class _Bent(torch.autograd.Function):
    """How values and slopes with the soft margin move with each distance."""

    @staticmethod
    def forward(
        ctx: Any,
        of_values: Tensor,
        along: Tensor,
        apart: Tensor,
        slopes: Tensor,
        roles: Roles,
        dtype: torch.dtype,
    ) -> Tensor:
        many = (roles.near * roles.far).clamp(min=1).double().unsqueeze(1)
        found = torch.zeros_like(apart)
        near, far = _sides(apart, roles, dtype)
        for some, places in _positives(near, roles):
            gap = some.unsqueeze(2) - far.unsqueeze(1)
            curve = torch.sigmoid(gap) * torch.sigmoid(-gap)
            moved = curve * (along.gather(1, places).unsqueeze(2) - along.unsqueeze(1))
            found.scatter_add_(1, places, moved.sum(2))
            found -= moved.sum(1)
        return found / many + of_values.unsqueeze(1) * slopes

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        raise third()


def _sides(apart: Tensor, roles: Roles, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Distances of positives, -inf where there is none, and of negatives, inf where there is none."""
    near = torch.where(roles.real, apart.gather(1, roles.positives), -torch.inf)
    return near.to(dtype), apart.masked_fill(roles.alike, torch.inf).to(dtype)


def _positives(near: Tensor, roles: Roles) -> list[tuple[Tensor, Tensor]]:
    """A few positives of each anchor at a time: their distances and their places."""
    step = max(1, TRIPLETS // max(roles.alike.numel(), 1))
    return list(zip(torch.split(near, step, 1), torch.split(roles.positives, step, 1), strict=True))


def semi_hard(apart: Tensor, roles: Roles, margin: float | None, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """For each positive the nearest negative beyond it, found among the sorted ones; else the farthest."""
    with torch.no_grad():
        # In the dtype of the inputs: two samples that are equally far are so up to its rounding.
        # Those that are no negatives come last, after one that is infinitely far.
        ranks = apart.clamp(max=torch.finfo(dtype).max).masked_fill_(roles.alike, torch.inf).to(dtype)
        ranks, places = ranks.sort(dim=1, stable=True)
        many = roles.far.unsqueeze(1)
        beyond = torch.searchsorted(ranks, apart.gather(1, roles.positives).to(dtype), right=True)
        farthest = torch.searchsorted(ranks, ranks.gather(1, (many - 1).clamp(min=0)))
        chosen = places.gather(1, torch.where(beyond < many, beyond, farthest).clamp(max=apart.shape[1] - 1))
    gap = apart.gather(1, roles.positives) - apart.gather(1, chosen)
    share = roles.real & (many > 0)
    count = share.sum(1, keepdim=True).clamp(min=1)
    cost = -F.logsigmoid(-gap) if margin is None else torch.relu(gap + margin)
    rate = torch.sigmoid(gap) if margin is None else (gap.detach() + margin > 0).double()
    # A NaN is sorted past all others, and must be seen though nobody chooses it.
    unseen = torch.where(apart.detach().isnan().any(1), torch.nan, 0.0)
    values = torch.where(share, cost, 0.0).sum(1) / count.squeeze(1) + unseen
    rate = torch.where(share, rate, 0.0) / count
    slopes = torch.zeros_like(apart).scatter_add(1, roles.positives, rate)
    return values, slopes.scatter_add(1, chosen, -rate)
