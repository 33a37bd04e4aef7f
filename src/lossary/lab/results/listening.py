"""Which rows a loss still listens to once it is trained: where on the test rows its slope is, from easy to hard.

The slope of a row's loss in the network's outputs is what the row pushes with when the network learns. Rows are put
in one order for all losses, by how clearly the networks of all of them answer: for classes by the margin of the true
class over the next, for numbers by the size of the error, as ranks, so that no loss's scale counts more than another's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import rankdata

from lossary.lab.behaving import Listening
from lossary.lab.running.store import Outputs
from lossary.lab.training.engines.objective import unit_slope
from lossary.lab.training.rows import Rows
from lossary.lab.training.trial import Link

Values = NDArray[np.float64]

PARTS = 10  # tenths of the rows
CLASSES = frozenset({"binary", "multiclass", "ordinal"})
KINDS = CLASSES | {"regression", "count"}


def listening(
    losses: Mapping[str, tuple[str, Link]],
    refused: Mapping[str, str],
    outputs: Callable[[str, int], Outputs],
    rows: Rows,
) -> dict[str, Listening]:
    """Shares of the slope by tenths of the test rows, mean over splits and seeds.

    `losses` are label -> (expression, link); `refused` label -> why a loss has no slope of a single row. A training
    whose slope is 0 on every test row listens to none, and is left out of the mean.
    """
    kind = rows.task.kind
    if kind.value not in KINDS:
        return {}
    found = {label: Listening(why=why) for label, why in refused.items()}
    slopes = {label: unit_slope(*loss) for label, loss in losses.items() if label not in refused}
    parts: dict[str, list[Values]] = {label: [] for label in slopes}
    for split in range(len(rows.splits)):
        raw = {label: torch.from_numpy(outputs(label, split).test).double() for label in losses}
        data = rows.data(split)
        target = data.y_test if kind.coded else data.y_test.double()
        order = difficulty(list(raw.values()), target, classes=kind.value in CLASSES)
        weight = np.ones(len(target)) if data.w_test is None else data.w_test.double().numpy()
        for label, slope in slopes.items():
            parts[label] += _shares(raw[label], target, slope, weight, order)
    for label, each in parts.items():
        why = "" if each else "the slope is 0 on every test row"
        found[label] = Listening(tuple(np.mean(each, axis=0).tolist()) if each else (), why)
    return found


def difficulty(outputs: Sequence[torch.Tensor], target: torch.Tensor, *, classes: bool) -> NDArray[np.int64]:
    """The rows from the easiest to the hardest, by mean rank over the trainings (seeds, rows, K) of all losses."""
    ranks = np.zeros(len(target))
    for each in outputs:
        hard = -margin(each, target) if classes else (each[..., 0] - target).abs()
        hard = hard[torch.isfinite(each).flatten(1).all(1)]
        ranks += rankdata(hard.numpy(), axis=-1).sum(0)  # rows as clear as each other share their ranks
    return np.argsort(ranks, kind="stable")


def margin(outputs: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """How far the true class lies before the next one (seeds, rows), of outputs (seeds, rows, K)."""
    if outputs.shape[-1] == 1:
        return outputs[..., 0] * (2 * target - 1)
    true = torch.nn.functional.one_hot(target.long(), outputs.shape[-1]).bool()
    best_other = outputs.masked_fill(true, -torch.inf).amax(-1)
    return outputs[true.expand(outputs.shape)].view(outputs.shape[:-1]) - best_other


def _shares(
    raw: torch.Tensor,
    target: torch.Tensor,
    slope: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    weight: Values,
    order: NDArray[np.int64],
) -> list[Values]:
    """For each training (seeds, rows, K) with a slope somewhere: the shares of the tenths, (10,), which add to 1."""
    seeds, rows, columns = raw.shape
    units = raw.reshape(seeds * rows, columns)
    flat = slope(units[:, 0] if columns == 1 else units, target.repeat(seeds))
    size = flat.detach().abs().reshape(seeds, rows, -1).sum(-1).numpy() * weight
    reached = np.concatenate([np.zeros((seeds, 1)), size[:, order].cumsum(1)], axis=1)
    total = reached[:, -1]
    # A part may end within a row where there are not ten times as many: its slope is shared out.
    ends = np.linspace(0, rows, PARTS + 1)
    found = np.diff([np.interp(ends, np.arange(rows + 1), each) for each in reached], axis=1)
    return [
        part / whole for part, whole in zip(found, total, strict=True) if np.isfinite(whole) and whole > 0
    ]
