"""Kernels over real gloo ranks: three processes, and two of them as a group of their own, against one process.

    python over_ranks.py

Prints what differs, and ends with 1 where something does. A program of its own: ranks are forked from it before
it has threads, so torch is imported once. What is asked of contrastive losses stands in ``rings.py``.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import rings
import torch
from agree import close
from torch import Tensor
from torch import distributed as dist
from torch.multiprocessing import start_processes  # type: ignore[attr-defined]

import lossary
from lossary.core.errors import CallError, LossaryError, OptionError
from lossary.kernels.linear import crossed

RANKS = 3
#: How the classes lie on the ranks of each group: unequal, and one of them with a single class.
SPLITS = {2: (4, 7), 3: (1, 6, 4)}
ROWS, FEATURES, CLASSES = 7, 5, 11


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
        "smoothing of weighed classes": {"label_smoothing": 0.2, "class_weight": given["class_weight"]},
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


def many(group: dist.ProcessGroup, split: tuple[int, ...]) -> list[str]:
    """The same by the way that many classes take."""
    usual, crossed._MANY = crossed._MANY, 1
    try:
        return [f"as of many classes, {each}" for each in sharded(group, split)]
    finally:
        crossed._MANY = usual


def frozen(group: dist.ProcessGroup, split: tuple[int, ...]) -> list[str]:
    """Nothing wants a gradient, half precision, and what no slice of the classes can tell."""
    rank = dist.get_rank(group)
    mine = slice(sum(split[:rank]), sum(split[: rank + 1]))
    given = drawn()
    hidden, weight, target = given["hidden"].bfloat16(), given["weight"].bfloat16(), given["target"]
    wanted = lossary.linear_cross_entropy(hidden, weight, target)
    found = lossary.linear_cross_entropy(hidden, weight[mine], target, class_group=group)
    wrong = [] if torch.allclose(found, wanted, rtol=1e-5) else [f"bfloat16: {found} where one has {wanted}"]
    return wrong + _refused(given, mine, group) + _beyond(given, mine, group)


def _beyond(given: dict[str, Tensor], mine: slice, group: dist.ProcessGroup) -> list[str]:
    """A third derivative, a batch of gradients and a transform are refused by name."""
    target, wrong = given["target"], []

    def value(weight: Tensor) -> Tensor:
        found: Tensor = lossary.linear_cross_entropy(given["hidden"], weight, target, class_group=group)
        return found

    def differentiated(times: int, several: bool) -> None:
        weight = given["weight"][mine].clone().requires_grad_()
        found = value(weight)
        for _ in range(times):
            (slope,) = torch.autograd.grad(found, weight, create_graph=True)
            found = slope.square().sum()
        if several:
            torch.autograd.grad(slope, weight, torch.stack([slope.detach()] * 2), is_grads_batched=True)

    for run, said in (
        (lambda: differentiated(3, False), "at most two derivatives"),
        (lambda: differentiated(1, True), "one at a time"),
        (lambda: torch.func.grad(value)(given["weight"][mine]), "expected a call that runs now"),
    ):
        try:
            run()
        except OptionError as error:
            if said not in str(error):
                wrong.append(str(error))
        else:
            wrong.append(f"nobody said {said!r}")
    return wrong


def _refused(given: dict[str, Tensor], mine: slice, group: dist.ProcessGroup) -> list[str]:
    hidden, weight, target = given["hidden"], given["weight"][mine], given["target"]
    soft = torch.softmax(torch.randn(ROWS, CLASSES, dtype=torch.float64), -1)
    learns = {"class_weight": given["class_weight"].requires_grad_(), "label_smoothing": 0.1}
    wrong = []
    for to, options, said in (
        (soft, {}, "expected class indices, got a soft target"),
        (
            target,
            learns,
            "expected class weights that are fixed, where there is smoothing, got some that learn",
        ),
        (target, {"backend": "eager"}, "expected all classes on one rank"),
        (target, {"report": "accuracy"}, "expected no report, got report=('accuracy',)"),
    ):
        try:
            lossary.linear_cross_entropy(hidden, weight, to, class_group=group, **options)
        except LossaryError as error:
            if said not in str(error):
                wrong.append(str(error))
        else:
            wrong.append(f"nobody said {said!r}")
    return wrong


def refused_by_one(group: dist.ProcessGroup, split: tuple[int, ...]) -> list[str]:
    """What one rank refuses, or has otherwise, all refuse; no rank waits for one that is gone."""
    rank, wrong = dist.get_rank(group), []
    last, mine = rank == len(split) - 1, slice(sum(split[:rank]), sum(split[: rank + 1]))
    given = drawn()
    hidden, weight, target = given["hidden"], given["weight"][mine], given["target"]
    masks = torch.ones(ROWS, dtype=torch.bool), torch.arange(ROWS) > 2
    for part, to, options, said in (
        (hidden.long() if last else hidden, target, {}, ("expected a floating tensor", "refused")),
        (hidden, target + CLASSES if last else target, {}, ("expected class indices", "refused")),
        (
            hidden[1:] if last else hidden,
            target[1:] if last else target,
            {},
            ("the same rows", "the same rows"),
        ),
        (hidden, target, {"mask": masks[last]}, ("rows that count", "rows that count")),
    ):
        try:
            lossary.linear_cross_entropy(part, weight, to, class_group=group, **options)
        except CallError as error:
            if said[not last] not in str(error):
                wrong.append(f"{error} where {said[not last]!r} was to be said")
        else:
            wrong.append(f"nobody said {said[not last]!r}")
    return wrong


CHECKS: tuple[Callable[[dist.ProcessGroup, tuple[int, ...]], list[str]], ...] = (
    sharded,
    many,
    frozen,
    refused_by_one,
    *rings.CHECKS,
)


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
