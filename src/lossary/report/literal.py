"""Values as Python writes them: what comes from data enters a script as a literal, and as nothing else."""

from __future__ import annotations

import math

WIDTH = 100


def literal(value: object, variable: str = "") -> str:
    """`value` as Python writes it; a list too long for one line after `variable =` is folded."""
    if not isinstance(value, list):
        return _quoted(value)
    items = [literal(item) for item in value]
    line = f"[{', '.join(items)}]"
    if len(variable) + 3 + len(line) <= WIDTH:
        return line
    lines = [""]
    for item in items:
        if lines[-1] and len(lines[-1]) + len(item) + 6 > WIDTH:
            lines.append("")
        lines[-1] += f"{' ' if lines[-1] else ''}{item},"
    return "[\n" + "".join(f"    {each}\n" for each in lines) + "]"


def _quoted(value: object) -> str:
    """`repr`, with the quotes of the rest of the script where nothing has to be escaped for them."""
    if isinstance(value, tuple) and value:
        return f"({', '.join(map(_quoted, value))}{',' if len(value) == 1 else ''})"
    text = repr(value)
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{text}")'
    plain = isinstance(value, str) and text.startswith("'") and '"' not in text and "\\" not in text
    return f'"{value}"' if plain else text
