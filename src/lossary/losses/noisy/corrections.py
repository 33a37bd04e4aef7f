"""Cross-entropy corrected for known noise: a table says how often each true class is labelled as each other one."""

import math
from collections.abc import Sequence
from typing import Annotated

import torch
from torch import Tensor

from lossary.declare import (
    Claims,
    ClassLogits,
    ClassTarget,
    Elicits,
    Example,
    InvertibleTransition,
    Link,
    Paper,
    PerRow,
    Task,
    TransitionMatrix,
    like,
    loss,
    of_class,
    share,
)

from ..multiclass.softmax import logit_roundings, soften, through_softmax

Table = Tensor | Sequence[Sequence[float]]

MEANING = "how often each true class (row) is labelled as each class (column)"


def patrini(theorem: str) -> Paper:
    """The paper of both corrections."""
    title = "Making Deep Neural Networks Robust to Label Noise: a Loss Correction Approach"
    return Paper("Patrini et al.", 2017, title, equation=theorem, arxiv="1609.03683")


def _columns(transition: Table, log_p: Tensor) -> tuple[Tensor, Tensor]:
    """log T and 1 - T, a row for each observed class; 1 - T from the digits given, before any are dropped."""
    if isinstance(transition, Tensor):
        table, rest = like(transition, log_p), like(1.0 - transition, log_p)
    else:
        table, rest = (
            like(transition, log_p),
            like([[1.0 - each for each in row] for row in transition], log_p),
        )
    never = table == 0
    return torch.where(never, -torch.inf, torch.log(torch.where(never, 1.0, table))).t(), rest.t()


def _surprise(log_p: Tensor, log_t: Tensor, rest: Tensor) -> Tensor:
    """-log Σ p·T over the last axis, from what it lacks to 1 where that is less than half."""
    lacks = (torch.exp(log_p) * rest).sum(-1)
    near = lacks < 0.5
    parts = log_p + log_t
    # Where the label cannot be there is nothing to differentiate, and where it is near 1 no need for logarithms.
    never = parts.isneginf().all(-1)
    parts = torch.where((near | never).unsqueeze(-1), 0.0, parts)
    far = torch.where(never, torch.inf, -torch.logsumexp(parts, -1))
    return torch.where(near, -torch.log1p(-torch.where(near, lacks, 0.0)), far)


def _least(transition: Table) -> float:
    """-log of the greatest entry: what the best prediction of the best label costs."""
    rows = transition.tolist() if isinstance(transition, Tensor) else transition
    return -math.log(max(max(row) for row in rows))


def _roundings(x, y, m, *, transition):
    """What rounding the differences of logits once leaves undecided of the classes behind a label, and of each p."""
    p = m.softmax(x)
    behind = [0 * v for v in p]
    for j, w in enumerate(y):
        parts = [s * row[j] for s, row in zip(p, transition, strict=True)]
        seen = m.sum(parts)
        if w != 0 and seen != 0:
            behind = [b + w * m.abs(part / seen - s) for b, part, s in zip(behind, parts, p, strict=True)]
    size = [m.abs(v - m.max(x)) if v != -float("inf") else 0 for v in x]
    return logit_roundings(x, behind, m) + m.sum([b * v for b, v in zip(behind, size, strict=True)]) / 32


@loss(
    title="Forward correction",
    task=Task.MULTICLASS,
    link=Link.SOFTMAX,
    outputs="one logit per class",
    decode="probabilities of the true classes are softmax(logits); the class is their argmax",
    soft="mixture",
    elicits=Elicits.PROBABILITY,
    constant="the logarithms of the true classes' shares, which the table turns into those of the labels",
    claims=Claims(lower=_least, smooth=True),
    cancels=_roundings,
    symbolic=False,
    formula=r"-\sum_j y_j \log \sum_k p_k T_{kj} \text{ with } p = \operatorname{softmax}(x)",
    derivative=r"p_i - \sum_j y_j \frac{p_i T_{ij}}{\sum_k p_k T_{kj}}",
    example=Example(((0.0, 1.0986122886681098), 0), 1.0498221244986778, "-log(1/4·0.8 + 3/4·0.2) = -log 0.35 = 1.04982",
                    {"transition": ((0.8, 0.2), (0.2, 0.8))}),
    use_when="The table is known, or estimated from a few clean labels: the best of the two corrections in the paper.",
    avoid_when="The table is a guess: a wrong one bends the probabilities, and nothing in the loss shows it.",
    aliases=("forward_corrected_cross_entropy",),
    paper=patrini("Theorem 2"),
)  # fmt: skip
def forward_correction(
    logits: ClassLogits, target: ClassTarget, *, transition: Annotated[Table, TransitionMatrix, MEANING]
) -> PerRow:
    """Cross-entropy of the label, once the model's probabilities have gone through the noise."""
    log_t, rest = _columns(transition, logits)
    if target.is_floating_point():
        return share(target, _surprise(logits.unsqueeze(-2), log_t, rest)).sum(-1)
    return _surprise(logits, of_class(log_t, target), of_class(rest, target))


@forward_correction.definition
def _(x, y, m, *, transition):
    e = [m.exp(v) for v in x]
    seen = [m.sum([s * row[j] for s, row in zip(e, transition, strict=True)]) for j in range(len(y))]
    return m.sum([w * (m.log(m.sum(e)) - m.log(s)) for w, s in zip(y, seen, strict=True) if w != 0])


@forward_correction.slope
def _(logits: Tensor, target: Tensor, *, transition: Table) -> Tensor:
    p, table = torch.softmax(logits, -1), like(transition, logits)
    return p * (1.0 - (soften(target, p) / (p @ table)) @ table.t())


def _inverse(transition: Table, log_p: Tensor) -> Tensor:
    """The table's inverse, found with the digits of float64 and then rounded once."""
    table = (
        transition.double()
        if isinstance(transition, Tensor)
        else torch.tensor(transition, dtype=torch.float64)
    )
    return like(torch.linalg.inv(table), log_p)


def _inverted(transition, m):
    """The inverse by elimination, over the numbers of ``m``."""
    size = len(transition)
    rows = [[m.sum([each]) for each in row] + [m.sum([int(i == j)]) for j in range(size)]
            for i, row in enumerate(transition)]  # fmt: skip
    for k in range(size):
        best = max(range(k, size), key=lambda i: abs(rows[i][k]))
        rows[k], rows[best] = rows[best], rows[k]
        rows[k] = [each / rows[k][k] for each in rows[k]]
        for i in range(size):
            if i != k:
                rows[i] = [a - rows[i][k] * b for a, b in zip(rows[i], rows[k], strict=True)]
    return [row[size:] for row in rows]


def _terms(x, y, m, *, transition):
    """Σ |terms| of the sum, and of the inverse that its terms are multiples of: |T⁻¹|·|T|·|T⁻¹|."""
    inverse = _inverted(transition, m)
    total = m.log(m.sum([m.exp(v) for v in x]))
    found = [
        m.sum([m.abs(t) * (total - v) for t, v in zip(row, x, strict=True) if t != 0]) for row in inverse
    ]
    found = [m.sum([t * each for t, each in zip(row, found, strict=True)]) for row in transition]
    return m.sum(
        [
            w * m.abs(t) * each
            for w, row in zip(y, inverse, strict=True)
            for t, each in zip(row, found, strict=True)
        ]
    )


@loss(
    title="Backward correction",
    task=Task.MULTICLASS,
    link=Link.SOFTMAX,
    outputs="one logit per class",
    decode="probabilities of the true classes are softmax(logits); the class is their argmax",
    soft="mixture",
    elicits=Elicits.PROBABILITY,
    constant="the logarithms of the true classes' shares, which the table turns into those of the labels",
    # The rows of the inverse add up to 1: it is the log-sum-exp of the logits less a linear function of them.
    claims=Claims(convex=True, smooth=True),
    cancels=_terms,
    symbolic=False,
    formula=r"-\sum_j y_j \sum_k T^{-1}_{jk} \log p_k \text{ with } p = \operatorname{softmax}(x)",
    derivative=r"p_i - \sum_j y_j T^{-1}_{ji}",
    example=Example(((0.0, 1.0986122886681098), 0), 1.7524984573425937,
                    "the inverse's row is 4/3, -1/3: 4/3·log 4 - 1/3·log 4/3 = 1.75250",
                    {"transition": ((0.8, 0.2), (0.2, 0.8))}),
    use_when="The mean over noisy labels has to be, in expectation, that of clean ones, as for comparing models.",
    avoid_when="A network is trained to the end: a label may cost less than nothing, without limit. Forward does not.",
    aliases=("backward_corrected_cross_entropy", "unbiased_cross_entropy"),
    paper=patrini("Theorem 1"),
)  # fmt: skip
def backward_correction(
    logits: ClassLogits, target: ClassTarget, *, transition: Annotated[Table, InvertibleTransition, MEANING]
) -> PerRow:
    """The combination of the costs of all labels that is, on average over the noise, the cost of the true one."""
    inverse = _inverse(transition, logits)
    parts = target @ inverse if target.is_floating_point() else of_class(inverse, target)
    never = logits.isinf()
    known = -(parts * torch.where(never, 0.0, logits)).sum(-1)
    # Classes that cannot be tend there together: what they add has the sign of the sum of their parts.
    lost = torch.where(never, parts, 0.0).sum(-1)
    return torch.where(lost == 0, known, torch.copysign(torch.full_like(lost, torch.inf), lost))


@backward_correction.definition
def _(x, y, m, *, transition):
    inverse = _inverted(transition, m)
    total = m.log(m.sum([m.exp(v) for v in x]))
    parts = [m.sum([w * row[j] for w, row in zip(y, inverse, strict=True)]) for j in range(len(x))]
    lost = m.sum([t for t, v in zip(parts, x, strict=True) if v == -float("inf")])
    if lost != 0:
        return lost * float("inf")
    return m.sum([t * (total - v) for t, v in zip(parts, x, strict=True) if v != -float("inf")])


@backward_correction.slope
def _(logits: Tensor, target: Tensor, *, transition: Table) -> Tensor:
    log_p = torch.log_softmax(logits, -1)
    return through_softmax(-soften(target, log_p) @ _inverse(transition, log_p), log_p.exp())
