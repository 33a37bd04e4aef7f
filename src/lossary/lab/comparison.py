"""What a comparison found: one frozen object that the terminal, a notebook, the report and `results.json` all show.

Nothing here holds a clock time, a machine or a path: the same data, settings and seed give the same bytes.
Scores are in the metric's own unit, on the test rows of each split, seeds averaged before anything is tested.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lossary.core.errors import DataError, MissingExtraError, sentence
from lossary.lab import record
from lossary.lab.asking.profile import Profile
from lossary.lab.asking.task import Task
from lossary.lab.behaving import Disagreement, Listening, SizedResiduals, Tradeoff
from lossary.lab.data.table import Reading
from lossary.lab.drawing import drawer
from lossary.lab.judging.robustness import Robustness
from lossary.lab.judging.tuned import Tuned
from lossary.lab.judging.verdict import Verdicts
from lossary.lab.planning.candidate import Candidate
from lossary.lab.planning.plan import Settings
from lossary.lab.training.networks import Network

if TYPE_CHECKING:
    import pandas as pd

FORMAT = 1  # of results.json; raised when a field changes its meaning


@dataclass(frozen=True)
class Data:
    """Where the rows came from."""

    name: str
    source: str
    licence: str | None
    digest: str
    target: str
    weight: str | None
    notes: tuple[str, ...]
    reading: Reading  # how the file was read, so that train.py can read it the same way


@dataclass(frozen=True)
class Measured:
    """A metric over the splits (seeds averaged): mean, corrected 95 % interval, one value a split."""

    metric: str
    title: str
    greater_is_better: bool
    mean: float
    low: float
    high: float
    by_split: tuple[float, ...]


@dataclass(frozen=True)
class Ruler:
    """The metric that decides, and the region of practical equivalence, both fixed before the first training."""

    name: str
    title: str
    greater_is_better: bool
    why: str
    region: float  # half-width in the metric's unit; where `relative`, a share of the reference's value
    relative: bool
    is_share: bool  # shown in percent, differences in points


@dataclass(frozen=True)
class Effort:
    """What was planned and run."""

    splits: int
    seeds: int
    rates: tuple[float, ...]  # the common grid, before widening
    epochs: int
    batch: int
    patience: int | None  # epochs without a better one before a training stops; None: every epoch is run
    network: str  # "30 inputs, 32 hidden units (ReLU), 1 output"
    engine: str
    n_train: int
    n_valid: int
    n_test: int
    trials: int  # trainings run, widened rates included
    widened: tuple[str, ...]  # one sentence for each loss whose best rate lay at an edge
    detectable: (
        float  # difference found with 80 % probability, forecast; a share of the score where `Ruler.relative`
    )
    detectable_measured: float | None  # the same, from the data, in the metric's unit
    plain: tuple[str, ...] = ()  # losses that the plain engine trained though another was asked for


@dataclass(frozen=True)
class RatePoint:
    """Validation score of one loss at one learning rate, mean over splits and seeds, with its standard deviation."""

    rate: float
    score: float
    spread: float
    diverged: int  # trainings that diverged at this rate
    trainings: int
    chosen: int  # splits in which this rate was the best


@dataclass(frozen=True)
class Curve:
    """The validation metric by epoch (1, 2, ...) at the chosen rate: mean, 10 and 90 % quantiles of the trainings."""

    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True)
class Convergence:
    """First epoch from which the metric stays at the common target of its split; one that never does is censored."""

    epochs: float | None  # restricted mean; None where no training reached the target
    reached: float  # share of trainings that did


@dataclass(frozen=True)
class Calibration:
    """Reliability over all splits: predicted probability and observed share in bins of equal width, where not empty."""

    predicted: tuple[float, ...]
    observed: tuple[float, ...]
    count: tuple[int, ...]
    low: tuple[float, ...]  # 95 % Wilson band of the observed share
    high: tuple[float, ...]
    tempered: (
        bool  # after a temperature fitted on validation, for a loss whose raw outputs are no probabilities
    )


@dataclass(frozen=True)
class Confusion:
    """Test decisions over all splits and seeds, as shares of each true class: rows the truth, columns the decision."""

    levels: tuple[str, ...]
    share: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Row:
    """One loss: what it scored, at which rate, how it trained."""

    candidate: Candidate
    score: Measured  # the metric that decides, on test
    validation: float  # the same metric on validation at the chosen rates and epochs, mean
    train_gap: float | None  # train minus test of the metric, mean; None where not measured
    others: tuple[Measured, ...]  # every other metric: descriptive, not tested
    seed_spread: float  # standard deviation between seeds within a split
    rate: float  # median of the rates chosen per split
    usable: tuple[float, float] | None  # lowest and highest rate within the region of the best on validation
    decades: float  # log10 of the width of `usable`
    epochs: int  # median of the epochs chosen
    convergence: Convergence
    diverged: int  # trainings, at all rates
    trainings: int
    reasons: tuple[str, ...]  # why trainings diverged, most frequent first
    rates: tuple[RatePoint, ...]
    curve: Curve
    calibration: Calibration | None  # two classes, labels and pixels
    confusion: Confusion | None  # classes with a decision: not anomalies, nor embeddings
    residuals: tuple[
        float, ...
    ]  # numbers and counts: 101 quantiles of prediction minus target on test, target's unit
    residuals_by_size: SizedResiduals | None = None  # numbers and counts
    listening: Listening | None = None
    tradeoff: Tradeoff | None = None  # anomalies only


@dataclass(frozen=True)
class Anchor:
    """A simple model on the same splits, outside the family: it is shown, not tested."""

    name: str  # "constant", "linear", "boosting"
    title: str  # "HistGradientBoosting (scikit-learn)"
    score: Measured
    others: tuple[Measured, ...]


@dataclass(frozen=True)
class Recommendation:
    """What `train.py` trains."""

    candidate: Candidate
    why: str
    rate: float
    epochs: int
    network: Network  # with the last layer the loss needs; a user's own is under the bare name of its file
    batch: int
    weight_decay: float
    expected: Measured  # the cross-validated score with its interval


@dataclass(frozen=True)
class Comparison:
    """The result of `lossary compare`. Prints itself; `record.read(Comparison, text)` reads it back."""

    name: str
    data: Data
    task: Task
    profile: Profile
    settings: Settings
    ruler: Ruler
    effort: Effort
    rows: tuple[Row, ...]  # judged losses first, best first; then those the metric does not reward
    anchors: tuple[Anchor, ...]
    verdicts: Verdicts  # of the judged losses against the reference
    headline: str  # the verdict in one sentence
    advice: str  # what would help, in one sentence; "" where nothing would
    anchor_sentence: str  # "" unless an anchor beats every network
    recommendation: Recommendation
    notes: tuple[
        str, ...
    ]  # beyond the profile's warnings: few test rows of a class, a loss the plain engine trained
    versions: dict[str, str]
    robustness: tuple[Robustness, ...] = ()  # of the sweeps that were asked for
    tuned: Tuned | None = None  # the second table, where an equal budget of settings was asked for
    format: int = FORMAT
    disagreement: Disagreement | None = None  # None with one loss, or where answers have no common scale

    @property
    def judged(self) -> tuple[Row, ...]:
        """Losses that estimate what the metric rewards, best first."""
        return tuple(row for row in self.rows if row.candidate.judged)

    @property
    def unjudged(self) -> tuple[Row, ...]:
        """Losses that estimate something else: shown in a second table, not judged."""
        return tuple(row for row in self.rows if not row.candidate.judged)

    @property
    def reference(self) -> Row:
        """The row of the loss every other is tested against."""
        return next(row for row in self.rows if row.candidate.label == self.settings.reference)

    def row(self, label: str) -> Row:
        """The row of one loss by its label, such as "focal(gamma=1)"."""
        return next(row for row in self.rows if row.candidate.label == label)

    def to_json(self) -> str:
        """The text of `results.json`."""
        return record.text(self, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Comparison:
        """The comparison that `to_json` wrote."""
        return record.read(cls, text)

    def named(self, name: str) -> Comparison:
        """The same comparison under another name."""
        return replace(self, name=name)

    def to_frame(self, what: str = "losses") -> pd.DataFrame:
        """Its numbers as a data frame: "losses", "metrics", "splits", "rates", "epochs" or "rows".

        Raises DataError for another name.
        """
        from lossary.lab.frames import frame

        return frame(self, what)

    @property
    def charts(self) -> dict[str, Any]:
        """Its figures as Altair charts, by name. Raises MissingExtraError without the extra that draws."""
        found: dict[str, Any] = drawer("charts")(self)
        return found

    def plot(self, name: str = "differences") -> Any:
        """One figure as an Altair chart, which draws itself in a notebook. Raises DataError for a name it has not."""
        found = self.charts
        if name not in found:
            raise DataError(
                sentence(
                    "figure",
                    expected=f"one of {', '.join(found)}",
                    got=repr(name),
                    remedy="a task has the figures that its answers call for",
                )
            )
        return found[name]

    def __str__(self) -> str:
        from lossary.lab.showing import plain_table

        return plain_table(self)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """How a notebook shows it: with its pictures where they can be drawn, as text everywhere."""
        shown = {"text/plain": str(self)}
        with suppress(MissingExtraError):
            shown["text/html"] = drawer("html")(self)
        return shown
