"""CLIP: images find their texts, and texts their images."""

from typing import Annotated

import torch

from lossary.declare import (
    Claims,
    Elicits,
    Embedding,
    Example,
    Keep,
    Link,
    Paper,
    PerAnchor,
    Task,
    loss,
)

from ..metric.partners import EXEMPT
from .pairs import (
    MEANING,
    Temperature,
    Warmth,
    against,
    apart,
    scaled,
    similarities,
    surprise,
    unsure,
)


def _unsure(image, text, i, m, *, temperature):
    images, texts = scaled(image, m), scaled(text, m)
    rows = unsure(images[i], texts[i], texts[:i] + texts[i + 1 :], m, temperature)
    return (rows + unsure(texts[i], images[i], images[:i] + images[i + 1 :], m, temperature)) / 2


@loss(
    title="CLIP",
    task=Task.METRIC,
    link=Link.IDENTITY,
    outputs="an embedding",
    decode="the embedding; compare by cosine",
    coupled=True,
    elicits=Elicits.EMBEDDING,
    constant="any embedding that is the same for all costs log N in a batch of N",
    claims=Claims(lower=0.0),
    cancels=_unsure,
    symbolic=False,
    formula=r"-\frac{1}{2} \left(\log \frac{\exp(s_{ii}/\tau)}{\sum_j \exp(s_{ij}/\tau)} + "
    r"\log \frac{\exp(s_{ii}/\tau)}{\sum_j \exp(s_{ji}/\tau)}\right) \text{ with cosines } s",
    derivative=r"\frac{1}{2\tau} \left(\sum_j p_{ij} \nabla s_{ij} + \sum_j q_{ji} \nabla s_{ji} - 2 \nabla s_{ii}"
    r"\right) \text{ with the softmax } p \text{ over rows and } q \text{ over columns of } s/\tau",
    example=Example(
        (((1.0, 0.0), (0.0, 1.0)), ((2.0, 0.0), (0.0, 3.0)), 0), 0.31326168751822286,
        "cosines 1 with its own and 0 with the other, both ways: -log(e/(e + 1)) = 0.3133", {"temperature": 1.0},
    ),
    use_when="Pairs of two kinds, as images and texts, shall meet in one space, and batches are large.",
    avoid_when="Batches are small, or the batch does not fit on one machine: siglip needs no sum over the batch.",
    aliases=("symmetric_info_nce", "clip_loss", "itc"),
    elsewhere={"open_clip.ClipLoss, on embeddings of length 1": 1.0},
    exempt=EXEMPT,
    paper=Paper("Radford et al.", 2021, "Learning Transferable Visual Models From Natural Language Supervision",
                equation="figure 3", arxiv="2103.00020"),
)  # fmt: skip
def clip(
    image: Embedding,
    text: Embedding,
    *,
    temperature: Annotated[Warmth, Temperature, MEANING] = 0.07,
    keep: Keep = None,
) -> PerAnchor:
    """Mean of two cross-entropies: of an image's similarities to all texts, and of its text's to all images.

    Shapes: both (N, D), row i of one belongs to row i of the other; per unit (N,). The logit scale of other programs is
    1/temperature; one that learns is ``temperature=torch.exp(-log_scale)``.
    """
    z = similarities(image, text, temperature)
    others, own = apart(len(z), keep, z.device), z.diagonal()
    (texts, some), (images, _) = against(z, others), against(z.transpose(0, 1), others)
    values = 0.5 * (surprise(texts, own, some) + surprise(images, own, some))
    return values, torch.ones_like(some), None


@clip.definition
def _(image, text, i, m, *, temperature):
    images, texts = scaled(image, m), scaled(text, m)
    rows = m.sum([m.exp(m.dot(images[i], each) / temperature) for each in texts])
    columns = m.sum([m.exp(m.dot(each, texts[i]) / temperature) for each in images])
    return (m.log(rows) + m.log(columns)) / 2 - m.dot(images[i], texts[i]) / temperature
