"""Reading ``"0.5*dice + focal(gamma=1)"``: parsed, never evaluated."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from .errors import ExpressionError, LossaryError, sentence
from .hardest import NAMES, Hardest
from .modules import LossModule

_GRAMMAR = "names of losses with keyword numbers, '*' by a number, '+', and hardest(a loss)"


def parse(text: Any, build: Callable[[str, dict[str, object]], LossModule]) -> LossModule:
    """A module from an expression of losses.

    Args:
        text: for example ``"huber(delta=2)"`` or ``"0.5*dice + cross_entropy"``.
        build: makes the module of one loss from its name and settings.

    Raises:
        ExpressionError: the text is none of that. UnknownLossError, DomainError: as the losses say.
    """
    if not isinstance(text, str):
        raise _wrong(text, type(text).__name__)
    try:
        return _read(ast.parse(text.strip(), mode="eval").body, text, build)
    except (SyntaxError, ValueError) as error:
        if isinstance(error, LossaryError):
            raise
        raise _wrong(text, str(error).split(" (")[0]) from None
    except (RecursionError, MemoryError):
        raise _wrong(text[:40], f"{len(text)} characters, nested too deeply") from None


def _read(node: ast.expr, text: str, build: Callable[[str, dict[str, object]], LossModule]) -> LossModule:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _read(node.left, text, build) + _read(node.right, text, build)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        for factor, other in ((node.left, node.right), (node.right, node.left)):
            if not _has_loss(factor):
                return _read(other, text, build) * _number(factor, text)
    if isinstance(node, ast.Name):
        return build(node.id, {})
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        wraps = node.func.id in NAMES and len(node.args) == 1
        if node.args and not wraps:
            raise _wrong(text, ast.unparse(node))
        settings: dict[str, Any] = {}
        for keyword in node.keywords:
            if keyword.arg is None:
                raise _wrong(text, "**")
            settings[keyword.arg] = _constant(keyword.value, text)
        try:
            if wraps:
                return Hardest(_read(node.args[0], text, build), **settings)
            return build(node.func.id, settings)
        except TypeError as error:
            if isinstance(error, LossaryError):
                raise
            raise _wrong(text, str(error)) from None
    raise _wrong(text, ast.unparse(node))


def _has_loss(node: ast.expr) -> bool:
    return any(isinstance(each, (ast.Name, ast.Call)) for each in ast.walk(node))


def _number(node: ast.expr, text: str) -> float:
    """A number, or a product of numbers."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return _number(node.left, text) * _number(node.right, text)
    value = node.value if isinstance(node, ast.Constant) else None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _wrong(text, ast.unparse(node))
    return value


def _constant(node: ast.expr, text: str) -> object:
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, MemoryError, RecursionError):
        raise _wrong(text, ast.unparse(node)) from None
    if isinstance(value, (bool, int, float, str, type(None))):
        return value
    if isinstance(value, (list, tuple)):
        rows = [list(each) if isinstance(each, tuple) else each for each in value]
        if all(
            isinstance(one, (int, float)) for row in rows for one in (row if isinstance(row, list) else [row])
        ):
            return rows
    raise _wrong(text, ast.unparse(node))


def _wrong(text: str, got: str) -> ExpressionError:
    return ExpressionError(
        sentence(f"loss {text!r}", expected=_GRAMMAR, got=got, remedy='write "huber(delta=2)"')
    )
