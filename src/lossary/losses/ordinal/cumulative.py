"""The proportional odds model: ordered cut points along one score."""

import torch
from torch import Tensor

from lossary.declare import (
    Claims,
    ClassTarget,
    Elicits,
    Example,
    Link,
    Paper,
    PerRow,
    Task,
    Thresholds,
    loss,
    share,
    softplus,
)

from .thresholds import between, tails


def cuts(raw: Tensor) -> Tensor:
    """Logits of P(Y <= k), (..., K-1): the first output, then steps upwards, so that no raw output is out of order."""
    return torch.cat([raw[..., :1], softplus(raw[..., 1:])], -1).cumsum(-1)


def _surprises(raw: Tensor) -> Tensor:
    """-log P(Y = k) for every class, (..., K).

    The logistic function makes each a sum of positive terms: with b a step of softplus(r) above a,
    s(b) - s(a) = s(b) · s(-a) · (1 - exp(a - b)), and the last factor is s(r).
    """
    at = cuts(raw)
    none = at.new_zeros(*at.shape[:-1], 1)
    # Of a single class there is no cut at all, and its two ends are one.
    steps = torch.cat([none, softplus(-raw[..., 1:]), none], -1)[..., : at.shape[-1] + 1]
    return torch.cat([softplus(-at), none], -1) + torch.cat([none, softplus(at)], -1) + steps


def _terms(x, y, m):
    def sizes(k):
        return m.sum([abs(x[0]), *(m.softplus(v) for v in x[1 : k + 1])]) if k < len(x) else 0

    return m.sum([q * (1 + sizes(k) + (sizes(k - 1) if k else 0)) for k, q in enumerate(y)])


@loss(
    title="Cumulative link loss",
    task=Task.ORDINAL,
    link=Link.ORDERED,
    outputs="one number less than there are classes: the first cut less the score, then the raw steps between cuts",
    decode="sigmoid of the first output plus softplus of each further one is P(class <= k); the class is the first for "
    "which it is above one half",
    soft="mixture",
    probabilities=lambda raw: between(torch.sigmoid(-cuts(raw))),
    decoded=lambda raw: (cuts(raw) <= 0).sum(-1),
    shared=lambda width: -torch.eye(width)[0],
    raw=lambda chances: _uncut(torch.logit(1.0 - tails(chances))),
    elicits=Elicits.PROBABILITY,
    constant="the logits of the cumulative shares, as the first and the steps; on 0, 0, 1, 2 the first is 0",
    claims=Claims(proper=True, lower=0.0, smooth=True),
    cancels=_terms,
    symbolic=False,
    formula=r"-\sum_k y_k \log P_k \text{ with } P_k = \sigma(c_k) - \sigma(c_{k - 1}), c_1 = x_1, c_k = c_{k - "
            r"1} + \log(1 + e^{x_k}), 0 \text{ and } 1 \text{ at the ends}",
    derivative=r"\sigma(x_i) \sum_{j \ge i} g_j, \text{ without } \sigma(x_i) \text{ for the first, with } g_j = "
               r"\sigma(c_j) \sigma(-c_j) \left(\frac{y_{j + 1}}{P_{j + 1}} - \frac{y_j}{P_j}\right)",
    example=Example(((0.0, 0.5413248546129181), 1), 1.4650840134652499,
                    "cuts at 0 and 1: -log(sigmoid(1) - sigmoid(0)) = -log 0.23106"),
    use_when="Classes are grades of one quality, and the grades' boundaries are to be learned with it.",
    avoid_when="A feature moves some boundaries and not others: then proportional odds do not hold, and corn is freer.",
    aliases=("proportional_odds", "ordinal_logistic", "cumulative_logit"),
    elsewhere={"spacecutter.losses.CumulativeLinkLoss": "no factor: it takes probabilities and clips them"},
    paper=Paper("McCullagh", 1980, "Regression models for ordinal data", doi="10.1111/j.2517-6161.1980.tb01109.x"),
)  # fmt: skip
def cumulative_link(thresholds: Thresholds, target: ClassTarget) -> PerRow:
    """The surprise at the class, when a score with logistic noise falls between two of the ordered cut points."""
    surprises = _surprises(thresholds)
    if target.is_floating_point():
        return share(target, surprises).sum(-1)
    return surprises.gather(-1, target.unsqueeze(-1)).squeeze(-1)


def _uncut(at: Tensor) -> Tensor:
    """Raw outputs whose cuts are these."""
    steps = at.diff(dim=-1)
    return torch.cat([at[..., :1], steps + torch.log(-torch.expm1(-steps))], -1)


@cumulative_link.definition
def _(x, y, m):
    # With odds exp(a) below and exp(b) = exp(a)·(1 + exp(r)) above, P = exp(a)·exp(r) / ((1 + exp(a))·(1 + exp(b))).
    odds = [m.exp(x[0])]
    for v in x[1:]:
        odds.append(odds[-1] * (1 + m.exp(v)))
    chances = [odds[0] / (1 + odds[0])]
    chances += [a * m.exp(v) / ((1 + a) * (1 + b)) for a, b, v in zip(odds, odds[1:], x[1:], strict=False)]
    chances += [1 / (1 + odds[-1])]
    return m.sum([-q * m.log(p) for p, q in zip(chances, y, strict=True) if q != 0])
