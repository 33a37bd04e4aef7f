"""How fast a network's outputs change with its inputs: a price on the Jacobian, which no loss of outputs alone sees."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from lossary.core.domains import Whole
from lossary.core.errors import DomainError, ShapeError, sentence


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
        ShapeError: the outputs are not (N, C). DomainError: ``projections`` is no whole number above 0.
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
    leaf = inputs.detach().requires_grad_()
    outputs = network(leaf)
    if outputs.ndim != 2 or len(outputs) != len(inputs):
        raise ShapeError(
            sentence(
                "jacobian_penalty(network)",
                expected=f"outputs (N, C) for inputs of {len(inputs)} rows",
                got=f"shape {tuple(outputs.shape)}",
                remedy="flatten them to one row a sample",
            )
        )
    rows, width = outputs.shape
    if rows == 0:
        return outputs.sum()
    total = outputs.new_zeros(())
    for direction in _directions(outputs, width, projections, generator):
        (pull,) = torch.autograd.grad(outputs, leaf, direction, create_graph=True)
        total = total + pull.square().sum()
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
