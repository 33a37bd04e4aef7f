"""The verdict in sentences, in the order a reader needs them."""

from __future__ import annotations

from lossary.lab.comparison import Comparison
from lossary.report.visible import visible


def verdict_lines(comparison: Comparison) -> list[str]:
    """An anchor that beats every network first, then the headline, the recommendation, and what would help."""
    found = [
        comparison.anchor_sentence,
        comparison.headline,
        comparison.recommendation.why,
        comparison.advice,
    ]
    return [visible(line, 2000) for line in dict.fromkeys(found) if line]
