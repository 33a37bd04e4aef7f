"""python -m audit: ask everything of every library that is installed, and write docs/audit.md."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from .page import page
from .run import FAILED, KEPT, everything

PAGE = Path(__file__).resolve().parents[1] / "docs" / "audit.md"


def main() -> int:
    """Write the page; exit 1 where a promise of ours is broken."""
    answers = everything()
    PAGE.write_text(page(answers), encoding="utf-8")
    count = Counter((each.library, each.status) for each in answers)
    for name in dict.fromkeys(each.library for each in answers):
        kept, failed = count[name, KEPT], count[name, FAILED]
        print(f"{name}: {kept} of {kept + failed} kept")
    print(f"wrote {PAGE.name}")
    return 1 if count["lossary", FAILED] else 0


if __name__ == "__main__":
    sys.exit(main())
