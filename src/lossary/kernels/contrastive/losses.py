"""The contrastive losses over tiles: what their blocks say, with the table of similarities never made."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from lossary.losses.contrastive.pairs import Warmth, surprise
from lossary.losses.metric.distance import direction

from ..kept import kept, put_back
from . import nodes
from .nodes import Sums
from .tiles import Sum, Table

Found = tuple[Tensor, Tensor, None]
#: Of embeddings and labels: how many others bear a sample's label, the place of the only other one (below 0 where there
#: is not exactly one), and the sum of the others' embeddings.
Kin = Callable[[Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]


def info_nce(
    query: Tensor,
    key: Tensor,
    *,
    temperature: Warmth,
    similarity: str,
    keep: Tensor | None = None,
    sums: Sums = nodes.sums,
) -> Found:
    """Each query against all keys; see the block."""
    place, (query, key) = kept(keep, query, key)
    if similarity == "cosine":
        query, key = direction(query), direction(key)
    query = query / temperature
    own = _paired(query, key)
    rest, _ = sums(query, key, Table(Sum.ROWS, (_diagonal(query),)))
    return _spread(_against(rest, own), place, keep)


def clip(
    image: Tensor, text: Tensor, *, temperature: Warmth, keep: Tensor | None = None, sums: Sums = nodes.sums
) -> Found:
    """Each image against all texts and each text against all images; see the block."""
    place, (image, text) = kept(keep, image, text)
    image, text = direction(image) / temperature, direction(text)
    own = _paired(image, text)
    texts, images = sums(image, text, Table(Sum.BOTH, (_diagonal(image),)))
    assert images is not None
    return _spread(0.5 * (_against(texts, own) + _against(images, own)), place, keep)


def siglip(
    image: Tensor,
    text: Tensor,
    *,
    temperature: Warmth,
    bias: float | Tensor,
    keep: Tensor | None = None,
    sums: Sums = nodes.sums,
) -> Found:
    """Each image with each text, decided for itself; see the block."""
    place, (image, text) = kept(keep, image, text)
    image, text = direction(image) / temperature, direction(text)
    added = torch.as_tensor(bias, dtype=image.dtype, device=image.device)
    own = _paired(image, text) + added
    wrong, _ = sums(image, text, Table(Sum.SOFTPLUS, (_diagonal(image),)), added)
    return _spread(wrong - F.logsigmoid(own), place, keep)


def nt_xent(
    one: Tensor, other: Tensor, *, temperature: Warmth, keep: Tensor | None = None, sums: Sums = nodes.sums
) -> Found:
    """Each view against all others; see the block."""
    place, rest, own = _views(one, other, temperature, keep, sums)
    return _spread(_both(_against(rest, own)), place, keep)


def decoupled(
    one: Tensor, other: Tensor, *, temperature: Warmth, keep: Tensor | None = None, sums: Sums = nodes.sums
) -> Found:
    """Each view against the views of other samples; see the block."""
    place, rest, own = _views(one, other, temperature, keep, sums)
    # Who is alone has nobody to be told apart from.
    some = rest.detach() != -torch.inf
    values, counts, _ = _spread(
        _both(torch.where(some, torch.where(some, rest, 0.0) - own, own * 0.0)), place, keep
    )
    return values, counts & some.any(), None


def supcon(
    embeddings: Tensor,
    labels: Tensor,
    *,
    temperature: Warmth,
    keep: Tensor | None = None,
    sums: Sums = nodes.sums,
    kin: Kin | None = None,
) -> Found:
    """Each sample against all others, those of its label as the answer; see the block."""
    place, (embeddings, labels) = kept(keep, embeddings, labels)
    x = direction(embeddings) / _root(temperature)
    many, partner, friends = (_kin if kin is None else kin)(x, labels)
    rest, _ = sums(x, None, Table(Sum.SAME, (_diagonal(x), partner)))
    own = _paired(x, friends) / many.clamp(min=1)
    # Without a positive there is no value; where both of two samples are left out, no sum either.
    values = torch.where(many > 1, torch.where(many > 1, rest, 0.0) - own, _against(rest, own))
    values = torch.where(many > 0, values, 0.0)
    return put_back(values, place, keep), put_back(many > 0, place, keep), None


def _kin(x: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """See ``Kin``."""
    _, group, sizes = torch.unique(labels, return_inverse=True, return_counts=True)
    many = sizes[group] - 1
    partner = partners(group, many)
    # The sum over positives is that of the whole label less the sample itself; of one positive, it is the partner.
    whole = x.new_zeros(len(sizes), x.shape[1]).index_add(0, group, x)
    others = torch.where((partner >= 0).unsqueeze(1), x[partner.clamp(min=0)], whole[group] - x)
    return many, partner, others


def partners(group: Tensor, many: Tensor) -> Tensor:
    """Where a label stands exactly twice, the place of the other one; -1 elsewhere."""
    places = torch.argsort(group, stable=True)
    twice = places[many[places] == 1]
    partner = torch.full_like(group, -1)
    partner[twice] = twice.view(-1, 2).flip(1).flatten()
    return partner


def _views(
    one: Tensor, other: Tensor, temperature: Warmth, keep: Tensor | None, sums: Sums
) -> tuple[Tensor | None, Tensor, Tensor]:
    place, (one, other) = kept(keep, one, other)
    root = _root(temperature)
    x = torch.cat([direction(one) / root, direction(other) / root])
    count, here = len(one), _diagonal(x)
    rest, _ = sums(x, None, Table(Sum.SAME, (here, here.roll(count))))
    own = _paired(x[:count], x[count:])
    return place, rest, torch.cat([own, own])


def _both(views: Tensor) -> Tensor:
    return 0.5 * (views[: len(views) // 2] + views[len(views) // 2 :])


def _root(temperature: Warmth) -> Warmth:
    """What both sides of a symmetric table are divided by."""
    root: Warmth = temperature**0.5
    return root


def _against(rest: Tensor, own: Tensor) -> Tensor:
    """log(1 + exp(rest - own)), 0 where there is no rest."""
    some = rest.detach() != -torch.inf
    return surprise(torch.where(some, rest, 0.0), own, some)


def _paired(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).sum(-1)


def _diagonal(x: Tensor) -> Tensor:
    return torch.arange(len(x), device=x.device)


def _spread(values: Tensor, place: Tensor | None, keep: Tensor | None) -> Found:
    """Values back at the places of their samples; every sample that takes part counts."""
    counts = torch.ones_like(values, dtype=torch.bool) if keep is None else keep
    return put_back(values, place, keep), counts, None
