"""torch.compile with its default backend, on one loss of every unit: what the promises compile is not fused."""

from __future__ import annotations

import pytest
import torch

import lossary
from lossary.doctor.promises.autograd import compiled_agrees
from lossary.doctor.subject import Subject

pytestmark = pytest.mark.filterwarnings(
    r"ignore:.*torch\.jit.*:DeprecationWarning",
    "ignore::DeprecationWarning",
    "ignore::FutureWarning",
    "ignore:.*boundary tensor is non-contiguous:UserWarning",  # Inductor's own choice of strides
)

ONE_A_UNIT = ("mse", "cross_entropy", "dice", "triplet", "triplet_batch_hard", "wasserstein_1d")


def test_every_unit_has_a_loss_here() -> None:
    assert {lossary.get(name).loss.unit for name in ONE_A_UNIT} == {
        lossary.get(name).loss.unit for name in lossary.names()
    }


@pytest.mark.parametrize("name", ONE_A_UNIT)
def test_inductor_gives_the_eager_value_and_gradient(name: str) -> None:
    subject = Subject(lossary.get(name), torch.Generator().manual_seed(0))
    case = subject.case(6)
    compiled_agrees(case, "inductor", weight=subject.weight(case), mask=subject.mask(case))
