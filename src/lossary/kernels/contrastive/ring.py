"""Contrastive losses over the ranks of a process group, none of which ever holds more than two ranks' samples.

Every rank keeps its rows of the table of similarities. The columns go round: a rank adds what the block at hand means
for its rows, and passes the block on to its neighbour together with what its rows mean for the block. After as many
steps as there are ranks each block is home again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch import distributed as dist

from lossary.core import call, reduction, world
from lossary.core.declaration import Loss
from lossary.core.errors import BackendError, sentence
from lossary.core.gathering import gather
from lossary.core.kinds import Form
from lossary.core.options import Options

from . import tiles
from .tiles import Given, Sum, Table


class Circle(NamedTuple):
    """The ranks of a group, each with the neighbour that it hands its block to.

    Attributes:
        group: the process group; None: the default one.
        rank: this rank.
        size: how many there are.
    """

    group: Any
    rank: int
    size: int

    def lengths(self, own: int, device: torch.device) -> list[int]:
        """How many rows every rank has."""
        found = [torch.zeros(1, dtype=torch.int64, device=device) for _ in range(self.size)]
        dist.all_gather(found, torch.tensor([own], device=device), group=self.group)
        return [int(each) for each in found]

    def pass_on(self, tensors: tuple[Tensor, ...], length: int) -> tuple[Tensor, ...]:
        """Hand tensors to the next rank; those of the one before, ``length`` rows each."""
        following, before = (self._name(self.rank + step) for step in (1, -1))
        sent = [each.contiguous() for each in tensors]
        got = [each.new_empty((length, *each.shape[1:])) for each in tensors]
        asked = [dist.P2POp(dist.isend, each, following, self.group) for each in sent if each.numel()]
        asked += [dist.P2POp(dist.irecv, each, before, self.group) for each in got if each.numel()]
        for work in dist.batch_isend_irecv(asked) if asked else ():
            work.wait()
        return tuple(got)

    def _name(self, rank: int) -> int:
        rank %= self.size
        return rank if self.group is None else dist.get_global_rank(self.group, rank)

    def round(self, length: int, block: tuple[Tensor, ...]) -> Iterator[tuple[int, list[Tensor]]]:
        """Every block in turn, whose it is first, this rank's own at the start.

        Who writes into a block's tensors writes into what is passed on. After the last step it is home, and ``block``
        holds what all have written.
        """
        lengths = self.lengths(length, block[0].device)
        held = list(block)
        for step in range(self.size):
            yield (self.rank - step) % self.size, held
            if self.size > 1:
                held[:] = self.pass_on(tuple(held), lengths[(self.rank - step - 1) % self.size])
        for mine, back in zip(block, held, strict=True):
            if mine is not back:
                mine.copy_(back)


def sums(
    circle: Circle, a: Tensor, b: Tensor | None, table: Table, bias: Tensor | None = None
) -> tuple[Tensor, Tensor | None]:
    """As ``nodes.sums``, over the rows of this rank and the columns of all; one derivative."""
    added = 0.0 if bias is None else float(bias.detach())
    rows, columns = _Sums.apply(a, b, bias, table, added, circle)  # type: ignore[no-untyped-call]
    return rows, columns


def _part(table: Table, home: bool, shift: int, a: Tensor, block: Tensor, added: float, all_of: int) -> Table:
    """The part of a table that a block makes with this rank's rows: a foreign one is no table of a set with itself."""
    kind = table.sum if home or table.sum is not Sum.SAME else Sum.ROWS
    skip = table.skip if home else tuple(each - shift for each in table.skip)
    return Table(kind, skip, tiles.calm(a, block, added, all_of))


class _Sums(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, a: Tensor, b: Tensor | None, bias: Tensor | None, table: Table, added: float, circle: Circle
    ) -> tuple[Tensor, Tensor | None]:
        ctx.set_materialize_grads(False)
        other = a if b is None else b
        lengths = circle.lengths(len(other), a.device)
        starts = [sum(lengths[:rank]) for rank in range(circle.size)]
        ctx.asked = (table, added, circle, starts, sum(lengths))
        soft = table.sum is Sum.SOFTPLUS
        rows = a.new_zeros(len(a)) if soft else a.new_full((len(a),), -torch.inf)
        columns = other.new_full((len(other),), -torch.inf)
        for whose, held in circle.round(len(other), (other.clone(), columns)):
            block, down = held
            home, shift = whose == circle.rank, starts[whose] - starts[circle.rank]
            part = _part(table, home, shift, a, block, added, sum(lengths))
            across, along = tiles.total(a, block, added, part)
            rows = rows + across if soft else torch.logaddexp(rows, across)
            if along is not None:
                down.copy_(torch.logaddexp(down, along))
        found = columns if table.sum is Sum.BOTH else None
        ctx.save_for_backward(a, b, bias, rows, found)
        return rows, found

    @staticmethod
    def backward(ctx: Any, by_rows: Tensor | None, by_columns: Tensor | None) -> tuple[Any, ...]:
        if torch.is_grad_enabled():
            raise BackendError(
                sentence(
                    "backend='chunked' with gather",
                    expected="one derivative",
                    got="a second",
                    remedy="pass backend='eager'",
                )
            )
        a, b, bias, rows, columns = ctx.saved_tensors
        table, added, circle, starts, all_of = ctx.asked
        other = a if b is None else b
        # A rank to whose sums nothing leads still passes the blocks on.
        by_rows = a.new_zeros(len(a)) if by_rows is None else by_rows
        both = columns is not None
        by_columns = a.new_zeros(len(other)) if by_columns is None else by_columns
        columns = _some(columns) if both else by_columns
        rows = None if table.sum is Sum.SOFTPLUS else _some(rows)
        found, back, whole = torch.zeros_like(a), torch.zeros_like(other), a.new_zeros(())
        for whose, held in circle.round(len(other), (other.clone(), columns, by_columns, back)):
            block, down, by_down, collected = held
            home, shift = whose == circle.rank, starts[whose] - starts[circle.rank]
            part = _part(table, home, shift, a, block, added, all_of)
            given = Given(rows, down if both else None, by_rows, by_down if both else None)
            by_a, by_b, by_bias = tiles.pull(a, block, added, part, given)
            found += by_a
            collected += by_b
            whole = whole + by_bias
        if b is None:
            found = found + back
        return (
            found,
            None if b is None else back,
            None if bias is None else whole.to(bias.dtype).reshape(bias.shape),
            None,
            None,
            None,
        )


def _some(sums: Tensor) -> Tensor:
    return torch.where(sums == -torch.inf, 0.0, sums)


class Kin(NamedTuple):
    """Who bears whose label: see ``losses.Kin``, over the samples of all ranks."""

    circle: Circle

    def __call__(self, x: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """How many others bear a sample's label, where the only other one stands, and the sum of the others.

        The place counts from this rank's first sample, and is far below 0 where there is not exactly one.
        """
        lengths = self.circle.lengths(len(labels), labels.device)
        start = sum(lengths[: self.circle.rank])
        # Labels are whole numbers, one a sample: those of all ranks together are little beside one rank's embeddings.
        (everyone,), _ = gather((labels.detach(),), self.circle.group or True)
        assert everyone is not None
        _, group, sizes = torch.unique(everyone, return_inverse=True, return_counts=True)
        many = (sizes[group] - 1)[start : start + len(labels)]
        places = torch.argsort(group, stable=True)
        twice = places[(sizes[group] == 2)[places]]
        partner = torch.full_like(group, NOWHERE)
        partner[twice] = twice.view(-1, 2).flip(1).flatten() - start
        mine = group[start : start + len(labels)]
        others: Tensor = _Others.apply(x, mine, self.circle)  # type: ignore[no-untyped-call]
        return many, partner[start : start + len(labels)], others


#: A place that no sample has, however far away the ranks' blocks are.
NOWHERE = -(2**48)


class _Others(torch.autograd.Function):
    """The sum of all samples with a sample's label, of all ranks, but for itself."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, group: Tensor, circle: Circle) -> Tensor:
        ctx.circle = circle
        ctx.save_for_backward(group)
        return _of_kin(circle, group, x)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> tuple[Tensor, None, None]:
        # Kinship is mutual: what a sample's sum is to another, the other's is to it.
        (group,) = ctx.saved_tensors
        return _of_kin(ctx.circle, group, grads[0].contiguous()), None, None


def _of_kin(circle: Circle, group: Tensor, x: Tensor) -> Tensor:
    known, place = torch.unique(group, return_inverse=True)
    whole = x.new_zeros(len(known), x.shape[1])
    for _, held in circle.round(len(x), (x.clone(), group)):
        block, theirs = held
        if len(known) and len(theirs):
            at = torch.searchsorted(known, theirs).clamp(max=len(known) - 1)
            (alike,) = (known[at] == theirs).nonzero(as_tuple=True)
            whole.index_add_(0, at[alike], block[alike])
    return whole[place] - x


def over_ranks(
    run: Callable[..., Any],
    loss: Loss,
    inputs: tuple[Tensor | None, ...],
    hyper: Mapping[str, Any],
    options: Options,
) -> Tensor:
    """A loss over the batch that the ranks hold together. Every rank must call it, one with no sample too.

    Args:
        run: the loss over tiles, see ``losses``, with ``sums`` (and for labels ``kin``) to be given.
    """
    inner = world.process_group(options.gather)
    circle = Circle(inner, dist.get_rank(inner), dist.get_world_size(inner))
    settled = call.settle(loss, inputs, hyper, options._replace(gather=None))
    known: dict[str, Any] = {"sums": partial(sums, circle)}
    if loss.has(Form.LABEL):
        known["kin"] = Kin(circle)
    values, count, _ = run(*settled.arguments, **settled.supplied, **hyper, **known)
    found = call.chosen(settled, options.weight, values, count)
    first = values
    measure = torch.ones_like(first) if found.measure is None else found.measure.expand(first.shape)
    keep = torch.ones_like(first, dtype=torch.bool) if found.keep is None else found.keep.expand(first.shape)
    measure = torch.where(keep, measure, 0.0)
    # One number a sample is gathered; each rank then has the value of the whole batch, as if it had all samples.
    (whole, measure, keep), scale = gather((first, measure, keep), options.gather)  # type: ignore[assignment]
    assert whole is not None
    value = reduction.reduce(whole, measure, keep, options.reduction, None, None)
    return value if scale == 1.0 else call.scale_gradient(value, scale)
