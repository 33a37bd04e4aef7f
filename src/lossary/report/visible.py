"""Names from data as text that shows itself: no control characters, no overrides of the direction of reading.

A column may be called anything. A terminal obeys escape sequences, XML refuses control characters, and a
right-to-left override makes one name look like another; so each of them is shown by its code.
"""

from __future__ import annotations

import unicodedata

# Control, surrogate, private, unassigned; and of the formats those that reorder or hide text.
_HIDDEN = {"Cc", "Cs", "Co", "Cn", "Zl", "Zp"}
_REORDERING = set("\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff")


def visible(text: str, most: int = 200) -> str:
    """`text` with what cannot be seen written as an escape such as \\x1b, and cut to `most` characters."""
    shown = "".join(_escape(c) if _hidden(c) else c for c in text[: most + 1])
    return shown if len(text) <= most else shown[: most - 1] + "…"


def _hidden(character: str) -> bool:
    if " " <= character <= "~":
        return False
    return unicodedata.category(character) in _HIDDEN or character in _REORDERING


def _escape(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
