"""SigLIP: every image with every text, a pair or not, each decided for itself."""

import math
from typing import Annotated

import torch
from torch import Tensor
from torch.nn import functional as F

from lossary.declare import (
    AnyNumber,
    Claims,
    Elicits,
    Embedding,
    Example,
    Keep,
    Link,
    NumberOrTensor,
    Paper,
    PerAnchor,
    Task,
    loss,
    softplus,
)

from ..metric.partners import EXEMPT
from .pairs import MEANING, Temperature, Warmth, apart, scaled, similarities


def _least(temperature, bias):
    """What a pair costs whose embeddings agree, alone in its batch."""
    return math.log1p(math.exp(-(1 / float(temperature) + float(bias))))


def _unsure(image, text, i, m, *, temperature, bias):
    anchor, *texts = scaled([image[i], *text], m)
    found = []
    for j, each in enumerate(texts):
        z = m.dot(anchor, each) / temperature + bias
        size = m.dot(map(abs, anchor), map(abs, each)) / temperature + abs(bias)
        found.append(m.sigmoid(-z if i == j else z) * size)
    return m.sum(found)


@loss(
    title="SigLIP",
    task=Task.METRIC,
    link=Link.IDENTITY,
    outputs="an embedding",
    decode="the embedding; compare by cosine",
    coupled=True,
    elicits=Elicits.EMBEDDING,
    constant="an embedding that is the same for all; then a bias whose sigmoid is 1/N costs least in a batch of N",
    claims=Claims(lower=_least),
    cancels=_unsure,
    symbolic=False,
    formula=r"\log(1 + \exp(-z_{ii})) + \sum_{j \ne i} \log(1 + \exp(z_{ij}))"
    r" \text{ with } z_{ij} = s_{ij}/\tau + b \text{ and cosines } s",
    derivative=r"\frac{1}{\tau} \left(\sum_{j \ne i} \sigma(z_{ij}) \nabla s_{ij} - \sigma(-z_{ii}) \nabla s_{ii}"
    r"\right)",
    example=Example(
        (((1.0, 0.0), (0.0, 1.0)), ((2.0, 0.0), (0.0, 3.0)), 0), 1.0064088680781593,
        "logits 1 for the pair and 0 for the other: log(1 + 1/e) + log 2 = 0.3133 + 0.6931 = 1.0064",
        {"temperature": 1.0, "bias": 0.0},
    ),
    use_when="Pairs of two kinds shall meet in one space, and no sum over the whole batch is wanted.",
    avoid_when="Temperature and bias are both fixed far from where the batch size wants them: the negatives, N - 1 "
    "for each pair, then drown it.",
    aliases=("sigmoid_contrastive", "sigmoid_loss_for_language_image_pre_training", "siglip_loss"),
    elsewhere={"open_clip.SigLipLoss, on embeddings of length 1": 1.0},
    exempt=EXEMPT,
    paper=Paper("Zhai, Mustafa, Kolesnikov and Beyer", 2023, "Sigmoid Loss for Language Image Pre-Training",
                arxiv="2303.15343"),
)  # fmt: skip
def siglip(
    image: Embedding,
    text: Embedding,
    *,
    temperature: Annotated[Warmth, Temperature, MEANING] = 0.1,
    bias: Annotated[
        float | Tensor,
        NumberOrTensor(AnyNumber, single=True),
        "what is added to every logit; a tensor of one number may learn",
    ] = -10.0,
    keep: Keep = None,
) -> PerAnchor:
    """Logistic loss of every pair of an image and a text, summed over the texts; only its own text is right.

    Shapes: both (N, D), row i of one belongs to row i of the other; per unit (N,); the mean divides by N, as the paper
    does. The paper's t is 1/temperature; one that learns is ``temperature=torch.exp(-t_prime)``.
    """
    z = similarities(image, text, temperature) + bias
    others = apart(len(z), keep, z.device)
    wrong = torch.where(others, softplus(torch.where(others, z, 0.0)), 0.0).sum(1)
    return wrong - F.logsigmoid(z.diagonal()), torch.ones_like(others[:, :0].any(1)), None


@siglip.definition
def _(image, text, i, m, *, temperature, bias):
    anchor, *texts = scaled([image[i], *text], m)
    z = [m.dot(anchor, each) / temperature + bias for each in texts]
    wrong = [m.log(1 + m.exp(each)) for j, each in enumerate(z) if j != i]
    return m.log(1 + m.exp(-z[i])) + m.sum(wrong)
