"""A coupled loss over ranks is the loss of the whole batch, through real processes and DistributedDataParallel."""

from pathlib import Path

import pytest
import torch
from torch import distributed as dist
from torch import multiprocessing as mp
from torch import nn
from torch.nn.parallel import DistributedDataParallel

import lossary
from lossary.core.errors import OptionError

#: Rows of each rank: uneven, and in a second case a rank without any.
PARTS = {"uneven": (5, 3), "one rank empty": (8, 0)}


def batch() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    torch.manual_seed(1)
    x = torch.randn(8, 4, dtype=torch.float64)
    return x, torch.tensor([0, 1, 0, 2, 1, 2, 0, 1]), torch.rand(8) > 0.2


def encoder() -> nn.Module:
    torch.manual_seed(2)
    return nn.Linear(4, 3).double()


def rank_of_two(rank: int, store: str, sizes: tuple[int, int], out: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", store=dist.FileStore(store, 2), rank=rank, world_size=2)
    model = DistributedDataParallel(encoder())
    part = slice(0, sizes[0]) if rank == 0 else slice(sizes[0], None)
    x, labels, mask = (each[part] for each in batch())
    value = lossary.triplet_batch_hard(model(x), labels, mask=mask, gather=True)
    value.backward()
    if rank == 1:
        torch.save([value.detach(), *[each.grad for each in model.parameters()]], out)
    dist.destroy_process_group()


@pytest.mark.parametrize("sizes", PARTS.values(), ids=PARTS.keys())
def test_two_ranks_have_the_gradient_of_one_batch(sizes: tuple[int, int], tmp_path: Path) -> None:
    out = tmp_path / "grads"
    mp.spawn(rank_of_two, (str(tmp_path / "store"), sizes, str(out)), nprocs=2)  # type: ignore[no-untyped-call]
    model, (x, labels, mask) = encoder(), batch()
    value = lossary.triplet_batch_hard(model(x), labels, mask=mask)
    value.backward()
    expected = [value.detach(), *[each.grad for each in model.parameters()]]
    for there, here in zip(torch.load(out), expected, strict=True):
        torch.testing.assert_close(there, here, rtol=1e-12, atol=1e-14)


def test_gathering_without_a_job_is_refused() -> None:
    x, labels, _ = batch()
    with pytest.raises(OptionError, match=r"expected a process group of a running torch\.distributed job"):
        lossary.triplet_batch_hard(x, labels, gather=True)


def test_a_loss_that_compares_nothing_takes_no_gather() -> None:
    with pytest.raises(TypeError, match="gather"):
        lossary.mse(torch.zeros(2), torch.zeros(2), gather=True)  # type: ignore[call-arg]
