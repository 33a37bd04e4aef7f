"""Device code: functions that Triton lacks, in both precisions, for GPUs and its interpreter alike."""

import triton
import triton.language as tl


@triton.jit
def log1p(x, ACC: tl.constexpr):
    """log(1 + x) for x >= 0, relatively exact: 2·atanh(x / (2 + x)) by its series where x is small."""
    s = x / (2.0 + x)
    t = s * s
    # Up to t^4/9 in float32 and to t^10/21 in float64; t is at most 0.04.
    LAST: tl.constexpr = 10 if tl.float64 == ACC else 4
    series = 1.0 / (2 * LAST + 1)
    for i in tl.static_range(LAST):
        series = series * t + 1.0 / (2 * (LAST - i) - 1)
    return tl.where(x < 0.5, 2.0 * s * series, tl.log(1.0 + x))


@triton.jit
def tanh(x):
    """tanh, relatively exact near 0 too, where a fraction of polynomials (Padé, 7 over 6) serves both dtypes."""
    t = x * x
    over = x * (135135.0 + t * (17325.0 + t * (378.0 + t)))
    under = 135135.0 + t * (62370.0 + t * (3150.0 + t * 28.0))
    e = tl.exp(-2.0 * tl.abs(x))
    far = (1.0 - e) / (1.0 + e)
    return tl.where(t < 0.25, over / under, tl.where(x < 0, -far, far))


@triton.jit
def sech2(x):
    """1 - tanh(x)², without the difference."""
    e = tl.exp(-2.0 * tl.abs(x))
    return 4.0 * e / ((1.0 + e) * (1.0 + e))
