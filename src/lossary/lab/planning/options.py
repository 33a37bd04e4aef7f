"""What a user may ask of a comparison; everything left out is decided by the design and written down there."""

from __future__ import annotations

from dataclasses import dataclass

from lossary.core.errors import DataError
from lossary.lab.planning.plan import RATES

MOST_WORKERS = 256
LARGEST_SEED = 2**32 - 1  # that numpy's older generators, behind scikit-learn's splits, take
#: Shares that a sweep tries unless others are asked for.
SWEEPS = {
    "noise": (0.0, 0.1, 0.2, 0.3, 0.4),
    "outliers": (0.0, 0.02, 0.05, 0.1),
    "imbalance": (0.5, 0.2, 0.1, 0.05, 0.02),
}

TEXTS = (
    "target", "task", "metric", "reference", "positive", "weight", "group", "time", "text", "words", "class_weight",
    "cost", "budget", "model", "optimizer", "engine",
)  # fmt: skip


def levels(name: str, text: str | None) -> tuple[float, ...]:
    """The shares that a sweep is asked to try: "0,0.1,0.4", or "default". Raises DataError for anything else."""
    if text is None:
        return ()
    if text.strip() == "default":
        return SWEEPS[name]
    try:
        return tuple(sorted({float(each) for each in text.split(",")}))
    except ValueError:
        raise DataError(
            f"{name}: expected shares of the rows separated by commas, got {text!r}; write '0,0.1,0.4' or 'default'."
        ) from None


def grid(text: str) -> tuple[float, ...]:
    """Learning rates from "0.001,0.01". Raises DataError for anything else."""
    try:
        return tuple(sorted({float(each) for each in text.split(",")}))
    except ValueError:
        raise DataError(
            f"rates: expected learning rates separated by commas, got {text!r}; write '0.001,0.01'."
        ) from None


@dataclass(frozen=True)
class Options:
    """The options of `lossary compare`, checked. Raises DataError for one outside its domain."""

    target: str | None = None
    task: str | None = None  # a Kind; None: read off the target
    metric: str | None = None
    reference: str | None = None
    rope: float | None = None
    losses: tuple[str, ...] = ()
    tune_losses: bool = False  # also an equal budget of settings for every loss, as a second table
    positive: str | None = None
    weight: str | None = None  # columns, as are the next three
    group: str | None = None  # its rows stay together in every split
    time: str | None = None  # test rows come after all others
    text: str | None = None
    words: str = "counted"  # or "hashed": how words of a text get their numbers
    order: tuple[str, ...] = ()  # the grades of an ordinal target from low to high
    class_weight: str = "none"  # or "balanced": training rows of every class weigh alike
    cost: str | None = None  # "fn=10,fp=1": the expected cost becomes the metric
    noise: tuple[float, ...] = ()  # shares of wrong labels among the rows learned from
    outliers: tuple[float, ...] = ()  # shares of gross outliers among their targets
    imbalance: tuple[float, ...] = ()  # shares that the smallest class is thinned out to
    force: bool = False  # give verdicts on small data too
    budget: str | None = None  # "5m": the time that all trainings together may take
    model: str | None = None  # "file.py:Net": the user's own network
    dropout: float = 0.0
    optimizer: str = "adamw"
    seed: int = 0
    splits: int | None = None  # None: 20, and 10 where a training takes seconds
    seeds: int | None = None  # None: 5, and 2 there
    epochs: int | None = None  # None: `epochs_for` the training rows
    patience: int | None = None
    batch: int = 32
    rates: tuple[float, ...] = RATES
    engine: str = "stacked"
    workers: int = 2

    def __post_init__(self) -> None:
        for name in TEXTS:
            value = getattr(self, name)
            if value is not None and not isinstance(value, str):
                raise DataError(
                    f"{name}: expected text, got {value!r}; see the options of `lossary compare`."
                )
        for text in self.losses:
            if not isinstance(text, str):
                raise DataError(
                    f"losses: expected expressions such as 'huber(delta=2)', got {text!r}; name each loss by its text."
                )
        for name in ("rope", "dropout"):
            value = getattr(self, name)
            if value is None and name == "rope":
                continue
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise DataError(f"{name}: expected a number, got {value!r}; give one, or leave it out.")
        for name, least in (
            ("seed", 0),
            ("splits", 2),
            ("seeds", 1),
            ("epochs", 1),
            ("patience", 1),
            ("batch", 1),
            ("workers", 1),
        ):
            value = getattr(self, name)
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise DataError(
                    f"{name}: expected a whole number of at least {least}, got {value!r}; raise it."
                )
        if self.workers > MOST_WORKERS:
            raise DataError(
                f"workers: expected at most {MOST_WORKERS} processes, got {self.workers}; as many as there are cores "
                "are fastest."
            )
        if self.seed > LARGEST_SEED:
            raise DataError(f"seed: expected a whole number below 2**32, got {self.seed!r}; lower it.")
        for name, known in (
            ("class_weight", ("none", "balanced")),
            ("words", ("counted", "hashed")),
            ("optimizer", ("adamw", "sgd")),
            ("engine", ("stacked", "plain")),
        ):
            if getattr(self, name) not in known:
                raise DataError(
                    f"{name}: expected {' or '.join(known)}, got {getattr(self, name)!r}; choose one of them."
                )
        for name in ("noise", "outliers", "imbalance"):
            if not all(0 <= level < 1 for level in getattr(self, name)):
                raise DataError(
                    f"{name}: expected shares of the rows from 0 to below 1, got {getattr(self, name)!r}; write 0.1 "
                    "for one row in ten."
                )
        if not 0 <= self.dropout < 1:
            raise DataError(
                f"dropout: expected a share from 0 to below 1, got {self.dropout!r}; 0 leaves it out."
            )
        if self.rope is not None and not 0 < self.rope < 1:
            raise DataError(
                f"rope: expected a number between 0 and 1 (0.01 is one point, or 1 % of an error), got {self.rope!r}; "
                "choose the smallest difference that would matter to you."
            )
        if not self.rates or not all(0 < rate < float("inf") for rate in self.rates):
            raise DataError(f"rates: expected learning rates above 0, got {self.rates!r}; leave them out.")
        if len(set(self.rates)) < len(self.rates):
            raise DataError(
                f"rates: expected each learning rate once, got {self.rates!r}; leave the repeated out."
            )
