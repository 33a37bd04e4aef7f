"""Cross-entropy of logits shifted by how frequent each class is."""

from collections.abc import Sequence
from typing import Annotated

import torch
from torch import Tensor

from lossary.declare import (
    Claims,
    ClassCounts,
    ClassLogits,
    ClassTarget,
    Elicits,
    Example,
    Link,
    NonNegative,
    Paper,
    PerRow,
    Relative,
    Task,
    like,
    log_softmax,
    loss,
    over_classes,
)

from ..multiclass.softmax import soften


def shift(class_counts: Tensor | Sequence[float], tau: float, beside: Tensor) -> Tensor:
    """tau · log(count), counted from the most frequent class: 0 there, negative elsewhere."""
    counts = like(class_counts, beside)
    return tau * torch.log(counts / counts.amax())


def _adjusted(log_p: Tensor, target: Tensor, class_counts: Tensor | Sequence[float], tau: float) -> Tensor:
    # Only gaps between classes matter, and log_softmax takes them to the winner: a tiny loss keeps its digits though
    # the sum loses those of a tiny log p.
    row = log_softmax(log_p + shift(class_counts, tau, log_p), -1)
    return over_classes(lambda own: -own, row, target)


def _parts(x, y, m, *, class_counts, tau=1):
    """The parts of the gaps, logits and shifts, that can set each other off, and what four roundings leave undecided
    of them, in thirty-seconds (CONTRACT 10 counts in them)."""
    shifts = [tau * m.log(n) for n in class_counts]
    p = m.softmax([v + a for v, a in zip(x, shifts, strict=True)])
    parts = [m.abs(v - m.max(x)) + m.abs(a - m.max(shifts)) for v, a in zip(x, shifts, strict=True)]
    found = []
    for i, q in enumerate(y):
        if q != 0:
            rest = [s * part for j, (s, part) in enumerate(zip(p, parts, strict=True)) if j != i]
            found.append(q * (m.sum(rest) + (1 - p[i]) * parts[i]))
    return m.sum(found) / 16


def _definition(x, y, m, class_counts, tau):
    shifted = [v + tau * m.log(n) for v, n in zip(x, class_counts, strict=True)]
    total = m.log(m.sum([m.exp(v) for v in shifted]))
    return m.sum([q * (total - v) for v, q in zip(shifted, y, strict=True) if q != 0])


def _slope(logits: Tensor, target: Tensor, class_counts: Tensor | Sequence[float], tau: float) -> Tensor:
    p = torch.softmax(logits + shift(class_counts, tau, logits), -1)
    soft = soften(target, p)
    return p * soft.sum(-1, keepdim=True) - soft


@loss(
    title="Logit-adjusted cross-entropy",
    task=Task.MULTICLASS,
    link=Link.SOFTMAX,
    outputs="one logit per class",
    decode="the class is the argmax of the logits, with tau 1 the best for the error averaged over classes; "
    "probabilities are softmax(logits + tau·log(class_counts))",
    soft="mixture",
    probabilities=lambda raw, class_counts, tau: torch.softmax(raw + shift(class_counts, tau, raw), -1),
    raw=lambda chances, class_counts, tau: chances.log() - shift(class_counts, tau, chances),
    elicits=Elicits.ORDER,
    constant="the logarithms of the classes' shares, less tau times those of their counts",
    claims=Claims(
        convex=True,
        proper=lambda tau: tau == 0.0,
        lower=0.0,
        lipschitz=2.0**0.5,
        calibrated=lambda tau: tau == 0.0,
        smooth=True,
    ),
    cancels=_parts,
    symbolic=False,
    formula=r"-\sum_j y_j \log q_j \text{ with } q = \operatorname{softmax}(x + \tau \log n)",
    derivative=r"q_i - y_i",
    example=Example(
        ((0.0, 0.0), 1),
        1.3862943611198906,
        "log(1 + exp(0 - 0)·3/1) = log 4 = 1.38629",
        {"class_counts": [3.0, 1.0], "tau": 1.0},
    ),
    relatives=(
        Relative("cross_entropy", "tau 0 is cross-entropy", ours={"tau": 0.0}),
        Relative("balanced_softmax", "tau 1", ours={"tau": 1.0}),
        Relative("vector_scaling", "with gamma 0", theirs={"gamma": 0.0}),
    ),
    use_when="Rare classes count as much as frequent ones: with tau 1 it is consistent for the error averaged over "
    "classes (Menon et al. 2021).",
    avoid_when="The classes will be as frequent in use as in training, and the plain error is what counts.",
    aliases=("logit_adjustment", "la_softmax", "logit_adjusted_cross_entropy"),
    paper=Paper("Menon, Jayasumana, Rawat, Jain, Veit and Kumar", 2021, "Long-tail learning via logit adjustment",
                equation="10", arxiv="2007.07314"),
)  # fmt: skip
def logit_adjusted(
    logits: ClassLogits,
    target: ClassTarget,
    *,
    class_counts: Annotated[Tensor | Sequence[float], ClassCounts, "training samples of each class"],
    tau: Annotated[float, NonNegative, "how much of the frequencies to take out; 0 is cross-entropy"] = 1.0,
) -> PerRow:
    """Cross-entropy after adding tau times the log of each class's frequency, so that rare classes win by more."""
    return _adjusted(logits, target, class_counts, tau)


@logit_adjusted.definition
def _(x, y, m, *, class_counts, tau):
    return _definition(x, y, m, class_counts, tau)


@logit_adjusted.slope
def _(logits: Tensor, target: Tensor, *, class_counts: Tensor | Sequence[float], tau: float) -> Tensor:
    return _slope(logits, target, class_counts, tau)


@loss(
    title="Balanced softmax",
    task=Task.MULTICLASS,
    link=Link.SOFTMAX,
    outputs="one logit per class",
    decode="the class is the argmax of the logits, as if all classes were equally frequent; probabilities as in "
    "training are softmax(logits + log(class_counts))",
    soft="mixture",
    probabilities=lambda raw, class_counts: torch.softmax(raw + shift(class_counts, 1.0, raw), -1),
    raw=lambda chances, class_counts: chances.log() - shift(class_counts, 1.0, chances),
    elicits=Elicits.ORDER,
    constant="the logarithms of the classes' shares over their counts: 0 everywhere where the counts are those of "
    "the data",
    claims=Claims(convex=True, lower=0.0, lipschitz=2.0**0.5, smooth=True),
    cancels=_parts,
    symbolic=False,
    formula=r"-\sum_j y_j \log q_j \text{ with } q = \operatorname{softmax}(x + \log n)",
    derivative=r"q_i - y_i",
    example=Example(
        ((0.0, 0.0), 1),
        1.3862943611198906,
        "-log(1/(3 + 1)) = log 4 = 1.38629",
        {"class_counts": [3.0, 1.0]},
    ),
    relatives=(Relative("logit_adjusted", "tau 1", theirs={"tau": 1.0}),),
    use_when="Training classes are of very different sizes and those of the test are equal.",
    avoid_when="The sampler already balances the classes: the two corrections together go too far (Ren et al. 2020).",
    aliases=("bsce", "balanced_softmax_cross_entropy", "balanced_meta_softmax"),
    paper=Paper("Ren et al.", 2020, "Balanced Meta-Softmax for Long-Tailed Visual Recognition", arxiv="2007.10740"),
)  # fmt: skip
def balanced_softmax(
    logits: ClassLogits,
    target: ClassTarget,
    *,
    class_counts: Annotated[Tensor | Sequence[float], ClassCounts, "training samples of each class"],
) -> PerRow:
    """Cross-entropy of a softmax in which each class counts as often as it has samples."""
    return _adjusted(logits, target, class_counts, 1.0)


@balanced_softmax.definition
def _(x, y, m, *, class_counts):
    return _definition(x, y, m, class_counts, 1)


@balanced_softmax.slope
def _(logits: Tensor, target: Tensor, *, class_counts: Tensor | Sequence[float]) -> Tensor:
    return _slope(logits, target, class_counts, 1.0)
