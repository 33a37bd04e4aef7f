"""The exponential of large tensors, where they stand."""

from __future__ import annotations

import math

from torch import Tensor

_LOG2_E = math.log2(math.e)


def exp_(x: Tensor) -> Tensor:
    """exp(x) in place of x, to |x| roundings, which x itself is rarely free of.

    A CPU's power of 2 is vector code of torch's own, while its exponential is left to a library that is three times
    slower on some machines (decision 23); one pass more to scale x is cheap beside it. Elsewhere passes are what costs.
    """
    return x.mul_(_LOG2_E).exp2_() if x.is_cpu else x.exp_()
