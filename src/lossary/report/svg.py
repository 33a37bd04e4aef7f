"""An Altair chart as inline SVG that holds shapes and text and nothing else.

vl-convert renders at build time, so the page needs no JavaScript to draw and no address to fetch from. What it
renders is parsed and written again from a list of allowed elements and attributes: whatever a column is called, no
script, link, style or image can arrive in a report through a chart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from xml.etree import ElementTree

import altair as alt
import vl_convert

INK: Final = "#1a1a1b"
MUTED: Final = "#5e5e60"
RULE: Final = "#dcdcd8"
BAND: Final = "#ecece6"
GHOST: Final = "#c3c3be"

# Okabe and Ito (2008), "Color Universal Design": told apart under every common colour-vision deficiency.
BLUE: Final = "#0072B2"
ORANGE: Final = "#E69F00"
GREEN: Final = "#009E73"
VERMILION: Final = "#D55E00"
PURPLE: Final = "#CC79A7"

_PAINTS: Final = {
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    RULE: "var(--rule)",
    BAND: "var(--band)",
    GHOST: "var(--ghost)",
    BLUE.lower(): "var(--blue)",
    GREEN.lower(): "var(--green)",
    VERMILION.lower(): "var(--vermilion)",
}
"""Literal colours a chart is drawn with, and the variables of the page they become: dark mode costs no second chart."""

_ELEMENTS: Final = frozenset(
    ("svg", "g", "path", "line", "rect", "circle", "text", "tspan", "defs", "clipPath", "title", "desc")
)
_GEOMETRY: Final = frozenset(
    (
        "d",
        "transform",
        "x",
        "y",
        "x1",
        "x2",
        "y1",
        "y2",
        "cx",
        "cy",
        "r",
        "rx",
        "ry",
        "dx",
        "dy",
        "width",
        "height",
    )
)
_PAINT: Final = frozenset(
    ("fill", "fill-opacity", "opacity", "clip-path", "stroke", "stroke-opacity", "stroke-width")
) | {"stroke-dasharray", "stroke-linecap", "stroke-linejoin", "stroke-miterlimit"}
_TYPE: Final = frozenset(("text-anchor", "font-size", "font-weight", "font-style"))
_ATTRIBUTES: Final = _GEOMETRY | _PAINT | _TYPE | {"viewBox", "id"}
_DEFAULTS: Final = {("opacity", "1"), ("stroke-opacity", "1"), ("fill-opacity", "1"), ("stroke-width", "1")}
_NUMBER: Final = re.compile(r"-?\d+\.\d{2,}(?:e-?\d+)?|-?\d+e-\d+")


Rows = Sequence[Mapping[str, Any]]
Layers = alt.LayerChart | alt.FacetChart  # what `alt.layer` says it returns
_VERSION: Final = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])


def layer(rows: str) -> alt.Chart:
    """An empty chart over the rows of that name, which `draw` brings in: altair would copy them at each step."""
    return alt.Chart(alt.NamedData(name=rows))


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A chart over named rows that is not drawn yet; `label` is read aloud."""

    chart: Layers
    rows: Mapping[str, Rows]
    label: str


def chart(picture: Picture) -> Layers:
    """The picture as an Altair chart that holds its own rows, for a notebook or for `save`."""
    whole = picture.chart.copy(deep=True)
    for part in (whole, *whole.layer):
        if isinstance(part.data, alt.NamedData):
            part.data = alt.InlineData(values=list(picture.rows[str(part.data.name)]))
    return whole


def draw(picture: Picture, key: str, *, painted: bool = True) -> str:
    """The picture as an `<svg role="img">`; `key` makes its inner ids unique in the page.

    Its colours are variables of the page's style sheet where it is `painted` by one, else themselves.
    """
    spec = picture.chart.to_dict(validate=False) | {
        "config": STYLE,
        "background": "transparent",
        "padding": _PADDING,
    }
    spec["datasets"] = {name: list(some) for name, some in picture.rows.items()}
    root = ElementTree.fromstring(vl_convert.vegalite_to_svg(spec, vl_version=_VERSION))
    # Vega counts its ids through a whole process: renumbered, equal comparisons give equal pages.
    ids = [element.attrib["id"] for element in root.iter() if "id" in element.attrib]
    clean = _clean(root, {name: f"{key}-{at}" for at, name in enumerate(ids)}, _PAINTS if painted else {})
    clean.set("role", "img")
    clean.set("aria-label", picture.label)
    clean.set("width", root.get("width", "300"))
    return ElementTree.tostring(clean, encoding="unicode", short_empty_elements=True)


def standalone(picture: Picture, key: str) -> str:
    """An SVG file that shows itself anywhere, on paper of its own: colours are written out, nothing is fetched."""
    head, _, rest = draw(picture, key, painted=False).partition(">")
    return (
        f'{head} xmlns="http://www.w3.org/2000/svg" font-family="{_FONT}">'
        f'<rect width="100%" height="100%" fill="#fdfdfb" />{rest}\n'
    )


_FONT: Final = "Helvetica, Arial, 'Liberation Sans', sans-serif"
_PADDING: Final = {"left": 2, "right": 6, "top": 6, "bottom": 2}
STYLE: Final = {
    "font": "Helvetica, Arial, Liberation Sans, sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": MUTED,
        "titleColor": INK,
        "domainColor": GHOST,
        "tickColor": GHOST,
        "gridColor": RULE,
        "tickSize": 4,
        "labelFontSize": 11,
        "titleFontSize": 11.5,
        "titleFontWeight": "normal",
        "titlePadding": 7,
        "labelPadding": 4,
    },
}


def _clean(
    element: ElementTree.Element, ids: Mapping[str, str], paints: Mapping[str, str]
) -> ElementTree.Element:
    tag = element.tag.rpartition("}")[2]
    if tag not in _ELEMENTS:
        raise ValueError(
            f"chart: expected an SVG of shapes and text, got <{tag}>; draw the chart without it or allow it here."
        )
    kept = ElementTree.Element(tag)
    for name, value in element.attrib.items():
        if name in _ATTRIBUTES and (name, value) not in _DEFAULTS and value != "":
            kept.set(name, _value(name, value, ids, paints))
    if tag == "svg":
        for size in ("width", "height"):
            kept.attrib.pop(size, None)
    kept.text = element.text
    for child in element:
        inner = _clean(child, ids, paints)
        if not _empty(inner) and child.get("display") != "none":
            kept.append(inner)
    return kept


def _empty(element: ElementTree.Element) -> bool:
    """True for groups and paths that paint nothing: Vega writes many."""
    if element.tag == "path":
        nothing = {"d", "transform"} >= element.attrib.keys() and element.get("fill") is None
        return nothing or not element.get("d") or element.get("d") == "M0,0h0v0h0Z"
    return element.tag == "g" and len(element) == 0


def _value(name: str, value: str, ids: Mapping[str, str], paints: Mapping[str, str]) -> str:
    if name in {"fill", "stroke"}:
        return paints.get(value.lower(), value)
    if name == "id":
        return ids[value]
    if name == "clip-path":
        return f"url(#{ids[value.removeprefix('url(#').removesuffix(')')]})"
    if name in _GEOMETRY:
        return _NUMBER.sub(lambda match: f"{float(match.group()):.1f}".removesuffix(".0"), value)
    return value
