"""The marks that formulas are written with, on a terminal and in LaTeX."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "theta": "θ", "lambda": "λ", "mu": "μ",
    "sigma": "σ", "tau": "τ", "rho": "ρ", "kappa": "κ", "eta": "η",
}  # fmt: skip
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_LOWERED = {"i": "ᵢ", "j": "ⱼ"}


class Marks(Protocol):
    """How each kind of expression is put down, given its parts already written."""

    minus: str
    times: str
    both: str
    either: str
    otherwise: str
    relations: Mapping[str, str]
    numerator: int  # how tightly the parts of a fraction must hold together to go without brackets
    denominator: int

    def symbol(self, letter: str, index: str) -> str:
        """A letter, perhaps with an index; the word of a hyper-parameter where it has no letter."""

    def brackets(self, inside: str) -> str:
        """(inside)"""

    def fraction(self, above: str, below: str) -> str:
        """above / below"""

    def power(self, base: str, exponent: str) -> str:
        """base to the exponent"""

    def root(self, inside: str) -> str:
        """The square root."""

    def size(self, inside: str) -> str:
        """|inside|"""

    def length(self, inside: str) -> str:
        """The Euclidean norm."""

    def over(self, term: str) -> str:
        """The sum over j."""

    def call(self, name: str, inside: str, bare: bool) -> str:
        """A function of something; ``bare`` needs no brackets."""


class _Text:
    minus, times, both, either, otherwise = "−", "·", "and", "or", "otherwise"
    relations: Mapping[str, str] = {">": ">", "<": "<", ">=": "≥", "<=": "≤", "==": "=", "!=": "≠"}
    numerator, denominator = 1, 2

    def symbol(self, letter: str, index: str) -> str:
        return GREEK.get(letter, letter) + _LOWERED.get(index, index)

    def brackets(self, inside: str) -> str:
        return f"({inside})"

    def fraction(self, above: str, below: str) -> str:
        return f"{above}/{below}"

    def power(self, base: str, exponent: str) -> str:
        if exponent.isdigit():
            return base + exponent.translate(_RAISED)
        word = exponent.replace("_", "").isalpha()
        return f"{base}^{exponent if word else f'({exponent})'}"

    def root(self, inside: str) -> str:
        return f"√{inside}" if inside.isidentifier() else f"√({inside})"

    def size(self, inside: str) -> str:
        return f"|{inside}|"

    def length(self, inside: str) -> str:
        return f"‖{inside}‖"

    def over(self, term: str) -> str:
        return f"Σⱼ {term}"

    def call(self, name: str, inside: str, bare: bool) -> str:
        return f"{name} {inside}" if bare else f"{name}({inside})"


class _Latex:
    minus, times, both, either, otherwise = "-", r" \, ", r"\text{ and }", r"\text{ or }", r"\text{otherwise}"
    relations: Mapping[str, str] = {">": ">", "<": "<", ">=": r"\ge", "<=": r"\le", "==": "=", "!=": r"\ne"}
    numerator, denominator = 0, 0
    _known = frozenset({"log", "exp", "max", "min", "sin", "cos", "tanh", "cosh", "sinh"})

    def symbol(self, letter: str, index: str) -> str:
        if letter in GREEK:
            shown = f"\\{letter}"
        else:
            shown = letter if len(letter) == 1 else r"\text{" + letter.replace("_", r"\_") + "}"
        return f"{shown}_{{{index}}}" if index else shown

    def brackets(self, inside: str) -> str:
        return rf"\left({inside}\right)"

    def fraction(self, above: str, below: str) -> str:
        return rf"\frac{{{above}}}{{{below}}}"

    def power(self, base: str, exponent: str) -> str:
        return f"{base}^{{{exponent}}}"

    def root(self, inside: str) -> str:
        return rf"\sqrt{{{inside}}}"

    def size(self, inside: str) -> str:
        return rf"\left|{inside}\right|"

    def length(self, inside: str) -> str:
        return rf"\left\lVert {inside} \right\rVert"

    def over(self, term: str) -> str:
        return rf"\sum_j {term}"

    def call(self, name: str, inside: str, bare: bool) -> str:
        shown = (
            r"\sigma" if name == "σ" else f"\\{name}" if name in self._known else rf"\operatorname{{{name}}}"
        )
        return f"{shown} {inside}" if bare else rf"{shown}\left({inside}\right)"


TEXT: Marks = _Text()
LATEX: Marks = _Latex()
