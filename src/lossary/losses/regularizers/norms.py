"""Norms of weights or activations: small, sparse, or sparse by groups."""

import math
from typing import Annotated

import torch
from torch import Tensor

from lossary.declare import (
    Claims,
    Elicits,
    Embedding,
    Example,
    Link,
    Paper,
    PerElement,
    PerRow,
    Relative,
    Task,
    Unit,
    Values,
    loss,
)

from ..metric.distance import direction, length


def _netted(values: Tensor, share: float) -> Tensor:
    if share == 1.0:
        return values.abs()
    square = (0.5 * (1.0 - share) * values) * values
    return square if share == 0.0 else share * values.abs() + square


def _netted_definition(x, m, share):
    return share * m.abs(x) + (1 - share) / 2 * x**2


def _netted_slope(values: Tensor, share: float) -> Tensor:
    return share * torch.sign(values) + (1.0 - share) * values


@loss(
    title="L1 penalty",
    task=Task.PENALTY,
    link=Link.IDENTITY,
    outputs="any: it is a price on weights or activations",
    decode="weights that end near 0 may be set to 0",
    elicits=Elicits.ZERO,
    constant="0",
    claims=Claims(convex=True, lower=0.0, lipschitz=1.0),
    example=Example((-1.5,), 1.5, "|-1.5| = 1.5"),
    relatives=(Relative("elastic_net", "share 1", theirs={"share": 1.0}),),
    use_when="Few of the weights or activations should differ from 0.",
    avoid_when="The optimiser is to give exact zeros: steps of a finite size cross 0, only a threshold stays there.",
    aliases=("lasso", "l1_regularizer"),
    elsewhere={"keras.regularizers.L1(1.0), with reduction='sum'": 1.0},
    paper=Paper("Tibshirani", 1996, "Regression shrinkage and selection via the lasso",
                doi="10.1111/j.2517-6161.1996.tb02080.x"),
)  # fmt: skip
def l1_penalty(values: Values) -> PerElement:
    """The size of a number: every step away from 0 costs the same."""
    return _netted(values, 1.0)


@l1_penalty.definition
def _(x, m):
    return _netted_definition(x, m, 1)


@l1_penalty.slope
def _(values: Tensor) -> Tensor:
    return _netted_slope(values, 1.0)


@loss(
    title="L2 penalty",
    task=Task.PENALTY,
    link=Link.IDENTITY,
    outputs="any: it is a price on weights or activations",
    decode="nothing to decode",
    elicits=Elicits.ZERO,
    constant="0",
    claims=Claims(convex=True, lower=0.0, smooth=True),
    example=Example((-1.5,), 1.125, "1/2·1.5² = 1.125"),
    relatives=(Relative("elastic_net", "share 0", theirs={"share": 0.0}),),
    use_when="Weights should stay small; its gradient is the weight itself, as an optimiser's weight_decay adds it.",
    avoid_when="The optimiser is Adam: a penalty in the loss is scaled by its second moments, so use AdamW's decay "
    "(Loshchilov and Hutter 2019).",
    aliases=("ridge", "weight_decay", "l2_regularizer", "tikhonov"),
    elsewhere={
        "torch.optim.SGD(weight_decay=1.0), with reduction='sum'": "the same gradient, added by the optimiser",
        "keras.regularizers.L2(1.0), with reduction='sum'": 0.5,
        "tf.nn.l2_loss, with reduction='sum'": 1.0,
    },
    paper=Paper("Hoerl and Kennard", 1970, "Ridge regression: biased estimation for nonorthogonal problems",
                doi="10.1080/00401706.1970.10488634"),
)  # fmt: skip
def l2_penalty(values: Values) -> PerElement:
    """Half the square of a number: the further from 0, the harder it is pulled back."""
    return _netted(values, 0.0)


@l2_penalty.definition
def _(x, m):
    return _netted_definition(x, m, 0)


@l2_penalty.slope
def _(values: Tensor) -> Tensor:
    return _netted_slope(values, 0.0)


@loss(
    title="Elastic net",
    task=Task.PENALTY,
    link=Link.IDENTITY,
    outputs="any: it is a price on weights or activations",
    decode="weights that end near 0 may be set to 0",
    elicits=Elicits.ZERO,
    constant="0",
    claims=Claims(convex=True, lower=0.0, smooth=lambda share: share == 0.0,
                  lipschitz=lambda share: 1.0 if share == 1.0 else None),
    example=Example((-2.0,), 2.0, "1/2·2 + 1/4·2² = 1 + 1 = 2", {"share": 0.5}),
    relatives=(
        Relative("l1_penalty", "share 1", ours={"share": 1.0}),
        Relative("l2_penalty", "share 0", ours={"share": 0.0}),
    ),
    use_when="Sparse weights are wanted and features come in correlated groups, of which the L1 penalty keeps one.",
    avoid_when="Either of the two parts alone would do: it is one more number to tune.",
    elsewhere={"sklearn.linear_model.ElasticNet(alpha=1.0, l1_ratio=share), with reduction='sum'": 1.0},
    paper=Paper("Zou and Hastie", 2005, "Regularization and variable selection via the elastic net",
                doi="10.1111/j.1467-9868.2005.00503.x"),
)  # fmt: skip
def elastic_net(
    values: Values, *, share: Annotated[float, Unit, "how much of it is the L1 penalty; the rest is L2"] = 0.5
) -> PerElement:
    """A mixture of the L1 and the L2 penalty."""
    return _netted(values, share)


@elastic_net.definition
def _(x, m, *, share):
    return _netted_definition(x, m, share)


@elastic_net.slope
def _(values: Tensor, *, share: float) -> Tensor:
    return _netted_slope(values, share)


@loss(
    title="Group lasso",
    task=Task.PENALTY,
    link=Link.IDENTITY,
    outputs="any: it is a price on weights or activations",
    decode="groups whose length ends near 0 may be removed",
    elicits=Elicits.ZERO,
    constant="0 in every group",
    claims=Claims(convex=True, lower=0.0),
    symbolic=False,
    formula=r"\sqrt{n}\,\lVert x \rVert \text{ with } n \text{ the size of the group}",
    derivative=r"\frac{\sqrt{n}\,x_i}{\lVert x \rVert}, \text{ 0 where } x = 0",
    example=Example(((3.0, 4.0),), 7.0710678118654755, "sqrt(2)·sqrt(3² + 4²) = 5·sqrt(2)"),
    use_when="Whole groups are to go to 0 together: the weights of a feature, a channel or a head.",
    avoid_when="Single weights inside a group should become sparse too.",
    aliases=("group_sparsity", "l21_norm"),
    paper=Paper("Yuan and Lin", 2006, "Model selection and estimation in regression with grouped variables",
                equation="2.1", doi="10.1111/j.1467-9868.2005.00532.x"),
)  # fmt: skip
def group_lasso(groups: Embedding) -> PerRow:
    """The length of a group of numbers times the root of its size: groups are at 0 as a whole, or not at all."""
    return math.sqrt(groups.shape[-1]) * length(groups)


@group_lasso.definition
def _(x, m):
    return m.sqrt(len(x)) * m.sqrt(m.sum([v**2 for v in x]))


@group_lasso.slope
def _(groups: Tensor) -> Tensor:
    return math.sqrt(groups.shape[-1]) * direction(groups)
