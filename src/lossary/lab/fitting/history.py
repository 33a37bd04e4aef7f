"""What a training leaves behind: its losses and metrics by epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lossary.lab import record
from lossary.lab.figures import figures

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 10  # epochs that a printed history shows at most


@dataclass(frozen=True)
class History:
    """One training, epoch by epoch (1, 2, ...), every number taken after the epoch with the network at rest.

    The loss is the mean over all rows, so training and validation compare like with like; dropout is off.
    """

    description: str  # loss, optimiser and rate, as it was trained
    loss: tuple[float, ...]
    validation_loss: tuple[float, ...]  # empty without validation rows
    metrics: Mapping[str, tuple[float, ...]]
    validation_metrics: Mapping[str, tuple[float, ...]]
    ended: str = ""  # why it stopped before its last epoch; empty where it did not
    seconds: float = field(default=0.0, compare=False)  # a clock's: in no record

    @property
    def epochs(self) -> int:
        """How many epochs were finished."""
        return len(self.loss)

    def columns(self) -> dict[str, tuple[float, ...]]:
        """Every series by the name of its column, training before validation."""
        held = {"loss": self.loss, **self.metrics}
        if self.validation_loss:
            held["validation_loss"] = self.validation_loss
        return held | {f"validation_{name}": values for name, values in self.validation_metrics.items()}

    def __getitem__(self, name: str) -> tuple[float, ...]:
        return self.columns()[name]

    def to_frame(self) -> pd.DataFrame:
        """One row an epoch, the index counting from 1."""
        import pandas as pd

        return pd.DataFrame(self.columns(), index=pd.RangeIndex(1, self.epochs + 1, name="epoch"))

    def to_json(self) -> str:
        """The same training gives the same text: the clock is left out."""
        fields = record.plain(self)
        del fields["seconds"]
        return record.text(fields, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> History:
        """The history that `to_json` wrote."""
        return record.read(cls, text)

    def __str__(self) -> str:
        columns = self.columns()
        width = {name: max(len(name), 10) for name in columns}
        lines = [self.description, "  ".join(["epoch", *(name.rjust(width[name]) for name in columns)])]
        for epoch in _some(self.epochs):
            cells = [figures(values[epoch], 4).rjust(width[name]) for name, values in columns.items()]
            lines.append("  ".join([str(epoch + 1).rjust(5), *cells]))
        return "\n".join([*lines, *([self.ended] if self.ended else [])])


def _some(epochs: int) -> list[int]:
    """Evenly spread, the first and the last among them."""
    if epochs <= SHOWN:
        return list(range(epochs))
    return sorted({round(i * (epochs - 1) / (SHOWN - 1)) for i in range(SHOWN)})
