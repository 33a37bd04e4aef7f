"""The last layer of every loss: its shape, and that its bias is the best constant prediction."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

import lossary
from lossary.core.errors import LossaryError, OptionError, ShapeError
from lossary.core.kinds import Form
from lossary.core.unit import Unit
from lossary.doctor import draw

FEATURES = 3
#: The value changes with a weight that is held fixed, so training seeks the gradient's zero and not the least value.
HELD = ("beta_nll",)
#: No constant is best: the value falls without end.
ENDLESS = ("critic",)
#: Widths of the perturbations that no constant may gain by, from a nudge to another answer altogether.
WIDTHS = (1e-3, 1e-2, 0.1, 0.5, 1.0, 3.0, 10.0)


def has_head(name: str) -> bool:
    """Whether a linear layer makes what the loss takes: the raw outputs of one network, beside a target."""
    loss = lossary.get(name).loss
    return (
        len(loss.required) == 2
        and not loss.inputs[0].kind.limited
        and loss.inputs[0].kind.form
        not in (
            Form.FEATURES,
            Form.SAMPLES,
            Form.CLOUD,
        )
    )


HEADED = [name for name in lossary.names() if has_head(name) and name not in ENDLESS]
HEADLESS = [name for name in lossary.names() if not has_head(name)]


def drawn(name: str, hyper: dict[str, Any] | None = None) -> tuple[Tensor, dict[str, Any]]:
    """Targets of 60 rows, and the loss's hyper-parameters and options for outputs with the classes last."""
    function = lossary.get(name)
    samples = (6, 10) if function.loss.unit is Unit.REGION else (60,)
    case = draw.case(function, torch.Generator().manual_seed(0), samples, hyper=hyper)
    target = case.inputs[1]
    assert target is not None
    return target, dict(case.hyper)


def last(name: str) -> dict[str, Any]:
    return {"class_dim": -1} if "class_dim" in lossary.get(name).loss.options else {}


@pytest.mark.parametrize("name", HEADED)
def test_its_first_outputs_have_a_finite_loss_that_teaches_it(name: str) -> None:
    target, hyper = drawn(name)
    head = lossary.get(name).card.head(FEATURES, target=target, **hyper)
    samples = (
        target.shape if target.ndim == 1 or lossary.get(name).loss.unit is Unit.REGION else target.shape[:1]
    )
    raw = head(torch.randn(*samples, FEATURES))
    value = lossary.get(name)(raw, target, **hyper, **last(name))
    assert value.shape == () and value.isfinite()
    value.backward()
    for parameter in head.parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all()
    # A perceptron whose constant is right or undecided everywhere has nothing to learn from, as its card says.
    assert head.linear.weight.grad.any() or name == "perceptron"


@pytest.mark.parametrize("name", ENDLESS)
def test_a_loss_without_a_best_constant_starts_at_none(name: str) -> None:
    assert lossary.get(name).card.head(FEATURES).bias.tolist() == [0.0]
    target, hyper = drawn(name)
    with pytest.raises(ShapeError, match="some constant has a finite cost"):
        lossary.get(name).card.head(FEATURES, target=target, **hyper)


@pytest.mark.parametrize("name", [name for name in HEADED if name not in HELD])
def test_no_other_constant_costs_less(name: str) -> None:
    target, hyper = drawn(name)
    loss = lossary.get(name)
    head = loss.card.head(FEATURES, target=target, **hyper)
    best, generator = head.bias.detach().double(), torch.Generator().manual_seed(1)
    rows = head(torch.zeros(*target.shape[:1], FEATURES)).shape if target.ndim == 1 else target.shape
    if loss.loss.unit is Unit.REGION and not head.squeeze:
        rows = torch.Size((*target.shape, len(best)))
    exact = target.double() if target.is_floating_point() else target
    # Logits have a reach, since some losses are least at infinity; numbers have their domain.
    reach = best.abs().max() if loss.loss.has(Form.LOGIT, Form.LOGITS) else torch.inf
    floor = exact.min() if loss.loss.inputs[0].kind.domain is not None else -torch.inf

    def cost(raw: Tensor) -> float:
        return loss(raw.expand(rows), exact, **hyper, **last(name)).item()

    least = cost(best)
    for width in WIDTHS:
        for _ in range(12):
            other = best + width * torch.randn(best.shape, generator=generator, dtype=torch.float64)
            other = other.clamp(-reach, reach).clamp(min=floor)
            assert cost(other) > least - 1e-4 * abs(least) - 1e-6, f"{other.tolist()} beats {best.tolist()}"


@pytest.mark.parametrize("scale, offset", [(1e-3, 0.0), (1e3, 0.0), (1.0, 1e4), (1e5, 1e6)])
@pytest.mark.parametrize("name", ["mse", "gaussian_nll", "beta_nll"])
def test_it_starts_at_the_mean_in_any_unit(name: str, scale: float, offset: float) -> None:
    target = offset + scale * torch.randn(200, dtype=torch.float64)
    bias = lossary.get(name).card.head(FEATURES, target=target).bias
    assert abs(bias[0].item() - target.mean().item()) < 1e-2 * scale
    if len(bias) == 2:
        assert abs(bias[1].item() - target.std(correction=0).log().item()) < 1e-2


@pytest.mark.parametrize("name", HEADLESS)
def test_what_no_linear_layer_feeds_is_refused(name: str) -> None:
    with pytest.raises(OptionError, match=rf"^{name}.card.head: expected a loss of one"):
        lossary.get(name).card.head(FEATURES, outputs=4)


@pytest.mark.parametrize("name", ["cross_entropy", "coral", "zlpr", "brier"])
def test_how_many_classes_there_are_must_be_said(name: str) -> None:
    with pytest.raises(OptionError, match="outputs= or target="):
        lossary.get(name).card.head(FEATURES)
    kind = lossary.get(name).loss.inputs[0].kind
    assert lossary.get(name).card.head(FEATURES, outputs=5).bias.tolist() == [0.0] * (5 - kind.fewer)


def test_targets_of_no_finite_cost_are_refused() -> None:
    with pytest.raises(ShapeError, match="finite cost"):
        lossary.get("linex").card.head(FEATURES, target=torch.tensor([-1e5, 1e5]))
    with pytest.raises(LossaryError):
        lossary.get("poisson_nll").card.head(FEATURES, target=torch.tensor([-1.0, 2.0]))


@pytest.mark.parametrize("name", ["coral", "cumulative_link"])
def test_ordered_thresholds_share_one_score(name: str) -> None:
    target = torch.tensor([0, 0, 0, 1, 1, 2, 3, 3])
    head = lossary.get(name).card.head(FEATURES, target=target)
    assert head.linear.weight.shape == (1, FEATURES) and head.bias.shape == (3,)
    raw = head(10.0 * torch.randn(50, FEATURES))
    chances = lossary.get(name).probabilities(raw)
    # One score moves all cut points alike, so that they never change places.
    assert (chances >= 0).all()
    torch.testing.assert_close(chances.sum(-1), torch.ones(50))
    free = lossary.get("corn").card.head(FEATURES, target=target)
    assert free.linear.weight.shape == (3, FEATURES)


@pytest.mark.parametrize(
    "name", ["cross_entropy", "brier", "coral", "corn", "cumulative_link", "emd2", "sparsemax"]
)
def test_it_starts_at_the_shares_of_the_classes(name: str) -> None:
    target = torch.tensor([0] * 8 + [1] * 6 + [2] * 4 + [3] * 2)
    head = lossary.get(name).card.head(FEATURES, target=target)
    found = lossary.get(name).probabilities(head(torch.zeros(1, FEATURES)))
    torch.testing.assert_close(found, torch.tensor([[0.4, 0.3, 0.2, 0.1]]), atol=2e-3, rtol=0.0)


def test_a_class_that_never_occurs_starts_rare_and_not_impossible() -> None:
    head = lossary.get("cross_entropy").card.head(FEATURES, target=torch.tensor([0, 0, 3]))
    chances = head.bias.softmax(0)
    assert (chances > 1e-6).all() and (chances[[1, 2]] < 0.05).all()


def test_labels_to_ignore_do_not_count() -> None:
    seen, padded = torch.tensor([0, 0, 1, 2]), torch.tensor([0, -100, 0, 1, 2, -100])
    one, other = (
        lossary.get("cross_entropy").card.head(FEATURES, target=each).bias for each in (seen, padded)
    )
    torch.testing.assert_close(one.softmax(0), other.softmax(0), atol=1e-3, rtol=0.0)


def test_pictures_keep_their_axes() -> None:
    pictures = torch.randint(3, (4, 5, 5))
    head = lossary.get("dice").card.head(FEATURES, target=pictures)
    assert head(torch.randn(4, 5, 5, FEATURES)).shape == (4, 5, 5, 3)
    head = lossary.get("binary_dice").card.head(FEATURES, target=(pictures > 0).float())
    assert head(torch.randn(4, 5, 5, FEATURES)).shape == (4, 5, 5)
