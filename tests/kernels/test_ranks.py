"""What is spread over the ranks of a process group is what one process computes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import torch

from lossary.kernels.linear.crossed import CrossEntropy
from lossary.kernels.linear.softmax import Sums, Target, slope_, sums, value


def test_what_is_spread_over_ranks_is_what_one_process_computes() -> None:
    program = Path(__file__).with_name("over_ranks.py")
    ran = subprocess.run(
        [sys.executable, str(program)], capture_output=True, text=True, timeout=300, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_slices_of_the_classes_add_up_to_the_whole() -> None:
    """What a form with the class axis in parts builds on: the sums of parts are those of the whole."""
    z, target = torch.randn(6, 9, dtype=torch.float64), torch.tensor([0, 8, 3, 4, 5, 2])
    whole = Target(target, share=0.02, hit=0.82)
    factor = torch.linspace(0.5, 1.5, 6, dtype=torch.float64)
    e = z.clone()
    made, wanted = CrossEntropy(whole, 0.1).slope_(z, factor)
    parts = [(slice(0, 4), e[:, :4].clone()), (slice(4, 9), e[:, 4:].clone())]
    top, found = e.amax(1), []
    for where, part in parts:
        here = (target >= where.start) & (target < where.stop)
        mine = Target((target - where.start).clamp(0, part.shape[1] - 1), None, 0.82, 0.02, None, here)
        found.append((part, mine, *sums(part, mine, top)))
    added = [sum(getattr(each[2], name) for each in found) for name in Sums._fields[1:6]]
    joined = Sums(top, *added)  # type: ignore[arg-type]
    torch.testing.assert_close(value(joined, whole, 0.1), made)
    slopes = [slope_(part, pivot, joined, mine, factor, 0.1).whole_() for part, mine, _, pivot in found]
    torch.testing.assert_close(torch.cat(slopes, 1), wanted.whole_())
