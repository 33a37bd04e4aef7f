"""Agreement beyond chance: the weighted kappa of a whole batch."""

import torch

from lossary.declare import (
    Claims,
    ClassLogits,
    ClassTarget,
    Elicits,
    Example,
    Keep,
    Link,
    Paper,
    PerAnchor,
    Task,
    loss,
)


def _sizes(x, y, i, m):
    """The terms of a sample's disagreement over that of chance, with what rounding log p leaves undecided of each."""
    p = m.softmax(x[i])
    own = [
        q * s * (j - k) ** 2 * (1 - m.log(s) / 32)
        for k, q in enumerate(y[i])
        for j, s in enumerate(p)
        if s != 0
    ]
    chance = _by_chance(x, y, m)
    return m.sum(own) / chance if chance != 0 else 0


def _by_chance(x, y, m):
    rows = [m.softmax(row) for row in x]
    grades = range(len(x[0]))
    said = [m.sum([row[k] for row in rows]) / len(x) for k in grades]
    true = [m.sum([row[k] for row in y]) / len(x) for k in grades]
    return m.sum([said[j] * true[k] * (j - k) ** 2 for j in grades for k in grades])


@loss(
    title="Quadratic weighted kappa",
    task=Task.ORDINAL,
    link=Link.SOFTMAX,
    outputs="one logit per class",
    decode="the most probable class of softmax(logits)",
    soft=None,
    coupled=True,
    elicits=Elicits.OWN,
    constant="none: every constant costs 1, as chance does",
    claims=Claims(lower=0.0),
    cancels=_sizes,
    symbolic=False,
    formula=r"d_i / D \text{ with } d_i = \sum_k p_{ik} (k - y_i)^2 \text{ and } D = \sum_{j,k} \bar{p}_j "
            r"\bar{y}_k (j - k)^2",
    derivative=r"(\nabla d_i - \ell \nabla D) / D",
    example=Example(
        (((0.0, 0.0), (0.0, 0.0)), (0, 1), 0), 1.0,
        "each sample is half wrong, 1/2; by chance it would be 1/2·1/2 + 1/2·1/2 = 1/2",
    ),
    use_when="The score that counts is the quadratic weighted kappa, and a batch holds a fair sample of all grades.",
    avoid_when="Batches are small or of one grade: what chance would agree on is then mostly noise.",
    aliases=("qwk", "weighted_kappa"),
    elsewhere={"sklearn.metrics.cohen_kappa_score(weights='quadratic')": "one less it, where every p is 0 or 1"},
    paper=Paper("de la Torre, Puig and Valls", 2018, "Weighted kappa loss function for multi-class classification of "
                "ordinal data in deep learning", doi="10.1016/j.patrec.2017.05.018"),
)  # fmt: skip
def quadratic_weighted_kappa(logits: ClassLogits, target: ClassTarget, *, keep: Keep = None) -> PerAnchor:
    """A sample's squared distance in rank over what it would be by chance; the mean over a batch is 1 - kappa.

    By chance means: labels and predictions of the batch paired at random. Where neither differs within the batch there
    is nothing to agree on, and the loss is 0. The paper descends the logarithm of that mean, log(1 - kappa).
    """
    p = logits.exp()
    grades = torch.arange(p.shape[-1], dtype=p.dtype, device=p.device)
    apart = (grades.unsqueeze(-1) - grades).square()
    there = torch.ones_like(p[..., 0]) if keep is None else keep.to(p.dtype)
    count = there.sum().clamp(min=1.0)
    true = torch.zeros_like(p).scatter(-1, target.unsqueeze(-1), 1.0)
    said_share, true_share = ((there.unsqueeze(-1) * each).sum(0) / count for each in (p, true))
    chance = (said_share.unsqueeze(-1) * apart * true_share).sum()
    none = chance == 0
    own = (p * apart[target]).sum(-1)
    values = torch.where(none, 0.0, own / torch.where(none, 1.0, chance))
    everyone = torch.arange(len(p), device=p.device)
    return values, torch.ones_like(everyone, dtype=torch.bool), everyone.unsqueeze(-1)


@quadratic_weighted_kappa.definition
def _(x, y, i, m):
    chance = _by_chance(x, y, m)
    own = m.sum([q * s * (j - k) ** 2 for k, q in enumerate(y[i]) for j, s in enumerate(m.softmax(x[i]))])
    return own / chance if chance != 0 else 0
