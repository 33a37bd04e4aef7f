"""The hardest units of a batch, and nothing of the others."""

import copy
import pickle

import pytest
import torch
from torch import Tensor

import lossary
from lossary import nn
from lossary.core.errors import DataError, DomainError, ExpressionError, LossaryError, OptionError, ShapeError

X, T = (
    torch.tensor([1.0, 4.0, 2.0, 3.0, 0.5, 5.0, 0.0, 0.25]),
    torch.zeros(8),
)  # squares 1 16 4 9 .25 25 0 .0625


def test_the_value_is_the_mean_of_the_hardest_share_by_hand() -> None:
    assert nn.Hardest(nn.Mse(), share=0.25)(X, T) == (25.0 + 16.0) / 2
    assert nn.Hardest(nn.Mse(), share=0.25)(X, T, reduction="sum") == 25.0 + 16.0
    found = nn.Hardest(nn.Mse(), share=0.25)(X, T, reduction="none")
    assert found.tolist() == [0.0, 16.0, 0.0, 0.0, 0.0, 25.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("share", "at_least", "kept"),
    [(0.25, 1, 2), (0.26, 1, 3), (1e-9, 1, 1), (0.25, 3, 3), (0.25, 99, 8), (1.0, 1, 8)],
)
def test_the_share_is_rounded_up_and_never_below_at_least(share: float, at_least: int, kept: int) -> None:
    loss = nn.Hardest(nn.Mse(), share=share, at_least=at_least)
    assert int(loss.units(X, T).keep.sum()) == kept


@pytest.mark.parametrize("count", [10, 30, 70, 1000])
def test_a_tenth_of_a_round_number_is_a_whole_number(count: int) -> None:
    loss = nn.Hardest(nn.Mse(), share=0.1)
    assert int(loss.units(torch.arange(float(count)), torch.zeros(count)).keep.sum()) == count // 10


def test_the_whole_share_is_the_loss_itself() -> None:
    logits, target, weight = torch.randn(6, 4), torch.tensor([0, 1, 2, 3, -100, 1]), torch.rand(6)
    wrapped = nn.Hardest(nn.CrossEntropy(class_weight=torch.tensor([1.0, 2.0, 3.0, 4.0])), share=1.0)
    plain = nn.CrossEntropy(class_weight=torch.tensor([1.0, 2.0, 3.0, 4.0]))
    torch.testing.assert_close(wrapped(logits, target, weight=weight), plain(logits, target, weight=weight))


def test_the_gradient_comes_from_kept_units_only() -> None:
    x = X.clone().requires_grad_()
    nn.Hardest(nn.Mse(), share=0.25)(x, T).backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0.0, 4.0, 0.0, 0.0, 0.0, 5.0, 0.0, 0.0]


def test_of_equal_units_the_first_are_kept() -> None:
    kept = nn.Hardest(nn.Mse(), share=0.5).units(torch.ones(6), torch.zeros(6)).keep
    assert kept.tolist() == [True, True, True, False, False, False]


def test_a_masked_unit_is_neither_kept_nor_counted() -> None:
    mask = torch.tensor([True, True, True, True, False, False, False, False])
    loss = nn.Hardest(nn.Mse(), share=0.5)
    assert loss(X, T, mask=mask) == loss(X[:4], T[:4]) == (16.0 + 9.0) / 2
    spoiled = torch.where(mask, X, torch.nan)
    assert loss(spoiled, T, mask=mask) == loss(X, T, mask=mask)


def test_ignored_labels_are_not_counted() -> None:
    logits, target = torch.randn(6, 4), torch.tensor([0, -100, 2, 3, -100, 1])
    loss = nn.Hardest(nn.CrossEntropy(), share=0.5)
    kept = target != -100
    torch.testing.assert_close(loss(logits, target), loss(logits[kept], target[kept]))


def test_weights_weigh_the_kept_and_choose_none() -> None:
    weight = torch.tensor([100.0, 1.0, 1.0, 1.0, 1.0, 3.0, 1.0, 1.0])
    loss = nn.Hardest(nn.Mse(), share=0.25)
    assert loss(X, T, weight=weight) == (16.0 + 3 * 25.0) / 4
    # A weight of 0 leaves a unit out before any is chosen.
    assert loss(X, T, weight=(X < 4).float(), reduction="none").tolist() == [
        0.0,
        0.0,
        4.0,
        9.0,
        0.0,
        0.0,
        0.0,
        0.0,
    ]


def test_where_nothing_counts_the_loss_is_an_attached_zero() -> None:
    x = X.clone().requires_grad_()
    value = nn.Hardest(nn.Mse())(x, T, mask=torch.zeros(8, dtype=torch.bool))
    value.backward()
    assert value == 0 and x.grad is not None and not x.grad.any()
    assert nn.Hardest(nn.Mse())(torch.zeros(0), torch.zeros(0)) == 0


def test_a_nan_that_counts_passes_through() -> None:
    assert nn.Hardest(nn.Mse())(torch.where(X == 0, torch.nan, X), T).isnan()


def test_pixels_of_all_images_compete() -> None:
    logits, target = torch.randn(2, 3, 4, 5), torch.randint(3, (2, 4, 5))
    values = lossary.cross_entropy(logits, target, reduction="none").flatten()
    torch.testing.assert_close(
        nn.Hardest(nn.CrossEntropy(), share=0.1)(logits, target), values.topk(4).values.mean()
    )


def test_units_of_a_sum_compete_by_their_sum() -> None:
    sums = nn.Hardest(0.5 * nn.Mse() + nn.Mae(), share=0.25)
    values = 0.5 * X**2 + X.abs()
    torch.testing.assert_close(sums(X, T), values.topk(2).values.mean())


def test_parts_of_a_sum_that_differ_in_units_or_in_measure_are_refused() -> None:
    logits, target = torch.randn(4, 3, 5), torch.randint(3, (4, 5))
    with pytest.raises(ShapeError, match="units of one shape, got units of shapes"):
        nn.Hardest(nn.CrossEntropy() + nn.Dice())(logits, target)
    weighted = nn.CrossEntropy(class_weight=torch.tensor([1.0, 2.0, 3.0]))
    with pytest.raises(ShapeError, match="count alike"):
        nn.Hardest(weighted + nn.CategoricalFocal())(logits, target)


def test_it_adds_up_with_other_losses() -> None:
    loss = 0.5 * nn.Hardest(nn.Mse(), share=0.25) + nn.Mae()
    terms = loss.terms(X, T)
    assert list(terms) == ["hardest_mse", "mae"]
    torch.testing.assert_close(loss(X, T), 0.5 * torch.tensor(20.5) + X.mean())


@pytest.mark.parametrize(
    "text",
    [
        "Hardest(Mse(), share=0.25)",
        "Hardest(Huber(delta=2.0), share=0.5, at_least=3)",
        "Hardest(0.5 * Mse() + Mae(), share=0.25)",
        "0.5 * Hardest(Mse(), share=0.1) + Mae()",
    ],
)
def test_its_repr_rebuilds_it(text: str) -> None:
    loss = eval(text, {name: getattr(nn, name) for name in ("Hardest", "Mse", "Mae", "Huber")})
    assert repr(loss) == text
    for twin in (pickle.loads(pickle.dumps(loss)), copy.deepcopy(loss)):
        assert repr(twin) == text and twin(X, T) == loss(X, T)


def test_what_the_loss_inside_holds_travels_with_it() -> None:
    loss = nn.Hardest(nn.CrossEntropy(class_weight=torch.ones(3)))
    assert list(loss.state_dict()) == ["loss.class_weight"]


@pytest.mark.parametrize("name", ["hardest", "ohem", "top_k"])
def test_an_expression_can_ask_for_it(name: str) -> None:
    loss = lossary.parse(f"0.5*{name}(mse + mae, share=0.5) + huber")
    assert repr(loss) == "0.5 * Hardest(Mse() + Mae(), share=0.5) + Huber()"


@pytest.mark.parametrize("text", ["hardest()", "hardest(mse, mae)", "hardest(0.5)", "hardest", "mse(mae)",
                                  "hardest(mse, shares=0.5)", "hardest(hardest(mse))"])  # fmt: skip
def test_an_expression_that_misuses_it_is_refused(text: str) -> None:
    with pytest.raises(LossaryError) as caught:
        lossary.parse(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["denominator", "group", "gather"])
def test_what_makes_a_batch_part_of_another_is_refused(name: str) -> None:
    with pytest.raises(OptionError) as caught:
        nn.Hardest(nn.Mse())(X, T, **{name: 2.0})
    assert str(caught.value) == (
        f"Hardest({name}=...): expected a batch that is whole, got {name}=2.0; leave {name} out: the hardest units of "
        "a batch are not those of its parts."
    )


def test_settings_are_refused_when_they_are_given() -> None:
    for share in (0.0, 1.5, float("nan"), True):
        with pytest.raises(DomainError, match="above 0, and at most 1"):
            nn.Hardest(nn.Mse(), share=share)
    for at_least in (0, 1.5):
        with pytest.raises(DomainError, match="whole number"):
            nn.Hardest(nn.Mse(), at_least=at_least)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="got MSELoss"):
        nn.Hardest(torch.nn.MSELoss())  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="wrap them once"):
        nn.Hardest(nn.Hardest(nn.Mse()) + nn.Mae())
    with pytest.raises(OptionError, match="got reduction='sum'"):
        nn.Hardest(nn.Mse(reduction="sum"))
    with pytest.raises(OptionError, match="expected 'mean', 'sum' or 'none'"):
        nn.Hardest(nn.Mse())(X, T, reduction="average")


def test_anchors_compete_too() -> None:
    embeddings, labels = torch.randn(8, 3), torch.tensor([0, 0, 1, 1, 2, 2, 3, 4])
    values = lossary.triplet_batch_hard(embeddings, labels, reduction="none")
    found = nn.Hardest(nn.TripletBatchHard(), share=0.5)(embeddings, labels)
    torch.testing.assert_close(found, values.topk(3).values.mean())  # of six anchors that have a positive


def test_it_compiles_whole() -> None:
    loss = nn.Hardest(nn.Mse(), share=0.25)

    def step(x: Tensor) -> Tensor:
        return loss(x, T)

    compiled = torch.compile(step, fullgraph=True, backend="aot_eager")
    x = X.clone().requires_grad_()
    assert compiled(x) == 20.5
    (gradient,) = torch.autograd.grad(compiled(x), x)
    assert gradient.tolist() == [0.0, 4.0, 0.0, 0.0, 0.0, 5.0, 0.0, 0.0]


def test_the_laboratory_refuses_it_in_a_sentence() -> None:
    from lossary.lab.planning.known import known

    with pytest.raises(DataError, match="compare the loss inside it"):
        known("hardest(mse)")


def test_the_error_of_a_wrong_expression_names_it() -> None:
    with pytest.raises(ExpressionError, match=r"hardest\(a loss\)"):
        lossary.parse("mse - mae")
