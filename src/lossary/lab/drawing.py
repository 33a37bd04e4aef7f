"""Who draws a comparison: found by name on first use, since the laboratory measures and does not draw.

The table is the whole of what the laboratory knows of pictures. Whoever draws imports the laboratory, never the
other way round, and without the extra a comparison is the same object, only without pictures.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from lossary.core.errors import MissingExtraError

DRAWERS = {
    "charts": "lossary.report.notebook:charts",  # Comparison -> name -> Altair chart
    "html": "lossary.report.notebook:html",  # Comparison -> what a notebook shows
    "page": "lossary.report.page:page",  # Comparison -> the text of report.html
}


def drawer(name: str) -> Callable[..., Any]:
    """The function that draws this. Raises MissingExtraError, with the install line, where what it needs is missing."""
    module, _, function = DRAWERS[name].partition(":")
    try:
        found: Callable[..., Any] = getattr(import_module(module), function)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("lossary"):
            raise
        raise MissingExtraError(
            f"pictures of a comparison need {error.name}, which is not installed; run: pip install 'lossary[report]'"
        ) from None
    return found
