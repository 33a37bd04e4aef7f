"""The ranks of a process group as a circle, in which each hands what it holds to its neighbour."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from torch import Tensor
from torch import distributed as dist

from lossary.core import together

Held = tuple[Tensor, ...]


class Circle(NamedTuple):
    """The ranks of a group.

    Attributes:
        group: the process group; None: the default one.
        rank: this rank.
        size: how many there are.
    """

    group: Any
    rank: int
    size: int

    def lengths(self, tensor: Tensor) -> tuple[int, ...]:
        """How many rows every rank's tensor has."""
        return tuple(each for (each,) in together.told((len(tensor),), self.group, tensor.device))

    def round(
        self, lengths: tuple[int, ...], block: Held, gathers: Held = ()
    ) -> Iterator[tuple[int, Held, Held]]:
        """Every rank's block in turn, this rank's own first: whose it is, the block, and what it gathers on its way.

        Who writes into what a block gathers writes into what is passed on. After the last step it is home, and
        ``gathers`` holds what all have written.

        Args:
            lengths: how many rows the tensors of each rank have.
        """
        gathered = gathers
        for step in range(self.size):
            yield (self.rank - step) % self.size, block, gathered
            if self.size > 1:
                # Nobody needs the block itself at home.
                going = gathered if step == self.size - 1 else (*block, *gathered)
                came = self._pass_on(going, lengths[(self.rank - step - 1) % self.size])
                cut = len(came) - len(gathers)
                block, gathered = came[:cut], came[cut:]
        for mine, back in zip(gathers, gathered, strict=True):
            if mine is not back:
                mine.copy_(back)

    def _pass_on(self, tensors: Held, length: int) -> Held:
        """Hand tensors to the next rank; those of the one before, ``length`` rows each."""
        following, before = (self._name(self.rank + step) for step in (1, -1))
        sent = [each.contiguous() for each in tensors]
        got = tuple(each.new_empty((length, *each.shape[1:])) for each in tensors)
        asked = [dist.P2POp(dist.isend, each, following, self.group) for each in sent if each.numel()]
        asked += [dist.P2POp(dist.irecv, each, before, self.group) for each in got if each.numel()]
        for work in dist.batch_isend_irecv(asked) if asked else ():
            work.wait()
        return got

    def _name(self, rank: int) -> int:
        rank %= self.size
        return rank if self.group is None else dist.get_global_rank(self.group, rank)
