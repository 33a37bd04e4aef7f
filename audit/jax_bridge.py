"""A function of JAX arrays as one of torch tensors, with the derivative that JAX has for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def bridged(function: Callable[..., Any], tensors: dict[str, Tensor]) -> Tensor:
    """`function(**tensors)`, computed and differentiated by JAX."""
    found: Tensor = _Bridge.apply(function, tuple(tensors), *tensors.values())  # type: ignore[no-untyped-call]
    return found


class _Bridge(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, function: Callable[..., Any], names: tuple[str, ...], *tensors: Tensor) -> Tensor:
        import jax  # type: ignore[import-not-found,unused-ignore]

        # JAX's users leave this off unless they want float64, and dtypes that nobody names follow it.
        jax.config.update("jax_enable_x64", any(each.dtype is torch.float64 for each in tensors))
        floating = [name for name, each in zip(names, tensors, strict=True) if each.is_floating_point()]
        arrays = dict(zip(names, map(_to_jax, tensors), strict=True))
        fixed = {name: each for name, each in arrays.items() if name not in floating}

        def call(*given: Any) -> Any:
            return function(**fixed, **dict(zip(floating, given, strict=True)))

        value, ctx.backwards = jax.vjp(call, *(arrays[name] for name in floating))
        ctx.places = [names.index(name) for name in floating]
        ctx.shapes, ctx.dtypes = [each.shape for each in tensors], [each.dtype for each in tensors]
        ctx.jax_dtype = value.dtype
        return _to_torch(value)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        found = ctx.backwards(_to_jax(gradients[0]).astype(ctx.jax_dtype))
        parts: list[Tensor | None] = [None] * len(ctx.shapes)
        for place, each in zip(ctx.places, found, strict=True):
            parts[place] = _to_torch(each).to(ctx.dtypes[place])
        return None, None, *parts


def _to_jax(tensor: Tensor) -> Any:
    import jax.numpy as jnp  # type: ignore[import-not-found,unused-ignore]

    tensor = tensor.detach()
    if tensor.dtype in (torch.bfloat16, torch.float16):
        return jnp.asarray(tensor.float().numpy()).astype(str(tensor.dtype).removeprefix("torch."))
    return jnp.asarray(tensor.numpy())


def _to_torch(array: Any) -> Tensor:
    import numpy as np

    dtype = getattr(torch, str(array.dtype))
    wide = array.astype("float32") if dtype in (torch.bfloat16, torch.float16) else array
    return torch.from_numpy(np.array(wide)).to(dtype)
