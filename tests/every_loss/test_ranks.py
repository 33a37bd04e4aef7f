"""Two gloo ranks with uneven rows and masks, through DistributedDataParallel, against one batch: every loss at once."""

from __future__ import annotations

from lossary._index import CATALOGUE
from lossary.doctor.ranks import ranks_sum_to_the_whole


def test_two_ranks_have_the_gradient_of_one_batch() -> None:
    # The catalogue's own: what another test declared in this process, the ranks' processes do not know.
    wrong = ranks_sum_to_the_whole(tuple(CATALOGUE))
    assert not wrong, "\n".join(wrong)
