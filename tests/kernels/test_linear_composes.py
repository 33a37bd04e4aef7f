"""A loss behind a linear head goes through everything torch does with a function."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, cast

import pytest
import torch
from torch import Tensor
from torch.autograd import forward_ad, gradcheck, gradgradcheck
from torch.autograd.functional import hessian as functional_hessian
from torch.autograd.functional import jacobian
from torch.func import grad, hessian, jacrev, jvp, vmap
from torch.utils import _pytree
from torch.utils.checkpoint import checkpoint

import lossary
from lossary import linear, linear_cross_entropy, world
from lossary.kernels.linear import compute
from lossary.kernels.linear.crossed import CrossEntropy

ROWS, WIDTH, CLASSES = 7, 3, 5
TARGET = torch.tensor([0, 4, -100, 2, 2, 1, 3])
WEIGHTS = torch.linspace(0.2, 1.5, CLASSES, dtype=torch.float64)

Head = tuple[Tensor, Tensor, Tensor]


def head() -> Head:
    generator = torch.Generator().manual_seed(3)
    hidden, weight, bias = (
        torch.randn(shape, dtype=torch.float64, generator=generator)
        for shape in ((ROWS, WIDTH), (CLASSES, WIDTH), (CLASSES,))
    )
    return hidden, weight, bias


def leaves() -> Head:
    hidden, weight, bias = head()
    return hidden.requires_grad_(), weight.requires_grad_(), bias.requires_grad_()


def crossed(hidden: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    value: Tensor = linear_cross_entropy(
        hidden,
        weight,
        TARGET,
        bias,
        class_weight=WEIGHTS,
        label_smoothing=0.1,
        z_loss=0.1,
        soft_cap=4.0,
        rows=3,
    )
    return value


def crossed_of_logits(hidden: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    z = 4.0 * torch.tanh((hidden @ weight.T + bias) / 4.0)
    value = lossary.cross_entropy(z, TARGET, class_weight=WEIGHTS, label_smoothing=0.1)
    counts = torch.where(TARGET == -100, 0.0, 0.9 * WEIGHTS[TARGET.clamp(min=0)] + 0.1 * WEIGHTS.mean())
    return value + 0.1 * (counts * z.logsumexp(-1).square()).sum() / counts.sum()


def focal(hidden: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    value: Tensor = linear(lossary.categorical_focal, hidden, weight, TARGET, bias, gamma=1.5, rows=3)
    return value


def focal_of_logits(hidden: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return lossary.categorical_focal(hidden @ weight.T + bias, TARGET, gamma=1.5)


Function = Callable[[Tensor, Tensor, Tensor], Tensor]
BOTH = pytest.mark.parametrize(
    ("ours", "theirs"),
    [(crossed, crossed_of_logits), (focal, focal_of_logits)],
    ids=["cross-entropy", "focal"],
)


def agree(found: Any, wanted: Any) -> None:
    a, b = _pytree.tree_leaves(found), _pytree.tree_leaves(wanted)
    assert len(a) == len(b) > 0
    for one, other in zip(a, b, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-11, atol=1e-12)


@BOTH
def test_first_and_second_derivatives_are_those_of_differences(ours: Function, theirs: Function) -> None:
    assert gradcheck(ours, leaves(), fast_mode=True)
    assert gradgradcheck(ours, leaves(), fast_mode=True)


@BOTH
def test_a_third_derivative_is_that_of_the_logits(ours: Function, theirs: Function) -> None:
    def third(function: Function) -> tuple[Tensor, ...]:
        given = leaves()
        first = torch.autograd.grad(function(*given), given, create_graph=True)
        second = torch.autograd.grad(sum(each.square().sum() for each in first), given, create_graph=True)
        return torch.autograd.grad(sum(each.sin().sum() for each in second), given)

    agree(third(ours), third(theirs))


@BOTH
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_a_batch_of_gradients_goes_back_as_one_does(ours: Function, theirs: Function, reduction: str) -> None:
    def values(hidden: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        loss = linear_cross_entropy if ours is crossed else partial(linear, "categorical_focal")
        return cast(Tensor, loss(hidden, weight, TARGET, bias, reduction=reduction, rows=3))

    kinds = (jacobian,) if reduction == "none" else (jacobian, functional_hessian)
    for kind in kinds:
        agree(kind(values, head(), vectorize=True), kind(values, head()))


TRANSFORMS: dict[str, Callable[[Function], Any]] = {
    "grad": lambda f: grad(f, (0, 1, 2))(*head()),
    "jacrev": lambda f: jacrev(f, (0, 1))(*head()),
    "hessian": lambda f: hessian(f, (0, 1, 2))(*head()),
    "jvp": lambda f: jvp(f, head(), head()),
    "vmap": lambda f: vmap(f, (None, 0, None))(head()[0], torch.stack([head()[1], 2 * head()[1]]), head()[2]),
    "vmap of grad": lambda f: vmap(grad(f, 1), (0, None, None))(torch.stack([head()[0]] * 2), *head()[1:]),
}


@BOTH
@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS)
def test_function_transforms_see_the_loss_of_the_logits(
    transform: Callable[[Function], Any], ours: Function, theirs: Function
) -> None:
    agree(transform(ours), transform(theirs))


@pytest.mark.parametrize("loss", ["cross_entropy", "categorical_focal"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_each_sample_has_its_gradient(loss: str, smoothing: float) -> None:
    hidden, weight, _ = head()
    how = {"class_weight": WEIGHTS, "label_smoothing": smoothing}

    def value(weight: Tensor, hidden: Tensor, target: Tensor) -> Tensor:
        return cast(Tensor, linear(loss, hidden, weight, target, **how))

    mapped = vmap(grad(value), (None, 0, 0))(weight, hidden, TARGET)
    looped = [grad(value)(weight, *each) for each in zip(hidden, TARGET, strict=True)]
    agree(mapped, torch.stack(looped))


@BOTH
def test_forward_mode_is_not_silently_0(ours: Function, theirs: Function) -> None:
    hidden, weight, bias = head()
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(hidden, hidden)
        agree(*(forward_ad.unpack_dual(f(dual, weight, bias)).tangent for f in (ours, theirs)))


# Inductor takes what torch's tracer gives it, so for cross-entropy one compilation shows both.
def test_a_compiler_takes_it_whole() -> None:
    given = leaves()
    compiled = torch.compile(focal, fullgraph=True, backend="aot_eager")
    agree(torch.autograd.grad(compiled(*given), given), torch.autograd.grad(focal_of_logits(*given), given))


@pytest.mark.parametrize("autocast", [False, True], ids=["bfloat16", "autocast"])
def test_a_compiler_takes_it_in_half_precision(autocast: bool) -> None:
    given = [each.detach().float().requires_grad_() for each in leaves()]

    def loss(*given: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            narrow = given if autocast else tuple(each.bfloat16() for each in given)
            value: Tensor = linear_cross_entropy(narrow[0], narrow[1], TARGET, narrow[2])
        return value

    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    found, wanted = (torch.autograd.grad(each(*given), given) for each in (compiled, loss))
    torch.testing.assert_close(found, wanted)


def test_a_compiler_takes_transforms_of_it() -> None:
    hidden, weight, bias = head()
    several = torch.stack([weight, 2 * weight])
    compiled = torch.compile(grad(crossed, (0, 1, 2)), fullgraph=True, backend="aot_eager")
    agree(compiled(hidden, weight, bias), grad(crossed_of_logits, (0, 1, 2))(hidden, weight, bias))
    compiled = torch.compile(vmap(crossed, (None, 0, None)), fullgraph=True, backend="aot_eager")
    agree(compiled(hidden, several, bias), vmap(crossed_of_logits, (None, 0, None))(hidden, several, bias))


def test_inductor_takes_cross_entropy_as_one_operator() -> None:
    given = leaves()
    compiled = torch.compile(crossed, fullgraph=True)
    agree(torch.autograd.grad(compiled(*given), given), torch.autograd.grad(crossed_of_logits(*given), given))


def test_a_masked_nan_is_silent_where_values_cannot_be_read() -> None:
    given = leaves()
    spoilt = given[0].detach().clone()
    spoilt[2] = torch.nan
    spoilt.requires_grad_()
    for function in (crossed, focal):
        wanted = torch.autograd.grad(function(*given), given)
        agree(grad(function, (0, 1, 2))(spoilt.detach(), *given[1:]), wanted)
    compiled = torch.compile(crossed, fullgraph=True)
    wanted = torch.autograd.grad(crossed(*given), given)
    agree(torch.autograd.grad(compiled(spoilt, *given[1:]), (spoilt, *given[1:])), wanted)


@BOTH
@pytest.mark.parametrize("reentrant", [True, False])
def test_gradient_checkpoints_change_nothing(reentrant: bool, ours: Function, theirs: Function) -> None:
    given, other = leaves(), leaves()
    checkpoint(ours, *given, use_reentrant=reentrant).backward()
    theirs(*other).backward()
    agree([each.grad for each in given], [each.grad for each in other])


@BOTH
def test_a_graph_that_is_kept_can_be_gone_through_again(ours: Function, theirs: Function) -> None:
    given = leaves()
    value = ours(*given) * 3.0
    first = torch.autograd.grad(value, given, retain_graph=True)
    agree(torch.autograd.grad(value, given), first)
    agree(first, torch.autograd.grad(theirs(*given) * 3.0, given))


@pytest.mark.parametrize("loss", ["cross_entropy", "categorical_focal"])
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_a_target_that_changed_before_its_backward_is_noticed(loss: str, reduction: str) -> None:
    hidden, weight, _ = leaves()
    target = TARGET.clamp(min=0)
    value = lossary.linear(loss, hidden, weight, target, reduction=reduction).sum()
    if reduction == "mean":
        # The first backward has its gradients from the forward; the second makes them again.
        value.backward(retain_graph=True)
    target.zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        value.backward()


@BOTH
def test_a_weight_may_be_shared_with_another_use(ours: Function, theirs: Function) -> None:
    hidden, weight, bias = leaves()
    for function in (ours, theirs):
        value = function(weight[TARGET.clamp(min=0)] * hidden, weight, bias) + weight.square().sum()
        value.backward()
        if function is ours:
            found, hidden.grad, weight.grad, bias.grad = (
                [hidden.grad, weight.grad, bias.grad],
                None,
                None,
                None,
            )
    agree(found, [hidden.grad, weight.grad, bias.grad])


@BOTH
@pytest.mark.parametrize("frozen", [0, 1, 2])
def test_what_is_frozen_is_left_alone(frozen: int, ours: Function, theirs: Function) -> None:
    given = leaves()
    given[frozen].requires_grad_(False)
    rest = [each for each in given if each.requires_grad]
    agree(torch.autograd.grad(ours(*given), rest), torch.autograd.grad(theirs(*given), rest))
    ours(*given).backward()
    assert given[frozen].grad is None


def test_no_gradient_is_made_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CrossEntropy, "slope_", lambda *given: pytest.fail("a slope was made"))
    with torch.no_grad():
        assert not crossed(*leaves()).requires_grad
    assert not crossed(*head()).requires_grad


def test_autocast_makes_products_in_bfloat16_and_sums_in_float32() -> None:
    given = [each.detach().float().requires_grad_() for each in leaves()]
    with torch.autocast("cpu", torch.bfloat16):
        value = linear_cross_entropy(given[0].bfloat16(), given[1], TARGET, given[2])
    rounded = [each.detach().bfloat16().double() for each in given[:2]]
    exact = lossary.cross_entropy(rounded[0] @ rounded[1].T + given[2].double(), TARGET)
    assert value.dtype is torch.float32
    assert value.item() == pytest.approx(exact.item(), rel=1e-2)
    found = torch.autograd.grad(value, given)
    wanted = torch.autograd.grad(crossed_plain(given), given)
    for ours, theirs in zip(found, wanted, strict=True):
        assert ours.dtype is torch.float32
        assert (ours - theirs).norm() <= 0.02 * theirs.norm()


def crossed_plain(given: list[Tensor]) -> Tensor:
    return torch.nn.functional.cross_entropy(given[0] @ given[1].T + given[2], TARGET)


def test_a_scaled_loss_keeps_small_slopes_of_float16(monkeypatch: pytest.MonkeyPatch) -> None:
    # Products in float16, as on a GPU: a slope of the unscaled mean is 2⁻²⁰ or so, where float16 has four bits.
    monkeypatch.setattr(compute, "products", lambda dtype, device: dtype)
    given = [(0.5 * torch.randn(1024, 8)).half().requires_grad_() for _ in range(2)]
    exact = [each.detach().double().requires_grad_() for each in given]
    target = torch.zeros(1024, dtype=torch.int64)
    ours = torch.autograd.grad(lossary.linear_cross_entropy(*given, target) * 2.0**12, given)
    theirs = torch.autograd.grad(lossary.cross_entropy(exact[0] @ exact[1].T, target) * 2.0**12, exact)
    # The gradient of the classes that are no row's target is made of small slopes alone.
    found, wanted = ours[1][1:].double(), theirs[1][1:]
    assert (found - wanted).norm() < 1e-3 * wanted.norm(), (found - wanted).norm() / wanted.norm()


def test_weights_and_soft_targets_that_learn_get_their_gradient() -> None:
    soft = torch.randn(ROWS, CLASSES, dtype=torch.float64).softmax(-1).requires_grad_()
    rows = torch.rand(ROWS, dtype=torch.float64).requires_grad_()
    classes = WEIGHTS.clone().requires_grad_()
    given = leaves()
    for extras, target, named in (
        ([rows], TARGET, {"weight": rows}),
        ([classes], TARGET, {"class_weight": classes}),
        ([soft, classes], soft, {"class_weight": classes, "label_smoothing": 0.1}),
    ):
        for loss in ("cross_entropy", "categorical_focal"):
            wanted = lossary.get(loss)(given[0] @ given[1].T + given[2], target, **named)
            ours = {"row_weight" if name == "weight" else name: value for name, value in named.items()}
            found = linear(loss, given[0], given[1], target, given[2], rows=3, **ours)
            wanted = torch.autograd.grad(wanted, [*given, *extras], create_graph=True)
            found = torch.autograd.grad(found, [*given, *extras], create_graph=True)
            agree(found, wanted)
            agree(
                *(
                    torch.autograd.grad(sum(e.square().sum() for e in each), extras)
                    for each in (found, wanted)
                )
            )


def test_a_hyper_parameter_that_learns_gets_its_gradient() -> None:
    given, labels = leaves(), torch.randint(0, 2, (ROWS, CLASSES))
    more = torch.linspace(0.5, 2.0, CLASSES, dtype=torch.float64).requires_grad_()
    wanted = lossary.binary_cross_entropy(given[0] @ given[1].T + given[2], labels, pos_weight=more)
    found = linear("binary_cross_entropy", given[0], given[1], labels, given[2], pos_weight=more, rows=3)
    agree(torch.autograd.grad(found, [*given, more]), torch.autograd.grad(wanted, [*given, more]))


def test_a_group_divides_by_the_count_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world, "spread", lambda count, group: (count * 4, 2.0))
    given = leaves()
    found = linear_cross_entropy(given[0], given[1], TARGET, given[2], group=True)
    wanted = lossary.cross_entropy(given[0] @ given[1].T + given[2], TARGET) / 2.0
    agree([found, *torch.autograd.grad(found, given)], [wanted, *torch.autograd.grad(wanted, given)])
