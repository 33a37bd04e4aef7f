"""The compiled backend gives what eager gives, says what it costs, and refuses what it cannot do.

Inductor takes seconds a graph and torch's tracer one, so few calls here go through either; the others run the function
that would be compiled as it stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor
from torch._dynamo.backends.common import aot_autograd
from torch.autograd import forward_ad
from torch.autograd.functional import jacobian

import lossary
from lossary import doctor
from lossary.core import probes
from lossary.core.errors import BackendError, DomainError, LossaryError, ShapeError
from lossary.declare import Claims, Elicits, Example, Link, PerElement, Prediction, RealTarget, Task, loss
from lossary.kernels import compiled
from lossary.kernels.compiled.graph import Graph
from lossary.kernels.compiled.loops import own
from lossary.kernels.compiled.plan import Plan


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    compiled.forget()
    yield
    compiled.forget()


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same graphs with the same decompositions, run by torch's operations instead of Inductor's loops."""

    def run(self: Graph, graph: Any, examples: Any) -> Any:
        self.graphs += 1
        return aot_autograd(fw_compiler=lambda module, _: module.forward, decompositions=own())(
            graph, examples
        )

    monkeypatch.setattr(Graph, "_inductor", run)


@pytest.fixture
def untraced(monkeypatch: pytest.MonkeyPatch) -> None:
    """The function that would be compiled, run as it stands; as under a compiler, it reads no value."""

    def fresh(self: Graph) -> Any:
        def run(*given: Any) -> Any:
            self.graphs = 1
            with monkeypatch.context() as while_it_runs:
                while_it_runs.setattr(probes, "is_eager", lambda: False)
                return self._body(*given)

        return run

    monkeypatch.setattr(Graph, "_fresh", fresh)


def both(function: Any, *inputs: Tensor, wanted: tuple[int, ...] = (0,), **options: Any) -> None:
    """Value and gradients by eager and by the kernel, within rounding of float64."""
    found = []
    for backend in ("eager", "compile"):
        leaves = [each.clone().requires_grad_(i in wanted) for i, each in enumerate(inputs)]
        value = function(*leaves, backend=backend, **options)
        upstream = torch.linspace(0.5, 2.0, value.numel(), dtype=value.dtype).reshape(value.shape)
        value.backward(upstream)
        found.append((value.detach(), *(leaves[i].grad for i in wanted)))
    for eager, ours in zip(*found, strict=True):
        assert eager.dtype is ours.dtype
        torch.testing.assert_close(ours, eager, rtol=1e-13, atol=1e-15)


def test_focal_through_inductor_is_eager_for_every_batch_at_the_price_of_one_compilation() -> None:
    def drawn(*shape: int) -> tuple[Tensor, Tensor]:
        return torch.randn(shape, dtype=torch.float64), (torch.rand(shape) < 0.3).double()

    x, t = drawn(1003)
    said = str(lossary.explain("focal", x, t, backend="compile"))
    assert "'compile': asked for; the first such call compiles it" in said
    both(lossary.focal, x, t)
    both(lossary.focal, *drawn(77))
    both(lossary.focal, *drawn(7, 11))
    both(lossary.focal, *drawn(50), reduction="sum")
    both(lossary.focal, *drawn(5, 3), denominator=7.0)
    (mean,) = compiled.compiled()
    assert (mean.loss, mean.what, mean.graphs) == ("focal", "both", 1)
    assert mean.seconds > 0 and mean.settings == "gamma=2.0, alpha=None, reduction='sum'"
    assert f"took {mean.seconds:.1f} s to compile" in str(lossary.explain("focal", x, t, backend="compile"))


def test_cross_entropy_through_inductor_keeps_the_small_losses_and_refuses_as_eager_does() -> None:
    logits = torch.tensor(
        [[25.0, 0.0, -torch.inf], [0.0, 3.0, 1.0], [torch.nan, 1.0, 2.0]], requires_grad=True
    )
    target = torch.tensor([0, 1, -100])
    value = lossary.cross_entropy(logits, target, backend="compile")
    value.backward()
    eager = logits.detach().clone().requires_grad_()
    expected = lossary.cross_entropy(eager, target, backend="eager")
    expected.backward()
    torch.testing.assert_close(value, expected, rtol=1e-6, atol=0.0)
    torch.testing.assert_close(logits.grad, eager.grad, rtol=1e-6, atol=0.0)
    assert 1e-12 < -logits.grad[0, 0] < 1e-11  # type: ignore[index]
    for wrong in (torch.tensor([0, 3, -100]), torch.tensor([-1, 0, 1])):
        with pytest.raises(DomainError) as ours:
            lossary.cross_entropy(logits, wrong, backend="compile")
        with pytest.raises(DomainError) as theirs:
            lossary.cross_entropy(logits, wrong, backend="eager")
        assert str(ours.value) == str(theirs.value)
    assert sum(each.graphs for each in compiled.compiled()) == 1


def test_weights_masks_class_weights_and_smoothing_mean_what_they_mean_in_eager(traced: None) -> None:
    x, y = torch.randn(12, 4, dtype=torch.float64), torch.randint(0, 4, (12,))
    weight, mask = torch.rand(12, dtype=torch.float64), torch.rand(12) < 0.7
    weight[2] = 0.0
    x[2] = torch.nan
    x[~mask] = torch.inf
    settings = {"class_weight": torch.rand(4, dtype=torch.float64), "label_smoothing": 0.1}
    both(lossary.cross_entropy, x, y, weight=weight, mask=mask, **settings)


def test_one_value_per_unit_takes_a_gradient_per_unit(untraced: None) -> None:
    x, y = torch.randn(6, 4, dtype=torch.float64), torch.randint(0, 4, (6,))
    both(lossary.cross_entropy, x, y, mask=torch.rand(6) < 0.5, reduction="none")
    x, t = torch.randn(2, 3, 5, dtype=torch.float64), torch.randn(2, 3, 5, dtype=torch.float64)
    both(lossary.huber, x, t, weight=torch.rand(2), reduction="none")
    x, y = torch.randn(2, 3, 4, 5, dtype=torch.float64), torch.randint(0, 3, (2, 4, 5))
    both(lossary.dice, x, y, reduction="none")


def test_regions_through_the_kernel_are_eager_s(traced: None) -> None:
    x, y = torch.randn(3, 4, 5, 7, dtype=torch.float64), torch.randint(0, 4, (3, 5, 7))
    both(lossary.dice, x, y, mask=torch.rand(3, 5, 7) < 0.6, smooth=0.0)


def test_a_gradient_by_target_weight_or_setting_is_eager_s(untraced: None) -> None:
    x, t, w = (torch.rand(9, dtype=torch.float64) for _ in range(3))

    def weighed(x: Tensor, t: Tensor, w: Tensor, **options: Any) -> Tensor:
        return lossary.huber(x, t, weight=w, delta=0.2, **options)

    both(weighed, x, t, w, wanted=(0, 1, 2))

    def learned(x: Tensor, t: Tensor, p: Tensor, **options: Any) -> Tensor:
        return lossary.binary_cross_entropy(x, t, pos_weight=p, **options)

    both(learned, x, t, torch.tensor(3.0, dtype=torch.float64), wanted=(0, 2))


def test_a_second_backward_and_a_second_derivative_are_exact(untraced: None) -> None:
    x, t = torch.randn(9, dtype=torch.float64, requires_grad=True), (torch.rand(9) < 0.3).double()
    value = lossary.focal(x, t, backend="compile")
    (once,) = torch.autograd.grad(value, x, retain_graph=True)
    kept = once.clone()
    (twice,) = torch.autograd.grad(value, x, torch.tensor(2.0, dtype=torch.float64), retain_graph=True)
    assert torch.equal(once, kept) and torch.allclose(twice, 2.0 * once, rtol=1e-14)
    (slope,) = torch.autograd.grad(value, x, create_graph=True)
    (found,) = torch.autograd.grad(slope.square().sum(), x)
    (slope,) = torch.autograd.grad(lossary.focal(x, t, backend="eager"), x, create_graph=True)
    (expected,) = torch.autograd.grad(slope.square().sum(), x)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-15)


def test_a_batch_of_gradients_goes_back_as_one_does(untraced: None) -> None:
    t = (torch.rand(5) < 0.3).double()

    def values(x: Tensor) -> Tensor:
        return lossary.focal(x, t, backend="compile", reduction="none")

    x = torch.randn(5, dtype=torch.float64)
    torch.testing.assert_close(jacobian(values, x, vectorize=True), jacobian(values, x))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_narrow_slope_is_the_wide_one_rounded_once(untraced: None, dtype: torch.dtype) -> None:
    # At a scale of 1 most of these slopes are subnormal in float16, or nothing at all.
    x, t = torch.randn(4000, dtype=dtype).requires_grad_(), (torch.rand(4000) < 0.3).to(dtype)
    (lossary.focal(x, t, backend="compile") * 65536.0).backward()
    wide = x.detach().float().requires_grad_()
    (lossary.focal(wide, t.float(), backend="eager") * 65536.0).backward()
    assert x.grad is not None and wide.grad is not None
    torch.testing.assert_close(x.grad, wide.grad.to(dtype), rtol=torch.finfo(dtype).eps, atol=0.0)


def test_inputs_that_changed_before_backward_are_noticed(untraced: None) -> None:
    x, t = torch.randn(5, requires_grad=True), torch.ones(5)
    shifted = x + 1.0
    value = lossary.focal(shifted, t, backend="compile")
    shifted.add_(1.0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        value.backward()


@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_slopes_that_share_memory_reach_nobody(monkeypatch: pytest.MonkeyPatch, scale: float) -> None:
    # Inductor returns one buffer for equal slopes, and a constant slope as one number seen many times.
    def run(self: Plan, what: str, *given: Any) -> Any:
        slope = torch.arange(6.0)
        return *torch.zeros(3), (slope, slope.view(6), torch.ones(()).expand(6))

    monkeypatch.setattr(Plan, "run", run)
    leaves = [torch.rand(6, requires_grad=True) for _ in range(3)]
    value = lossary.mse(leaves[0], leaves[1], weight=leaves[2], backend="compile")
    found = torch.autograd.grad(value * scale, leaves)
    for each in found:
        each += 1.0
    wanted = [torch.arange(6.0) * scale + 1.0] * 2 + [torch.ones(6) * scale + 1.0]
    assert all(torch.equal(ours, right) for ours, right in zip(found, wanted, strict=True))


def test_nothing_that_counts_costs_nothing(untraced: None) -> None:
    x, t = torch.randn(4, requires_grad=True), torch.ones(4)
    lossary.focal(x, t, mask=torch.zeros(4, dtype=torch.bool), backend="compile").backward()
    assert x.grad is not None and not x.grad.any()
    assert lossary.focal(x[:0], t[:0], backend="compile") == 0.0


CALLS = [
    (lossary.focal, (torch.zeros(3), torch.tensor([0.0, 1.0, 3.0])), {}),
    (lossary.focal, (torch.zeros(3), torch.ones(3)), {"weight": torch.tensor([1.0, -1.0, 1.0])}),
    (lossary.focal, (torch.zeros(3), torch.ones(4)), {}),
    (lossary.focal, (torch.zeros(3), torch.ones(3)), {"gamma": -1.0}),
    (lossary.cross_entropy, (torch.zeros(3, 4), torch.full((3, 4), 0.3)), {}),
    (lossary.cross_entropy, (torch.zeros(3, 4), torch.zeros(3).long()), {"class_weight": torch.ones(3)}),
    (lossary.cross_entropy, (torch.full((3, 4), 0.3), torch.zeros(3).long()), {"inputs": "probabilities"}),
    (lossary.poisson_nll, (torch.zeros(3), torch.tensor([0.0, 1.0, -2.0])), {}),
]


@pytest.mark.parametrize("call", CALLS, ids=range(len(CALLS)))
def test_what_eager_refuses_the_kernel_refuses_in_the_same_words(untraced: None, call: Any) -> None:
    function, inputs, options = call
    said = []
    for backend in ("eager", "compile"):
        with pytest.raises((DomainError, ShapeError)) as error:
            function(*inputs, backend=backend, **options)
        said.append(str(error.value))
    assert said[0] == said[1]


def test_a_machine_without_a_compiler_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(BackendError, match=r"expected a C\+\+ compiler.*no-such-compiler, which CXX names"):
        lossary.focal(torch.zeros(3), torch.ones(3), backend="compile")
    said = str(lossary.explain("focal", torch.zeros(3), torch.ones(3)))
    assert "'eager'" in said and "not by 'compile': it wants a C++ compiler" in said
    assert lossary.focal(torch.zeros(3), torch.ones(3)) > 0


def test_a_transform_or_a_tensor_without_values_is_refused() -> None:
    t = torch.ones(3)
    with pytest.raises(BackendError, match="inside torch"):
        torch.func.grad(lambda x: lossary.focal(x, t, backend="compile"))(torch.zeros(3))
    with pytest.raises(BackendError, match="got meta tensors"):
        lossary.focal(torch.zeros(3, device="meta"), t.to("meta"), backend="compile")
    with pytest.raises(LossaryError, match="'auto' or 'eager'"):
        lossary.triplet(torch.zeros(3, 2), torch.ones(3, 2), torch.ones(3, 2), backend="compile")


def test_forward_mode_is_refused_and_not_silently_zero(untraced: None) -> None:
    with forward_ad.dual_level(), pytest.raises(BackendError, match="an input with a tangent"):
        x = forward_ad.make_dual(torch.zeros(3), torch.ones(3))
        lossary.focal(x, torch.ones(3), backend="compile")


def test_a_compiler_that_fails_is_named_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Graph, graph: Any, examples: Any) -> Any:
        raise RuntimeError("the assembler is missing")

    monkeypatch.setattr(Graph, "_inductor", broken)
    with pytest.raises(BackendError, match="the assembler is missing"):
        lossary.focal(torch.zeros(3), torch.ones(3), backend="compile")


def test_nobody_waits_for_a_compiler_unasked() -> None:
    said = lossary.explain("focal", torch.zeros(10**6), torch.ones(10**6))
    assert said.backend == "eager" and ("compile", "not asked for") in said.others
    lossary.focal(torch.zeros(10**6), torch.ones(10**6))
    assert not compiled.compiled()


def test_a_loss_of_one_s_own_is_compiled_too(untraced: None) -> None:
    @loss(
        title="A quartic", task=Task.REGRESSION, link=Link.IDENTITY, decode="the prediction", soft=None,
        elicits=Elicits.MEAN, constant="no closed form", claims=Claims(convex=True, lower=0.0),
        example=Example((2.0, 0.0), 16.0, "2⁴"), use_when="A test wants one.", avoid_when="Always else.",
        relatives=(), paper=None,
    )  # fmt: skip
    def quartic_of_a_test(prediction: Prediction, target: RealTarget) -> PerElement:
        """The fourth power of the error."""
        return (prediction - target) ** 4

    both(quartic_of_a_test, torch.randn(6, dtype=torch.float64), torch.randn(6, dtype=torch.float64))


@pytest.mark.parametrize(
    "name",
    [
        "cross_entropy",
        "categorical_focal",
        "binary_dice",
        "dice",
        "huber",
        "quantile",
        "gaussian_nll",
        "kl",
        "zlpr",
        "emd2",
    ],
)
def test_what_a_loss_promises_its_kernel_keeps(untraced: None, name: str) -> None:
    found = doctor.examine(lossary.get(name), slow=False, backend="compile")
    assert not found.findings, found.findings
    assert len(found.kept) > 40 and len(found.exempt) <= 5
