"""What a study is, before it runs and after: frozen records, shown by the report and kept as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from lossary.lab import record

Setting = int | float | str | tuple[float, ...]


class Outcome(StrEnum):
    """How an ordering that the texts print fares."""

    HOLDS = "ordering holds"
    REVERSED = "reversed"
    EQUAL = "practically equal"
    UNDECIDED = "cannot tell"
    UNTESTABLE = "not testable as stated"


class Ruling(StrEnum):
    """How a claim in words fares."""

    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    CONDITION = "holds on a condition"


@dataclass(frozen=True)
class Study:
    """A question with everything that decides its answer, written down before it is run."""

    name: str
    title: str
    question: str
    text: str  # what introductory texts print
    statements: tuple[str, ...]  # what is put to the test, in the order of the answers
    data: str
    metric: str
    region: str  # what counts as practically equal
    design: str
    settings: Mapping[str, Setting]
    quick: Mapping[str, Setting]  # what a quick run changes: to see that it works, not what is true
    seconds: int  # about how long it takes on two cores

    def chosen(self, quick: bool) -> dict[str, Setting]:
        """The settings of a run."""
        return {**self.settings, **(self.quick if quick else {})}

    def digest(self, quick: bool = False) -> str:
        """64 hexadecimal digits over all that was fixed: printed before the run and in its result."""
        return record.digest({"study": self, "settings": self.chosen(quick)})


@dataclass(frozen=True)
class Answer:
    """One statement, what was measured, in a sentence without a full stop, and what follows."""

    statement: str
    measured: str
    outcome: Outcome | Ruling


@dataclass(frozen=True)
class Grid:
    """A table of words and numbers."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | float | None, ...], ...]
    note: str = ""


@dataclass(frozen=True)
class Line:
    """One line of a picture; the band is empty where there is none."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


@dataclass(frozen=True)
class Picture:
    """Lines over a common axis, as numbers: the report draws them."""

    key: str
    title: str
    reading: str  # what to look for
    x: str
    y: str
    lines: tuple[Line, ...]
    log_x: bool = False
    log_y: bool = False


@dataclass(frozen=True)
class Found:
    """What a recipe returns."""

    answers: tuple[Answer, ...]
    grids: tuple[Grid, ...] = ()
    pictures: tuple[Picture, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """A study that was run. `record.text` writes it, `record.read` reads it back."""

    study: Study
    quick: bool
    digest: str
    found: Found
    versions: Mapping[str, str]

    @property
    def sentence(self) -> str:
        """What the text says, what was measured, and which outcome: of the first statement, which is the study's."""
        first = self.found.answers[0]
        return f"The texts: {first.statement}. Measured: {first.measured}. Outcome: {first.outcome.value}."
