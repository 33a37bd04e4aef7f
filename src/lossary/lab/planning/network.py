"""The network that suits what the rows are seen as: the same for every loss."""

from __future__ import annotations

from math import prod

from lossary.lab.asking.inputs import Texts
from lossary.lab.asking.task import Kind
from lossary.lab.planning.options import Options
from lossary.lab.training.networks import Bag, Cnn, Mlp, Network, Segmenter, own
from lossary.lab.training.rows import Rows

HIDDEN = (32,)  # units of the network that every loss trains
VECTORS = 16  # numbers that a word becomes


def network_for(rows: Rows, options: Options) -> Network:
    """The network that suits what the rows are seen as, or the user's own."""
    task, shape = rows.task, rows.shape
    if options.model is not None:
        return own(options.model, shape, task.outputs, floating=rows.table.text is None)
    channels, height, width = shape if len(shape) == 3 else (0, 0, 0)
    if rows.table.pictures is not None and task.kind is Kind.SEGMENTATION:
        return Segmenter(channels, height, width, dropout=options.dropout)
    if rows.table.pictures is not None and task.kind is not Kind.ANOMALY:
        return Cnn(channels, height, width, task.outputs, dropout=options.dropout)
    if isinstance(rows.inputs, Texts):
        return Bag(rows.inputs.vocabulary, VECTORS, (), task.outputs, dropout=options.dropout)
    return Mlp(prod(shape), HIDDEN, task.outputs, dropout=options.dropout)
