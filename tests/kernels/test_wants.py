"""What kernels want of a call is said once, and what is no batch is left for the loss to refuse."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

import lossary
from lossary import doctor
from lossary.core.errors import BackendError, LossaryError
from lossary.kernels import ATTACHED, attached, wants

CHUNKED = [
    name for name in ATTACHED if "chunked" in {each.backend for each in attached(lossary.get(name).loss)}
]
every = pytest.mark.parametrize("name", CHUNKED)


def batch(name: str) -> tuple[Tensor, Tensor]:
    """Six samples, with labels where the loss takes them."""
    two = len(lossary.get(name).loss.inputs) == 2 and lossary.get(name).loss.inputs[1].name != "labels"
    return torch.randn(6, 3), torch.randn(6, 3) if two else torch.arange(6) % 2


@every
def test_each_want_that_is_not_met_is_named(name: str) -> None:
    loss: Any = lossary.get(name)
    first, second = batch(name)
    met = {each.expected: each.got for each in wants.WANTS}
    assert loss(first, second, backend="chunked").isfinite()
    with pytest.raises(BackendError, match=met["a plain call"]):
        torch.func.grad(lambda x: loss(x, second, backend="chunked"))(first)
    with pytest.raises(BackendError, match=met["tensors with values"]):
        loss(first.to("meta"), second.to("meta"), backend="chunked")
    with torch.autograd.forward_ad.dual_level(), pytest.raises(BackendError, match="forward-mode"):
        loss(first, second, backend="chunked")


@every
@pytest.mark.parametrize("backend", ["auto", "chunked", "triton"])
@pytest.mark.parametrize(
    "spoilt", [torch.tensor(1.0), torch.randn(600), [[1.0, 2.0]]], ids=["a number", "a row", "a list"]
)
def test_what_is_no_batch_is_refused_in_the_houses_words(name: str, backend: str, spoilt: Any) -> None:
    with pytest.raises(LossaryError):
        lossary.get(name)(spoilt, batch(name)[1], backend=backend)


def test_a_kernel_is_excused_from_what_it_refuses() -> None:
    found = doctor.examine(lossary.get("info_nce"), wants.TRANSFORMS, backend="chunked")
    assert {promise for promise, _ in found.exempt} == set(wants.TRANSFORMS)
