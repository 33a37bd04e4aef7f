"""A critic of real and generated rows: its mean scores are as far apart as the two distributions."""

import torch
from torch import Tensor

from lossary.declare import BinaryTarget, Claims, Elicits, Example, Link, Paper, PerElement, Score, Task, loss


@loss(
    title="Wasserstein critic",
    task=Task.TRANSPORT,
    link=Link.SIGN,
    outputs="1: the score of one row",
    decode="greater for what looks real; a score means something beside other scores only",
    soft="mixture",
    elicits=Elicits.OWN,
    constant="none: unless the target is 1/2 it falls without end, so the critic's slope must be bounded",
    claims=Claims(convex=True, lipschitz=1.0, symmetric=True, smooth=True),
    example=Example((1.5, 1.0), -1.5, "the row is real and scored 1.5: -1.5; were it generated: 1.5"),
    use_when="Two sets of rows without partners are to be compared by a critic whose slope is held near 1.",
    avoid_when="Nothing bounds the critic's slope: then its scores grow and measure nothing; add gradient_penalty.",
    aliases=("wasserstein_critic", "wgan"),
    elsewhere={
        "torchgan.losses.WassersteinDiscriminatorLoss": "not run: as many real as generated rows, half of it",
        "tfgan.losses.wasserstein_discriminator_loss": "not run: as many real as generated rows, half of it",
    },
    paper=Paper("Arjovsky, Chintala and Bottou", 2017, "Wasserstein GAN", equation="2", arxiv="1701.07875"),
)  # fmt: skip
def critic(scores: Score, target: BinaryTarget) -> PerElement:
    """The score of a generated row (target 0), less that of a real one (target 1).

    The critic's loss is ``critic(real, ones) + critic(generated, zeros)``, each a mean over its own rows, however many
    there are: at best minus the Wasserstein distance. The generator's is ``critic(generated, ones)``.
    """
    return (1.0 - 2.0 * target) * scores


@critic.definition
def _(x, t, m):
    return (1 - t) * x - t * x


@critic.slope
def _(scores: Tensor, target: Tensor) -> Tensor:
    return (1.0 - 2.0 * target) * torch.ones_like(scores)
