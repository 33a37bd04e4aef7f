"""The laboratory: which loss should I train with? Data, plan, training, statistics and verdict, one room each.

`lossary.lab.compare(data, target=...)` runs all of it and returns a Comparison, which prints itself.
`lossary.lab.train(model, X, y, loss=...)` trains one network under one loss and returns its history.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lossary.lab.comparison import Comparison
    from lossary.lab.conduct import compare
    from lossary.lab.fitting.history import History
    from lossary.lab.fitting.train import train

__all__ = ["Comparison", "History", "compare", "train"]


def __getattr__(name: str) -> object:
    # On first use: a worker that only trains has no need of pandas and scikit-learn.
    if name == "compare":
        from lossary.lab.conduct import compare

        return compare
    if name == "Comparison":
        from lossary.lab.comparison import Comparison

        return Comparison
    if name == "train":
        from lossary.lab.fitting.train import train

        return train
    if name == "History":
        from lossary.lab.fitting.history import History

        return History
    raise AttributeError(f"module 'lossary.lab' has no attribute {name!r}")
