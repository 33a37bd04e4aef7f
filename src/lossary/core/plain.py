"""The call that says nothing beyond its inputs: most calls, and the ones whose price is noticed.

The same steps as in ``call``, less those that have nothing to do when nothing is weighted, masked or asked for. What
turns out to need more, or to be wrong, is handed back, so that every case is decided and refused in one place.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from . import checks, prepare, probes
from .declaration import Loss
from .options import PLAIN
from .shapes import usual
from .values import judge, span

_NUMBERS = (float, int, str, type(None))


def evaluate(loss: Loss, inputs: tuple[Tensor | None, ...], hyper: Mapping[str, Any]) -> Tensor | None:
    """The mean over all units, or None where the whole way has to be gone."""
    if not loss.simple:
        return None
    where_is = usual(loss, inputs, PLAIN.class_dim)
    first = inputs[0]
    if where_is is None or first is None or probes.autocast_is_on(first):
        return None
    if checks.level != "off":
        for each in loss.hyper:
            value = hyper[each.name]
            if value is not each.default:
                if not isinstance(value, _NUMBERS):
                    return None
                each.check(loss.name, value)
    if len(inputs) > len(loss.required) and any(each is not None for each in inputs[len(loss.required) :]):
        return None
    if loss.target >= 0:
        # Without a look at the values nobody knows whether an index says "ignore".
        live = checks.reads_values(first)
        if live:
            low, high = span(inputs[1])  # type: ignore[arg-type]
            if not (low >= 0 and high < where_is.classes if loss.indexed else low >= 0 and high <= 1):
                return None
        elif loss.indexed:
            return None
    if loss.bounded and checks.reads_values(first):
        judge(loss, inputs, where_is.axes, 0, PLAIN.inputs, PLAIN.target_inputs)
    arguments, _, _ = prepare.prepare(loss, inputs, where_is, PLAIN, True)
    values: Tensor = loss.apply(arguments, hyper)
    return values.mean() if values.numel() else values.sum()
