"""LaTeX that an author wrote by hand, as near as one line of a terminal comes to it."""

from __future__ import annotations

import re

from .marks import GREEK

_WORDS = {
    r"\left": "", r"\right": "", r"\,": " ", r"\;": " ", r"\!": "", r"\ ": " ", r"\int": "∫", r"\sum": "Σ",
    r"\nabla": "∇",
    r"\ne": "≠", r"\le": "≤", r"\ge": "≥", r"\in": "∈", r"\cdot": "·", r"\infty": "∞", r"\lVert": "‖", r"\rVert": "‖",
    r"\partial": "∂", r"\sqrt": "√", r"\quad": "  ", r"\ldots": "…", r"\to": "→", r"\pm": "±",
    **{f"\\{name}": letter for name, letter in GREEK.items()},
}  # fmt: skip
_LOWERED = str.maketrans("0123456789ij", "₀₁₂₃₄₅₆₇₈₉ᵢⱼ")
_RAISED = str.maketrans("0123456789-+", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺")


def spoken(latex: str) -> str:
    """``\\max_{j} d_{ij}`` as ``max_{j} d_ij``; what has no plain mark keeps its braces."""
    shown = re.sub(r"\\(?:text|mathrm|operatorname)\{([^{}]*)\}", r"\1", latex)
    shown = re.sub(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", r"(\1)/(\2)", shown)
    for mark in sorted(_WORDS, key=len, reverse=True):
        shown = re.sub(re.escape(mark) + (r"(?![A-Za-z])" if mark[-1].isalpha() else ""), _WORDS[mark], shown)
    shown = re.sub(r"\\([A-Za-z]+)", r"\1", shown)
    shown = re.sub(
        r"_([0-9ij])(?!\w)|_\{([0-9ij])\}", lambda found: (found[1] or found[2]).translate(_LOWERED), shown
    )
    shown = re.sub(
        r"\^([0-9])|\^\{([-+]?[0-9]+)\}", lambda found: (found[1] or found[2]).translate(_RAISED), shown
    )
    shown = re.sub(r"_\{(\w+)\^\*\}", r"_\1*", shown)
    shown = re.sub(r"_\{(\w+)\}", r"_\1", shown)
    shown = re.sub(r"\^\{([^{}]*)\}", r"^(\1)", shown)
    shown = re.sub(r"(?<=[\s\w)}])-(?=[\s\w(])", "−", shown)
    return re.sub(r"\s+", " ", shown).strip()
