"""What a user may ask of a comparison; everything left out is decided by the design and written down there."""

from __future__ import annotations

from dataclasses import dataclass

from lossary.core.errors import DataError
from lossary.lab.planning.plan import RATES


@dataclass(frozen=True)
class Options:
    """The options of `lossary compare`, checked. Raises DataError for one outside its domain."""

    target: str | None = None
    metric: str | None = None
    reference: str | None = None
    rope: float | None = None
    losses: tuple[str, ...] = ()
    positive: str | None = None
    weight: str | None = None
    seed: int = 0
    splits: int = 20
    seeds: int = 5
    epochs: int | None = None  # None: `epochs_for` the training rows
    patience: int | None = None
    batch: int = 32
    rates: tuple[float, ...] = RATES
    engine: str = "stacked"
    workers: int = 2

    def __post_init__(self) -> None:
        for name, least in (
            ("seed", 0),
            ("splits", 2),
            ("seeds", 1),
            ("epochs", 1),
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
        if self.rope is not None and not 0 < self.rope < 1:
            raise DataError(
                f"rope: expected a number between 0 and 1 (0.01 is one point, or 1 % of an error), got {self.rope!r}; "
                "choose the smallest difference that would matter to you."
            )
        if not self.rates or not all(0 < rate < float("inf") for rate in self.rates):
            raise DataError(f"rates: expected learning rates above 0, got {self.rates!r}; leave them out.")
