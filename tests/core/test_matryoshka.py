"""A loss of embeddings at several lengths is the sum of that loss at each."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
import torch

import lossary
from lossary import nn
from lossary.core.errors import DomainError, OptionError, ShapeError

A, B = torch.randn(2, 6, 8, dtype=torch.float64)
LABELS = torch.tensor([0, 0, 1, 1, 2, 2])


def test_it_is_the_weighted_sum_over_widths() -> None:
    a, b = A.clone().requires_grad_(), B.clone().requires_grad_()
    wrapped = nn.Matryoshka(nn.Clip(), widths=(2, 5, 8), weights=(1.0, 0.5, 2.0))
    found = torch.autograd.grad(wrapped(a, b), (a, b))
    parts = [factor * lossary.clip(a[:, :m], b[:, :m]) for m, factor in ((2, 1.0), (5, 0.5), (8, 2.0))]
    torch.testing.assert_close(wrapped(a, b), sum(parts))
    torch.testing.assert_close(found, torch.autograd.grad(sum(parts), (a, b)))
    assert list(wrapped.terms(a, b)) == ["matryoshka_clip_2", "matryoshka_clip_5", "matryoshka_clip_8"]


@pytest.mark.parametrize("name", ["triplet_all", "supcon", "multi_similarity", "koleo"])
def test_labels_stay_whole_and_options_go_on(name: str) -> None:
    inputs = (A,) if name == "koleo" else (A, LABELS)
    mask = torch.tensor([True, True, True, False, True, True])
    wrapped = nn.Matryoshka(nn.build(name, {}), widths=(3, 8))
    for options in ({}, {"mask": mask}, {"weight": torch.rand(6)}, {"reduction": "none"}):
        wanted = sum(lossary.get(name)(inputs[0][:, :m], *inputs[1:], **options) for m in (3, 8))
        torch.testing.assert_close(wrapped(*inputs, **options), wanted)


def test_every_vector_is_cut_whether_it_is_named_or_not() -> None:
    centres = torch.randn(3, 8, dtype=torch.float64)
    wrapped = nn.Matryoshka(nn.InfoNce(temperature=0.2, backend="chunked"), widths=(4,))
    torch.testing.assert_close(wrapped(A, key=B), lossary.info_nce(A[:, :4], B[:, :4], temperature=0.2))
    wrapped = nn.Matryoshka(nn.Center(), widths=(4,))
    torch.testing.assert_close(wrapped(A, centres[LABELS]), lossary.center(A[:, :4], centres[LABELS][:, :4]))


def test_a_sum_of_losses_is_cut_in_all_its_parts_and_a_temperature_learns() -> None:
    learned = torch.nn.Parameter(torch.tensor(0.1, dtype=torch.float64))
    wrapped = nn.Matryoshka(nn.Clip(temperature=learned) + 0.1 * nn.Siglip(), widths=(3, 8))
    wanted = sum(
        lossary.clip(A[:, :m], B[:, :m], temperature=learned) + 0.1 * lossary.siglip(A[:, :m], B[:, :m])
        for m in (3, 8)
    )
    torch.testing.assert_close(wrapped(A, B), wanted)
    assert [each is learned for each in wrapped.parameters()] == [True]
    wrapped(A, B).backward()
    assert learned.grad is not None and learned.grad != 0


def test_widths_that_share_a_head_are_a_sum_of_heads() -> None:
    hidden, weight, target = A.clone().requires_grad_(), torch.randn(5, 8, dtype=torch.float64), LABELS
    found = sum(lossary.linear("cross_entropy", hidden[..., :m], weight[:, :m], target) for m in (2, 8))
    wanted = sum(lossary.cross_entropy(hidden[..., :m] @ weight[:, :m].T, target) for m in (2, 8))
    torch.testing.assert_close(found, wanted)
    torch.testing.assert_close(torch.autograd.grad(found, hidden), torch.autograd.grad(wanted, hidden))


def test_it_moves_copies_pickles_and_shows_itself() -> None:
    wrapped = nn.Matryoshka(nn.Clip(temperature=0.2), widths=[2, 8], weights=[1.0, 3.0])
    assert repr(wrapped) == "Matryoshka(Clip(temperature=0.2), widths=(2, 8), weights=(1.0, 3.0))"
    assert repr(nn.Matryoshka(nn.Clip(), (2, 8))) == "Matryoshka(Clip(), widths=(2, 8))"
    for other in (copy.deepcopy(wrapped), pickle.loads(pickle.dumps(wrapped))):
        assert torch.equal(other(A, B), wrapped(A, B))
    both = wrapped + 0.5 * nn.Matryoshka(nn.Siglip(), (8,))
    torch.testing.assert_close(both(A, B), wrapped(A, B) + 0.5 * lossary.siglip(A, B))


@pytest.mark.parametrize(
    ("error", "says", "given"),
    [
        (
            OptionError,
            r"Matryoshka\(loss=...\): expected losses of embeddings, got Arcface",
            (nn.Arcface(), (2,)),
        ),
        (OptionError, r"expected a module of lossary.nn, got str", ("clip", (2,))),
        (
            DomainError,
            r"Matryoshka\(widths=...\): expected each width once, and one at least",
            (nn.Clip(), ()),
        ),
        (DomainError, r"expected each width once, and one at least, got \(2, 2\)", (nn.Clip(), (2, 2))),
        (DomainError, r"Matryoshka\(widths=...\): expected .*, got 0", (nn.Clip(), (0, 2))),
        (DomainError, r"Matryoshka\(weights=...\): expected .*, got -1.0", (nn.Clip(), (2,), (-1.0,))),
        (OptionError, r"expected one weight per width, got 1 for 2 widths", (nn.Clip(), (2, 4), (1.0,))),
    ],
)
def test_a_wrong_one_is_refused_by_name(error: type[Exception], says: str, given: tuple[Any, ...]) -> None:
    with pytest.raises(error, match=says):
        nn.Matryoshka(*given)


def test_a_width_that_is_not_there_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"expected vectors of at least 9 numbers, got shape \(6, 8\)"):
        nn.Matryoshka(nn.Clip(), (2, 9))(A, B)
