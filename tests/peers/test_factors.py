"""What a card calls a loss elsewhere, and the factor it states: every one is compared with the library itself.

Libraries that the tests install are called each time. Others are called where they are installed; what agreed then,
and with which version, stands in ``calls/agreed.tsv``, and no card may state more.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import lossary
from lossary.core.loss import settle
from lossary.doctor.draw import Case
from lossary.doctor.subject import Subject

from .calls import (
    by_batches,
    by_boosting,
    by_contrastive,
    by_keras,
    by_kornia,
    by_monai,
    by_optax,
    by_others,
    by_scipy,
    by_scores,
    by_self_supervision,
    by_sklearn,
    by_statsmodels,
    by_tensorflow,
    by_timm,
    by_torch,
)
from .calls.calling import Array, Library

INSTALLED = [each.LIBRARY for each in (by_torch, by_sklearn, by_scipy, by_statsmodels)]
OTHERS = [
    *(each.LIBRARY for each in (by_keras, by_optax, by_kornia, by_monai, by_timm, by_tensorflow)),
    *(
        each
        for where in (by_scores, by_boosting, by_others, by_contrastive, by_batches, by_self_supervision)
        for each in vars(where).values()
        if isinstance(each, Library)
    ),
]
LIBRARIES = {peer: library for library in (*INSTALLED, *OTHERS) for peer in library.calls}

#: Every factor on a card: a number, or a function of the hyper-parameters.
STATED = [
    (name, peer)
    for name in lossary.names()
    for peer, factor in lossary.get(name).loss.facts.elsewhere.items()
    if not isinstance(factor, str)
]
HERE = [(name, peer) for name, peer in STATED if peer in LIBRARIES and LIBRARIES[peer].here]
SETTINGS = 6


def _unweighted(case: Case) -> Case:
    """Masses of sets are optional, and the peers are called without."""
    required = len(case.loss.required)
    return Case(
        case.function,
        (*case.inputs[:required], *(None for _ in case.inputs[required:])),
        case.hyper,
        case.samples,
    )


@pytest.mark.parametrize(("name", "peer"), HERE, ids=[f"{name} = {peer}" for name, peer in HERE])
def test_the_factor_on_the_card_holds(name: str, peer: str) -> None:
    subject = Subject(lossary.get(name), torch.Generator().manual_seed(1))
    library, stated = LIBRARIES[peer], subject.loss.facts.elsewhere[peer]
    compared = 0
    for hyper in subject.hypers(SETTINGS):
        factor = settle(stated, hyper)
        if isinstance(factor, str):
            continue  # the card says why there is none at these hyper-parameters
        case = _unweighted(subject.case(24, dtype=torch.float64, hyper=hyper))
        theirs = np.asarray(library.calls[peer](case))
        ours = _ours(case, library, peer, theirs)
        assert theirs.shape == ours.shape
        atol = library.tolerance * float(np.abs(ours).max())
        np.testing.assert_allclose(
            ours, factor * theirs, rtol=library.tolerance, atol=atol, err_msg=str(hyper)
        )
        compared += 1
    assert compared


def _ours(case: Case, library: Library, peer: str, theirs: Array) -> Array:
    """Our value, or our derivative, of what the peer gives: one number a unit, or one for all."""
    if library.slopes:
        _, (slope, *_) = case.gradients(reduction="sum")
        return slope.numpy()
    whole = "sum" if peer.endswith("with reduction='sum'") else "mean"
    return case(reduction="none" if theirs.ndim else whole).numpy()


def test_every_factor_has_a_call_and_every_call_a_factor() -> None:
    assert {peer for _, peer in STATED} == set(LIBRARIES)


def test_what_the_tests_install_is_here() -> None:
    assert all(library.here for library in INSTALLED)


def test_a_factor_to_another_library_is_one_that_was_run() -> None:
    """Write a line for a new factor once it has been run: install the library beside ours and run this file."""
    lines = (Path(__file__).parent / "calls" / "agreed.tsv").read_text("utf-8").splitlines()[1:]
    agreed = {(name, peer): float(factor) for name, peer, factor, _ in (line.split("\t") for line in lines)}
    stated = {
        (name, peer): settle(lossary.get(name).loss.facts.elsewhere[peer], lossary.get(name).loss.defaults)
        for name, peer in STATED
        if any(peer in library.calls for library in OTHERS)
    }
    assert stated == agreed
