"""Robust losses with names of their own: four shapes of Barron's, and Tukey's biweight."""

import math
from typing import Annotated

from torch import Tensor

from lossary.declare import (
    Claims,
    Elicits,
    Example,
    Link,
    NumberOrTensor,
    Paper,
    PerElement,
    Positive,
    Prediction,
    RealTarget,
    Relative,
    Task,
    loss,
)

from .general import SCALE, general, pulled, steepest


def _at_one(scale: float) -> float | str:
    """The factor to a library that has no scale."""
    return 1.0 if scale == 1 else "no factor: its scale is 1"


def _squared(scale: float) -> float:
    """The factor to a library that keeps the units of the squared target."""
    return 1.0 / scale**2


@loss(
    title="Charbonnier loss",
    task=Task.REGRESSION,
    link=Link.IDENTITY,
    elicits=Elicits.BETWEEN,
    constant="mostly between median and mean, where the bounded pulls balance; "
    "on 0, 0, 1, 10 with scale = 1.0 it is 0.769034",
    claims=Claims(convex=True, lower=0.0, lipschitz=lambda scale: steepest(1.0, scale), smooth=True),
    example=Example((3.0, 1.0), math.sqrt(5.0) - 1.0, "√(1 + 2²) - 1 = 1.23607"),
    relatives=(Relative("barron", "its shape 1", theirs={"alpha": 1.0}),),
    use_when="Huber's loss is wanted smooth to every order; images are restored with it (at 0.001: Lai et al. 2017).",
    avoid_when="Gross errors should lose their pull: here it only stops growing.",
    aliases=("pseudo_huber",),
    elsewhere={
        "scipy.special.pseudo_huber": _squared,
        "scipy.optimize.least_squares(loss='soft_l1')": _squared,
        "xgboost reg:pseudohubererror": _squared,
        "kornia.losses.charbonnier_loss": _at_one,
        "basicsr.losses.CharbonnierLoss": "no factor: √(error² + scale²) is scale x (ours + 1)",
    },
    paper=Paper(
        "Charbonnier, Blanc-Féraud, Aubert and Barlaud",
        1994,
        "Two deterministic half-quadratic regularization algorithms for computed imaging",
        doi="10.1109/ICIP.1994.413553",
    ),
)
def charbonnier(
    prediction: Prediction,
    target: RealTarget,
    *,
    scale: Annotated[float | Tensor, NumberOrTensor(Positive), SCALE] = 1.0,
) -> PerElement:
    """A hyperbola: half a square within the scale, the absolute error in units of it far out, smooth throughout."""
    return general(prediction - target, 1.0, scale)


@charbonnier.definition
def _(x, t, m, *, scale):
    return m.sqrt(1 + ((x - t) / scale) ** 2) - 1


@charbonnier.slope
def _(prediction: Tensor, target: Tensor, *, scale: float) -> Tensor:
    return pulled(prediction - target, 1.0, scale)


@loss(
    title="Cauchy loss",
    task=Task.REGRESSION,
    link=Link.IDENTITY,
    elicits=Elicits.OWN,
    constant="the likeliest centre of a Cauchy distribution of width √2·scale; "
    "on 0, 0, 1, 10 with scale = 1.0 it is 0.386819",
    claims=Claims(lower=0.0, lipschitz=lambda scale: steepest(0.0, scale), smooth=True),
    example=Example((3.0, 1.0), math.log(3.0), "log(1 + 2²/2) = log 3 = 1.09861"),
    relatives=(Relative("barron", "its shape 0", theirs={"alpha": 0.0}),),
    use_when="Errors have heavy tails: the pull falls as 1 / error, so that gross ones fade and none is lost.",
    avoid_when="Training starts far from the answer: most errors are then gross, and there may be several minima.",
    aliases=("lorentzian",),
    elsewhere={
        "scipy.optimize.least_squares(loss='cauchy'), f_scale=√2·scale": _squared,
        "kornia.losses.cauchy_loss": _at_one,
    },
    paper=Paper(
        "Black and Anandan", 1996, "The robust estimation of multiple motions", doi="10.1006/cviu.1996.0006"
    ),
)
def cauchy(
    prediction: Prediction,
    target: RealTarget,
    *,
    scale: Annotated[float | Tensor, NumberOrTensor(Positive), SCALE] = 1.0,
) -> PerElement:
    """The logarithm of one plus half a square: it grows without bound, ever more slowly."""
    return general(prediction - target, 0.0, scale)


@cauchy.definition
def _(x, t, m, *, scale):
    return m.log(1 + ((x - t) / scale) ** 2 / 2)


@cauchy.slope
def _(prediction: Tensor, target: Tensor, *, scale: float) -> Tensor:
    return pulled(prediction - target, 0.0, scale)


@loss(
    title="Geman-McClure loss",
    task=Task.REGRESSION,
    link=Link.IDENTITY,
    elicits=Elicits.OWN,
    constant="where the targets are densest, as a kernel 1 / (4 + z²) smooths them; "
    "on 0, 0, 1, 10 with scale = 1.0 it is 0.298993",
    claims=Claims(lower=0.0, upper=2.0, lipschitz=lambda scale: steepest(-2.0, scale), smooth=True),
    example=Example((3.0, 1.0), 1.0, "2·2² / (2² + 4) = 1"),
    relatives=(Relative("barron", "its shape -2", theirs={"alpha": -2.0}),),
    use_when="Some targets are plain wrong and should cost no more than 2, as false matches in registration.",
    avoid_when="The start is far off: errors of many scales pull on nothing; widen the scale first and narrow it.",
    elsewhere={"kornia.losses.geman_mcclure_loss": _at_one},
    paper=Paper(
        "Geman and McClure",
        1985,
        "Bayesian image analysis: an application to single photon emission tomography",
    ),
)
def geman_mcclure(
    prediction: Prediction,
    target: RealTarget,
    *,
    scale: Annotated[float | Tensor, NumberOrTensor(Positive), SCALE] = 1.0,
) -> PerElement:
    """A square that saturates as a quotient: at most 2, whatever the error."""
    return general(prediction - target, -2.0, scale)


@geman_mcclure.definition
def _(x, t, m, *, scale):
    z = (x - t) / scale
    return 2 * z**2 / (z**2 + 4)


@geman_mcclure.slope
def _(prediction: Tensor, target: Tensor, *, scale: float) -> Tensor:
    return pulled(prediction - target, -2.0, scale)


@loss(
    title="Welsch loss",
    task=Task.REGRESSION,
    link=Link.IDENTITY,
    elicits=Elicits.OWN,
    constant="where the targets are densest, as a Gaussian kernel of width scale smooths them; "
    "on 0, 0, 1, 10 with scale = 1.0 it is 0.287992",
    claims=Claims(lower=0.0, upper=1.0, lipschitz=lambda scale: steepest(-math.inf, scale), smooth=True),
    example=Example((3.0, 1.0), 1.0 - math.exp(-2.0), "1 - exp(-2²/2) = 0.86466"),
    symbolic=False,
    formula=r"1 - \exp(-z^2/2) \text{ with } z = (x - t)/\text{scale}",
    derivative=r"\frac{z}{\text{scale}} \exp(-z^2/2)",
    relatives=(Relative("barron", "its shape -inf", theirs={"alpha": -math.inf}),),
    use_when="Errors beyond some scales are noise and should have no say at all: their pull fades as a Gaussian does.",
    avoid_when="The start is far off: beyond about five scales the gradient is nothing.",
    aliases=("leclerc", "correntropy"),
    elsewhere={"kornia.losses.welsch_loss": _at_one},
    paper=Paper(
        "Dennis and Welsch",
        1978,
        "Techniques for nonlinear least squares and robust regression",
        doi="10.1080/03610917808812083",
    ),
)
def welsch(
    prediction: Prediction,
    target: RealTarget,
    *,
    scale: Annotated[float | Tensor, NumberOrTensor(Positive), SCALE] = 1.0,
) -> PerElement:
    """One less a Gaussian bell: a square near zero, 1 far out."""
    return general(prediction - target, -math.inf, scale)


@welsch.definition
def _(x, t, m, *, scale):
    return 1 - m.exp(-(((x - t) / scale) ** 2) / 2)


@welsch.slope
def _(prediction: Tensor, target: Tensor, *, scale: float) -> Tensor:
    return pulled(prediction - target, -math.inf, scale)
