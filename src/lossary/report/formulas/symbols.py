"""The words of a definition over symbols: what `m` is when a formula is drawn and not computed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy


class Symbols:
    """The namespace `m` of a definition, over sympy's expressions.

    A definition (CONTRACT 11) is written over plain scalars with these few words; mpmath runs the same ones to judge.
    """

    log = staticmethod(sympy.log)
    exp = staticmethod(sympy.exp)
    sqrt = staticmethod(sympy.sqrt)
    abs = staticmethod(sympy.Abs)
    cosh = staticmethod(sympy.cosh)
    sinh = staticmethod(sympy.sinh)
    tanh = staticmethod(sympy.tanh)
    sin = staticmethod(sympy.sin)
    cos = staticmethod(sympy.cos)
    erf = staticmethod(sympy.erf)
    lgamma = staticmethod(sympy.loggamma)
    atan = staticmethod(sympy.atan)
    pi = sympy.pi

    @staticmethod
    def max(*values: Any) -> Any:
        """The largest, as one symbol: which it is becomes a case of the derivative."""
        return sympy.Max(*(values if len(values) > 1 else values[0]))

    @staticmethod
    def min(*values: Any) -> Any:
        """The smallest."""
        return sympy.Min(*(values if len(values) > 1 else values[0]))

    @staticmethod
    def where(condition: Any, then: Any, otherwise: Any) -> Any:
        """One of two expressions."""
        return sympy.Piecewise((then, condition), (otherwise, True))

    @staticmethod
    def sum(values: Sequence[Any]) -> Any:
        """The sum of a list."""
        return sympy.Add(*values)

    @staticmethod
    def sign(value: Any) -> Any:
        """-1, 0 or 1."""
        return sympy.sign(value)

    @staticmethod
    def sigmoid(x: Any) -> Any:
        """1 / (1 + exp(-x))."""
        return 1 / (1 + sympy.exp(-x))

    @staticmethod
    def softmax(row: Sequence[Any]) -> list[Any]:
        """exp(x) over the sum of them."""
        powers = [sympy.exp(value) for value in row]
        total = sympy.Add(*powers)
        return [power / total for power in powers]

    @staticmethod
    def softplus(x: Any) -> Any:
        """log(1 + exp(x))."""
        return sympy.log(1 + sympy.exp(x))

    @staticmethod
    def log1p(x: Any) -> Any:
        """log(1 + x)."""
        return sympy.log(1 + x)

    @staticmethod
    def expm1(x: Any) -> Any:
        """exp(x) - 1."""
        return sympy.exp(x) - 1


#: What a definition is handed as `m`.
NAMESPACE = Symbols()
