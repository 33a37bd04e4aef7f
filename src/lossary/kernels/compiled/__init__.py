"""``backend="compile"``: value and slope of a loss in one kernel that Inductor writes from the declared math.

Eager computes a loss in a dozen passes over memory and its gradient in another dozen. Here the whole call, from the raw
inputs to Σ measure·value and to the slope, is traced as one graph and becomes one or two loops. Nothing of the math is
written again: the graph is traced from the block itself and from what torch derives from it.
"""

from __future__ import annotations

from lossary.core.backends import Kernel

from ..wants import TRANSFORMS
from .able import lacks, worth
from .plan import Compiled, compiled, forget
from .run import note, run

_ALONE = "a compiled kernel is no graph that another transform could enter; the call is refused"

KERNEL = Kernel(
    "compile",
    "call",
    run,
    lacks,
    worth,
    note=note,
    exempt=dict.fromkeys(TRANSFORMS, _ALONE),
)

__all__ = ["KERNEL", "Compiled", "compiled", "forget"]
