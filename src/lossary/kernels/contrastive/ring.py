"""Contrastive losses over the ranks of a process group, none of which ever holds more than a few ranks' samples.

Every rank keeps its rows of the table of similarities. The columns go round: a rank adds what the block at hand means
for its rows, and passes the block on to its neighbour together with what its rows mean for the block. After as many
steps as there are ranks, what was gathered for a block is home with its rank. At any time a rank has its own samples,
the block at hand, and while blocks move the one that arrives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch import distributed as dist

from lossary.core import call, reduction, together, world
from lossary.core.declaration import Loss
from lossary.core.errors import BackendError, sentence
from lossary.core.gathering import gather
from lossary.core.kinds import Form
from lossary.core.measure import Settled
from lossary.core.options import Options

from . import tiles
from .circle import Circle
from .losses import partners
from .tiles import Given, Sum, Table, some


def sums(
    circle: Circle, a: Tensor, b: Tensor | None, table: Table, bias: Tensor | None = None
) -> tuple[Tensor, Tensor | None]:
    """As ``nodes.sums``, over the rows of this rank and the columns of all; one derivative."""
    added = 0.0 if bias is None else float(bias.detach())
    rows, columns = _Sums.apply(a, b, bias, table, added, circle)  # type: ignore[no-untyped-call]
    return rows, columns


class _Whole(NamedTuple):
    """The table over the columns of all ranks, seen from this one.

    Attributes:
        table: what is asked; columns count from this rank's first.
        added: the bias.
        lengths: how many columns each rank has.
    """

    table: Table
    added: float
    circle: Circle
    lengths: tuple[int, ...]

    def part(self, whose: int, a: Tensor, block: Tensor, *sums: Tensor) -> Table:
        """What a block makes with this rank's rows: a foreign one is no table of a set with itself.

        Args:
            sums: those of the whole table that gradients will be relative to.
        """
        kind, skip = self.table.sum, self.table.skip
        if whose != self.circle.rank:
            kind = Sum.ROWS if kind is Sum.SAME else kind
            shift = sum(self.lengths[:whose]) - sum(self.lengths[: self.circle.rank])
            skip = tuple(each - shift for each in skip)
        return Table(kind, skip, tiles.calm(a, block, self.added, sum(self.lengths), *sums))


class _Sums(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, a: Tensor, b: Tensor | None, bias: Tensor | None, table: Table, added: float, circle: Circle
    ) -> tuple[Tensor, Tensor | None]:
        ctx.set_materialize_grads(False)
        other = a if b is None else b
        ctx.whole = whole = _Whole(table, added, circle, circle.lengths(other))
        soft = table.sum is Sum.SOFTPLUS
        rows = a.new_zeros(len(a)) if soft else a.new_full((len(a),), -torch.inf)
        columns = other.new_full((len(other),), -torch.inf)
        for whose, (block,), (down,) in circle.round(whole.lengths, (other,), (columns,)):
            across, along = tiles.total(a, block, added, whole.part(whose, a, block))
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
        asked: _Whole = ctx.whole
        other = a if b is None else b
        # A rank to whose sums nothing leads still passes the blocks on.
        by_rows = a.new_zeros(len(a)) if by_rows is None else by_rows
        rows = None if asked.table.sum is Sum.SOFTPLUS else some(rows)
        held = [other]
        if columns is not None:
            held += [some(columns), torch.zeros_like(columns) if by_columns is None else by_columns]
        found, back, whole = torch.zeros_like(a), torch.zeros_like(other), a.new_zeros(())
        for whose, (block, *across), (collected,) in asked.circle.round(asked.lengths, tuple(held), (back,)):
            given = Given(rows, across[0], by_rows, across[1]) if across else Given(rows, None, by_rows, None)
            relative = [each for each in (given.rows, given.columns) if each is not None]
            part = asked.part(whose, a, block, *relative)
            by_a, by_b, by_bias = tiles.pull(a, block, asked.added, part, given)
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


class Kin(NamedTuple):
    """Who bears whose label: see ``losses.Kin``, over the samples of all ranks."""

    circle: Circle

    def __call__(self, x: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """How many others bear a sample's label, where the only other one stands, and the sum of the others.

        The place counts from this rank's first sample, and is far below 0 where there is not exactly one.
        """
        lengths = self.circle.lengths(labels)
        start = sum(lengths[: self.circle.rank])
        # Labels are whole numbers, one a sample: those of all ranks together are little beside one rank's embeddings.
        (everyone,), _ = gather((labels.detach(),), self.circle.group or True)
        assert everyone is not None
        _, group, sizes = torch.unique(everyone, return_inverse=True, return_counts=True)
        many, here = sizes[group] - 1, slice(start, start + len(labels))
        partner = partners(group, many)[here]
        others: Tensor = _Others.apply(x, group[here], self.circle, lengths)  # type: ignore[no-untyped-call]
        return many[here], torch.where(partner < 0, NOWHERE, partner - start), others


#: A place that no sample has, however far away the ranks' blocks are.
NOWHERE = -(2**48)


class _Others(torch.autograd.Function):
    """The sum of all samples with a sample's label, of all ranks, but for itself."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, group: Tensor, circle: Circle, lengths: tuple[int, ...]) -> Tensor:
        ctx.circle, ctx.lengths = circle, lengths
        ctx.save_for_backward(group)
        return _of_kin(x, group, circle, lengths)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> tuple[Tensor, None, None, None]:
        # Kinship is mutual: what a sample's sum is to another, the other's is to it.
        (group,) = ctx.saved_tensors
        return _of_kin(grads[0], group, ctx.circle, ctx.lengths), None, None, None


def _of_kin(x: Tensor, group: Tensor, circle: Circle, lengths: tuple[int, ...]) -> Tensor:
    known, place = torch.unique(group, return_inverse=True)
    whole = x.new_zeros(len(known), x.shape[1])
    for _, (block, theirs), _ in circle.round(lengths, (x, group)):
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
    settled = _settled(circle, loss, inputs, hyper, options._replace(gather=None))
    known: dict[str, Any] = {"sums": partial(sums, circle)}
    if loss.has(Form.LABEL):
        known["kin"] = Kin(circle)
    values, count, _ = run(*settled.arguments, **settled.supplied, **hyper, **known)
    found = call.chosen(settled, options.weight, values, count)
    measure = torch.ones_like(values) if found.measure is None else found.measure.expand(values.shape)
    keep = (
        torch.ones_like(values, dtype=torch.bool) if found.keep is None else found.keep.expand(values.shape)
    )
    # One number a sample is gathered; each rank then has the value of the whole batch, as if it had all samples.
    mine = (values, torch.where(keep, measure, 0.0), keep)
    (whole, measures, kept), scale = gather(mine, options.gather)
    assert whole is not None
    value = reduction.reduce(whole, measures, kept, options.reduction, None, None)
    return value if scale == 1.0 else call.scale_gradient(value, scale)


def _settled(
    circle: Circle,
    loss: Loss,
    inputs: tuple[Tensor | None, ...],
    hyper: Mapping[str, Any],
    options: Options,
) -> Settled:
    """A call settled on every rank or on none, so that no rank waits for another that refused its part.

    Raises:
        LossaryError: what this rank refuses. CallError: another rank refuses its part, or has one of another kind.
    """
    assert inputs[0] is not None
    subject = f"{loss.name}(gather=...)"

    def kind(settled: Settled) -> together.Numbers:
        first = settled.arguments[0]
        assert first is not None
        return first.shape[1], first.element_size()

    run = partial(call.settle, loss, inputs, hyper, options)
    settled, answers = together.settle(subject, circle.group, inputs[0].device, run, kind, 2)
    say, remedy = "{} numbers of {} bytes".format, "give every rank the same network"
    together.alike(subject, "parts of one width and dtype", answers, kind(settled), say, remedy)
    return settled
