"""What `gather=` refuses. That ranks agree with one batch is a promise of the doctor, in tests/every_loss."""

import pytest
import torch

import lossary
from lossary.core.errors import OptionError


def test_gathering_without_a_job_is_refused() -> None:
    x, labels = torch.randn(4, 2), torch.tensor([0, 0, 1, 1])
    with pytest.raises(OptionError, match=r"expected a process group of a running torch\.distributed job"):
        lossary.triplet_batch_hard(x, labels, gather=True)


def test_a_loss_that_compares_nothing_takes_no_gather() -> None:
    with pytest.raises(TypeError, match="gather"):
        lossary.mse(torch.zeros(2), torch.zeros(2), gather=True)  # type: ignore[call-arg]


def test_units_of_many_ranks_are_nobody_s() -> None:
    x = torch.randn(4, 2)
    with pytest.raises(OptionError, match=r"clip\.units\(gather=\.\.\.\): expected no gather"):
        lossary.clip.units(x, x, gather=True)
