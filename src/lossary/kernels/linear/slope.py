"""The slope of a chunk of logits, in the parts in which the products with it cost least.

A row's slope is a rate times its softmax, less a share of what all rows have alike, and more at its label. Rates and
shares are numbers per row, so they go into the rows of the products, which are D wide and not V.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class Slope(NamedTuple):
    """``rate``·``body`` − ``share`` ⊗ ``spread``, and ``hit`` more at the ``pivot`` of each row.

    Attributes:
        body: (R, V).
        rate: (R,); None: the slope is ``body`` alone, and there are no other parts.
        pivot: a class of each row, (R, 1), where ``body`` is 0.
        hit: (R, 1).
        share: (R,); None: no part of this kind.
        spread: (V,); None: all 1.
    """

    body: Tensor
    rate: Tensor | None = None
    pivot: Tensor | None = None
    hit: Tensor | None = None
    share: Tensor | None = None
    spread: Tensor | None = None

    def whole_(self) -> Tensor:
        """The slope as one tensor, (R, V), in the place of ``body``."""
        body, rate, pivot, hit, share, spread = self
        if rate is None:
            return body
        assert pivot is not None and hit is not None
        body.mul_(rate.unsqueeze(1))
        if share is not None and spread is not None:
            body.addr_(share, spread, alpha=-1.0)
        elif share is not None:
            body.sub_(share.unsqueeze(1))
        return body.scatter_add_(1, pivot, hit)
