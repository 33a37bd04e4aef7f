"""What the ledger keeps of the trainings that were chosen: the raw outputs on the validation and the test rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Outputs:
    """Raw network outputs of one loss on one split at its best rate, every seed: (seeds, rows, outputs)."""

    label: str
    split: int
    rate: float
    valid: Floats
    test: Floats
