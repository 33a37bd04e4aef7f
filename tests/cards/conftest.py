"""Cards for the tests: to draw a formula takes long, and a curve hundreds of calls, so each is drawn once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

import lossary
from lossary.report.cards.facts import Facts, facts
from lossary.report.cards.scenes import Sweep


@pytest.fixture(scope="session")
def known() -> Callable[[str], Facts]:
    """The facts of a loss at its defaults, whose curves are swept once whatever the width they are drawn in."""
    swept = cache(lambda name, points: Facts.curve(of(name), points))

    class Swept(Facts):
        def curve(self, points: int) -> Sweep:
            found: Sweep = swept(self.function.__name__, points)
            return found

    @cache
    def of(name: str) -> Facts:
        return Swept(**vars(facts(lossary.get(name))))

    return of
