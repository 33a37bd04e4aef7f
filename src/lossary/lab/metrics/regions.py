"""Metrics of masks: outputs, targets (..., N, P), a column a pixel; a pixel is chosen where its output is above 0."""

from __future__ import annotations

from torch import Tensor

from lossary.lab.metrics.metric import average, ratio


def dice(outputs: Tensor, target: Tensor, measure: Tensor) -> Tensor:
    """2 |both| / (|chosen| + |object|) of a picture, averaged over pictures; 1 where both are empty."""
    both, there, chosen = _areas(outputs, target, measure)
    return average(ratio(2 * both, there + chosen, empty=1.0), measure)


def iou(outputs: Tensor, target: Tensor, measure: Tensor) -> Tensor:
    """|both| / |either| of a picture, averaged over pictures; 1 where both are empty."""
    both, there, chosen = _areas(outputs, target, measure)
    return average(ratio(both, there + chosen - both, empty=1.0), measure)


def pixel_accuracy(outputs: Tensor, target: Tensor, measure: Tensor) -> Tensor:
    """Share of pixels that are right."""
    right = ((outputs > 0) == (target > 0)).sum(-1).to(measure.dtype)
    return average(right / outputs.shape[-1], measure)


def pixel_recall(outputs: Tensor, target: Tensor, measure: Tensor) -> Tensor:
    """Of the objects' pixels in all pictures, the share that was chosen; 0 where there are none."""
    both, there, _ = _areas(outputs, target, measure)
    return ratio((measure * both).sum(-1), (measure * there).sum(-1))


def pixel_precision(outputs: Tensor, target: Tensor, measure: Tensor) -> Tensor:
    """Of the pixels chosen in all pictures, the share that is of objects; 0 where none was chosen."""
    both, _, chosen = _areas(outputs, target, measure)
    return ratio((measure * both).sum(-1), (measure * chosen).sum(-1))


def _areas(outputs: Tensor, target: Tensor, measure: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Pixels of each picture: chosen and of the object, of the object, chosen. (..., N) each."""
    there, chosen = target > 0, outputs > 0
    return tuple(mask.sum(-1).to(measure.dtype) for mask in (there & chosen, there, chosen))  # type: ignore[return-value]
