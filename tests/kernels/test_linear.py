"""A loss behind a linear head is that loss of the logits: value, gradient and second derivative, in every option."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

import lossary
from lossary.kernels.linear import Reported, crossed

ROWS, WIDTH, CLASSES = 13, 5, 7
WIDE = torch.float64


def head(rows: int = ROWS, classes: int = CLASSES) -> list[Tensor]:
    """Hidden, weight and bias, that want gradients."""
    shapes = ((rows, WIDTH), (classes, WIDTH), (classes,))
    return [torch.randn(shape, dtype=WIDE).requires_grad_() for shape in shapes]


def logits(leaves: list[Tensor]) -> Tensor:
    return leaves[0] @ leaves[1].T + leaves[2]


def twice(value: Tensor, leaves: list[Tensor]) -> list[Tensor]:
    """The value, its gradients, and the gradients of a fixed product with those."""
    toward = torch.linspace(-1, 1, value.numel(), dtype=WIDE).reshape(value.shape) if value.ndim else 1.0
    first = torch.autograd.grad((value * toward).sum(), leaves, create_graph=True)
    product = sum(
        (each * torch.linspace(-1, 2, each.numel(), dtype=WIDE).reshape(each.shape)).sum() for each in first
    )
    assert isinstance(product, Tensor)
    second = torch.autograd.grad(product, leaves, allow_unused=True) if product.requires_grad else ()
    return [value, *first, *(torch.zeros(()) if each is None else each for each in second)]


def agree(found: list[Tensor], wanted: list[Tensor], slack: float = 1e-12) -> None:
    assert len(found) == len(wanted)
    for ours, theirs in zip(found, wanted, strict=True):
        torch.testing.assert_close(ours.broadcast_to(theirs.shape), theirs, rtol=slack, atol=slack)


def indices(rows: int = ROWS, classes: int = CLASSES) -> Tensor:
    target = torch.randint(0, classes, (rows,))
    target[: rows // 4] = -100
    return target


def soft(rows: int = ROWS, classes: int = CLASSES) -> Tensor:
    return torch.randn(rows, classes, dtype=WIDE).softmax(-1)


def weights(size: int) -> Tensor:
    made = torch.rand(size, dtype=WIDE) + 0.1
    made[size // 2] = 0.0
    return made


EVERY_OPTION: dict[str, dict[str, Any]] = {
    "nothing": {},
    "sum": {"reduction": "sum"},
    "none": {"reduction": "none"},
    "mask": {"mask": torch.arange(ROWS) % 3 > 0},
    "weight": {"weight": weights(ROWS)},
    "class weight": {"class_weight": weights(CLASSES)},
    "smoothing": {"label_smoothing": 0.2},
    "all": {"weight": weights(ROWS), "class_weight": weights(CLASSES), "label_smoothing": 0.2, "denominator": 3.0},
    "all, none": {
        "weight": weights(ROWS), "class_weight": weights(CLASSES), "label_smoothing": 0.2, "reduction": "none"
    },
}  # fmt: skip


def renamed(options: dict[str, Any]) -> dict[str, Any]:
    """Options of a loss as ``linear`` calls them."""
    return {"row_weight" if name == "weight" else name: value for name, value in options.items()}


@pytest.mark.parametrize("options", EVERY_OPTION.values(), ids=EVERY_OPTION)
@pytest.mark.parametrize("of_indices", [True, False], ids=["indices", "soft"])
def test_cross_entropy_behind_a_head_is_cross_entropy(of_indices: bool, options: dict[str, Any]) -> None:
    target, leaves = indices() if of_indices else soft(), head()
    wanted = twice(lossary.cross_entropy(logits(leaves), target, **options), leaves)
    given = (leaves[0], leaves[1], target, leaves[2])
    for rows in (1, 4, 50):
        found = lossary.linear_cross_entropy(*given, rows=rows, **renamed(options))
        agree(twice(found, leaves), wanted)
        # Without a second derivative in view the gradients are those made with the value.
        value = lossary.linear_cross_entropy(*given, rows=rows, **renamed(options))
        toward = torch.linspace(-1, 1, value.numel(), dtype=WIDE).reshape(value.shape) if value.ndim else 1.0
        agree(list(torch.autograd.grad((value * toward).sum(), leaves)), wanted[1:4])
        with torch.no_grad():
            agree([lossary.linear_cross_entropy(*given, rows=rows, **renamed(options))], wanted[:1])


#: Losses of every kind of output and target that a head can have, with and without a slope.
DIVERSE: dict[str, tuple[str, Any, dict[str, Any]]] = {
    "focal over classes": ("categorical_focal", indices(), {"gamma": 1.5}),
    "poly1": ("categorical_poly1", soft(), {}),
    "generalised": ("generalized_cross_entropy", indices(), {"q": 0.4}),
    "margin": ("multi_margin", indices(), {}),
    "of elements": ("focal", torch.randint(0, 2, (ROWS, CLASSES)), {}),
    "of labels": ("zlpr", torch.randint(0, 2, (ROWS, CLASSES)), {}),
    "of numbers": ("huber", torch.randn(ROWS, CLASSES, dtype=WIDE), {"delta": 0.7}),
    "of a distribution": ("kl", soft(), {"direction": "reverse"}),
    "of two targets": ("distillation", (soft(), indices().clamp(min=0)), {"temperature": 2.0}),
    "without a slope": ("emd2", indices(), {}),
    "of thresholds": ("coral", indices(), {}),
}


@pytest.mark.parametrize(("name", "target", "hyper"), DIVERSE.values(), ids=DIVERSE)
@pytest.mark.parametrize("option", ["nothing", "none", "weight", "all"])
def test_any_row_loss_behind_a_head_is_that_loss(
    name: str, target: Any, hyper: dict[str, Any], option: str
) -> None:
    function = lossary.get(name)
    options = dict(EVERY_OPTION[option])
    if "class_weight" in options and "label_smoothing" not in function.loss.options:
        options = {"weight": options["weight"], "denominator": 3.0}
    elif "class_weight" in options and function.loss.unit == "element":
        options["class_weight"] = torch.tensor([0.3, 2.0], dtype=WIDE)
    elif "class_weight" in options and name == "coral":
        options["class_weight"] = weights(CLASSES + 1)
    leaves, targets = head(), target if isinstance(target, tuple) else (target,)
    axis = {"class_dim": -1} if function.loss.classed else {}
    wanted = twice(function(logits(leaves), *targets, **hyper, **options, **axis), leaves)
    found = lossary.linear(name, leaves[0], leaves[1], target, leaves[2], rows=5, **hyper, **renamed(options))
    agree(twice(found, leaves), wanted, 1e-10)
    again = lossary.linear(
        function, leaves[0], leaves[1], target, leaves[2], rows=5, **hyper, **renamed(options)
    )
    toward = torch.linspace(-1, 1, again.numel(), dtype=WIDE).reshape(again.shape) if again.ndim else 1.0
    agree(list(torch.autograd.grad((again * toward).sum(), leaves)), wanted[1:4], 1e-10)


@pytest.mark.parametrize("loss", ["cross_entropy", "categorical_focal"])
@pytest.mark.parametrize(("rows", "classes"), [(1, 1), (1, 5), (3, 1), (17, 2), (0, 4)])
def test_odd_sizes_are_like_any_other(loss: str, rows: int, classes: int) -> None:
    leaves, target = head(rows, classes), torch.randint(0, classes, (rows,))
    wanted = twice(lossary.get(loss)(logits(leaves), target), leaves)
    agree(twice(lossary.linear(loss, leaves[0], leaves[1], target, leaves[2]), leaves), wanted)


@pytest.mark.parametrize("lead", [(), (6,), (2, 3), (2, 1, 3)])
def test_hidden_may_have_any_leading_shape(lead: tuple[int, ...]) -> None:
    hidden, weight = torch.randn(*lead, WIDTH, dtype=WIDE), torch.randn(CLASSES, WIDTH, dtype=WIDE)
    target = torch.randint(0, CLASSES, lead)
    found = lossary.linear_cross_entropy(hidden, weight, target, reduction="none")
    wanted = torch.nn.functional.cross_entropy(
        (hidden @ weight.T).reshape(-1, CLASSES), target.reshape(-1), reduction="none"
    )
    torch.testing.assert_close(found, wanted.reshape(lead), rtol=1e-12, atol=1e-12)
    if len(lead) > 1:
        first = torch.tensor([True, False])
        found = lossary.linear_cross_entropy(hidden, weight, target, mask=first)
        torch.testing.assert_close(found, wanted.reshape(lead)[0].mean(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("of_indices", [True, False], ids=["indices", "soft"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_a_z_loss_and_a_soft_cap_are_what_they_say(smoothing: float, of_indices: bool) -> None:
    target, leaves, weight = indices() if of_indices else soft(), head(), weights(ROWS)
    if of_indices:
        weight = torch.where(target == -100, 0.0, weight)
    capped = 2.0 * torch.tanh(logits(leaves) / 2.0)
    plain = lossary.cross_entropy(capped, target, weight=weight, label_smoothing=smoothing)
    wanted = plain + 0.3 * (weight * capped.logsumexp(-1).square()).sum() / weight.sum()
    found = lossary.linear_cross_entropy(
        leaves[0], leaves[1], target, leaves[2], row_weight=weight, label_smoothing=smoothing, z_loss=0.3, soft_cap=2.0,
        rows=4,
    )  # fmt: skip
    agree(twice(found, leaves), twice(wanted, leaves))


def test_a_row_that_is_sure_keeps_its_digits() -> None:
    weight = torch.eye(2)
    for target in (torch.tensor([0]), torch.tensor([[1.0, 0.0]])):
        hidden = torch.tensor([[25.0, 0.0]], requires_grad=True)
        value = lossary.linear_cross_entropy(hidden, weight, target)
        (slope,) = torch.autograd.grad(value, [hidden])
        exact = torch.tensor(1.3887943864771144e-11)
        torch.testing.assert_close(value.detach(), exact, rtol=1e-6, atol=0.0)
        torch.testing.assert_close(slope, torch.stack([-exact, exact])[None], rtol=1e-6, atol=0.0)


@pytest.mark.parametrize("with_bias", [True, False], ids=["bias", "no bias"])
@pytest.mark.parametrize("reduction", ["mean", "none"])
@pytest.mark.parametrize("weighed", [True, False], ids=["weighed", "alike"])
def test_smoothing_over_many_classes_is_the_same(weighed: bool, reduction: str, with_bias: bool) -> None:
    """Of many classes it is known before there are logits, unless one of them may be impossible."""
    classes = crossed._MANY + 3
    leaves, target = head(classes=classes)[: 2 + with_bias], indices(classes=classes)
    given = leaves if with_bias else [*leaves, torch.zeros(classes, dtype=WIDE)]
    options: dict[str, Any] = {"label_smoothing": 0.2, "z_loss": 0.1, "reduction": reduction}
    if weighed:
        options["class_weight"] = torch.rand(classes, dtype=WIDE) + 0.1
    found = lossary.linear_cross_entropy(*leaves[:2], target, *leaves[2:], rows=4, **options)
    plain = lossary.linear_cross_entropy(*given[:2], target, given[2], backend="eager", **options)
    agree(twice(found, leaves), twice(plain, leaves), slack=1e-11)
    options.pop("z_loss")
    found = lossary.linear_cross_entropy(*leaves[:2], target, *leaves[2:], rows=4, **options)
    agree([found], [lossary.cross_entropy(logits(given), target, backend="eager", **options)], slack=1e-11)


@pytest.mark.parametrize("scale", [0.0, 1.0, 30.0])
def test_smoothing_over_many_classes_keeps_the_digits_of_eager(scale: float) -> None:
    narrow = [each.detach().float() for each in head(rows=50, classes=2000)]
    narrow[0] *= scale
    target = torch.randint(2000, (50,))
    options: dict[str, Any] = {"label_smoothing": 0.1, "reduction": "none"}
    exact = lossary.cross_entropy(logits([each.double() for each in narrow]), target, **options)
    found = lossary.linear_cross_entropy(*narrow[:2], target, narrow[2], **options)
    eager = lossary.cross_entropy(logits(narrow), target, backend="eager", **options)
    off, theirs = ((each.double() / exact - 1).abs().max() for each in (found, eager))
    assert off <= max(1.5 * float(theirs), 5e-7)


def test_a_class_that_cannot_be_leaves_a_finite_loss() -> None:
    leaves = head()
    bias = torch.zeros(CLASSES, dtype=WIDE)
    bias[2] = -torch.inf
    target, counts = torch.randint(3, CLASSES, (ROWS,)), torch.ones(CLASSES, dtype=WIDE)
    counts[2] = 0.0
    allowed = [0, 1, 3, 4, 5, 6]
    shifted = torch.where(target > 2, target - 1, target)
    for options in ({}, {"label_smoothing": 0.1, "class_weight": counts}):
        found = lossary.linear_cross_entropy(leaves[0], leaves[1], target, bias, **options)
        if options:
            z = leaves[0] @ leaves[1].T + bias
            wanted = lossary.cross_entropy(z, target, **options)
        else:
            wanted = lossary.cross_entropy(leaves[0] @ leaves[1][allowed].T, shifted)
        agree(
            [found, *torch.autograd.grad(found, leaves[:2])],
            [wanted, *torch.autograd.grad(wanted, leaves[:2])],
        )


@pytest.mark.parametrize("loss", ["cross_entropy", "categorical_focal", "focal"])
def test_what_does_not_count_reaches_nothing(loss: str) -> None:
    target = torch.randint(0, 2, (ROWS, CLASSES)) if loss == "focal" else torch.randint(0, CLASSES, (ROWS,))
    keep = torch.arange(ROWS) % 4 != 1
    leaves = head()
    spoilt = [leaves[0].detach().clone(), leaves[1], leaves[2]]
    spoilt[0][~keep] = torch.nan
    spoilt[0].requires_grad_()
    for reduction in ("mean", "none"):
        values = [
            lossary.linear(loss, each[0], each[1], target, each[2], mask=keep, reduction=reduction, rows=4)
            for each in (spoilt, leaves)
        ]
        found, wanted = (
            [value, *torch.autograd.grad(value.sum(), each)]
            for value, each in zip(values, (spoilt, leaves), strict=True)
        )
        agree(found, wanted)
        assert not found[1][~keep].any()


def test_a_call_in_which_nothing_counts_is_0_and_attached() -> None:
    leaves, nothing = head(), torch.zeros(ROWS, dtype=torch.bool)
    for reduction in ("mean", "sum"):
        value = lossary.linear_cross_entropy(
            leaves[0], leaves[1], indices(), leaves[2], mask=nothing, reduction=reduction
        )
        assert value.item() == 0.0
        assert not any(each.any() for each in torch.autograd.grad(value, leaves))


def test_the_wide_gradient_is_rounded_once() -> None:
    """In float32 a sum over many rows would be good to 1e-7 of itself; in bfloat16 products 2⁻⁸ is what is promised."""
    hidden, weight = torch.randn(300, 16), torch.randn(40, 16)
    target = torch.randint(0, 40, (300,))
    for dtype, slack in ((torch.bfloat16, 2.0**-6), (torch.float16, 2.0**-10)):
        leaves = [hidden.to(dtype).requires_grad_(), weight.to(dtype).requires_grad_()]
        wide = [each.detach().double().requires_grad_() for each in leaves]
        value = lossary.linear_cross_entropy(*leaves, target, rows=64)
        wanted = torch.nn.functional.cross_entropy(wide[0] @ wide[1].T, target)
        assert value.dtype is torch.float32
        assert value.item() == pytest.approx(wanted.item(), rel=2e-3)
        found = torch.autograd.grad(value, leaves)
        for ours, theirs, leaf in zip(found, torch.autograd.grad(wanted, wide), leaves, strict=True):
            assert ours.dtype is leaf.dtype is dtype
            assert (ours.double() - theirs).norm() <= slack * theirs.norm()


def test_accuracy_and_entropy_come_from_the_same_pass() -> None:
    leaves, target = head(), indices()
    found = lossary.linear_cross_entropy(
        leaves[0], leaves[1], target, leaves[2], rows=4, report=("accuracy", "entropy")
    )
    assert isinstance(found, Reported)
    z = logits(leaves)[target != -100].detach()
    right = (z.argmax(-1) == target[target != -100]).float().mean()
    torch.testing.assert_close(found.accuracy, right)
    torch.testing.assert_close(
        found.entropy, torch.distributions.Categorical(logits=z).entropy().mean().float()
    )
    torch.testing.assert_close(found.loss, lossary.cross_entropy(logits(leaves), target))
    assert found.loss.requires_grad
    alone = lossary.linear("categorical_focal", leaves[0], leaves[1], target, report="entropy")
    assert alone.accuracy is None and alone.entropy is not None
