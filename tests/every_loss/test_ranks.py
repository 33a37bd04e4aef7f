"""Two gloo ranks with uneven rows and masks, through DistributedDataParallel, against one batch: every loss at once."""

from __future__ import annotations

import lossary
from lossary.doctor.ranks import ranks_sum_to_the_whole


def test_two_ranks_have_the_gradient_of_one_batch() -> None:
    wrong = ranks_sum_to_the_whole(lossary.names())
    assert not wrong, "\n".join(wrong)
