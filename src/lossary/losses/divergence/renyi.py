"""Rényi's divergences."""

from typing import Annotated

import torch
from torch import Tensor

from lossary.declare import (
    Choice,
    Claims,
    ClassLogits,
    DistributionTarget,
    Elicits,
    Example,
    Link,
    Paper,
    PerRow,
    Positive,
    Relative,
    Task,
    loss,
)

from .alpha import divergence
from .apart import undecided


def _pulls(m, x, y, order, direction):
    """The derivatives of log Σ f^a·s^(1-a) over a - 1 by a class's log f and log s."""
    forward = direction == "forward"

    def power(p, q):
        f, s = (q, p) if forward else (p, q)
        return f**order * s ** (1 - order) if f != 0 and s != 0 else 0 * p

    whole = m.sum([power(p, q) for p, q in zip(m.softmax(x), y, strict=True)])

    def pulls(p, q):
        f, s = (q, p) if forward else (p, q)
        if order == 1:
            found = (f * m.log(f / s), f - s) if f != 0 and s != 0 else (f, s)
        elif whole == 0:
            found = (f, s)
        else:
            share = power(p, q) / whole
            found = (order * (share - f) / (order - 1), share - s)
        return found[::-1] if forward else found

    return pulls


@loss(
    title="Rényi divergence",
    task=Task.DIVERGENCE,
    link=Link.SOFTMAX,
    outputs="one logit per class",
    decode="class probabilities are softmax(prediction)",
    soft="distribution",
    elicits=lambda direction: Elicits.PROBABILITY if direction == "forward" else Elicits.DISTRIBUTION,
    constant="one target: the logarithms of its probabilities; one-hot targets (forward): those of the classes' shares",
    claims=Claims(
        # Log-sum-exp of powers of 1/p_k, each of which is itself the exponential of a log-sum-exp of logits.
        convex=lambda alpha, direction: alpha >= 1.0 and direction == "forward",
        # At a one-hot target every order is cross-entropy.
        proper=lambda direction: direction == "forward",
        lower=0.0,
        smooth=True,
    ),
    cancels=lambda x, y, m, alpha, direction: undecided(x, y, m, _pulls(m, x, y, alpha, direction)),
    symbolic=False,
    formula=r"\frac{1}{\alpha - 1} \log \sum_j y_j^\alpha p_j^{1 - \alpha} "
    r"\text{ forward; reverse with y and p exchanged}",
    derivative=r"p_i - s_i \text{ with } s_j = \frac{y_j^\alpha p_j^{1 - \alpha}}{\sum_k y_k^\alpha p_k^{1 - \alpha}} "
    r"\text{ forward; } \frac{\alpha}{\alpha - 1} (s_i - p_i) \text{ reverse, with y and p exchanged in } s",
    example=Example(((0.0, 0.0), (0.75, 0.25)), 0.22314355131420976, "log(2·(9/16 + 1/16)) = log(5/4)", {"alpha": 2.0}),
    relatives=(
        Relative("kl", "alpha 1 is Kullback's", ours={"alpha": 1.0, "direction": "forward"},
                 theirs={"direction": "forward"}),
        Relative("kl", "alpha 1 is Kullback's, either way round", ours={"alpha": 1.0, "direction": "reverse"},
                 theirs={"direction": "reverse"}),
    ),
    use_when="A bound stated in this divergence is the goal, as of privacy, or the worst ratio counts (large alpha).",
    avoid_when="Every row's distance must count in full: of a class that is far off only the logarithm does.",
    aliases=("renyi_divergence",),
    # Above order 1 the least probabilities rule, and of logits 1e18 below the greatest log p keeps only that distance.
    paper=Paper("Rényi", 1961, "On measures of entropy and information"),
)  # fmt: skip
def renyi(
    prediction: ClassLogits,
    target: DistributionTarget,
    *,
    alpha: Annotated[
        float, Positive, "the order: 1 is Kullback's, a large one looks at the worst ratio"
    ] = 2.0,
    direction: Annotated[
        str,
        Choice(("forward", "reverse")),
        "forward: from target to prediction, D(target || prediction); reverse: D(prediction || target)",
    ] = "forward",
) -> PerRow:
    """The logarithm of the mean power of the ratio of two distributions, scaled so that order 1 is Kullback's."""
    first, second = (target, prediction) if direction == "forward" else (prediction, target)
    if alpha == 1.0:
        return divergence(first, second, 1.0)
    excess = alpha - 1.0
    # A class that `second` rules out and `first` does not costs without bound above order 1, and nothing below it.
    both = (first != -torch.inf) & (second != -torch.inf)
    never = ((first != -torch.inf) & ~both).any(-1) if excess > 0 else ~both.any(-1)
    powers = alpha * torch.where(both, first, 0.0) - excess * torch.where(both, second, 0.0)
    empty = never.unsqueeze(-1)
    powers = torch.where(empty, 0.0, torch.where(both, powers, -torch.inf))
    # Not by torch.logsumexp, whose derivatives add up to more than 1 where the logarithm of the sum rounds away.
    top = powers.detach().amax(-1, keepdim=True)
    far = top.squeeze(-1) + torch.exp(powers - top).sum(-1).log()
    # Near each other the sum is 1 and a little, which the divergence of the same order keeps.
    apart = (far.abs() > 0.3) | never
    away = apart.unsqueeze(-1)
    little = divergence(torch.where(away, 0.0, first), torch.where(away, 0.0, second), alpha)
    near = torch.log1p(alpha * excess * torch.where(apart, 0.0, little)) / excess
    return torch.where(never, torch.inf, torch.where(apart, far / excess, near))


@renyi.definition
def _(x, y, m, *, alpha, direction):
    whole = m.sum(y)
    p, t = m.softmax(x), [q / whole for q in y]
    first, second = (t, p) if direction == "forward" else (p, t)
    if alpha == 1:
        parts = [f * (m.log(f) - m.log(s)) for f, s in zip(first, second, strict=True) if f != 0]
        return m.sum(parts)
    parts = [_power(f, s, m, alpha) for f, s in zip(first, second, strict=True) if f != 0]
    return m.log(m.sum(parts)) / (alpha - 1)


def _power(f, s, m, order):
    if s != 0:
        return f**order * s ** (1 - order)
    return -m.log(s) if order > 1 else s


@renyi.slope
def _(prediction: Tensor, target: Tensor, *, alpha: float, direction: str) -> Tensor:
    log_p, log_t = prediction.log_softmax(-1), target.log()
    p = log_p.exp()
    if direction == "forward":
        return p - torch.softmax(alpha * log_t + (1.0 - alpha) * log_p, -1)
    if alpha == 1.0:
        gap = log_p - log_t
        return p * (gap - (p * gap).sum(-1, keepdim=True))
    shares = torch.softmax(alpha * log_p + (1.0 - alpha) * log_t, -1)
    return alpha * (shares - p) / (alpha - 1.0)
