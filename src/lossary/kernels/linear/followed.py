"""Gradients by autograd, of the same values in plain operations: for a third derivative, and for many at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor

#: Whether the gradient in hidden, weight and bias is asked for.
Wanted = tuple[bool, bool, bool]
#: hidden, weight, bias -> one value per unit, in operations that autograd follows.
Plain = Callable[[Tensor, Tensor, Tensor | None], Tensor]
Some = tuple[Tensor | None, ...]


def gradient(plain: Plain, factor: Tensor, head: Some, wanted: Wanted) -> Some:
    """The gradient of Σ factor · value in hidden, weight and bias."""
    create_graph = torch.is_grad_enabled()
    hidden, weight, bias = head
    assert hidden is not None and weight is not None
    with torch.enable_grad():
        asked = list(_where(wanted, head))
        value = plain(hidden, weight, bias)
        found = torch.autograd.grad(value, asked, factor, create_graph=create_graph)
    return _back(wanted, head, found)


def product(plain: Plain, inputs: Some, wanted: Wanted, toward: Some, needs: tuple[bool, ...]) -> Some:
    """The gradient of ⟨gradient, toward⟩ in factor, hidden, weight and bias, which are ``inputs``."""
    create_graph = torch.is_grad_enabled()
    with torch.enable_grad():
        # What it is multiplied with may depend on the same tensors; views of them tell that dependence from this one.
        inputs = tuple(None if each is None else each.view_as(each) for each in inputs)
        factor, *head = inputs
        assert factor is not None
        first = gradient(plain, factor, tuple(head), wanted)
        both = zip(first, toward, strict=True)
        bent = [(a, b) for a, b in both if a is not None and b is not None and a.requires_grad]
        asked = list(_where(needs, inputs))
        if not bent:
            return (None,) * len(inputs)
        ones, others = zip(*bent, strict=True)
        found = torch.autograd.grad(ones, asked, others, create_graph=create_graph, allow_unused=True)
    return _back(needs, inputs, found)


def _where(wanted: tuple[bool, ...], inputs: Some) -> Iterator[Tensor]:
    """The inputs that are wanted and there."""
    return (each for each, want in zip(inputs, wanted, strict=True) if want and each is not None)


def _back(wanted: tuple[bool, ...], inputs: Some, found: Iterable[Tensor | None]) -> Some:
    """What was found for those, in their places."""
    rest = iter(found)
    return tuple(
        next(rest) if want and each is not None else None for each, want in zip(inputs, wanted, strict=True)
    )
