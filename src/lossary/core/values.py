"""Values of a call, judged only where they count."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Size, Tensor

from .declaration import Input, Loss
from .domains import ROW_SLACK, Interval, NumberOrTensor, PerClass
from .errors import CallError, DomainError, DtypeError, ShapeError, sentence
from .kinds import Form


def span(tensor: Tensor) -> tuple[float, float]:
    """Smallest and largest value, NaN left aside; (inf, -inf) of nothing."""
    if tensor.numel() == 0:
        return float("inf"), float("-inf")
    if tensor.dtype is torch.bool:
        return 0.0, 1.0
    ends = torch.aminmax(tensor)
    low = ends.min.item()
    return (low, ends.max.item()) if low == low else span(tensor[~tensor.isnan()])


def judge(
    loss: Loss,
    inputs: tuple[Tensor | None, ...],
    axes: tuple[int | None, ...],
    classes: int,
    how: str,
    target_how: str,
) -> None:
    """Raise DomainError for a value outside its input's domain. ``how`` is ``inputs=`` of the call."""
    for each, tensor, axis in zip(loss.inputs, inputs, axes, strict=True):
        if tensor is None:
            continue
        form = each.kind.form
        if form in (Form.BINARY, Form.LABELS):
            binary(loss, each, tensor)
        elif form is Form.CLASS and axis is None:
            indices(loss, each, tensor, classes)
        elif form in (Form.CLASS, Form.LOGITS, Form.DISTRIBUTION):
            scale = {Form.LOGITS: how, Form.DISTRIBUTION: target_how}.get(form, "probabilities")
            if scale == "probabilities":
                rows(loss, each, tensor, axis)
            elif scale == "log_probabilities":
                log_rows(loss, each, tensor, axis)
        elif form is Form.LOGIT and how != "logits":
            likelihood(loss, each, tensor, how)
        elif form is Form.MASS:
            mass(loss, each, tensor)
        elif each.kind.domain is not None:
            numbers(loss, each, tensor, each.kind.domain)


def binary(loss: Loss, each: Input, tensor: Tensor) -> None:
    """0, 1 or a probability between them."""
    low, high = span(tensor)
    if low < 0 or high > 1:
        soft = " or 1" if loss.facts.soft is None else ", 1 or a probability"
        remedy = f"pass ({each.name} + 1) / 2" if low == -1 and high <= 1 else f"pass 0{soft}"
        raise _outside(loss, each, "values from 0 to 1", low if low < 0 else high, remedy)
    if loss.facts.soft is None and tensor.is_floating_point():
        between = tensor[(tensor > 0) & (tensor < 1)]
        if between.numel():
            expected = "0 or 1, since this loss gives probabilities no meaning"
            raise _outside(loss, each, expected, between[0].item(), f"pass ({each.name} > 0.5).float()")


def numbers(loss: Loss, each: Input, tensor: Tensor, domain: Interval) -> None:
    """Numbers of a set; NaN passes, as everywhere."""
    low, high = span(tensor)
    if low <= high:
        for end in (low, high):
            if not domain.holds(end) and not (domain.whole and domain.low <= end < domain.high):
                remedy = f"leave such units out with mask=, or transform {each.name}"
                raise _outside(loss, each, f"{domain.says} everywhere", end, remedy)
        if domain.whole and tensor.is_floating_point():
            broken = tensor[tensor != tensor.floor()]
            broken = broken[~broken.isnan()]
            if broken.numel():
                remedy = f"pass {each.name}.round() if it is a count"
                raise _outside(loss, each, f"{domain.says} everywhere", broken[0].item(), remedy)


def indices(loss: Loss, each: Input, tensor: Tensor, classes: int) -> None:
    """An index from 0 to classes - 1."""
    low, high = span(tensor)
    if low < 0 or high >= classes:
        raise _outside(
            loss,
            each,
            f"class indices from 0 to {classes - 1}",
            low if low < 0 else high,
            "leave such units out with mask= or ignore_index=, or give the logits more classes",
        )


def rows(loss: Loss, each: Input, tensor: Tensor, axis: int | None) -> None:
    """Probabilities that sum to 1 along ``axis``."""
    low, high = span(tensor)
    slack = 4 * torch.finfo(tensor.dtype).eps + ROW_SLACK
    if low < 0 or high > 1 + slack:
        scale = " or logits with target_inputs='logits'" if each.kind.form is Form.DISTRIBUTION else ""
        remedy = f"pass probabilities{scale}"
        raise _outside(loss, each, "probabilities from 0 to 1", low if low < 0 else high, remedy)
    assert axis is not None
    low, high = span(tensor.sum(axis, dtype=torch.float64))
    if low < 1 - slack or high > 1 + slack:
        worst = low if low < 1 - slack else high
        raise _outside(
            loss, each, "rows that sum to 1", worst, f"pass {each.name} / {each.name}.sum({axis}, True)"
        )


def log_rows(loss: Loss, each: Input, tensor: Tensor, axis: int | None) -> None:
    """Log-probabilities whose exponentials sum to 1 along ``axis``."""
    assert axis is not None
    slack = 4 * torch.finfo(tensor.dtype).eps + ROW_SLACK
    low, high = span(tensor.to(torch.float64).logsumexp(axis))
    if low < -slack or high > slack:
        worst = low if low < -slack else high
        remedy = f"pass {each.name}.log_softmax({axis}), or logits with inputs='logits'"
        raise _outside(loss, each, "rows whose log-sum-exp is 0", worst, remedy)


def likelihood(loss: Loss, each: Input, tensor: Tensor, how: str) -> None:
    """Probabilities of 1, or their logarithms."""
    low, high = span(tensor)
    if how == "probabilities" and (low < 0 or high > 1):
        raise _outside(
            loss,
            each,
            "probabilities from 0 to 1",
            low if low < 0 else high,
            "pass logits with inputs='logits'",
        )
    if how == "log_probabilities" and high > 0:
        raise _outside(loss, each, "log-probabilities of at most 0", high, "pass logits with inputs='logits'")


def mass(loss: Loss, each: Input, tensor: Tensor) -> None:
    """Finite masses of at least 0, and more than nothing in every set."""
    weights(f"{loss.name}({each.name})", tensor)
    low, _ = span(tensor.sum(-1))
    if low <= 0:
        raise _outside(loss, each, "at least one positive mass in every set", low, "mask a set that is empty")


def weights(subject: str, tensor: Tensor) -> float:
    """Finite weights of at least 0, which an error calls ``subject``.

    Returns:
        The least of them, so that the caller knows whether one is 0.
    """
    if tensor.numel() == 0 or tensor.dtype is torch.bool:
        return 0.0
    ends = torch.aminmax(tensor.detach() if tensor.requires_grad else tensor)
    low, high = ends.min.item(), ends.max.item()
    if not (low >= 0 and high < float("inf")):  # NaN is neither
        wrong = "NaN" if low != low else f"{low if low < 0 else high:g}"
        raise DomainError(
            sentence(
                subject,
                expected="finite numbers of at least 0",
                got=wrong,
                remedy="mask what should not count",
            )
        )
    return low


def class_weights(loss: Loss, tensor: Any, classes: int, target: Tensor) -> None:
    """One weight per class, where the target is. The values are judged by ``weights``."""
    if not isinstance(tensor, Tensor) or tensor.device != target.device:
        raise DtypeError(
            sentence(
                f"{loss.name}(class_weight)",
                expected=f"a tensor on {target.device}",
                got=f"one on {tensor.device}" if isinstance(tensor, Tensor) else type(tensor).__name__,
                remedy=f"pass torch.as_tensor(class_weight, device={str(target.device)!r})",
            )
        )
    if tensor.shape != (classes,):
        raise ShapeError(
            sentence(
                f"{loss.name}(class_weight)",
                expected=f"shape ({classes},), one weight per class",
                got=f"shape {tuple(tensor.shape)}",
                remedy="give one weight per class",
            )
        )


def per_label(loss: Loss, hyper: Mapping[str, Any], samples: Size, live: bool) -> None:
    """A hyper-parameter given as a tensor: one number, or one per label on the last axis; in its domain."""
    for each in loss.hyper:
        value = hyper[each.name]
        if not isinstance(value, Tensor):
            continue
        if value.ndim and value.shape != samples[-1:]:
            raise ShapeError(
                sentence(
                    f"{loss.name}({each.name})",
                    expected=f"a number, or shape {tuple(samples[-1:])} for the labels on the last axis",
                    got=f"shape {tuple(value.shape)}",
                    remedy="give one value per label",
                )
            )
        if live and value.numel() and isinstance(each.domain, NumberOrTensor):
            allowed = each.domain.each
            low, high = span(value.detach())
            wrong = low if not allowed.holds(low) else high
            if value.isnan().any() or not allowed.holds(wrong):
                got = "NaN" if value.isnan().any() else f"{wrong:g}"
                subject = f"{loss.name}({each.name})"
                raise DomainError(
                    sentence(subject, expected=allowed.says, got=got, remedy="choose one inside")
                )


def per_class(loss: Loss, hyper: Mapping[str, Any], classes: int, live: bool) -> None:
    """A hyper-parameter with a number for every class: its size, the values of a tensor, the inverse of a table."""
    for each in loss.hyper:
        value, domain = hyper[each.name], each.domain
        if not isinstance(domain, PerClass) or value is None:
            continue
        given = tuple(value.shape) if isinstance(value, Tensor) else (len(value),) * domain.axes
        if given != (classes,) * domain.axes:
            raise ShapeError(
                sentence(
                    f"{loss.name}({each.name})",
                    expected=f"shape {(classes,) * domain.axes} for {classes} classes",
                    got=f"shape {given}",
                    remedy="give one number per class" if domain.axes == 1 else "give one row per true class",
                )
            )
        # The numbers of a sequence were judged with the other settings.
        if live and classes and (isinstance(value, Tensor) or domain.invertible):
            wrong = _table(domain, torch.as_tensor(value))
            if wrong:
                remedy = "mend it, or leave a class that cannot occur out of the network"
                subject = f"{loss.name}({each.name})"
                raise DomainError(sentence(subject, expected=domain.says, got=wrong, remedy=remedy))


def _table(domain: PerClass, table: Tensor) -> str:
    """What is wrong with numbers per class; nothing where nothing is."""
    slack = ROW_SLACK + (4 * torch.finfo(table.dtype).eps if table.is_floating_point() else 0.0)
    table = table.to(torch.float64)
    if table.isnan().any():
        return "NaN"
    for end in span(table):
        if not domain.each.holds(end):
            return f"{end:g}"
    if domain.stochastic:
        low, high = span(table.sum(-1))
        if low < 1 - slack or high > 1 + slack:
            return f"a row that adds up to {low if low < 1 - slack else high:g}"
    if domain.invertible and int(torch.linalg.matrix_rank(table)) < len(table):
        return "one without an inverse"
    return ""


def _outside(loss: Loss, each: Input, expected: str, got: float, remedy: str) -> CallError:
    return DomainError(
        sentence(f"{loss.name}({each.name})", expected=expected, got=f"{got:g}", remedy=remedy)
    )
