"""Center loss: every embedding near the centre of its class."""

from torch import Tensor

from lossary.declare import Claims, Elicits, Embedding, Example, Link, Paper, PerRow, Task, Vector, loss

from .distance import between


@loss(
    title="Center loss",
    task=Task.METRIC,
    link=Link.IDENTITY,
    outputs="an embedding",
    decode="the embedding; compare by euclidean distance",
    elicits=Elicits.EMBEDDING,
    constant="the mean of the centres",
    claims=Claims(convex=True, lower=0.0, smooth=True),
    symbolic=False,
    formula=r"\frac{1}{2} |x - c|^2 \text{ with } c \text{ its centre}",
    derivative=r"x - c",
    example=Example(((1.0, 2.0), (4.0, 6.0)), 12.5, "(3² + 4²)/2 = 12.5"),
    use_when="Beside a cross-entropy: the classes are told apart already, and each is to lie close together.",
    avoid_when="It is the only loss: all embeddings and all centres in one place cost nothing.",
    aliases=("center_loss",),
    paper=Paper("Wen, Zhang, Li and Qiao", 2016, "A Discriminative Feature Learning Approach for Deep Face Recognition",
                equation="2"),
)  # fmt: skip
def center(embedding: Embedding, centre: Vector) -> PerRow:
    """Half the squared distance of an embedding from the centre of its class.

    Shapes: both (..., D); per unit (...). With the centres as a parameter or a buffer of shape (classes, D), pass
    ``centres[labels]``. The paper moves them to the mean of their classes instead of descending: pass them detached.
    """
    return 0.5 * between(embedding, centre, "squared")


@center.definition
def _(x, c, m):
    return m.sum([(v - w) ** 2 for v, w in zip(x, c, strict=True)]) / 2


@center.slope
def _(embedding: Tensor, centre: Tensor) -> Tensor:
    return embedding - centre
