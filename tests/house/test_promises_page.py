"""The page of losses and promises is the one that the declarations give."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_the_table_of_losses_and_promises_is_up_to_date(root: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "tools/promises.py", "--check"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
