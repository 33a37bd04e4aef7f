"""What a reviewer once broke, one line each."""

import math

import pytest
import torch
from torch import tensor

import lossary
from lossary import nn
from lossary.core.errors import CallError, DomainError, DtypeError, OptionError, ShapeError

NAN, INF = math.nan, math.inf
ROWS = torch.randn(4, 3, generator=torch.Generator().manual_seed(3))
BLANK = torch.zeros(2, 4, dtype=torch.int64)
WEIGHTS = tensor([1.0, 2.0, 3.0])


def test_an_ignored_row_has_no_class_weight() -> None:
    whole = lossary.cross_entropy(ROWS, tensor([0, 1, -100, -100]), class_weight=WEIGHTS)
    torch.testing.assert_close(whole, lossary.cross_entropy(ROWS[:2], tensor([0, 1]), class_weight=WEIGHTS))


def test_a_masked_sample_has_no_class_weight_in_a_region() -> None:
    x, t = torch.randn(2, 3, 5), torch.arange(10).reshape(2, 5) % 3
    for options in ({"mask": tensor([True, False])}, {"mask": tensor([[True] * 5, [False] * 5])}):
        half = lossary.dice(x, t, class_weight=WEIGHTS, weight=tensor([2.0, 1.0]), **options)
        torch.testing.assert_close(half, lossary.dice(x[:1], t[:1], class_weight=WEIGHTS))


@pytest.mark.parametrize("loss", [lossary.hinge, lossary.squared_hinge])
def test_a_hinge_far_on_the_right_side_is_zero(loss: object) -> None:
    assert loss(tensor([1e20, INF, -INF]), tensor([1.0, 1.0, 0.0])) == 0  # type: ignore[operator]


def test_a_masked_probability_is_not_judged() -> None:
    p = tensor([[0.5, 0.5], [0.2, 0.7]], requires_grad=True)
    value = lossary.cross_entropy(p, tensor([0, -100]), inputs="probabilities")
    value.backward()
    torch.testing.assert_close(value.item(), math.log(2.0))
    assert p.grad is not None and (p.grad[1] == 0).all()


def test_certainty_has_a_gradient() -> None:
    log_p = tensor([0.0], requires_grad=True)
    lossary.binary_cross_entropy(log_p, tensor([1.0]), inputs="log_probabilities").backward()
    assert log_p.grad is not None and log_p.grad.item() == -1.0


@pytest.mark.parametrize("loss", [lossary.huber, lossary.log_cosh])
def test_the_second_derivative_at_zero_is_one(loss: object) -> None:
    assert torch.func.hessian(lambda x: loss(x, tensor(0.0)))(tensor(0.0)) == 1.0  # type: ignore[operator]


def test_a_region_needs_something_to_sum_over() -> None:
    for loss, x, t in (
        (lossary.dice, torch.randn(5, 3), torch.zeros(5, dtype=torch.int64)),
        (lossary.binary_dice, torch.randn(5), torch.ones(5)),
    ):
        with pytest.raises(ShapeError, match="a batch axis and at least one axis to sum over"):
            loss(x, t)


def test_a_nan_in_a_class_that_does_not_count_goes_nowhere() -> None:
    x = torch.randn(2, 3, 4, requires_grad=True)
    t = torch.rand(2, 3, 4).softmax(1)
    mask = torch.ones(2, 3, 4, dtype=torch.bool)
    mask[0, 1, 2] = False
    t[0, 1, 2] = NAN
    value = lossary.dice(x, t, mask=mask)
    value.backward()
    assert value.isfinite() and x.grad is not None and x.grad.isfinite().all()


def test_a_region_counts_alike_whether_its_weight_is_learned_or_not() -> None:
    x, t, w = torch.randn(2, 3), torch.ones(2, 3), tensor([[1.0, 1, 1], [0, 0, 0]])
    torch.testing.assert_close(
        lossary.binary_dice(x, t, weight=w), lossary.binary_dice(x, t, weight=w.requires_grad_())
    )


def test_an_anchor_of_weight_zero_adds_nothing_of_its_own() -> None:
    x = tensor([[0.0], [1.0], [2.0], [INF]])
    value = lossary.triplet_batch_hard(
        x, tensor([0, 0, 1, 1]), weight=tensor([1.0, 1, 0, 0]), mask=tensor([True] * 3 + [False])
    )
    assert value.isfinite()


def test_counting_needs_what_the_measure_needs() -> None:
    assert lossary.cross_entropy.count(torch.full((3,), -100)) == 0
    assert lossary.quantile.count(torch.zeros(3)) == 3
    assert lossary.dice.count(torch.randn(2, 3, 4), torch.zeros(2, 4, dtype=torch.int64)) == 6
    with pytest.raises(OptionError, match="pass what the loss is called with"):
        lossary.dice.count(torch.zeros(2, 4, dtype=torch.int64))


def test_wasserstein_is_as_wide_as_its_widest_set() -> None:
    assert lossary.wasserstein_1d(torch.zeros(3), torch.ones(2, dtype=torch.float64)).dtype is torch.float64
    with pytest.raises(ShapeError, match="at least one sample"):
        lossary.wasserstein_1d(torch.zeros(2, 0), torch.zeros(2, 3))


def test_a_narrow_integer_is_never_mistaken_for_the_index_to_ignore() -> None:
    logits, target = torch.zeros(2, 200), tensor([156, 3], dtype=torch.uint8)
    values = torch.vmap(lambda x, t: lossary.cross_entropy(x, t))(logits, target)
    torch.testing.assert_close(values, torch.full((2,), math.log(200.0)))


def test_an_impossible_class_costs_infinity_and_its_gradient_is_no_nan() -> None:
    x = torch.zeros(3, requires_grad=True)
    value = lossary.kl(x, tensor([0.5, 0.5, 0.0]), direction="reverse")
    value.backward()
    assert value == INF and x.grad is not None and (x.grad == 0).all()


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (lambda: lossary.mse(torch.zeros(2), torch.zeros(2), weight=2.0), DtypeError),
        (lambda: lossary.mse(torch.zeros(2), torch.zeros(2), mask=[True, False]), DtypeError),
        (lambda: lossary.mse(torch.zeros(2), [0.0, 0.0]), DtypeError),
        (lambda: lossary.mse(None, torch.zeros(2)), DtypeError),
        (lambda: lossary.cross_entropy(ROWS, tensor([0, 1, 2, 0]), class_weight=[1, 2, 3]), DtypeError),
        (lambda: lossary.cross_entropy(ROWS, tensor([0, 1, 2, 0]), class_weight=WEIGHTS.to("meta")), DtypeError),
        (lambda: lossary.cross_entropy(ROWS, tensor([0, 1, 2, 0]), ignore_index="x"), OptionError),
        (lambda: lossary.cross_entropy(ROWS, tensor([0, 1, 2, 0]), ignore_index=1.0), OptionError),
        (lambda: lossary.cross_entropy(ROWS, tensor([0, 1, 2, 0]), class_dim=1.5), OptionError),
        (lambda: lossary.cross_entropy(ROWS[0], tensor(0), class_dim=7), OptionError),
        (lambda: lossary.cross_entropy(tensor([[5.0, 3.0]]), tensor([0]), inputs="log_probabilities"), DomainError),
        (lambda: lossary.mse(torch.zeros(2), torch.zeros(2), denominator="3"), DomainError),
        (lambda: lossary.mse(torch.zeros(2), torch.zeros(2), denominator=tensor(INF)), DomainError),
        (lambda: nn.Focal(reduction="avg"), OptionError),
        (lambda: nn.CrossEntropy(ignore_index=2.5), OptionError),
        (lambda: (nn.Dice() + nn.CrossEntropy())(torch.randn(2, 3, 4), BLANK, reduction="none"), ShapeError),
    ],
)  # fmt: skip
def test_a_wrong_argument_is_answered_in_a_sentence(call: object, kind: type[CallError]) -> None:
    with pytest.raises(kind) as caught:
        call()  # type: ignore[operator]
    assert ": expected " in str(caught.value) and str(caught.value).endswith(".")


def test_the_fix_of_a_mismatch_is_named() -> None:
    with pytest.raises(ShapeError, match=r"pass target\.squeeze\(-1\)"):
        lossary.cross_entropy(ROWS, torch.zeros(4, 1, dtype=torch.int64))
    with pytest.raises(ShapeError, match="one size of the feature axis"):
        lossary.triplet(torch.zeros(2, 3), torch.zeros(2, 4), torch.zeros(2, 3))


def test_a_learned_setting_is_a_parameter_and_settings_are_attributes() -> None:
    learned = torch.nn.Parameter(tensor(2.0))
    assert list(nn.BinaryCrossEntropy(pos_weight=learned).parameters()) == [learned]
    loss = nn.Focal()
    loss.register_buffer("steps", torch.zeros(1))
    assert loss.gamma == 2.0
    assert loss(torch.zeros(2), torch.ones(2)).isfinite()


def test_a_factor_prints_with_all_its_digits() -> None:
    assert repr(1 / 3 * nn.Mse()) == "0.3333333333333333 * Mse()"
    torch.testing.assert_close(lossary.parse("2*3*mse")(torch.ones(2), torch.zeros(2)), tensor(6.0))
