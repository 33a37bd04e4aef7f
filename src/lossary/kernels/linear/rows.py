"""What is known of every row before its logits are: targets, how much it counts, whether it counts at all.

Everything comes from the core, which is shown logits of the right shape that take no memory. Class weights and
smoothing wait for the chunk, because they would make a row of probabilities of every index.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Size, Tensor

from lossary.core import call, checks, prepare
from lossary.core.canonical import of_class
from lossary.core.declaration import Loss
from lossary.core.kinds import Form
from lossary.core.measure import both, product
from lossary.core.options import Options
from lossary.core.shapes import frame

from .softmax import Target


class Rows(NamedTuple):
    """The rows of a call, in one axis.

    Attributes:
        targets: canonical inputs beside the logits, but for class weights and smoothing; one row each.
        axes: whether each input has an axis of its own.
        classes: size of the class axis.
        options: what the targets still need.
        measure: how much each unit counts, (N,) or (N, V); None: 1 each.
        keep: which units count, (N,) or (N, V); None: all.
        shape: the shape of the units as the caller sees them.
    """

    targets: tuple[Tensor | None, ...]
    axes: tuple[int | None, ...]
    classes: int
    options: Options
    measure: Tensor | None
    keep: Tensor | None
    shape: Size

    @property
    def counts(self) -> Tensor | None:
        """Which rows have anything that counts, (N,); None: all."""
        return self.keep if self.keep is None or self.keep.ndim == 1 else self.keep.any(-1)

    def take(self, index: Tensor) -> Rows:
        """These rows alone; of units that are rows all of them count."""
        keep = None if self.keep is None or self.keep.ndim == 1 else self.keep[index]
        return self._replace(
            targets=tuple(None if each is None else each[index] for each in self.targets),
            measure=None if self.measure is None else self.measure[index],
            keep=keep,
        )


def settle(
    loss: Loss,
    logits: Tensor,
    targets: tuple[Tensor | None, ...],
    hyper: Mapping[str, Any],
    options: Options,
) -> Rows:
    """Judge the targets and merge all that says how much a unit counts.

    Args:
        logits: a stand-in, (..., V): its shape, dtype and device are all that is read.
    """
    inputs = (logits, *targets)
    where_is = frame(loss, inputs, hyper, options.class_dim)
    later = Options(
        class_weight=options.class_weight,
        label_smoothing=options.label_smoothing,
        class_dim=-1,
        target_inputs="log_probabilities",
    )
    known = options._replace(class_weight=None, label_smoothing=0.0)
    if checks.level != "off" and loss.options:
        prepare.check(loss, options)
    settled = call.settle(loss, inputs, hyper, known, aside=True)
    keep, measure, shape = settled.keep, settled.measure, settled.shape
    if keep is not None:
        keep = keep.expand(shape)
    if options.class_weight is not None:
        dtype = torch.float64 if logits.dtype is torch.float64 else torch.float32
        live = checks.reads_values(logits)
        factor = _factor(loss, settled.arguments, where_is.classes, options, live).to(dtype)
        if keep is not None:
            factor = torch.where(keep, factor, 0.0)
        if not factor.requires_grad:
            keep = both(keep, factor != 0)
        measure = product(measure, factor, shape, dtype)
    count = logits.shape[:-1].numel()
    return Rows(
        tuple(_flat(each, count, logits.ndim) for each in settled.arguments[1:]),
        where_is.axes,
        where_is.classes,
        later,
        _flat(measure, count, logits.ndim),
        _flat(keep, count, logits.ndim),
        shape,
    )


def _flat(tensor: Tensor | None, count: int, depth: int) -> Tensor | None:
    """All row axes as one; ``depth`` is the number of axes of the logits."""
    if tensor is None:
        return None
    return tensor.reshape(count, tensor.shape[-1]) if tensor.ndim == depth else tensor.reshape(count)


def _factor(loss: Loss, arguments: tuple[Any, ...], classes: int, options: Options, live: bool) -> Tensor:
    """What class weights put into the measure: the expectation over each unit's smoothed target."""
    smoothing = options.label_smoothing
    target: Tensor = arguments[loss.target]
    if loss.inputs[loss.target].kind.form is Form.BINARY:
        weights = prepare.class_weights(loss, options.class_weight, 2, target, live)
        assert weights is not None
        positive = target * (1.0 - smoothing) + 0.5 * smoothing
        return positive * weights[1] + (1.0 - positive) * weights[0]
    weights = prepare.class_weights(loss, options.class_weight, classes, target, live)
    assert weights is not None
    hard = (target * weights).sum(-1) if target.is_floating_point() else of_class(weights, target)
    return hard if smoothing == 0.0 else (1.0 - smoothing) * hard + smoothing * weights.mean()


def distribution(rows: Rows, wide: torch.dtype, live: bool) -> Target:
    """Targets of classes as the distribution that cross-entropy takes."""
    target, smoothing, weights = rows.targets[0], rows.options.label_smoothing, rows.options.class_weight
    assert target is not None
    soft = target.to(wide) if target.is_floating_point() else None
    label = None if target.is_floating_point() else target
    if weights is None or (smoothing == 0.0 and soft is None):
        share = smoothing / rows.classes
        return Target(label, soft, 1.0 - smoothing, share)
    weights = weights.to(wide)
    own = (soft * weights).sum(-1) if soft is not None else of_class(weights, target)
    factor = (1.0 - smoothing) * own + smoothing * weights.mean()
    factor = torch.where(factor == 0, 1.0, factor)
    hit = (1.0 - smoothing) / factor if soft is not None else (1.0 - smoothing) * own / factor
    holes = not live or not bool(weights.all())
    return Target(label, soft, hit, smoothing / rows.classes / factor, weights, holes=holes)
