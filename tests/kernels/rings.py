"""What a contrastive loss whose blocks go round the ranks owes: what one process gives, and no rank left waiting."""

from __future__ import annotations

from typing import Any

import torch
from agree import close
from torch import Tensor
from torch import distributed as dist
from torch.utils._python_dispatch import TorchDispatchMode

import lossary
from lossary.core import probes
from lossary.core.errors import BackendError, CallError, DomainError

FEATURES = 5
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
            for what in ("nothing", "weight and mask", "none", "summed"):
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
    options: dict[str, object] = {"reduction": {"none": "none", "summed": "sum"}.get(what, "mean")}
    cut = dict(options)
    weights: list[Tensor] = []
    if what == "weight and mask":
        weight = torch.rand(size, generator=made, dtype=torch.float64)
        mask = torch.rand(size, generator=made) < 0.7
        weights = [each.clone().requires_grad_() for each in (weight[mine], weight)]
        options |= {"weight": weights[1], "mask": mask}
        cut |= {"weight": weights[0], "mask": mask[mine]}
    leaf = [torch.tensor(0.4, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    learn = "temperature" not in fixed
    settled = [dict(fixed) | ({"temperature": each} if learn else {}) for each in leaf]
    whole = [each.clone().requires_grad_(each.is_floating_point()) for each in inputs]
    part = [each[mine].clone().requires_grad_(each.is_floating_point()) for each in inputs]
    loss = lossary.get(name)
    # What data-parallel wrappers average over the ranks, or what a loop adds.
    to, times = (lossary.Summed(group), 1) if what == "summed" else (group, len(batch))
    wanted = loss(*whole, backend="eager", **settled[0], **options)
    found = loss(*part, backend="chunked", gather=to, **settled[1], **cut)
    said = f"{name} of {batch}, {what}"
    wrong = close(found, wanted, f"{said}, value")
    tilt = torch.arange(wanted.numel(), dtype=torch.float64).reshape(wanted.shape) + 1.0
    (wanted * tilt).sum().backward()
    (found * tilt).sum().backward()
    if weights:
        part, whole = [*part, weights[0]], [*whole, weights[1]]
    for a, b in zip(part, whole, strict=True):
        if b.is_floating_point():
            assert a.grad is not None and b.grad is not None
            wrong += close(a.grad / times, b.grad[mine], f"{said}, gradient")
    if learn:
        assert leaf[1].grad is not None
        dist.all_reduce(leaf[1].grad, group=group)
        wrong += close(leaf[1].grad / times, leaf[0].grad, f"{said}, gradient of the temperature")
    return wrong


def held(group: dist.ProcessGroup, split: tuple[int, ...]) -> list[str]:
    """No rank ever holds the samples of all, forward or backward."""

    class Largest(TorchDispatchMode):
        most = 0

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            found = func(*args, **(kwargs or {}))
            for each in found if isinstance(found, (tuple, list)) else (found,):
                # A table of similarities has as many columns as a block has samples, whatever their features.
                if isinstance(each, Tensor) and each.ndim == 2 and each.shape[1] == FEATURES:
                    self.most = max(self.most, len(each))
            return found

    own, wrong = 7, []
    for name, fixed in RINGS.items():
        a = torch.randn(own, FEATURES, requires_grad=True)
        b = torch.arange(own) if name == "supcon" else torch.randn(own, FEATURES, requires_grad=True)
        # Two views of a sample are two rows of one table.
        limit = 2 * own if name in ("nt_xent", "decoupled") else own
        # Whoever watches operations is a transform, which these kernels leave to the eager math.
        asked, probes.is_eager = probes.is_eager, lambda: True
        try:
            with Largest() as seen:
                lossary.get(name)(a, b, backend="chunked", gather=group, **fixed).backward()
        finally:
            probes.is_eager = asked
        if not own <= seen.most <= limit or limit >= own * len(split) > own * 2:
            wrong.append(f"{name}: a tensor of {seen.most} rows where a rank has {own} samples")
    return wrong


def nothing(group: dist.ProcessGroup, split: tuple[int, ...]) -> list[str]:
    """No rank has a sample, or none that counts: the mean is 0, and so is the gradient."""
    wrong = []
    for name in RINGS:
        for count in (0, 2):
            first = torch.randn(count, FEATURES, requires_grad=True)
            second = torch.arange(count) if name == "supcon" else torch.randn(count, FEATURES)
            none = torch.zeros(count, dtype=torch.bool)
            value = lossary.get(name)(first, second, mask=none, backend="chunked", gather=group)
            value.backward()
            if value.item() != 0.0 or first.grad is None or first.grad.any():
                wrong.append(f"{name} of nothing is {value.item()}")
    return wrong


def again(group: dist.ProcessGroup, split: tuple[int, ...]) -> list[str]:
    """A graph that is kept gives the same gradient a second time, and under autocast too."""
    wrong: list[str] = []
    made = torch.Generator().manual_seed(dist.get_rank(group))
    for name in RINGS:
        first, second = (torch.randn(3, FEATURES, generator=made) for _ in range(2))
        first.requires_grad_()
        value = lossary.get(name)(
            first, torch.arange(3) if name == "supcon" else second, backend="chunked", gather=group
        )
        (once,) = torch.autograd.grad(value, first, retain_graph=True)
        with torch.autocast("cpu", torch.bfloat16):
            (twice,) = torch.autograd.grad(value, first)
        wrong += close(twice, once, f"{name}, the gradient a second time")
    return wrong


def unlike(group: dist.ProcessGroup, split: tuple[int, ...]) -> list[str]:
    """A sample whose similarities are small on its own rank and very negative on the others has a gradient."""
    rank, size = dist.get_rank(group), dist.get_world_size(group)
    query, key = (torch.full((size, 2), 0.1, dtype=torch.float64) for _ in range(2))
    query[0, 0], key[1:, 0] = 30.0, -30.0 - torch.arange(size - 1)
    whole = [each.clone().requires_grad_() for each in (query, key)]
    part = [each[rank : rank + 1].clone().requires_grad_() for each in (query, key)]
    how = {"similarity": "dot", "temperature": 1.0}
    lossary.info_nce(*whole, backend="eager", **how).backward()
    lossary.info_nce(*part, backend="chunked", gather=group, **how).backward()
    wrong: list[str] = []
    for a, b in zip(part, whole, strict=True):
        assert a.grad is not None and b.grad is not None
        wrong += close(a.grad / size, b.grad[rank : rank + 1], "similarities of every size, gradient")
    return wrong


def refused(group: dist.ProcessGroup, split: tuple[int, ...]) -> list[str]:
    """What one rank refuses, all refuse; no rank waits for one that is gone."""
    last = dist.get_rank(group) == len(split) - 1
    batch = torch.randn(2, FEATURES)
    wide = torch.randn(2, FEATURES + 1) if last else batch
    short = batch[:1] if last else batch
    spoilt = {"weight": torch.tensor([1.0, -1.0 if last else 1.0])}
    alone: dict[str, Tensor] = {"weight": torch.ones(2)} if last else {}
    wrong = []
    for backend, first, second, options, kind, said in (
        # Blocks that go round are judged where they are, a batch that is gathered by everybody.
        (
            "chunked",
            batch,
            batch,
            spoilt,
            DomainError if last else CallError,
            "finite" if last else "refused",
        ),
        ("eager", batch, batch, spoilt, DomainError, "finite numbers"),
        ("chunked", wide, wide, {}, CallError, "parts of one width and dtype"),
        ("eager", wide, wide, {}, CallError, "parts of one kind, got query of"),
        ("chunked", batch.double() if last else batch, batch, {}, CallError, "parts of one width and dtype"),
        ("eager", batch.double() if last else batch, batch, {}, CallError, "parts of one kind"),
        ("chunked", batch, short, {}, CallError, "belong together" if last else "refused"),
        ("eager", batch, short, {}, CallError, "belong together" if last else "refused"),
        ("eager", batch, batch, alone, CallError, "weight of 1 x 4 bytes"),
    ):
        try:
            lossary.info_nce(first, second, backend=backend, gather=group, **options)
        except CallError as error:
            if not isinstance(error, kind) or said not in str(error):
                wrong.append(str(error))
        else:
            wrong.append(f"nobody said {said!r}")
    return wrong


def bent(group: dist.ProcessGroup, split: tuple[int, ...]) -> list[str]:
    """Second derivatives over ranks: those of one process where the batch is gathered, an error where it goes round."""
    rank, size = dist.get_rank(group), len(split)
    made, wrong = torch.Generator().manual_seed(5), []
    whole = torch.randn(3 * size, FEATURES, generator=made, dtype=torch.float64).requires_grad_()
    labels, mine = torch.arange(3 * size) % 4, slice(3 * rank, 3 * rank + 3)
    for name, backend in (
        ("supcon", "eager"),
        ("triplet_batch_all", "eager"),
        ("triplet_batch_all", "chunked"),
    ):
        loss = lossary.get(name)
        part = whole.detach()[mine].clone().requires_grad_()
        wanted = loss(whole, labels, backend="eager").square()
        found = loss(part, labels[mine], backend=backend, gather=group).square()
        for _ in range(2):
            (first,) = torch.autograd.grad(wanted, whole, create_graph=True)
            (ours,) = torch.autograd.grad(found, part, create_graph=True)
            wrong += close(ours, size * first[mine], f"{name}, {backend}, a derivative of the gathered batch")
            # A rank has its part of the sum, where it had the value of all; what they have adds up to as much.
            wanted, found = first.square().sum(), size * (ours / size).square().sum()
    for name, fixed in RINGS.items():
        part = whole.detach()[mine].clone().requires_grad_()
        other = labels[mine] if name == "supcon" else torch.randn(3, FEATURES, dtype=torch.float64)
        value = lossary.get(name)(part, other, backend="chunked", gather=group, **fixed)
        try:
            torch.autograd.grad(value, part, create_graph=True)
        except BackendError as error:
            if "expected one derivative, got a second" not in str(error):
                wrong.append(str(error))
        else:
            wrong.append(f"{name} that goes round gave a second derivative")
    return wrong


CHECKS = (rings, held, nothing, again, unlike, refused, bent)
