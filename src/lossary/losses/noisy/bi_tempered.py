"""The logistic loss with two temperatures: one caps what a row can cost, the other lets doubt last."""

from typing import Annotated

import torch
from torch import Tensor

from lossary.declare import (
    Claims,
    ClassScores,
    ClassTarget,
    Elicits,
    Example,
    Interval,
    Link,
    Paper,
    PerRow,
    Relative,
    Task,
    Unit,
    loss,
    over_classes,
    share,
)

from ..divergence.apart import missing
from ..multiclass.excess import excess
from ..multiclass.softmax import soften
from .tempered import tempered_log_softmax

#: The paper goes to 4; beyond 5 the normaliser of many classes leaves float32.
Tail = Interval("a number from 1 to 5", 1.0, 5.0, True, True, (1.0, 1.2, 2.0, 4.0))


def _lacking(log_p: Tensor, a: float) -> Tensor:
    """(1 - p^a)/a - (1 - p^(1 + a))/(1 + a), of second order in 1 - p: near 1 from parts that are so themselves."""
    near = log_p > -1.0
    size = torch.where(near, -log_p, 0.0)
    close = excess((1.0 + a) * size) / (1.0 + a) - excess(a * size) / a
    far = torch.where(near, -1.0, log_p)
    return torch.where(near, close, missing(a * far) / a - missing((1.0 + a) * far) / (1.0 + a))


def _probabilities(x, m, t2):
    """The tempered softmax: Newton's steps for Σ p = 1, from below, until rounding ends them; one more for slopes."""
    if t2 == 1:
        return m.softmax(x)
    level, before, settled = x[m.argmax(x)], float("inf"), False
    while True:
        bases = [1 + (t2 - 1) * (level - v) for v in x]
        p = [m.exp(m.log(base) / (1 - t2)) for base in bases]
        over = m.sum(p) - 1
        if settled:
            return p
        settled = over <= 0 or over >= before
        level, before = level + over / m.sum([s / base for s, base in zip(p, bases, strict=True)]), over


def _roundings(x, y, m, *, t1, t2):
    """What one rounding of each log p, and of the difference of logits it comes from, leaves undecided, in
    thirty-seconds (CONTRACT 10 counts in them)."""
    p, top = _probabilities(x, m, t2), m.max(x)
    return (
        m.sum(
            [
                m.abs(s - w) * s ** (1 - t1) * (2 * m.abs(m.log(s)) + (top - v) * s ** (t2 - 1))
                for v, w, s in zip(x, y, p, strict=True)
                if s != 0
            ]
        )
        / 32
    )


@loss(
    title="Bi-tempered logistic loss",
    task=Task.MULTICLASS,
    link=Link.SOFTMAX,
    outputs="one logit per class",
    decode="the class is the argmax of the scores; probabilities are their softmax only if t2 is 1, else the tempered "
    "one, (1 + (t2 - 1)·(λ - x))^(-1/(t2 - 1)) with the λ at which they add up to 1",
    soft="mixture",
    probabilities=lambda raw, t2: tempered_log_softmax(raw, t2).exp(),
    raw=lambda chances, t2: chances.log() if t2 == 1.0 else torch.expm1((1.0 - t2) * chances.log()) / (1.0 - t2),
    elicits=lambda t2: Elicits.PROBABILITY if t2 == 1.0 else Elicits.ORDER,  # of the softmax
    constant="the tempered logarithms (s^(1 - t2) - 1)/(1 - t2) of the classes' shares s; at t2 = 1 the logarithms",
    claims=Claims(
        convex=lambda t1, t2: t1 == 1.0 and t2 == 1.0,
        proper=True,
        lower=0.0,
        upper=lambda t1: None if t1 == 1.0 else 1.0 / (1.0 - t1),
        calibrated=True,
        smooth=True,
    ),
    cancels=_roundings,
    symbolic=False,
    formula=r"\sum_j y_j \int_{p_j}^{1} u^{-t_1} (1 - u)\,\mathrm{d}u + \sum_j (1 - y_j)\, p_j^{2 - t_1} / (2 - t_1) "
    r"\text{ with } p_j = (1 + (t_2 - 1)(\lambda - x_j))^{-1/(t_2 - 1)} \text{ and } \sum_j p_j = 1",
    derivative=r"g_i - e_i \sum_j g_j \text{ with } g_j = (p_j - y_j) p_j^{t_2 - t_1} "
    r"\text{ and } e = \operatorname{softmax}(t_2 \log p)",
    example=Example(((1.5, 0.0), 0), 0.1111111111111111,
                    "λ = 2 makes p = 2/3, 1/3: 1 - 2/3 - (1 - 4/9 - 1/9)/2 = 1/9", {"t1": 0.0, "t2": 2.0}),
    relatives=(Relative("cross_entropy", "t1 and t2 at 1", ours={"t1": 1.0, "t2": 1.0}),),
    use_when="Labels are wrong near the boundary (t2) or far from it (t1); 0.8 and 1.2 is a mild start.",
    avoid_when="Speed counts and labels are clean: the normaliser takes steps that cost about ten cross-entropies.",
    aliases=("bi_tempered_logistic", "bitempered"),
    paper=Paper("Amid, Warmuth, Anil and Koren", 2019, "Robust Bi-Tempered Logistic Loss Based on Bregman Divergences",
                arxiv="1906.03361"),
)  # fmt: skip
def bi_tempered(
    scores: ClassScores,
    target: ClassTarget,
    *,
    t1: Annotated[
        float, Unit, "temperature of the logarithm; below 1 no row costs more than 1/(1 - t1)"
    ] = 0.8,
    t2: Annotated[float, Tail, "temperature of softmax; above 1 probabilities fall like a power"] = 1.2,
) -> PerRow:
    """Cross-entropy with a logarithm that is bounded and a softmax that has a heavy tail."""
    log_p = tempered_log_softmax(scores, t2)
    if t1 == 1.0:
        return over_classes(lambda own: -own, log_p, target)
    a = 1.0 - t1
    powers = torch.exp((1.0 + a) * log_p) / (1.0 + a)
    if not target.is_floating_point():
        index = target.unsqueeze(-1)
        mine = torch.zeros_like(log_p, dtype=torch.bool).scatter(-1, index, True)
        return _lacking(log_p.gather(-1, index).squeeze(-1), a) + torch.where(mine, 0.0, powers).sum(-1)
    # The winner's share would drown the others', so its rest is summed without it.
    wins = torch.zeros_like(log_p, dtype=torch.bool).scatter(
        -1, log_p.detach().argmax(-1, keepdim=True), True
    )
    losers = torch.where(wins, 0.0, powers).sum(-1, keepdim=True)
    rest = losers + torch.where(wins, 0.0, torch.where(wins, powers, 0.0).sum(-1, keepdim=True) - powers)
    return share(target, _lacking(log_p, a) + rest).sum(-1)


@bi_tempered.definition
def _(x, y, m, *, t1, t2):
    p = _probabilities(x, m, t2)
    rest = (1 - m.sum([s ** (2 - t1) for s in p])) / (2 - t1)

    def log(s):
        return m.log(s) if t1 == 1 else (s ** (1 - t1) - 1) / (1 - t1)

    return m.sum([w * (-log(s) - rest) for s, w in zip(p, y, strict=True) if w != 0])


@bi_tempered.slope
def _(scores: Tensor, target: Tensor, *, t1: float, t2: float) -> Tensor:
    log_p = tempered_log_softmax(scores, t2)
    pull = (log_p.exp() - soften(target, log_p)) * torch.exp((t2 - t1) * log_p)
    return pull - torch.softmax(t2 * log_p, -1) * pull.sum(-1, keepdim=True)
