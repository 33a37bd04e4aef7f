"""Whether what the ranks found is what one process found."""

from __future__ import annotations

import torch
from torch import Tensor


def close(found: Tensor | None, wanted: Tensor | None, what: str) -> list[str]:
    """A sentence where two tensors differ by more than rounding."""
    assert found is not None and wanted is not None
    if torch.allclose(found.double(), wanted.double(), rtol=1e-10, atol=1e-12):
        return []
    return [f"{what}: {(found - wanted).abs().max().item():.3g} apart"]
