"""How fast a network's outputs change with its inputs: a price on the Jacobian, which no loss of outputs alone sees."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from lossary.core.domains import Whole
from lossary.core.errors import DomainError, DtypeError, ShapeError, sentence


def jacobian_penalty(
    network: Callable[[Tensor], Tensor],
    inputs: Tensor,
    *,
    projections: int | None = 1,
    generator: torch.Generator | None = None,
) -> Tensor:
    """The squared Frobenius norm of d outputs / d inputs, averaged over the rows of a batch.

    Hoffman, Roberts and Yaida (2019), "Robust learning with Jacobian regularization", arXiv 1908.02729: half of it,
    times a factor, is added to the loss.

    Args:
        network: from (N, ...) to (N, C), each row by itself.
        inputs: (N, ...) floating.
        projections: random directions of the outputs for an unbiased estimate, each one backward pass; None: the norm
            itself, in C passes.
        generator: of the directions.

    Returns:
        A 0-d tensor with a graph to the network's parameters; 0 for an empty batch.

    Raises:
        ShapeError: the outputs are not (N, C). DtypeError: the inputs are not floating.
        DomainError: ``projections`` is no whole number above 0.
    """
    if projections is not None and not Whole(1).holds(projections):
        raise DomainError(
            sentence(
                "jacobian_penalty(projections=...)",
                expected="a whole number of at least 1, or None",
                got=repr(projections),
                remedy="1 is what the paper uses",
            )
        )
    given: object = inputs
    if not isinstance(given, Tensor) or not given.is_floating_point():
        raise DtypeError(
            sentence(
                "jacobian_penalty(inputs)",
                expected="a floating tensor",
                got=str(given.dtype) if isinstance(given, Tensor) else type(given).__name__,
                remedy="pass inputs that the outputs have a derivative by, such as embeddings",
            )
        )
    # Where nobody asked for a graph, as in validation, the derivative is still taken and the graph let go.
    with torch.enable_grad():
        found = _norm(network, inputs.detach().requires_grad_(), projections, generator)
    return found if torch.is_grad_enabled() else found.detach()


def _norm(
    network: Callable[[Tensor], Tensor],
    leaf: Tensor,
    projections: int | None,
    generator: torch.Generator | None,
) -> Tensor:
    outputs: Any = network(leaf)
    if not isinstance(outputs, Tensor) or outputs.ndim != 2 or len(outputs) != len(leaf):
        single = isinstance(outputs, Tensor) and outputs.shape == leaf.shape[:1]
        raise ShapeError(
            sentence(
                "jacobian_penalty(network)",
                expected=f"outputs (N, C) for inputs of {len(leaf)} rows",
                got=f"shape {tuple(outputs.shape)}"
                if isinstance(outputs, Tensor)
                else type(outputs).__name__,
                remedy="give it an axis with .unsqueeze(-1)"
                if single
                else "flatten them to one row a sample",
            )
        )
    rows, width = outputs.shape
    total = torch.zeros((), dtype=torch.promote_types(leaf.dtype, torch.float32), device=leaf.device)
    if rows == 0:
        return outputs.sum().to(total.dtype)
    if not outputs.requires_grad:  # one constant, whatever comes in
        return total
    for direction in _directions(outputs, width, projections, generator):
        (pull,) = torch.autograd.grad(outputs, leaf, direction, create_graph=True, allow_unused=True)
        if pull is not None:  # else the outputs do not depend on the inputs
            total = total + pull.to(total.dtype).square().sum()
    return total / rows * (1.0 if projections is None else width / projections)


def _directions(
    outputs: Tensor, width: int, projections: int | None, generator: torch.Generator | None
) -> list[Tensor]:
    """Every axis of the outputs in turn, or directions drawn evenly from the sphere for each row."""
    if projections is None:
        axes = torch.eye(width, dtype=outputs.dtype, device=outputs.device)
        return [axis.expand_as(outputs) for axis in axes]
    drawn = torch.randn(
        (projections, *outputs.shape), generator=generator, dtype=outputs.dtype, device=outputs.device
    )
    return list(drawn / drawn.norm(dim=-1, keepdim=True))
