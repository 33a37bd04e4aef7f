"""Another library's loss, written as its users write it: an expression in the words of our declaration.

The expression is the adapter. It is evaluated to examine the loss and printed, with literals for names, to show what
was found, so that what is read is what was run. It may name our inputs and hyper-parameters, `reduction`, `weight`,
`dtype` (the name of the first input's) and `loss`, which is what the expression `make` gives.
"""

from __future__ import annotations

import ast
import builtins
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import metadata
from typing import Any


@dataclass(frozen=True)
class Peer:
    """One loss of a library.

    Attributes:
        name: as its documentation calls it.
        ours: the loss of the catalogue that it is, up to names, axes, encoding of the target and a known factor.
        call: one value per unit, or with `reduction` one value for all.
        make: what is built once, before any call.
        whole: the mean, where the library gives it and `call` had to take it apart.
        weighted: the call with a weight per unit, where the library takes one.
        plain: the call with tensors as they come, where `call` reshapes them; shapes are judged on it.
        soft: whether targets on labels may be probabilities.
        ignores: whether a label of -100 is left out.
        flat: whether samples stand on one axis only.
        single: whether it computes in float32 whatever the input, so that nothing finer than that is asked.
        fixed: hyper-parameters of ours that are settled, because the library does not offer them.
        lacks: promises about something that the library does not offer here, or that the adapter would answer.
        only: the promises that are asked, where a setting is there for them alone.
        documented: promises that a documented convention decides otherwise, with that convention.
    """

    name: str
    ours: str
    call: str
    make: str = ""
    whole: str = ""
    weighted: str = ""
    plain: str = ""
    soft: bool = False
    ignores: bool = False
    flat: bool = False
    single: bool = False
    fixed: Mapping[str, Any] = field(default_factory=dict)
    lacks: frozenset[str] = frozenset()
    only: frozenset[str] = frozenset()
    documented: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Library:
    """A library and its losses.

    Attributes:
        name: of the column, and of the distribution where `distribution` is empty.
        imports: statements that expressions need; they stand above the reproducers.
        peers: its losses, or a function that lists them.
        reductions: its words for ours.
        kind: "torch" where it computes with torch tensors, "jax" where with arrays of JAX.
        prepare: what must happen before the imports.
    """

    name: str
    imports: tuple[str, ...]
    peers: Callable[[], tuple[Peer, ...]]
    reductions: Mapping[str, str | None] = field(default_factory=dict)
    kind: str = "torch"
    distribution: str = ""
    prepare: Callable[[], None] = lambda: None

    @property
    def version(self) -> str:
        """The installed version, empty where there is none."""
        try:
            return metadata.version(self.distribution or self.name)
        except metadata.PackageNotFoundError:
            return ""


@cache
def scope(library: str) -> dict[str, Any]:
    """The names that a library's expressions use."""
    chosen = find(library)
    chosen.prepare()
    names: dict[str, Any] = {}
    exec("\n".join(chosen.imports), names)
    return names


@cache
def find(name: str) -> Library:
    """The library called so, from its file in `audit/libraries`."""
    found = importlib.import_module(f"audit.libraries.{name.replace('-', '_')}").LIBRARY
    assert isinstance(found, Library)
    return found


@cache
def names_in(expression: str) -> frozenset[str]:
    """The names that an expression uses."""
    return frozenset(each.id for each in ast.walk(ast.parse(expression)) if isinstance(each, ast.Name))


@cache
def compiled(library: str, expression: str) -> Callable[..., Any]:
    """An expression as a function of the names in it, by keyword."""
    free = sorted(names_in(expression) - scope(library).keys() - _bound(expression))
    head = f"*, {', '.join(free)}" if free else ""
    made: Callable[..., Any] = eval(f"lambda {head}: {expression}", scope(library))
    return made


def _bound(expression: str) -> frozenset[str]:
    """Names that the expression itself binds, and those of Python."""
    inner = set(dir(builtins))
    for each in ast.walk(ast.parse(expression)):
        if isinstance(each, ast.Lambda):
            inner |= {argument.arg for argument in each.args.args}
        elif isinstance(each, ast.comprehension):
            inner |= {name.id for name in ast.walk(each.target) if isinstance(name, ast.Name)}
    return frozenset(inner)


def with_names(expression: str, values: Mapping[str, str]) -> str:
    """The expression with source text in place of names."""
    shadowed = _bound(expression) - set(dir(builtins))
    values = {name: each for name, each in values.items() if name not in shadowed}

    class Replace(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            return ast.parse(values[node.id], mode="eval").body if node.id in values else node

    return ast.unparse(Replace().visit(ast.parse(expression, mode="eval")))
