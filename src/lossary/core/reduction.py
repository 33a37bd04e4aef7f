"""The one place that turns many values into one number, and the only one that divides.

sum  = Σ measure · value
mean = Σ measure · value / Σ measure
"""

from __future__ import annotations

import torch
from torch import Size, Tensor

from . import checks, world
from .declaration import Loss
from .errors import DomainError, OptionError, sentence
from .selection import select

REDUCTIONS = ("mean", "sum", "none")


def check(loss: Loss, reduction: str, denominator: float | Tensor | None, group: object) -> None:
    """Refuse an unknown reduction, and a denominator or group where nothing is divided.

    Raises:
        OptionError, DomainError: as CONTRACT 9 and 15 say.
    """
    if reduction not in REDUCTIONS:
        raise OptionError(
            sentence(
                f"{loss.name}(reduction=...)",
                expected="'mean', 'sum' or 'none'",
                got=repr(reduction),
                remedy="choose one of them",
            )
        )
    if reduction != "mean" and (denominator is not None or group is not None):
        name = "denominator" if denominator is not None else "group"
        raise OptionError(
            sentence(
                f"{loss.name}({name}=...)",
                expected="reduction='mean'",
                got=f"reduction={reduction!r}",
                remedy=f"leave {name} out, or take the mean",
            )
        )
    if loss.facts.coupled and (denominator is not None or group is not None):
        name = "denominator" if denominator is not None else "group"
        raise OptionError(
            sentence(
                f"{loss.name}({name}=...)",
                expected="a loss whose units do not depend on one another",
                got="one that compares the samples of a batch",
                remedy="pass gather= the process group, and micro-batches as one batch",
            )
        )
    if denominator is None:
        return
    if isinstance(denominator, Tensor):
        if denominator.ndim or (
            checks.reads_values(denominator) and not 0 < denominator.item() < float("inf")
        ):
            got = f"shape {tuple(denominator.shape)}" if denominator.ndim else f"{denominator.item():g}"
            raise _denominator(loss, got)
    elif isinstance(denominator, bool) or not isinstance(denominator, (int, float)):
        raise _denominator(loss, repr(denominator))
    elif not 0 < denominator < float("inf"):
        raise _denominator(loss, f"{denominator:g}")


def reduce(
    values: Tensor,
    measure: Tensor | None,
    keep: Tensor | None,
    reduction: str,
    denominator: float | Tensor | None,
    group: object,
) -> Tensor:
    """Values per unit to what the caller asked for.

    Args:
        values: one value per unit.
        measure: how much each unit counts, of the units' shape, float32 or wider, 0 where ``keep`` is False;
            None: every kept unit counts 1.
        keep: which units count at all; where it is False the value is dropped, not multiplied. None: all.
    """
    if measure is None and keep is None and denominator is None and group is None:
        if reduction == "mean":
            return values.mean() if values.numel() else values.sum()
        return values if reduction == "none" else values.sum()
    live = checks.reads_values(values)
    weighted = values if measure is None else values * measure
    if keep is not None:
        weighted = select(keep, weighted, 0.0, live)
    if reduction == "none":
        return weighted
    total = weighted.sum()
    if reduction == "sum":
        return total
    return divide(total, total_measure(values.shape, values, measure, keep), denominator, group, live)


def total_measure(shape: Size, like: Tensor, measure: Tensor | None, keep: Tensor | None) -> Tensor:
    """Σ measure: what the mean divides by when nobody says otherwise. A 0-d tensor, an integer where all weigh 1.

    Args:
        shape: the units' shape.
        like: a tensor on the device of the answer.
    """
    if measure is not None:
        return measure.sum()
    if keep is None:
        return torch.full((), shape.numel(), device=like.device)
    return torch.count_nonzero(keep if keep.shape == shape else keep.expand(shape))


def divide(
    total: Tensor, count: Tensor, denominator: float | Tensor | None, group: object, live: bool
) -> Tensor:
    """total / count, and 0 attached to its inputs where nothing counts at all."""
    scale = 1.0
    if group is not None:
        counted, scale = world.spread(None if denominator is not None else count, group)
        count = count if counted is None else counted
    if denominator is not None:
        divisor = denominator.detach() if isinstance(denominator, Tensor) else denominator
        return _scaled(total, scale) / divisor
    if live and not count.requires_grad:
        known = count.item()  # one read costs less than the two operations of the guard below
        return _scaled(total, scale) / known if known else total
    return _scaled(total, scale) / (count + (count == 0))


def _scaled(total: Tensor, scale: float) -> Tensor:
    return total if scale == 1.0 else total * scale


def _denominator(loss: Loss, got: str) -> DomainError:
    return DomainError(
        sentence(
            f"{loss.name}(denominator=...)",
            expected="a number or a 0-d tensor above 0",
            got=got,
            remedy=f"pass what {loss.name}.count(...) returns for the whole batch",
        )
    )
