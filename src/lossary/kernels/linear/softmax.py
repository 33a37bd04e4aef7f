"""Cross-entropy of one chunk of logits: value, slope and curvature, in place in one buffer.

With logits z, a target distribution q and a z-loss of strength λ, a row's value is A·lse(z) − ⟨q, z⟩ + λ·lse(z)² with
A = Σ q, and its slope (A + 2λ·lse)·softmax(z) − q. One formula serves indices, smoothing, class weights and soft
labels. Taken literally it loses confident rows, so what cancels is taken apart: log p of the label is −log1p of the
others' odds, and its slope minus their share.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from ..exponential import exp_
from .slope import Slope


class Target(NamedTuple):
    """The distribution q of each row: ``hit`` on the label and ``share``·``spread`` on all classes, or ``soft``.

    Attributes:
        label: class indices (R,); None where ``soft`` is given.
        soft: rows of q, (R, V).
        hit: how much of q lies on the label, a number or (R,).
        share: what each class has of the rest, before ``spread``, a number or (R,); 0 where there is no smoothing.
        spread: class weights (V,) that smoothing is divided by; None: all 1.
        here: for a slice of the classes, which labels lie in it, (R,); others hold any legal index. None: all.
        holes: whether some class may weigh nothing in ``spread``.
        drawn: Σ spread·z of each row, (R,), where the head says it before there are logits; None: of these it is made.
    """

    label: Tensor | None
    soft: Tensor | None = None
    hit: Tensor | float = 1.0
    share: Tensor | float = 0.0
    spread: Tensor | None = None
    here: Tensor | None = None
    holes: bool = False
    drawn: Tensor | None = None

    def narrow(self, low: int, high: int) -> Target:
        """These rows alone."""
        return self._replace(
            label=None if self.label is None else self.label[low:high],
            soft=None if self.soft is None else self.soft[low:high],
            hit=self.hit[low:high] if isinstance(self.hit, Tensor) else self.hit,
            share=self.share[low:high] if isinstance(self.share, Tensor) else self.share,
            here=None if self.here is None else self.here[low:high],
            drawn=None if self.drawn is None else self.drawn[low:high],
        )

    def settled(self) -> Target:
        """The same with soft rows that have smoothing and class weights in them."""
        if self.soft is None:
            return self
        soft, hit, share = self.soft, self.hit, self.share
        if not isinstance(hit, float) or hit != 1.0:
            soft = soft * (hit.unsqueeze(1) if isinstance(hit, Tensor) else hit)
            soft += share.unsqueeze(1) if isinstance(share, Tensor) else share
        return Target(None, soft if self.spread is None else soft * self.spread)

    @property
    def smooth(self) -> bool:
        """Whether every class has its share."""
        return isinstance(self.share, Tensor) or self.share != 0.0


class Slices(Protocol):
    """Those who hold slices of the classes of the same rows."""

    def greatest(self, numbers: Tensor) -> Tensor:
        """The greatest of everybody's numbers."""

    def added(self, *numbers: Tensor) -> tuple[Tensor, ...]:
        """The sums of everybody's tensors, all of one shape."""


class Sums(NamedTuple):
    """What a row's sums over the classes say, each (R,). Over slices of the classes all but ``top`` add up.

    Attributes:
        top: the greatest logit (of all slices).
        others: Σ exp(z − top) over all classes but the pivot.
        own: exp(z − top) of the pivot: the label, or of a soft target the winner.
        reach: top − z of the pivot, at least 0.
        pull: Σ spread·(top − z) where there is smoothing; of a soft target Σ q·(top − z), where q is not 0.
        total: Σ spread; of a soft target Σ q.
        rest: of a soft target what q has beside the winner.
    """

    top: Tensor
    others: Tensor
    own: Tensor
    reach: Tensor
    pull: Tensor | None
    total: Tensor | float
    rest: Tensor | None = None

    @property
    def log_sum(self) -> Tensor:
        """log Σ exp(z − top), relatively exact where the pivot is on top."""
        return torch.where(self.reach == 0, torch.log1p(self.others), torch.log(self.others + self.own))

    @property
    def surprise(self) -> Tensor:
        """−log p of the pivot, relatively exact where it is small."""
        near = self.own > 0.5
        odds = self.others / torch.where(near, self.own, 1.0)
        return torch.where(near, torch.log1p(odds), self.reach + self.log_sum)


def sums(z: Tensor, target: Target, top: Tensor | None = None) -> tuple[Sums, Tensor]:
    """Turn logits (R, V) into exp(z − top) in place, and say what they add up to.

    Args:
        top: the greatest logit of each row, (R,), where ``z`` is a slice of the classes; None: of ``z``.

    Returns:
        The sums and the pivot of each row, (R, 1).
    """
    if target.soft is not None:
        return _soft_sums(z, target.soft)
    assert target.label is not None
    pivot = target.label.unsqueeze(1)
    top = z.amax(1) if top is None else top
    z.sub_(top.unsqueeze(1))
    reach = -z.gather(1, pivot).squeeze(1)
    pull: Tensor | None = None
    total: Tensor | float = 0.0
    if target.smooth:
        total = float(z.shape[1]) if target.spread is None else target.spread.sum()
        if target.drawn is not None:
            pull = total * top - target.drawn
        else:
            pull = -z.sum(1) if target.spread is None else _weigh(z, target.spread, target.holes)
    exp_(z)
    own = z.gather(1, pivot)
    if target.here is None:
        z.scatter_(1, pivot, 0.0)
        others = z.sum(1)
        z.scatter_(1, pivot, own)
        return Sums(top, others, own.squeeze(1), reach, pull, total), pivot
    here = target.here
    z.scatter_(1, pivot, torch.where(here.unsqueeze(1), 0.0, own))
    others = z.sum(1)
    z.scatter_(1, pivot, own)
    return Sums(
        top,
        others,
        torch.where(here, own.squeeze(1), 0.0),
        torch.where(here, reach, 0.0),
        pull,
        total,
    ), pivot


#: Products with class weights are added up in blocks of so many classes, as one long dot product is inexact.
_BLOCK = 1024


def _weigh(z: Tensor, spread: Tensor, holes: bool) -> Tensor:
    """−Σ spread·z without the classes that weigh nothing, (R,)."""
    if holes:
        # Weight 0 times a logit of −inf is NaN, which no class that weighs nothing may cause.
        return -torch.where(spread == 0, 0.0, z * spread).sum(1)
    rows, count = len(z), z.shape[1] // _BLOCK
    whole = count * _BLOCK
    blocks = z[:, :whole].T.reshape(count, _BLOCK, rows)
    found = torch.bmm(spread[:whole].view(count, 1, _BLOCK), blocks).sum((0, 1))
    return found.addmv_(z[:, whole:], spread[whole:]).neg_()


def _soft_sums(z: Tensor, soft: Tensor) -> tuple[Sums, Tensor]:
    top, pivot = z.max(1, keepdim=True)
    z.sub_(top)
    pull = torch.where(soft == 0, 0.0, z).mul_(soft).sum(1).neg_()
    exp_(z)
    z.scatter_(1, pivot, 0.0)
    others = z.sum(1)
    z.scatter_(1, pivot, 1.0)
    rest = soft.scatter(1, pivot, 0.0).sum(1)
    one, zero = torch.ones_like(others), torch.zeros_like(others)
    return Sums(top.squeeze(1), others, one, zero, pull, soft.sum(1), rest), pivot


def value(found: Sums, target: Target, z_loss: float) -> Tensor:
    """One value per row, (R,)."""
    if target.soft is not None:
        assert found.pull is not None
        made = found.total * found.log_sum + found.pull
    else:
        made = target.hit * found.surprise
        if found.pull is not None:
            made = made + target.share * (found.total * found.log_sum + found.pull)
    return made + z_loss * (found.top + found.log_sum).square() if z_loss else made


def slope_(e: Tensor, pivot: Tensor, found: Sums, target: Target, factor: Tensor, z_loss: float) -> Slope:
    """``factor`` (R,) times the slope, of exp(z − top), which is used up."""
    size = found.others + found.own
    more = 2.0 * z_loss * (found.top + found.log_sum) if z_loss else None
    if target.soft is not None:
        rate = found.total if more is None else found.total + more
        e.mul_((factor * rate / size).unsqueeze(1)).addcmul_(target.soft, factor.unsqueeze(1), value=-1.0)
        assert found.rest is not None
        at = found.rest - found.total * found.others / size
        if more is not None:
            at = at + more * found.own / size
        return Slope(e.scatter_(1, pivot, (factor * at).unsqueeze(1)))
    rate = factor / size
    at = -target.hit * found.others
    if target.smooth:
        at = at + target.share * (found.total * found.own)
    if more is not None:
        rate = rate * (1.0 + more)
        at = at + more * found.own
    hit = (factor * at / size).unsqueeze(1)
    if target.here is None:
        e.scatter_(1, pivot, 0.0)
    else:
        here = target.here.unsqueeze(1)
        hit = torch.where(here, hit, 0.0)
        e.scatter_(1, pivot, torch.where(here, 0.0, e.gather(1, pivot)))
    return Slope(e, rate, pivot, hit, factor * target.share if target.smooth else None, target.spread)


def curve_(
    e: Tensor,
    dot: Tensor,
    pivot: Tensor,
    found: Sums,
    target: Target,
    factor: Tensor,
    z_loss: float,
    slices: Slices | None = None,
) -> Tensor:
    """Turn a direction of the logits into ``factor`` times the curvature along it, in place, and e into the slope.

    Args:
        e: exp(z − top), (R, V); on return ``factor`` times the slope.
        dot: the direction, (R, V); on return ``factor`` · Hessian · direction.
        slices: those who hold the other classes; None: nobody does.

    Returns:
        The slope's product with the direction, (R,), without ``factor``.
    """
    size = found.others + found.own
    # Moving all logits of a row alike changes no softmax, so a direction counts from that of the winner; what is left
    # of it there is 0, and nothing cancels in a row that is sure.
    winner = e.argmax(1, keepdim=True)
    base = dot.gather(1, winner)
    if slices is not None:
        base = slices.greatest(torch.where(e.gather(1, winner) == 1, base, -torch.inf))
    dot.sub_(base)
    base = base.squeeze(1)
    mean = (e * dot).sum(1)
    lse = found.top + found.log_sum
    more = 2.0 * z_loss * lse
    if target.soft is not None:
        rate = found.total + more
        toward = torch.where(target.soft == 0, 0.0, dot).mul_(target.soft).sum(1)
    else:
        rate = 1.0 + more
        at = dot.gather(1, pivot).squeeze(1)
        toward = target.hit * (at if target.here is None else torch.where(target.here, at, 0.0))
        if target.smooth:
            pulled = dot.sum(1) if target.spread is None else dot @ target.spread
            toward = toward + target.share * pulled
    if slices is not None:
        mean, toward = slices.added(mean, toward)
    mean = mean / size
    along: Tensor = rate * mean - toward + more * base
    dot.sub_(mean.unsqueeze(1)).mul_(rate.unsqueeze(1))
    if z_loss:
        dot.add_((2.0 * z_loss * (mean + base)).unsqueeze(1))
    dot.mul_(e).mul_((factor / size).unsqueeze(1))
    slope_(e, pivot, found, target, factor, z_loss).whole_()
    return along
