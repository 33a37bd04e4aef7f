"""A price on a critic's slope between real and generated rows, without which its scores grow and measure nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from lossary.core.errors import DtypeError, OptionError, ShapeError, sentence
from lossary.losses.metric.distance import length


def gradient_penalty(
    critic: Callable[[Tensor], Tensor],
    real: Tensor,
    generated: Tensor,
    *,
    sides: int = 2,
    generator: torch.Generator | None = None,
) -> Tensor:
    """(|d score / d row| - 1)², averaged over a random point between each real row and a generated one.

    Gulrajani et al. (2017), "Improved training of Wasserstein GANs", arXiv 1704.00028, equation 3: ten times it is
    added to the critic's loss. Rows get no gradient from it, only the critic's parameters.

    Args:
        critic: from (N, ...) to (N,) or (N, 1), each row by itself, so without batch normalisation.
        real, generated: (N, ...) floating, of one shape.
        sides: 2, as the paper has it, or 1: slopes below 1 cost nothing.
        generator: of the points.

    Returns:
        A 0-d tensor with a graph to the critic's parameters; 0 for an empty batch.

    Raises:
        ShapeError: the rows differ in shape, or the scores are not one per row. DtypeError: rows are not floating or
        differ in dtype. OptionError: ``sides`` is neither 1 nor 2.
    """
    _check(real, generated, sides)
    real, generated = real.detach(), generated.detach()
    shape = (len(real), *(1,) * (real.ndim - 1))
    wide = torch.promote_types(real.dtype, torch.float32)
    share = torch.rand(shape, generator=generator, dtype=wide, device=real.device).to(real.dtype)
    # Where nobody asked for a graph, as in validation, the derivative is still taken and the graph let go.
    with torch.enable_grad():
        found = _penalty(critic, (share * real + (1.0 - share) * generated).requires_grad_(), sides)
    return found if torch.is_grad_enabled() else found.detach()


def _penalty(critic: Callable[[Tensor], Tensor], between: Tensor, sides: int) -> Tensor:
    scores: Any = critic(between)
    rows = len(between)
    if not isinstance(scores, Tensor) or scores.shape not in ((rows,), (rows, 1)):
        raise ShapeError(
            sentence(
                "gradient_penalty(critic)",
                expected=f"one score per row, ({rows},) or ({rows}, 1)",
                got=f"shape {tuple(scores.shape)}" if isinstance(scores, Tensor) else type(scores).__name__,
                remedy="let the critic end in a layer of one output",
            )
        )
    wide = torch.promote_types(between.dtype, torch.float32)
    if rows == 0:
        return scores.sum().to(wide)
    slope = None
    if scores.requires_grad:
        (slope,) = torch.autograd.grad(scores.sum(), between, create_graph=True, allow_unused=True)
    if slope is None:  # the scores do not depend on the rows
        slope = torch.zeros_like(between)
    excess = length(slope.to(wide).flatten(1)) - 1.0
    return (excess if sides == 2 else torch.relu(excess)).square().mean()


def _check(real: object, generated: object, sides: object) -> None:
    for name, tensor in (("real", real), ("generated", generated)):
        if not isinstance(tensor, Tensor) or not tensor.is_floating_point():
            raise DtypeError(
                sentence(
                    f"gradient_penalty({name})",
                    expected="a floating tensor",
                    got=str(tensor.dtype) if isinstance(tensor, Tensor) else type(tensor).__name__,
                    remedy="pass rows that the scores have a derivative by, such as embeddings",
                )
            )
    assert isinstance(real, Tensor) and isinstance(generated, Tensor)
    if real.shape != generated.shape or real.ndim == 0:
        raise ShapeError(
            sentence(
                "gradient_penalty(real, generated)",
                expected="as many real as generated rows, of one shape",
                got=f"shapes {tuple(real.shape)} and {tuple(generated.shape)}",
                remedy="cut the larger batch to the size of the smaller one",
            )
        )
    if real.dtype != generated.dtype:
        raise DtypeError(
            sentence(
                "gradient_penalty(real, generated)",
                expected="one dtype",
                got=f"{real.dtype} and {generated.dtype}",
                remedy=f"pass generated.to({real.dtype})",
            )
        )
    if isinstance(sides, bool) or sides not in (1, 2):
        raise OptionError(
            sentence(
                "gradient_penalty(sides=...)", expected="1 or 2", got=repr(sides), remedy="2 is the paper's"
            )
        )
