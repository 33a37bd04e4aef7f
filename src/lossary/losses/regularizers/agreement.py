"""Sure of oneself, and of one mind with oneself: prices on predicted distributions that need no label."""

from typing import Annotated

import torch
from torch import Tensor

from lossary.declare import (
    Claims,
    ClassLogits,
    ClassTarget,
    DistributionTarget,
    Elicits,
    Example,
    Link,
    NonNegative,
    Paper,
    PerRow,
    Relative,
    Task,
    loss,
    over_classes,
    share,
)

from ..calibration.brier import brier


@loss(
    title="Entropy",
    task=Task.PENALTY,
    link=Link.SOFTMAX,
    outputs="one logit per class",
    decode="class probabilities are softmax(logits)",
    elicits=Elicits.OWN,
    constant="all of the probability on one class",
    claims=Claims(lower=0.0, smooth=True),
    cancels=lambda x, m: 0,  # the terms of its value have one sign; those of its derivative have two
    example=Example(((0.0, 0.0),), 0.6931471805599453, "two classes alike: log 2"),
    use_when="Unlabelled rows lie between the classes and should be decided: entropy minimisation.",
    avoid_when="The network is overconfident already, as confidence_penalty assumes, or classes overlap in truth.",
    aliases=("entropy_minimization", "shannon_entropy"),
    elsewhere={"torch.distributions.Categorical(logits=...).entropy()": 1.0, "scipy.stats.entropy": 1.0},
    paper=Paper("Grandvalet and Bengio", 2004, "Semi-supervised learning by entropy minimization", equation="6"),
)  # fmt: skip
def entropy(logits: ClassLogits) -> PerRow:
    """The expected surprise at the network's own prediction; subtract it from a loss to keep predictions open."""
    return share(logits.exp(), -logits).sum(-1)


@entropy.definition
def _(x, m):
    surprises = [m.log1p(m.sum([m.exp(w - v) for j, w in enumerate(x) if j != i])) for i, v in enumerate(x)]
    return m.sum([p * s for p, s in zip(m.softmax(x), surprises, strict=True) if p != 0])


@entropy.slope
def _(logits: Tensor) -> Tensor:
    log_p = torch.log_softmax(logits, -1)
    p = log_p.exp()
    return -p * (log_p - (p * log_p).sum(-1, keepdim=True))


def _divergence(first: Tensor, second: Tensor) -> Tensor:
    """KL of two rows of log-probabilities, in both directions together: terms of one sign, so nothing cancels."""
    there = (first > -torch.inf) & (second > -torch.inf)
    gap = torch.where(there, first, 0.0) - torch.where(there, second, 0.0)
    never = ((first == -torch.inf) != (second == -torch.inf)).any(-1)
    # (p - q)·log(p/q), taken from the larger of the two, so that no exponential overflows.
    more, less = torch.where(gap > 0, gap, 0.0), torch.where(gap > 0, 0.0, gap)
    # A tiny probability may meet a huge gap: by its root twice, neither of the products is lost.
    one, two = (0.5 * first).exp(), (0.5 * second).exp()
    terms = one * (-torch.expm1(-more) * more * one) + two * (torch.expm1(less) * less * two)
    return torch.where(never, torch.inf, terms.sum(-1))


def _sizes(x, z, y, m, *, alpha):
    """The surprises and the parts of the divergence, with what their roundings leave undecided."""
    one, two = (m.log(m.sum([m.exp(v) for v in row])) for row in (x, z))
    found = [q * (one - a + two - b) for a, b, q in zip(x, z, y, strict=True) if q != 0]
    for a, b in zip(x, z, strict=True):
        p, r = m.exp(a - one), m.exp(b - two)
        found.append(
            alpha * (p + r) * (abs(a - one) + abs(b - two)) * (1 + (abs(a - one) + abs(b - two)) / 32)
        )
    return m.sum(found)


@loss(
    title="R-Drop",
    task=Task.MULTICLASS,
    link=Link.SOFTMAX,
    outputs="one logit per class, twice: from two passes with different dropout",
    decode="class probabilities are softmax of one pass without dropout",
    soft="mixture",
    elicits=Elicits.PROBABILITY,
    constant="the logarithms of the class shares, in both passes",
    claims=Claims(lower=0.0, smooth=True),
    cancels=_sizes,
    symbolic=False,
    formula=r"-\sum_j y_j (\log p_j + \log q_j) + \frac{\alpha}{2} \sum_j (p_j - q_j) \log\frac{p_j}{q_j} \text{ "
            r"with } p \text{ the softmax of the first pass and } q \text{ that of the second}",
    derivative=r"p_i - y_i + \frac{\alpha}{2} \left(p_i \log\frac{p_i}{q_i} - p_i k + p_i - q_i\right) \text{ "
               r"with } k = \sum_j p_j \log\frac{p_j}{q_j}",
    example=Example(((0.0, 0.0), (0.0, 0.0), 1), 1.3862943611198906, "twice log 2, and the passes agree: 2·log 2"),
    use_when="A network with dropout overfits: its two answers to one row should agree.",
    avoid_when="A second pass for every row is too dear, or there is no noise in the network.",
    aliases=("rdrop", "regularized_dropout"),
    paper=Paper("Liang et al.", 2021, "R-Drop: Regularized Dropout for Neural Networks", equation="4",
                arxiv="2106.14448"),
)  # fmt: skip
def r_drop(
    first: ClassLogits,
    second: ClassLogits,
    target: ClassTarget,
    *,
    alpha: Annotated[float, NonNegative, "price of disagreement beside the two cross-entropies"] = 1.0,
) -> PerRow:
    """Cross-entropy of two passes over the same row, and how far their predictions are apart."""
    surprise = over_classes(lambda own: -own, first, target) + over_classes(lambda own: -own, second, target)
    return surprise if alpha == 0.0 else surprise + 0.5 * alpha * _divergence(first, second)


@r_drop.definition
def _(x, z, y, m, *, alpha):
    def surprises(row):
        total = m.log(m.sum([m.exp(v) for v in row]))
        return [total - v for v in row]

    one, two = surprises(x), surprises(z)
    plain = m.sum([q * (a + b) for q, a, b in zip(y, one, two, strict=True) if q != 0])
    apart = [(m.exp(-a) - m.exp(-b)) * (b - a) for a, b in zip(one, two, strict=True) if a != b]
    return plain + alpha / 2 * m.sum(apart) if alpha != 0 else plain


@loss(
    title="Consistency loss",
    task=Task.PENALTY,
    link=Link.SOFTMAX,
    outputs="one logit per class",
    decode="class probabilities are softmax(logits)",
    soft="distribution",
    elicits=Elicits.PROBABILITY,
    constant="the logarithms of the teacher's mean probabilities",
    claims=Claims(proper=True, lower=0.0, smooth=True, upper=2.0),
    cancels=brier.loss.facts.cancels,
    example=Example(((0.0, 0.0), (1.0, 0.0)), 0.5, "(1/2 - 1)² + (1/2 - 0)² = 0.5"),
    relatives=(Relative("brier", "the same, where a teacher stands in for the label"),),
    use_when="Unlabelled rows are at hand: a student should answer a noisy copy as its teacher answers the row.",
    avoid_when="The teacher is no better than the student and shares its errors: then they agree on what is wrong.",
    aliases=("mean_teacher", "temporal_ensembling", "softmax_mse"),
    paper=Paper("Tarvainen and Valpola", 2017, "Mean teachers are better role models: Weight-averaged consistency "
                "targets improve semi-supervised deep learning results", equation="1",
                arxiv="1703.01780"),
)  # fmt: skip
def consistency(logits: ClassLogits, teacher: DistributionTarget) -> PerRow:
    """The squared distance between a student's class probabilities and its teacher's.

    Detach the teacher where it is not to learn; ``target_inputs="logits"`` takes its logits.
    """
    return brier.loss.block(logits, teacher.exp())  # type: ignore[no-any-return]


assert brier.loss.definition is not None and brier.loss.slope is not None
consistency.definition(brier.loss.definition)
consistency.slope(brier.loss.slope)
