"""What a card calls a loss elsewhere, and the factor it states: compared with torch, scikit-learn and SciPy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import scipy.stats
import sklearn.metrics
import torch
from torch import Tensor
from torch.nn import functional as F

import lossary
from lossary.core.loss import settle
from lossary.doctor.draw import Case
from lossary.doctor.subject import Subject

PEERS = ("torch", "sklearn", "scipy")
Peer = Callable[[Case], Any]


def _two(case: Case) -> tuple[Tensor, Tensor]:
    first, second = case.inputs[:2]
    assert first is not None and second is not None
    return first, second


def _arrays(case: Case) -> tuple[Any, Any]:
    """Prediction and truth as scikit-learn takes them: the truth first."""
    first, second = _two(case)
    return second.numpy(), first.numpy()


def _log_loss(case: Case) -> float:
    first, second = _two(case)
    if first.ndim == 1:
        return float(sklearn.metrics.log_loss(second.numpy(), first.sigmoid().numpy(), labels=[0, 1]))
    return float(
        sklearn.metrics.log_loss(second.numpy(), first.softmax(1).numpy(), labels=range(first.shape[1]))
    )


def _cosine_free_triplet(case: Case) -> Tensor:
    a, p, n = case.inputs
    assert a is not None and p is not None and n is not None
    return F.triplet_margin_with_distance_loss(
        a, p, n, distance_function=lambda x, y: (x - y).norm(dim=-1), margin=case.hyper["margin"]
    )


def _wasserstein(case: Case) -> float:
    first, second = _two(case)
    rows = zip(first.numpy(), second.numpy(), strict=True)
    found = [scipy.stats.wasserstein_distance(x, y) for x, y in rows]
    return float(sum(found) / len(found))


#: How each name on a card is called, on the inputs of a case. Every factor on a card must be found here.
CALLS: Mapping[str, Peer] = {
    "torch.nn.functional.mse_loss": lambda case: F.mse_loss(*_two(case)),
    "torch.nn.functional.l1_loss": lambda case: F.l1_loss(*_two(case)),
    "torch.nn.functional.huber_loss": lambda case: F.huber_loss(*_two(case), delta=case.hyper["delta"]),
    "torch.nn.functional.smooth_l1_loss": lambda case: F.smooth_l1_loss(
        *_two(case), beta=case.hyper["delta"]
    ),
    "torch.nn.functional.cross_entropy": lambda case: F.cross_entropy(*_two(case)),
    "torch.nn.functional.binary_cross_entropy_with_logits": lambda case: F.binary_cross_entropy_with_logits(
        *_two(case)
    ),
    "torch.nn.functional.kl_div(reduction='batchmean')": lambda case: F.kl_div(
        case.first.log_softmax(1), _two(case)[1], reduction="batchmean"
    ),
    "torch.nn.functional.triplet_margin_with_distance_loss": _cosine_free_triplet,
    "sklearn.metrics.mean_squared_error": lambda case: sklearn.metrics.mean_squared_error(*_arrays(case)),
    "sklearn.metrics.mean_absolute_error": lambda case: sklearn.metrics.mean_absolute_error(*_arrays(case)),
    "sklearn.metrics.mean_pinball_loss": lambda case: sklearn.metrics.mean_pinball_loss(
        *_arrays(case), alpha=case.hyper["level"]
    ),
    "sklearn.metrics.log_loss": _log_loss,
    "sklearn.metrics.hinge_loss": lambda case: sklearn.metrics.hinge_loss(*_arrays(case)),
    "scipy.stats.entropy": lambda case: scipy.stats.entropy(
        _two(case)[1].numpy(), case.first.softmax(1).numpy(), axis=1
    ).mean(),
    "scipy.stats.wasserstein_distance": _wasserstein,
}

STATED = [
    (name, peer)
    for name in lossary.names()
    for peer, factor in lossary.get(name).loss.facts.elsewhere.items()
    if peer.split(".")[0] in PEERS and not isinstance(factor, str)
]


def _unweighted(case: Case) -> Case:
    """Masses of sets are optional, and the peers are called without."""
    required = len(case.loss.required)
    return Case(
        case.function,
        (*case.inputs[:required], *(None for _ in case.inputs[required:])),
        case.hyper,
        case.samples,
    )


@pytest.mark.parametrize(("name", "peer"), STATED, ids=[f"{name} = {peer}" for name, peer in STATED])
def test_the_factor_on_the_card_holds(name: str, peer: str) -> None:
    subject = Subject(lossary.get(name), torch.Generator().manual_seed(1))
    settings = [{}] if name != "huber" else [{"delta": 0.5}, {"delta": 1.0}, {"delta": 3.0}]
    settings += [{"level": 0.1}, {"level": 0.9}] if name == "quantile" else []
    for hyper in settings:
        case = _unweighted(subject.case(64, dtype=torch.float64, hyper=hyper))
        factor = settle(subject.loss.facts.elsewhere[peer], case.hyper)
        assert float(case()) == pytest.approx(factor * float(CALLS[peer](case)), rel=1e-9)


def test_every_peer_at_hand_has_a_factor_or_a_reason() -> None:
    assert {peer for _, peer in STATED} == set(CALLS)


def test_torch_weighs_cross_entropy_as_we_do_where_its_target_is_an_index() -> None:
    subject = Subject(lossary.get("cross_entropy"), torch.Generator().manual_seed(2))
    case = subject.case(32, dtype=torch.float64)
    weight = torch.tensor([0.5, 2.0, 1.0, 0.25], dtype=torch.float64)
    theirs = F.cross_entropy(*_two(case), weight=weight, label_smoothing=0.0)
    assert float(case(class_weight=weight)) == pytest.approx(float(theirs), rel=1e-12)


def test_torch_weighs_squares_as_we_do() -> None:
    subject = Subject(lossary.get("mse"), torch.Generator().manual_seed(3))
    case = subject.case(32, dtype=torch.float64)
    weight = subject.weight(case, torch.float64)
    assert float(case(weight=weight)) == pytest.approx(
        float(F.mse_loss(*_two(case), weight=weight)), rel=1e-12
    )


def test_scipy_weighs_sets_as_we_do() -> None:
    generator = torch.Generator().manual_seed(4)
    x, y, a, b = (torch.rand(6 - i % 2, generator=generator, dtype=torch.float64) for i in range(4))
    ours = lossary.get("wasserstein_1d")(x, y, x_weight=a, y_weight=b)
    assert float(ours) == pytest.approx(scipy.stats.wasserstein_distance(x, y, a, b), rel=1e-12)
