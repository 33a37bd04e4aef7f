"""What validation makes of test outputs: calibrated probabilities, cuts tuned there, operating points set there.

Nothing here decides; it is shown beside the natural rule. A name says what was done: "log_loss_calibrated",
"f1_tuned", "tpr_at_validation_fpr(0.01)".
"""

from __future__ import annotations

import re
from typing import NamedTuple

import torch
from torch import Tensor

from lossary.lab.metrics import METRICS, OPERATING, Metric, get_metric
from lossary.lab.metrics.cuts import TUNED, best_cut
from lossary.lab.metrics.ranking import cut_at_fpr
from lossary.lab.training.calibrate import Line, calibrated, fitted, flattened

CALIBRATED, TUNED_CUT = "_calibrated", "_tuned"
POINT = re.compile(r"(?P<rate>tpr|fpr)_at_validation_(?:fpr|threshold)\((?P<level>[0-9.e-]+)\)")
#: Metrics of probabilities, by kind, that are also shown after calibration.
TEMPERED = {
    "binary": ("log_loss", "brier", "ece"),
    "multiclass": ("log_loss", "brier", "ece"),
    "ordinal": ("log_loss", "rps", "ece"),
    "multilabel": ("label_log_loss", "label_brier"),
    "segmentation": ("pixel_log_loss", "pixel_brier"),
}
WIDE = ("multilabel", "segmentation")


class Part(NamedTuple):
    """Rows of some splits: outputs (splits, seeds, rows, K); target (splits, 1, rows, ...) and weight likewise."""

    outputs: Tensor
    target: Tensor
    weight: Tensor | None


def scored(name: str) -> tuple[Metric, str]:
    """The metric behind a name, and its title here."""
    point = POINT.fullmatch(name)
    if point is not None:
        metric = METRICS[point["rate"]]
        return metric, f"{metric.title}, cut at {100 * float(point['level']):g} % FPR on validation"
    if name.endswith(TUNED_CUT):
        metric = get_metric(name.removesuffix(TUNED_CUT))
        return metric, f"{metric.title}, tuned threshold"
    metric = get_metric(name.removesuffix(CALIBRATED))
    return metric, metric.title + (", calibrated" if name.endswith(CALIBRATED) else "")


def validated(kind: str, test: Part, valid: Part, *, probabilities: bool) -> dict[str, Tensor]:
    """Every value (splits, seeds) that the validation rows have a part in, by name."""
    found: dict[str, Tensor] = {}
    if kind in TEMPERED:
        outputs = calibrated(test.outputs, line(valid, kind, probabilities=probabilities))
        for name in TEMPERED[kind]:
            found[name + CALIBRATED] = METRICS[name].score(outputs, test.target, test.weight)
    flat = _flat(valid) if kind in WIDE else valid
    measure = _measure(flat)
    for name, gain in TUNED.get(kind, {}).items():
        cut = best_cut(flat.outputs[..., 0].double(), flat.target, measure, gain)
        found[name + TUNED_CUT] = METRICS[name].score(test.outputs, test.target, test.weight, threshold=cut)
    for level in OPERATING if kind == "anomaly" else ():
        cut = cut_at_fpr(valid.outputs.double(), valid.target, measure, level)
        for rate, at in (("tpr", "fpr"), ("fpr", "threshold")):
            score = METRICS[rate].score(test.outputs, test.target, test.weight, threshold=cut)
            found[f"{rate}_at_validation_{at}({level:g})"] = score
    return found


def line(valid: Part, kind: str, *, probabilities: bool) -> Line:
    """The temperature, or for scores scale and offset, that fit the validation rows: (splits, seeds) each."""
    return fitted(*valid, wide=kind in WIDE, scores=not probabilities)


def _flat(valid: Part) -> Part:
    return Part(*flattened(*valid))


def _measure(part: Part) -> Tensor:
    lead = part.outputs.shape[:-1]
    return torch.ones(lead).double() if part.weight is None else part.weight.double().expand(lead)
