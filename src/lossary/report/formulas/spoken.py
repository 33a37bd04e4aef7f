"""LaTeX that an author wrote by hand, as near as one line of a terminal comes to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from .marks import GREEK
from .pieces import Is, Piece, above, held, index, joined

_ATOMS = {
    **GREEK, "lambda": "λ", "nu": "ν", "pi": "π", "phi": "φ", "varphi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω",
    "xi": "ξ", "zeta": "ζ", "varepsilon": "ε", "Gamma": "Γ", "Delta": "Δ", "Phi": "Φ", "Sigma": "Σ", "Omega": "Ω",
    "Lambda": "Λ", "ell": "ℓ", "infty": "∞", "nabla": "∇", "partial": "∂", "ldots": "…", "dots": "…", "top": "ᵀ",
}  # fmt: skip
_FUNCTIONS = (
    "log",
    "exp",
    "max",
    "min",
    "sin",
    "cos",
    "tan",
    "tanh",
    "cosh",
    "sinh",
    "arg",
    "det",
    "ln",
    "arccos",
)
_RELATIONS = {
    "ne": "≠", "neq": "≠", "le": "≤", "leq": "≤", "ge": "≥", "geq": "≥", "in": "∈", "to": "→", "propto": "∝",
    "approx": "≈", "sim": "∼", "parallel": "‖", "mid": "|", "ll": "≪", "gg": "≫", "colon": ":",
}  # fmt: skip
_OPENING = {"lVert": "‖", "lvert": "|", "lfloor": "⌊", "lceil": "⌈", "langle": "⟨", "{": "{"}
_CLOSING = {"rVert": "‖", "rvert": "|", "rfloor": "⌋", "rceil": "⌉", "rangle": "⟩", "}": "}"}
_CHARACTERS = {
    "(": Is.OPEN, "[": Is.OPEN, ")": Is.CLOSE, "]": Is.CLOSE, "+": Is.SIGN, "=": Is.RELATION, "<": Is.RELATION,
    ">": Is.RELATION, "/": Is.SLASH, ",": Is.COMMA, ";": Is.COMMA, ":": Is.COMMA,
}  # fmt: skip
_RAISED = str.maketrans("0123456789−+", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺")
_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|[0-9]+(?:\.[0-9]+)?|\s+|.", re.DOTALL)
_COMMAND = re.compile(r"\\(?:text|operatorname|mathrm)\{[^{}]*\}|\\[A-Za-z]+")
_PLAIN = re.compile(r"[^\x00-\x7f]|[A-Za-z]{3,}")  # what, outside of commands, no LaTeX formula has
_GAPS = {r"\,", r"\;", r"\ ", r"\:", r"\quad", r"\qquad"}


def spoken(latex: str) -> str:
    """``\\max_{j} d_{ij}`` as ``maxⱼ dᵢⱼ``; an index that has no small letters keeps its braces.

    What is not LaTeX but text already stays as it is, but for its minus signs.
    """
    if _PLAIN.search(_COMMAND.sub("", latex)):
        return re.sub(r"(?<![A-Za-z])-|-(?![A-Za-z])", "−", latex)
    return joined(_Reader(latex).pieces())


class _Reader:
    """From LaTeX to pieces, commands and braces resolved."""

    def __init__(self, latex: str) -> None:
        self.tokens: list[str] = _TOKEN.findall(latex)
        self.place = 0

    def pieces(self, end: str = "") -> list[Piece]:
        """What stands up to ``end``, each index and exponent put to the piece it belongs to."""
        found: list[Piece] = []
        spaced, bars = False, 0
        while self.place < len(self.tokens):
            token = self._next()
            if token == end:
                break
            if token.isspace() or token in _GAPS:
                spaced = True
                if token in (r"\quad", r"\qquad") and found and found[-1].text == ",":
                    found[-1] = Piece(";", Is.COMMA)
            elif token in ("_", "^", "'") and found:
                found[-1] = self._indexed(found[-1], token)
            elif token == "!" and found:
                found[-1] = replace(found[-1], text=found[-1].text + "!")
            elif token in ("|", r"\|"):
                bars += 1
                mark = "|" if token == "|" else "‖"
                found.append(Piece(mark, Is.OPEN if bars % 2 else Is.CLOSE, spaced))
                spaced = False
            elif token not in (r"\left", r"\right", r"\!", r"\big", r"\Big", r"\limits"):
                found += [replace(each, spaced=spaced) for each in self._one(token)]
                spaced = False
        return found

    def _next(self) -> str:
        self.place += 1
        return self.tokens[self.place - 1]

    def _group(self) -> list[Piece]:
        """What is in the next braces, or the one sign that stands without."""
        while self.tokens[self.place].isspace():
            self.place += 1
        token = self._next()
        return self.pieces("}") if token == "{" else list(self._one(token))

    def _raw(self) -> str:
        """The next braces as they are."""
        start = self.place + 1
        depth = 0
        while self.place < len(self.tokens):
            token = self._next()
            depth += (token == "{") - (token == "}")
            if depth == 0:
                break
        return "".join(self.tokens[start : self.place - 1]).replace(r"\_", "_")

    def _one(self, token: str) -> Iterator[Piece]:
        name = token.removeprefix("\\")
        if token == "{":
            yield from self.pieces("}")
        elif token in (r"\frac", r"\tfrac", r"\dfrac"):
            top, bottom = self._group(), self._group()
            yield Piece(f"{above(top)}/{held(bottom)}", Is.RATIO)
        elif token == r"\sqrt":
            yield Piece(f"√{held(self._group())}", Is.ATOM)
        elif token in (r"\text", r"\mathrm", r"\operatorname", r"\mathbb", r"\mathbf", r"\mathcal"):
            yield _named(token, self._raw())
        elif token in (r"\bar", r"\hat", r"\tilde"):
            mark = {"bar": "\u0304", "hat": "\u0302", "tilde": "\u0303"}[name]
            yield Piece(joined(self._group()) + mark, Is.ATOM)
        elif token in (r"\sum", r"\int", r"\prod"):
            yield Piece({"sum": "Σ", "int": "∫", "prod": "∏"}[name], Is.OVER)
        elif token in (r"\cdot", r"\times", "·"):
            yield Piece("·", Is.POINT)
        elif token in ("-", "−", r"\pm"):
            yield Piece("±" if token == r"\pm" else "−", Is.SIGN)
        elif token in _CHARACTERS:
            yield Piece(token, _CHARACTERS[token])
        elif token.startswith("\\"):
            yield _command(name)
        else:
            yield Piece(token, Is.NUMBER if token[0].isdigit() else Is.ATOM)

    def _indexed(self, piece: Piece, mark: str) -> Piece:
        if mark == "'":
            return replace(piece, text=piece.text + "′")
        inside = self._group()
        if mark == "_":
            return replace(piece, text=piece.text + index(inside))
        shown = joined(inside)
        if piece.text == "e" and piece.kind is Is.ATOM:
            return Piece(f"exp({shown})", Is.ATOM, piece.spaced)
        if re.fullmatch(r"[−+]?\d+", shown):
            raised = shown.translate(_RAISED)
        else:
            single = len(inside) == 1 and inside[0].kind in (Is.ATOM, Is.NUMBER) and "(" not in shown
            raised = shown if shown == "ᵀ" else f"^{shown}" if single or shown == "*" else f"^({shown})"
        whole = f"({piece.text})" if piece.kind is Is.RATIO else piece.text
        return replace(piece, text=whole + raised)


def _command(name: str) -> Piece:
    if name in _FUNCTIONS:
        return Piece(name, Is.FUNCTION)
    for words, kind in ((_RELATIONS, Is.RELATION), (_OPENING, Is.OPEN), (_CLOSING, Is.CLOSE)):
        if name in words:
            return Piece(words[name], kind)
    return Piece(_ATOMS.get(name, name), Is.ATOM)


def _named(command: str, inside: str) -> Piece:
    if command == r"\operatorname":
        return Piece(inside, Is.FUNCTION)
    if command == r"\mathrm" and inside == "d":
        return Piece("d", Is.SLICE)
    # Words of a sentence have spaces around them; without, they are the name of a setting.
    name = command != r"\text" or (inside == inside.strip() and inside[:1].isalpha())
    return Piece(inside if name else inside.strip(), Is.ATOM if name else Is.WORDS)
