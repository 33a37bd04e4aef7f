"""The promise about ranks: a mean over real processes is the mean of the whole batch, whatever each rank was given.

It starts processes, so it stands beside the other promises and not among them: ``ranks_sum_to_the_whole`` takes many
losses at once and starts its two processes for all of them.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.multiprocessing.spawn import start_processes
from torch.nn.parallel import DistributedDataParallel

from ..core import registry, world
from .agree import same
from .draw import Case
from .subject import Subject

#: How a batch of 7 is shared: unevenly, and so that one rank has nothing that counts, or nothing at all.
SPLITS = ((5, 2), (7, 0))
RANKS = 2


class Affine(nn.Module):
    """The least model there is: two numbers between the data and the loss."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(1.25, dtype=torch.float64))
        self.shift = nn.Parameter(torch.tensor(0.125, dtype=torch.float64))

    def forward(self, first: Tensor) -> Tensor:
        return first * self.scale + self.shift


def ranks_sum_to_the_whole(names: Sequence[str], seed: int = 0) -> list[str]:
    """Train one step of every loss on two gloo ranks with DistributedDataParallel, and on the whole batch.

    Returns:
        One sentence for every loss, split and measure whose gradients or reported value differ.
    """
    with tempfile.TemporaryDirectory() as folder:
        start_processes(_rank, (folder, tuple(names), seed), nprocs=RANKS, start_method="spawn")  # type: ignore[no-untyped-call]
        return Path(folder, "found").read_text().splitlines()


def _rank(rank: int, folder: str, names: Sequence[str], seed: int) -> None:
    torch.set_num_threads(1)
    store = dist.FileStore(f"{folder}/meet", RANKS)  # type: ignore[attr-defined]
    dist.init_process_group("gloo", store=store, rank=rank, world_size=RANKS)
    model = DistributedDataParallel(Affine())
    found = [wrong for name in names for wrong in _examine(name, model, rank, seed)]
    if rank == 0:
        Path(folder, "found").write_text("\n".join(found))
    dist.barrier()
    dist.destroy_process_group()
    # All is written. The interpreter's own end races with gloo's threads, and a rank that loses it aborts.
    os._exit(0)


def _examine(name: str, model: nn.Module, rank: int, seed: int) -> Iterator[str]:
    """Every rank draws the same batch and keeps its own rows; the first, which is heard, compares."""
    function = registry.get(name)
    subject = Subject(function, torch.Generator().manual_seed(seed))
    together = "gather" if function.loss.facts.coupled else "group"
    for split in SPLITS:
        case = subject.case(7, dtype=torch.float64)
        mine = slice(0, split[0]) if rank == 0 else slice(split[0], 7)
        late = torch.arange(7) < split[0]
        for ways in (*subject.measures(case, torch.float64), {"mask": late}):
            own = {option: each if option == "class_weight" else each[mine] for option, each in ways.items()}
            found, part, _ = _step(model, case.rows(mine), {**own, together: True})
            reported = part if together == "gather" else world.report(part, True)
            summed, _, _ = _step(Affine(), case.rows(mine), {**own, together: world.Summed()})
            dist.all_reduce(summed)
            if rank:
                continue
            wanted, value, size = _step(Affine(), case, ways)
            if not (_alike(found, wanted, size) and same(reported, value, 64)):
                yield (f"{name}, rows {split}, {sorted(ways) or 'nothing'}: gradient {found.tolist()} where the whole "
                       f"batch has {wanted.tolist()}; value {reported.item():.9g}, {value.item():.9g}")  # fmt: skip
            if not _alike(summed, wanted, size):
                yield f"{name}, rows {split}, {sorted(ways) or 'nothing'}: gradients that are added do not add up"


def _alike(found: Tensor, wanted: Tensor, size: Tensor) -> bool:
    """Whether two sums are the same but for rounding, which is counted in the terms that they are sums of."""
    return same(found, wanted, 64) or bool(
        ((found - wanted).abs() <= 64 * torch.finfo(size.dtype).eps * size).all()
    )


def _step(model: nn.Module, case: Case, options: dict[str, Any]) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of the two parameters, the value, and the size of the terms that each gradient is the sum of."""
    model.zero_grad()
    _, *rest = case.inputs
    outputs = raw = model(case.first)
    raw.retain_grad()
    kind = case.loss.inputs[0].kind
    if (
        kind.domain is not None
    ):  # every domain of predictions holds the positive numbers, or those from -1 to 1
        outputs = outputs.tanh() if kind.limited else outputs.exp()
    moved = Case(case.function, (outputs, *rest), case.hyper, case.samples)
    value = moved(**options)
    torch.autograd.backward(value)
    gradients = [each.grad for each in model.parameters()]
    terms = torch.zeros_like(raw) if raw.grad is None else raw.grad
    size = torch.stack([(terms * case.first).abs().sum(), terms.abs().sum()])
    return torch.stack([each for each in gradients if each is not None]), value.detach(), size
