"""Kernels over real gloo ranks: three processes, and two of them as a group of their own, against one process.

    python over_ranks.py

Prints what differs, and ends with 1 where something does. A program of its own: ranks are forked from it before
it has threads, so torch is imported once.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch import distributed as dist
from torch.multiprocessing import start_processes  # type: ignore[attr-defined]

import lossary
from lossary.core.errors import OptionError

RANKS = 3
#: How the classes lie on the ranks of each group: unequal, and one of them with a single class.
SPLITS = {2: (4, 7), 3: (1, 6, 4)}
ROWS, FEATURES, CLASSES = 7, 5, 11


def close(found: Tensor | None, wanted: Tensor | None, what: str) -> list[str]:
    """A sentence where two tensors differ by more than rounding."""
    assert found is not None and wanted is not None
    if torch.allclose(found.double(), wanted.double(), rtol=1e-10, atol=1e-12):
        return []
    return [f"{what}: {(found - wanted).abs().max().item():.3g} apart"]


def drawn() -> dict[str, Tensor]:
    """One head and its rows, the same on every rank."""
    made = torch.Generator().manual_seed(3)
    hidden = torch.randn(ROWS, FEATURES, generator=made, dtype=torch.float64)
    hidden[2] *= 40.0  # a row that is sure
    return {
        "hidden": hidden,
        "weight": torch.randn(CLASSES, FEATURES, generator=made, dtype=torch.float64),
        "bias": torch.randn(CLASSES, generator=made, dtype=torch.float64),
        "target": torch.randint(CLASSES, (ROWS,), generator=made),
        "class_weight": torch.rand(CLASSES, generator=made, dtype=torch.float64) + 0.5,
        "row_weight": torch.rand(ROWS, generator=made, dtype=torch.float64),
    }


def settings(given: dict[str, Tensor]) -> dict[str, dict[str, object]]:
    """Calls of cross-entropy behind a head, by what is asked of them."""
    mask = torch.tensor([True, True, False, True, True, True, False])
    return {
        "plain": {},
        "all options": {
            "class_weight": given["class_weight"], "row_weight": given["row_weight"], "mask": mask,
            "label_smoothing": 0.1, "z_loss": 1e-2, "soft_cap": 20.0, "rows": 2,
        },
        "smoothing alone": {"label_smoothing": 0.2, "reduction": "sum"},
        "none": {"reduction": "none", "z_loss": 0.1},
        "nothing counts": {"mask": torch.zeros(ROWS, dtype=torch.bool)},
    }  # fmt: skip


def sharded(group: dist.ProcessGroup, split: tuple[int, ...]) -> list[str]:
    """Value, gradients and Hessian-vector products of this rank's classes against those of all of them."""
    rank, wrong = dist.get_rank(group), []
    mine = slice(sum(split[:rank]), sum(split[: rank + 1]))
    given = drawn()
    names = ("hidden", "weight", "bias")
    for what, options in settings(given).items():
        whole = [given[name].clone().requires_grad_() for name in names]
        hidden, weight, bias = whole
        wanted = lossary.linear_cross_entropy(
            hidden, weight, given["target"], bias, backend="eager", **options
        )
        part = [given["hidden"].clone(), given["weight"][mine].clone(), given["bias"][mine].clone()]
        hidden, weight, bias = (each.requires_grad_() for each in part)
        found = lossary.linear_cross_entropy(
            hidden, weight, given["target"], bias, class_group=group, **options
        )
        wrong += close(found, wanted, f"{what}, value")
        first = torch.autograd.grad(wanted.square().sum(), whole, create_graph=True)
        mine_first = torch.autograd.grad(found.square().sum(), part, create_graph=True)
        cut = (slice(None), mine, mine)
        for name, a, b, here in zip(names, mine_first, first, cut, strict=True):
            wrong += close(a, b[here], f"{what}, gradient of {name}")
        # Each rank's part of <gradient, gradient>; that of the rows, which all hold, counts once.
        second = torch.autograd.grad(sum(each.square().sum() for each in first), whole)
        parts = mine_first[0].square().sum() + sum(each.square().sum() for each in mine_first[1:])
        mine_second = torch.autograd.grad(parts, part)
        for name, a, b, here in zip(names, mine_second, second, cut, strict=True):
            wrong += close(a, b[here], f"{what}, second derivative of {name}")
    return wrong


def frozen(group: dist.ProcessGroup, split: tuple[int, ...]) -> list[str]:
    """Nothing wants a gradient, half precision, and a soft target that no slice can hold."""
    rank = dist.get_rank(group)
    mine = slice(sum(split[:rank]), sum(split[: rank + 1]))
    given = drawn()
    hidden, weight, target = given["hidden"].bfloat16(), given["weight"].bfloat16(), given["target"]
    wanted = lossary.linear_cross_entropy(hidden, weight, target)
    found = lossary.linear_cross_entropy(hidden, weight[mine], target, class_group=group)
    wrong = [] if torch.allclose(found, wanted, rtol=1e-5) else [f"bfloat16: {found} where one has {wanted}"]
    try:
        soft = torch.softmax(torch.randn(ROWS, CLASSES, dtype=torch.float64), -1)
        lossary.linear_cross_entropy(given["hidden"], given["weight"][mine], soft, class_group=group)
    except OptionError as error:
        said = "linear_cross_entropy(class_group=...): expected class indices, got a soft target"
        return wrong if str(error).startswith(said) else [*wrong, str(error)]
    return [*wrong, "a soft target was not refused"]


#: Contrastive losses in which blocks go round; those without a temperature here learn it.
RINGS: dict[str, dict[str, object]] = {
    "info_nce": {"temperature": 0.3},
    "clip": {},
    "siglip": {},
    "nt_xent": {"temperature": 0.5},
    "decoupled": {"temperature": 0.5},
    "supcon": {"temperature": 0.5},
}
#: How many samples each rank of a group has; the second group of three has a rank without any, and one with one.
BATCHES = {2: [(4, 3)], 3: [(2, 3, 4), (3, 0, 1)]}


def rings(group: dist.ProcessGroup, split: tuple[int, ...]) -> list[str]:
    """The batch that goes round against the batch on one process: values, gradients of samples and of settings."""
    wrong: list[str] = []
    for batch in BATCHES[len(split)]:
        for name, fixed in RINGS.items():
            for what in ("nothing", "weight and mask", "none"):
                wrong += ring(group, batch, name, fixed, what)
    return wrong


def ring(
    group: dist.ProcessGroup, batch: tuple[int, ...], name: str, fixed: dict[str, object], what: str
) -> list[str]:
    """One loss on one split."""
    rank, size, made = dist.get_rank(group), sum(batch), torch.Generator().manual_seed(len(name))
    mine = slice(sum(batch[:rank]), sum(batch[: rank + 1]))
    inputs = [torch.randn(size, FEATURES, generator=made, dtype=torch.float64) for _ in range(2)]
    if name == "supcon":
        inputs[1] = torch.arange(size) % 3  # some labels stand twice, on different ranks
    options: dict[str, object] = {"reduction": "none" if what == "none" else "mean"}
    cut = dict(options)
    if what == "weight and mask":
        weight = torch.rand(size, generator=made, dtype=torch.float64)
        mask = torch.rand(size, generator=made) < 0.7
        options |= {"weight": weight, "mask": mask}
        cut |= {"weight": weight[mine], "mask": mask[mine]}
    leaf = [torch.tensor(0.4, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    learn = "temperature" not in fixed
    settled = [dict(fixed) | ({"temperature": each} if learn else {}) for each in leaf]
    whole = [each.clone().requires_grad_(each.is_floating_point()) for each in inputs]
    part = [each[mine].clone().requires_grad_(each.is_floating_point()) for each in inputs]
    loss = lossary.get(name)
    wanted = loss(*whole, backend="eager", **settled[0], **options)
    found = loss(*part, backend="chunked", gather=group, **settled[1], **cut)
    said = f"{name} of {batch}, {what}"
    wrong = close(found, wanted, f"{said}, value")
    tilt = torch.arange(wanted.numel(), dtype=torch.float64).reshape(wanted.shape) + 1.0
    (wanted * tilt).sum().backward()
    (found * tilt).sum().backward()
    for a, b in zip(part, whole, strict=True):
        if b.is_floating_point():
            # What data-parallel wrappers average over the ranks.
            assert a.grad is not None and b.grad is not None
            wrong += close(a.grad / len(batch), b.grad[mine], f"{said}, gradient")
    if learn:
        assert leaf[1].grad is not None
        dist.all_reduce(leaf[1].grad, group=group)
        wrong += close(leaf[1].grad / len(batch), leaf[0].grad, f"{said}, gradient of the temperature")
    return wrong


def held(group: dist.ProcessGroup, split: tuple[int, ...]) -> list[str]:
    """No rank ever holds the samples of all."""
    from torch.utils._python_dispatch import TorchDispatchMode

    class Largest(TorchDispatchMode):
        most = 0

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            found = func(*args, **(kwargs or {}))
            for each in found if isinstance(found, (tuple, list)) else (found,):
                if isinstance(each, Tensor) and each.ndim == 2:
                    self.most = max(self.most, len(each))
            return found

    own = 5
    a, b = (torch.randn(own, FEATURES, requires_grad=True) for _ in range(2))
    watch = Largest()
    value = lossary.clip(a, b, backend="chunked", gather=group)
    with watch:
        value.backward()
    return [] if watch.most <= own else [f"a tensor of {watch.most} rows where a rank has {own} samples"]


CHECKS: tuple[Callable[[dist.ProcessGroup, tuple[int, ...]], list[str]], ...] = (sharded, frozen, rings, held)


def _rank(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    store = dist.FileStore(f"{folder}/meet", RANKS)  # type: ignore[attr-defined]
    dist.init_process_group("gloo", store=store, rank=rank, world_size=RANKS)
    pair, wrong = dist.new_group([0, 1]), []
    for check in CHECKS:
        wrong += [f"three ranks, {each}" for each in check(dist.group.WORLD, SPLITS[3])]
        if rank < 2:
            wrong += [f"two ranks, {each}" for each in check(pair, SPLITS[2])]
    Path(folder, f"found{rank}").write_text("\n".join(wrong))
    dist.barrier()
    dist.destroy_process_group()
    # All is written. The interpreter's own end races with gloo's threads, and a rank that loses it aborts.
    os._exit(0)


def main() -> int:
    """Start the ranks and print what they found."""
    with tempfile.TemporaryDirectory() as folder:
        start_processes(_rank, (folder,), nprocs=RANKS, start_method="fork")  # type: ignore[no-untyped-call]
        found = [Path(folder, f"found{rank}").read_text() for rank in range(RANKS)]
    print("\n".join(filter(None, found)))
    return int(any(found))


if __name__ == "__main__":
    sys.exit(main())
