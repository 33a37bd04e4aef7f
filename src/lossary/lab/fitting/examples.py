"""Rows and targets as tensors, and the rows kept for validation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lossary.core.errors import DataError, sentence


@dataclass(frozen=True, eq=False)
class Examples:
    """x (rows, ...), y (rows, ...), weight (rows,) or None."""

    x: Tensor
    y: Tensor
    weight: Tensor | None

    def __len__(self) -> int:
        return len(self.x)

    def at(self, rows: Tensor) -> Examples:
        """Some of them."""
        return Examples(self.x[rows], self.y[rows], None if self.weight is None else self.weight[rows])


def examples(
    x: Any, y: Any, weight: Any, *, dtype: torch.dtype, device: torch.device, ids: bool, name: str = ""
) -> Examples:
    """Arrays, tensors, frames or lists as tensors, rows in the network's dtype; with `ids` whole numbers stay whole."""
    rows, target = _tensor(f"{name}X", x, device), _tensor(f"{name}y", y, device)
    measure = None if weight is None else _tensor(f"{name}weight", weight, device).to(dtype)
    for said, each in ((f"{name}y", target), (f"{name}weight", measure)):
        if each is not None and (each.ndim == 0 or len(each) != len(rows)):
            got = f"{tuple(each.shape)} for {len(rows)} rows"
            raise DataError(sentence(said, expected="one entry a row of X", got=got, remedy="leave none out"))
    if measure is not None and (
        measure.ndim != 1 or not bool((measure >= 0).all()) or not float(measure.sum()) > 0
    ):
        raise DataError(
            sentence(f"{name}weight", expected="one number of at least 0 a row, not all 0", got="others",
                     remedy="leave weight out to count every row once")
        )  # fmt: skip
    whole = ids and not rows.is_floating_point()
    return Examples(rows if whole else rows.to(dtype), target, measure)


def kept_apart(every: Examples, share: float, seed: int) -> tuple[Examples, Examples | None]:
    """Training rows and validation rows, drawn by the seed; share 0 keeps none."""
    if not 0 <= share < 1:
        raise DataError(
            sentence("validation", expected="a share from 0 to below 1, or rows (X, y)", got=f"{share:g}",
                     remedy="0.2 keeps one row in five")
        )  # fmt: skip
    if share == 0:
        return every, None
    count = round(share * len(every))
    if not 0 < count < len(every):
        raise DataError(
            sentence("validation", expected="rows on both sides", got=f"{count} of {len(every)}",
                     remedy="give more rows, or validation=0")
        )  # fmt: skip
    order = torch.randperm(len(every), generator=torch.Generator().manual_seed(seed)).to(every.x.device)
    return every.at(order[count:]), every.at(order[:count])


def _tensor(name: str, value: Any, device: torch.device) -> Tensor:
    if isinstance(value, Tensor):
        found = value.detach()
    else:
        array = np.asarray(value)
        if array.dtype.kind not in "fiub":
            got = f"values of {array.dtype}" + (f", such as {array.flat[0]!r}" if array.size else "")
            raise DataError(
                sentence(
                    name,
                    expected="numbers",
                    got=got,
                    remedy="code classes as 0, 1, 2, ... and texts as numbers",
                )
            )
        whole = array.dtype.kind in "iub"
        found = torch.from_numpy(np.array(array, dtype=np.int64 if whole else np.float64))
    if found.ndim == 0 or len(found) == 0:
        raise DataError(
            sentence(name, expected="at least one row", got="none", remedy="pass the rows to learn from")
        )
    if found.is_floating_point() and not bool(found.isfinite().all()):
        raise DataError(
            sentence(
                name, expected="finite numbers", got="NaN or infinity among them", remedy="fill or drop them"
            )
        )
    return found.to(device)
