"""A margin of the angle that grows with the length of the embedding, so that lengths come to tell quality."""

from typing import Annotated

from torch import Tensor

from lossary.declare import (
    Claims,
    ClassTarget,
    Elicits,
    Example,
    Link,
    NonNegative,
    Paper,
    PerRow,
    Positive,
    Task,
    loss,
)

from ..multiclass.rivals import over_rivals
from .angular_margin import (
    DECODE,
    OUTPUTS,
    SCALE,
    Angle,
    lead,
    led_in_words,
    led_sizes,
    led_slope,
    turn,
    turned,
    turned_slope,
)
from .cosines import Cosines, Length


def _angle(length: Tensor, margin: float, more: float, shortest: float, reach: float) -> Tensor:
    """The margin at a length, on a straight line from that of the shortest to that of the longest."""
    return margin + more * ((length - shortest) / reach).clamp(0.0, 1.0)


def _bent(c, length, m, margin, more, shortest, reach):
    held = m.min(m.max(length, shortest), shortest + reach)
    return turn(c, m, margin + more * (held - shortest) / reach)


def _toll(length, m, shortest, reach):
    """1/a + a/longest²: the least at the longest, of a length held to what matters."""
    held = m.min(m.max(length, shortest), shortest + reach)
    return 1 / held + held / (shortest + reach) ** 2


def _sizes(x, a, y, m, *, margin, more, shortest, reach, price, scale):
    """The leads, whose margin has the roundings of a length beside a shorter reach, and the price."""
    rough = 1 + more * (shortest + reach) / reach
    leads = led_sizes(x, y, m, lambda c: _bent(c, a, m, margin, more, shortest, reach), scale, rough)
    return leads + price * _toll(a, m, shortest, reach)


@loss(
    title="MagFace loss",
    task=Task.METRIC,
    link=Link.IDENTITY,
    outputs=OUTPUTS,
    decode=DECODE,
    soft="mixture",
    elicits=Elicits.EMBEDDING,
    constant="no closed form: every class wants to lead by the margin at least",
    claims=Claims(),
    cancels=_sizes,
    symbolic=False,
    formula=r"\sum_k y_k \log\left(1 + \sum_{j \ne k} e^{s (x_j - \phi_k)}\right) + \lambda \left(\frac{1}{a} + "
    r"\frac{a}{u^2}\right) \text{ with } \phi_k \text{ that of arcface at the margin } m + m' \frac{a - l}{u - l} "
    r"\text{, } a \text{ the length, held from the shortest } l \text{ to the longest } u, m' \text{ what is more, } "
    r"\lambda \text{ the price}",
    derivative=r"s \sum_k y_k q_{ki} \text{ for rivals with } q_k = \operatorname{softmax} \text{ of the scaled "
    r"cosines with } \phi_k \text{ for } x_k \text{; for } x_i \text{ itself } -s\, y_i (1 - q_{ii})\, \phi_i'",
    example=Example(
        ((0.6, 0.8), 20.0, 0),
        1.8839007408883388,
        "at the longest the margin is pi/2, cos(arccos 0.6 + pi/2) = -0.8: log(1 + exp(0.8 + 0.8)) = 1.7839; and "
        "1/20 + 20/400",
        {"margin": 0.0, "more": 1.5707963267948966, "shortest": 10.0, "reach": 10.0, "price": 1.0, "scale": 1.0},
    ),
    use_when="Beside who it is, how well a sample can be recognised is wanted: the length of an embedding tells.",
    avoid_when="A network brings embeddings to length 1 itself, or normalises them last: there is no length to learn.",
    elsewhere={
        "MagFace models.magface, the authors'": "no factor: it takes no margin where the cosine is below 0; with "
        "easy_margin=False and its loss_G times 35 added it is 1",
    },
    paper=Paper("Meng, Zhao, Huang and Zhou", 2021, "MagFace: A Universal Representation for Face Recognition and "
                "Quality Assessment", arxiv="2103.06627"),
)  # fmt: skip
def magface(
    cosines: Cosines,
    length: Length,
    target: ClassTarget,
    *,
    margin: Annotated[
        float, Angle, "by how much closer in angle the centre must be of the shortest, in radians"
    ] = 0.45,
    more: Annotated[float, Angle, "how much is added to it for the longest"] = 0.35,
    shortest: Annotated[float, Positive, "the length up to which embeddings count as the shortest"] = 10.0,
    reach: Annotated[float, Positive, "how much longer embeddings are that count as the longest"] = 100.0,
    price: Annotated[float, NonNegative, "what it costs to be short; lambda in the paper"] = 35.0,
    scale: Annotated[float, Positive, SCALE] = 64.0,
) -> PerRow:
    """Softmax over cosines with a margin of the angle that is wider the longer an embedding is, which shortness costs.

    Shapes: cosines (..., C), length and target (...); per unit (...). The length is that of the embedding before it is
    normalised, not detached: samples that keep the wider margin grow long, and the others stay short. The paper's
    margins of 0.45 to 0.8 over lengths from 10 to 110 are the defaults. Beyond pi the cosine goes on as in arcface.
    """
    held = length.clamp(shortest, shortest + reach)
    angle = _angle(length, margin, more, shortest, reach).unsqueeze(-1).unsqueeze(-1)
    toll = price * (1.0 / held + held / (shortest + reach) ** 2).unsqueeze(-1)

    def cost(rivals: Tensor, own: Tensor) -> Tensor:
        return lead(rivals, turned(own, angle, angle.cos(), angle.sin()), scale) + toll

    return over_rivals(cost, cosines, target)


@magface.definition
def _(x, a, y, m, *, margin, more, shortest, reach, price, scale):
    led = led_in_words(x, y, m, lambda c: _bent(c, a, m, margin, more, shortest, reach), scale)
    return led + price * _toll(a, m, shortest, reach)


@magface.slope
def _(
    cosines: Tensor,
    length: Tensor,
    target: Tensor,
    *,
    margin: float,
    more: float,
    shortest: float,
    reach: float,
    price: float,
    scale: float,
) -> Tensor:
    angle = _angle(length, margin, more, shortest, reach).unsqueeze(-1)
    cosine, sine = angle.cos(), angle.sin()
    return led_slope(
        cosines,
        target,
        lambda c: turned(c, angle, cosine, sine),
        lambda c: turned_slope(c, cosine, sine),
        scale,
    )
