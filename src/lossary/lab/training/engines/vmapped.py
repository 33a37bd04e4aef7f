"""A network of any layers for many weights at once, as torch's own `vmap` runs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.func import functional_call, vmap

from lossary.lab.training.engines.stack import Weights
from lossary.lab.training.networks import Network


class Vmapped(Weights):
    """Members of a stream share its rows; nothing else does. Forward and back as `Stack`, by autograd."""

    def __init__(
        self, network: Network, streams: Sequence[tuple[int, int]], width: int, dtype: torch.dtype
    ) -> None:
        super().__init__(network, streams, width, dtype)
        self._learned = {
            name: each.view(self.streams, width, *each.shape[1:]).requires_grad_()
            for name, each in self.named(self.weights).items()
        }
        self._slopes = self.named(self.gradient)

    def forward(
        self, x: Tensor, masks: Mapping[str, Tensor] | None = None, *, learning: bool = False
    ) -> Tensor:
        """Raw outputs (members, K, rows) for x (streams, rows, ...); `learning` keeps what `backward` needs."""
        dropped = {f"{name}.mask": mask for name, mask in (masks or {}).items()}
        self.module.train(learning)

        def one(weights: dict[str, Tensor], dropped: dict[str, Tensor], rows: Tensor) -> Tensor:
            out: Tensor = functional_call(self.module, {**weights, **dropped}, (rows,))
            return out

        of_a_stream = vmap(one, in_dims=(0, None, None))
        with torch.set_grad_enabled(learning):
            self._out = vmap(of_a_stream)(self._learned, dropped, x).flatten(0, 1)
        return self._out.detach().mT

    def backward(self, slope: Tensor) -> None:
        """Write into `gradient` what follows from `slope` (members, K, rows)."""
        found = torch.autograd.grad(
            self._out, list(self._learned.values()), slope.mT, allow_unused=True, materialize_grads=True
        )
        for into, each in zip(self._slopes.values(), found, strict=True):
            into.copy_(each.flatten(0, 1))
