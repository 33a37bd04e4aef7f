"""What a script's network answers, by kind of target, and how its outputs become that answer."""

from __future__ import annotations

from lossary import nn
from lossary.core.modules import Single
from lossary.lab.asking.task import Kind
from lossary.lab.planning.candidate import Candidate
from lossary.lab.training.readout import LEAST
from lossary.report.literal import literal

ANSWERS = {
    Kind.BINARY: "Outputs, one column: above 0 the second of LEVELS is the likelier class.",
    Kind.MULTICLASS: "Outputs, a column for each of LEVELS: the greatest is the decision.",
    Kind.ORDINAL: "Outputs, a column for each of LEVELS: the greatest is the likeliest grade.",
    Kind.REGRESSION: "Predictions in the target's own units, one column.",
    Kind.COUNT: "The expected count, one column.",
    Kind.ANOMALY: "Scores, one column: the greater, the odder.",
    Kind.MULTILABEL: "Outputs, a column for each of LEVELS: above 0 a row is likelier to have the label than not.",
    Kind.SEGMENTATION: "Outputs, a column for each pixel: above 0 it is foreground.",
    Kind.RETRIEVAL: "Embeddings: rows of one class lie near each other.",
}
_PLAIN = {
    "identity": "raw",
    "exp": "raw.exp()",
    "softplus": "nn.functional.softplus(raw)",
    "error": "(raw - x).square().mean(1, keepdim=True)",
    "surprise": "(raw - random_features(x)).square().mean(1, keepdim=True)",
}


def readout(chosen: Candidate, kind: Kind) -> str:
    """The expression from the outputs `raw` of rows `x` to the answer of this kind."""
    found = _PLAIN.get(chosen.readout) or _of_loss(chosen)
    return f"{found}.double() * spread + centre" if kind is Kind.REGRESSION else found


def _of_loss(chosen: Candidate) -> str:
    """Read by the loss itself: of a sum by its first part, since all of them read alike."""
    _, _, part = next(nn.parse(chosen.expression).parts())
    assert isinstance(part, Single)
    known = {each.name for each in part.function.loss.hyper}
    said = [f"{name}={literal(value)}" for name, value in part.settings.items() if name in known]
    name = f"lossary.{part.function.loss.name}"
    if chosen.readout == "classes":
        shares = f"{name}.probabilities({', '.join(['raw', 'class_dim=-1', *said])})"
        return f"{shares}.clamp(min={LEAST:.1e}).log()"
    return f"{name}.decode({', '.join(['raw', *said])}).reshape(-1, 1)"
