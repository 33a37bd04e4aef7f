"""Every promise of the contract, over every loss of the catalogue, through its declaration alone."""

from __future__ import annotations

import pytest

import lossary
from lossary import doctor
from lossary.core.card import Claims
from lossary.doctor.impostor import exchange

# torch warns about parts of itself while it traces, compiles and runs forward mode; every other warning is an error.
pytestmark = pytest.mark.filterwarnings(
    r"ignore:.*torch\.jit.*:DeprecationWarning",
    "ignore::DeprecationWarning:torch",
    "ignore::FutureWarning:torch",
)

#: The share of (loss, promise) pairs that may be excused; each excuse is a fact on the loss's card, with its reason.
EXCUSED = 0.03


#: How many attempts at refuting it a claim survives.
ATTEMPTS = 500


@pytest.mark.parametrize("name", lossary.names())
def test_a_loss_keeps_every_promise_and_each_claim_survives_500_attempts(name: str) -> None:
    function = lossary.get(name)
    found = doctor.examine(function, slow=False)
    assert not found.findings, "\n".join(
        f"{each.promise}: {each.found}\n    {each.reproducer}" for each in found.findings
    )
    claims = vars(function.loss.facts.claims)
    claimed = {claim for claim, silent in vars(Claims()).items() if claims[claim] != silent}
    tried = dict(found.attempts)
    assert {claim: tried.get(claim, 0) for claim in claimed if tried.get(claim, 0) < ATTEMPTS} == {}


@pytest.mark.parametrize("name", lossary.names())
def test_a_loss_compiles_and_exports(name: str) -> None:
    slow = [each.name for each in doctor.PROMISES.values() if each.slow]
    found = doctor.examine(lossary.get(name), slow)
    assert not found.findings, "\n".join(
        f"{each.promise}: {each.found}\n    {each.reproducer}" for each in found.findings
    )


def test_few_promises_are_excused() -> None:
    # tests/conftest.py prints each excuse with its reason below the tests.
    pairs = len(lossary.names()) * len(doctor.PROMISES)
    excused = sum(len(lossary.get(name).loss.facts.exempt) for name in lossary.names())
    assert excused <= EXCUSED * pairs


def test_every_promise_is_tried_on_some_loss() -> None:
    idle = [
        each.name
        for each in doctor.PROMISES.values()
        if not any(each.applies(lossary.get(n).loss) for n in lossary.names())
    ]
    assert idle == []


def test_the_one_symmetric_margin_loss_is_found_to_be() -> None:
    # 1 - y·f (van Rooyen, Menon and Williamson, 2015) is the one convex loss whose two labels cost a constant together.
    unhinged = exchange(
        "hinge",
        block=lambda scores, target: 1.0 - (2.0 * target - 1.0) * scores,
        claims=Claims(symmetric=True),
    )
    assert doctor.examine(unhinged, ["symmetric_where_it_says_so"]).kept
