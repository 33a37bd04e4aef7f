"""A page as one file that holds everything it shows, opens offline, and runs nothing that came from data.

All text passes the template's escaping; figures pass the list of allowed shapes in `lossary.report.svg`; a content
security policy names the one script and the one style sheet by their hashes and forbids every address.
"""

from __future__ import annotations

import base64
import hashlib

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from lossary.report import svg
from lossary.report.visible import visible


def rendered(template: str, *, pictures: bool = False, **shown: object) -> str:
    """The text of a page. `pictures`: whether it holds pictures of its own, which its policy must let in."""
    environment = Environment(
        loader=PackageLoader("lossary.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters["breakable"] = _breakable
    environment.filters["drawn"] = _drawn
    css, js = (_asset(environment, name) for name in ("page.css", "page.js"))
    policy = _policy(css, js, pictures=pictures)
    return environment.get_template(template).render(policy=policy, css=Markup(css), js=Markup(js), **shown)


def _drawn(picture: svg.Picture, key: str) -> Markup:
    return Markup(svg.draw(picture, key))


def _asset(environment: Environment, name: str) -> str:
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0]


def _policy(css: str, js: str, *, pictures: bool) -> str:
    """Nothing may load and nothing may run but the style sheet and the script of this page, and pictures within it."""
    allowed = f"style-src '{_hash(css)}'; script-src '{_hash(js)}'" + ("; img-src data:" if pictures else "")
    return f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _breakable(name: str) -> Markup:
    """A long expression may go on in a new line where a reader would pause: before a bracket."""
    return Markup(str(escape(name)).replace("(", "<wbr>("))


def _shown(value: object) -> object:
    """The last guard before escaping: text from data cannot hold what HTML cannot."""
    return visible(value, 100_000) if isinstance(value, str) and not isinstance(value, Markup) else value
