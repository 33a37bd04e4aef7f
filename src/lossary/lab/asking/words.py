"""Texts as numbers: words and pairs of neighbouring words, counted on the training rows or hashed.

A text becomes the numbers of its first words and pairs; what is not in the vocabulary is left out, as an unknown word
says little more than that it is rare. The network then learns one vector for each number and takes their mean.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer

SIZE = 5_000  # words and pairs that are told apart, the padding included
LEAST = 2  # training texts a word must be in; one seen once cannot be learned from
LENGTH = 256  # words and pairs of a text that are read

Coded = Callable[[Sequence[str]], NDArray[np.int64]]


def vocabulary(texts: Sequence[str], *, hashed: bool = False) -> Coded:
    """From training texts to a function texts -> int64 (texts, LENGTH): 1 to SIZE - 1, and 0 after the end.

    Counted: the words and pairs that most training texts have, by count and then by name. Hashed: every word and
    pair, by a hash that is the same on every machine; two may share a number.
    """
    parts = CountVectorizer(ngram_range=(1, 2), strip_accents="unicode").build_analyzer()
    if hashed:
        return lambda some: _filled([[_hash(part) for part in parts(text)] for text in some])
    counts = Counter(part for text in texts for part in set(parts(text)))
    kept = sorted((-count, part) for part, count in counts.items() if count >= LEAST)[: SIZE - 1]
    numbers = {part: at for at, (_, part) in enumerate(kept, start=1)}
    return lambda some: _filled([[numbers[part] for part in parts(text) if part in numbers] for text in some])


def _hash(part: str) -> int:
    return 1 + crc32(part.encode()) % (SIZE - 1)


def _filled(coded: Sequence[Sequence[int]]) -> NDArray[np.int64]:
    filled = np.zeros((len(coded), LENGTH), dtype=np.int64)
    for row, numbers in enumerate(coded):
        kept = numbers[:LENGTH]
        filled[row, : len(kept)] = kept
    return filled
