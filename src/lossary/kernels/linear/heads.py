"""``linear(loss, hidden, weight, target)``: a loss behind a linear head, without its logits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from torch import Tensor

from lossary.core.backends import Explanation
from lossary.core.options import AUTO
from lossary.losses.multiclass.cross_entropy import cross_entropy

from . import asked, compute


def linear(
    loss: str | Callable[..., Any],
    hidden: Tensor,
    weight: Tensor,
    target: Tensor | tuple[Tensor, ...],
    bias: Tensor | None = None,
    *,
    row_weight: Tensor | None = None,
    mask: Tensor | None = None,
    reduction: str | None = None,
    denominator: float | Tensor | None = None,
    group: object = None,
    backend: str | None = None,
    rows: int | None = None,
    report: str | tuple[str, ...] | None = (),
    **settings: Any,
) -> Any:
    """``loss(hidden @ weight.T + bias, target)`` with a chunk of the logits in memory at a time.

    Args:
        loss: a loss of rows or of elements whose other inputs are targets: its function, a name, or a module.
        hidden: (..., D).
        weight: (V, D), the head's; what other calls name so is ``row_weight`` here.
        target: as the loss takes it, with classes last; a tuple where it takes several.
        bias: (V,).
        row_weight: how much each unit counts, (...) as the axes of ``hidden`` but the last, or the first of them; of a
            loss of elements a unit is an output of the head, and (..., V) will do as well.
        mask: which units count, of the same axes.
        reduction: "mean", "sum" or "none"; None: the module's, else "mean".
        denominator: what "mean" divides by, from the whole batch.
        group: process group over which "mean" is taken.
        backend: "chunked"; "triton", cross-entropy on a GPU; or "eager", which makes all logits. "auto" chooses, as
            None does without a module's own.
        rows: how many rows a chunk has; None: what fits the cache, at least 64. "eager" has one chunk of all rows.
        report: "accuracy", "entropy" or both, from the same pass; the answer is then ``Reported``.
        settings: hyper-parameters and options of the loss: class_weight, ignore_index, label_smoothing ...

    Returns:
        The loss, float32 or wider; with ``report`` it and the means asked for.

    Raises:
        ShapeError, DtypeError, DomainError, OptionError, BackendError: naming the argument.
    """
    given = {"reduction": reduction, "denominator": denominator, "group": group, "backend": backend}
    return compute.compute(
        asked.call(
            "linear", loss, hidden, weight, target, bias, row_weight, mask, given, rows, report, settings
        )
    )


def linear_cross_entropy(
    hidden: Tensor,
    weight: Tensor,
    target: Tensor,
    bias: Tensor | None = None,
    *,
    row_weight: Tensor | None = None,
    mask: Tensor | None = None,
    class_weight: Tensor | None = None,
    ignore_index: int | str | None = AUTO,
    label_smoothing: float = 0.0,
    z_loss: float = 0.0,
    soft_cap: float | None = None,
    class_group: object = None,
    reduction: str = "mean",
    denominator: float | Tensor | None = None,
    group: object = None,
    backend: str = "auto",
    rows: int | None = None,
    report: str | tuple[str, ...] | None = (),
) -> Any:
    """Cross-entropy of ``hidden @ weight.T + bias`` with a chunk of the logits in memory at a time.

    Args:
        z_loss: λ of λ·log(Σ exp z)², added to every row's value before the row is weighted.
        class_group: process group, or ``True`` for the default one, over whose ranks the classes are spread: ``weight``
            and ``bias`` are this rank's, in the order of the ranks; ``hidden``, ``target`` and ``class_weight`` (V,)
            are whole and the same on all of them, and so is the answer. Class indices alone, at most two derivatives.
        soft_cap: c of z = c·tanh(x/c), through which the head's answer x passes first.

    The other arguments, what it returns and raises are those of ``linear``.
    """
    given = {"reduction": reduction, "denominator": denominator, "group": group, "backend": backend}
    settings = {
        "class_weight": class_weight, "ignore_index": ignore_index, "label_smoothing": label_smoothing
    }  # fmt: skip
    made = asked.call(
        "linear_cross_entropy", cross_entropy, hidden, weight, target, bias, row_weight, mask, given, rows, report,
        settings,
    )  # fmt: skip
    return compute.compute(made._replace(z_loss=z_loss, soft_cap=soft_cap, class_group=class_group))


def _asked(
    subject: str,
    loss: str | Callable[..., Any],
    hidden: Tensor,
    weight: Tensor,
    target: Tensor | tuple[Tensor, ...],
    bias: Tensor | None = None,
    *,
    row_weight: Tensor | None = None,
    mask: Tensor | None = None,
    rows: int | None = None,
    report: str | tuple[str, ...] | None = (),
    **named: Any,
) -> asked.Call:
    """A call whose other settings stand in ``named``."""
    given = {name: named.pop(name, None) for name in ("reduction", "denominator", "group", "backend")}
    return asked.call(
        subject, loss, hidden, weight, target, bias, row_weight, mask, given, rows, report, named
    )


def _explain(*given: Any, **named: Any) -> Explanation:
    """Which backend computes this call of ``linear``, and why not the others."""
    return compute.explain(_asked("linear", *given, **named))


def _explain_cross_entropy(
    *given: Any, z_loss: float = 0.0, soft_cap: float | None = None, class_group: object = None, **named: Any
) -> Explanation:
    """Which backend computes this call of ``linear_cross_entropy``, and why not the others."""
    made = _asked("linear_cross_entropy", cross_entropy, *given, **named)
    made = made._replace(z_loss=z_loss, soft_cap=soft_cap, class_group=class_group)
    return replace(compute.explain(made), loss="linear_cross_entropy")


# A function has no declared attributes; ``lossary.explain`` asks for this one by name.
linear.explain = _explain  # type: ignore[attr-defined]
linear_cross_entropy.explain = _explain_cross_entropy  # type: ignore[attr-defined]
