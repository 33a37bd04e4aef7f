"""Supervised contrastive learning: samples of one label find each other in the batch."""

from typing import Annotated

import torch
from torch import Tensor

from lossary.declare import (
    Claims,
    Elicits,
    Embedding,
    Example,
    Keep,
    Labels,
    Link,
    Paper,
    PerAnchor,
    Task,
    loss,
)

from ..metric.partners import EXEMPT
from .pairs import MEANING, Temperature, Warmth, against, apart, scaled, similarities, surprise


def _logits(e, labels, i, m, temperature):
    """Similarities to all other samples, whether each is a positive, and the size of each similarity's terms."""
    units = scaled(e, m)
    others = [j for j in range(len(e)) if j != i]
    z = [m.dot(units[i], units[j]) / temperature for j in others]
    sizes = [m.dot(map(abs, units[i]), map(abs, units[j])) / temperature for j in others]
    return z, [labels[j] == labels[i] for j in others], sizes


def _unsure(e, labels, i, m, *, temperature):
    z, alike, sizes = _logits(e, labels, i, m, temperature)
    if not any(alike):
        return 0
    pull = 1 / m.sum([int(each) for each in alike])
    shares = m.softmax(z)
    if sum(alike) == 1:
        # The share of the one positive less 1 is that of the others, whatever rounding makes of it.
        own = alike.index(True)
        return m.sum(
            [p * (s + sizes[own]) for j, (p, s) in enumerate(zip(shares, sizes, strict=True)) if j != own]
        )
    return m.sum([(p + pull * same) * s for p, same, s in zip(shares, alike, sizes, strict=True)])


@loss(
    title="Supervised contrastive loss",
    task=Task.METRIC,
    link=Link.IDENTITY,
    outputs="an embedding",
    decode="the embedding; compare by cosine",
    coupled=True,
    elicits=Elicits.EMBEDDING,
    constant="any embedding that is the same for all costs log(N - 1) in a batch of N",
    claims=Claims(lower=0.0),
    counts=lambda labels, i: int(labels.count(labels[i]) > 1),
    cancels=_unsure,
    symbolic=False,
    formula=r"-\frac{1}{|P_i|} \sum_{p \in P_i} \log \frac{\exp(s_{ip}/\tau)}{\sum_{a \ne i} \exp(s_{ia}/\tau)}"
    r" \text{ with the positives } P_i = \{p \ne i: y_p = y_i\} \text{ and cosines } s",
    derivative=r"\frac{1}{\tau} \left(\sum_{a \ne i} p_{ia} \nabla s_{ia} - \frac{1}{|P_i|} \sum_{p \in P_i} "
    r"\nabla s_{ip}\right) \text{ with the softmax } p \text{ over } a \ne i",
    example=Example(
        (((1.0, 0.0), (2.0, 0.0), (0.0, 3.0)), (0, 0, 1), 0), 0.31326168751822286,
        "cosine 1 with its positive and 0 with the other: -log(e/(e + 1)) = 0.3133", {"temperature": 1.0},
    ),
    use_when="A batch holds several samples of each of several labels, and an embedding is wanted before a classifier.",
    avoid_when="Labels are noisy: the pull of a wrong positive does not fade.",
    aliases=("supervised_contrastive", "supcon_loss"),
    elsewhere={
        "SupContrast losses.SupConLoss of embeddings of length 1": lambda temperature: 0.07 / temperature,
        "pytorch_metric_learning.losses.SupConLoss, where no sample's loss is 0": 1.0,
    },
    exempt=EXEMPT,
    paper=Paper("Khosla et al.", 2020, "Supervised Contrastive Learning", equation="2", arxiv="2004.11362"),
)  # fmt: skip
def supcon(
    embeddings: Embedding,
    labels: Labels,
    *,
    temperature: Annotated[Warmth, Temperature, MEANING] = 0.1,
    keep: Keep = None,
) -> PerAnchor:
    """Cross-entropy of a sample's similarities to all others, the mean over those of its label as the right answer.

    Shapes: embeddings (N, D), labels (N,); per unit (N,). The mean over positives stands outside the logarithm.
    A sample without a positive does not count. The authors' program multiplies by temperature / 0.07.
    """
    z = similarities(embeddings, embeddings, temperature)
    others = apart(len(z), keep, z.device)
    positive = others & (labels.unsqueeze(1) == labels.unsqueeze(0))
    many = positive.sum(1)
    # A positive that has no rival of its label is kept out of the sum, so that a small loss keeps its digits.
    lone = positive & (many == 1).unsqueeze(1)
    rest, some = against(z, others & ~lone)
    own = torch.where(positive, z, 0.0).sum(1) / many.clamp(min=1)
    values = torch.where(many > 1, rest - own, surprise(rest, own, some))
    return values, _counted(many, keep), None


def _counted(many: Tensor, keep: Tensor | None) -> Tensor:
    return many > 0 if keep is None else (many > 0) & keep


@supcon.definition
def _(e, labels, i, m, *, temperature):
    z, alike, _ = _logits(e, labels, i, m, temperature)
    if not any(alike):
        return None
    own = [each for each, same in zip(z, alike, strict=True) if same]
    return m.log(m.sum([m.exp(each) for each in z])) - m.sum(own) / len(own)
