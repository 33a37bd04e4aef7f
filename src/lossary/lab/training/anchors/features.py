"""Rows as simple models take them: columns, pictures as pixels in a row, texts as weighed words."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch

from lossary.lab.training.trial import SplitData


class Features(NamedTuple):
    """Training, validation and test rows, (rows, features) each, dense float64 or sparse."""

    train: Any
    valid: Any
    test: Any

    @property
    def sparse(self) -> bool:
        """Whether the rows are texts."""
        return not isinstance(self.train, np.ndarray)


def features(data: SplitData) -> Features:
    """The rows of a split. What is fitted, the weight of a word, is fitted on the training rows."""
    parts = (data.x_train, data.x_valid, data.x_test)
    if data.x_train.is_floating_point():
        return Features(*(part.flatten(1).numpy().astype(np.float64) for part in parts))
    from sklearn.feature_extraction.text import TfidfTransformer

    words = 1 + max(int(part.max()) if part.numel() else 0 for part in parts)
    counted = [_counted(part, words) for part in parts]
    weigh = TfidfTransformer(sublinear_tf=True).fit(counted[0])
    return Features(*(weigh.transform(part) for part in counted))


def _counted(ids: torch.Tensor, words: int) -> Any:
    """How often every word is in every text (rows, words), sparse; 0 is padding and not a word."""
    from scipy.sparse import csr_matrix

    numbers = ids.numpy()
    row, place = np.nonzero(numbers)
    ones = np.ones(len(row))
    return csr_matrix((ones, (row, numbers[row, place])), shape=(len(numbers), words))
