"""What is spread over the ranks of a process group is what one process computes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_what_is_spread_over_ranks_is_what_one_process_computes() -> None:
    program = Path(__file__).with_name("over_ranks.py")
    ran = subprocess.run(
        [sys.executable, str(program)], capture_output=True, text=True, timeout=300, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
