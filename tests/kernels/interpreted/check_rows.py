"""Cross-entropy rows: every option against the eager math in float64, at sizes that divide nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import lossary
from lossary.core.errors import BackendError
from lossary.kernels.gpu import tuning
from lossary.kernels.gpu.rows import Target, rows


@pytest.fixture(autouse=True)
def _quiet() -> Any:
    """The interpreter computes with numpy, which warns of what tensors compute in silence."""
    with np.errstate(all="ignore"):
        yield


def both(logits: Tensor, target: Tensor, **options: Any) -> tuple[Tensor, Tensor]:
    """Largest errors of value and gradient against the eager math in float64, relative to what float can hold."""
    truth = {key: each.double() if torch.is_tensor(each) and each.is_floating_point() else each
             for key, each in options.items()}  # fmt: skip
    wide = logits.detach().double().requires_grad_()
    logits = logits.detach().requires_grad_()
    soft = target.is_floating_point()
    kernel = lossary.cross_entropy(logits, target, backend="triton", **options)
    eager = lossary.cross_entropy(wide, target.double() if soft else target, backend="eager", **truth)
    upstream = torch.linspace(0.5, 1.5, kernel.numel(), dtype=torch.float64).reshape(kernel.shape)
    (slope,) = torch.autograd.grad(kernel, logits, upstream.to(kernel.dtype))
    (exact,) = torch.autograd.grad(eager, wide, upstream)
    assert kernel.dtype is (torch.float64 if logits.dtype is torch.float64 else torch.float32)
    assert slope.dtype is logits.dtype and slope.shape == logits.shape
    # Relative to the largest, and not element by element: a slope near 0 may be a difference.
    value = (kernel - eager).abs().max() / eager.abs().max().clamp(min=1e-300)
    return value, (slope - exact).abs().max() / exact.abs().max().clamp(min=1e-300)


OPTIONS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "sum": {"reduction": "sum"},
    "none": {"reduction": "none", "label_smoothing": 0.1},
    "weight": {"weight": torch.tensor([0.5, 0.0, 2.0, 1.0, 3.0])},
    "mask": {"mask": torch.tensor([True, False, True, True, False])},
    "class weight": {"class_weight": torch.tensor([1.0, 0.0, 0.5, 2.0, 1.5, 0.3, 0.7])},
    "smoothing": {"label_smoothing": 0.2},
    "denominator": {"denominator": 3.0},
    "everything": {
        "weight": torch.tensor([0.5, 0.0, 2.0, 1.0, 3.0]),
        "mask": torch.tensor([True, True, True, True, False]),
        "class_weight": torch.tensor([1.0, 0.0, 0.5, 2.0, 1.5, 0.3, 0.7]),
        "label_smoothing": 0.1,
    },
}


@pytest.fixture
def in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of seven are too long to be held whole."""
    monkeypatch.setattr(tuning, "power_of_two", lambda n: 2)
    for name, size in (("WHOLE", 1), ("PIECE", 4), ("PIECE_HEAVY", 4), ("PER_PROGRAM", 32)):
        monkeypatch.setattr(tuning, name, size)


@pytest.mark.parametrize(
    ("name", "soft"),
    [(name, False) for name in OPTIONS] + [(name, True) for name in ("none", "class weight", "mask")],
)
def test_every_option_is_that_of_the_eager_math(name: str, soft: bool) -> None:
    logits = 4 * torch.randn(5, 7)
    target = torch.softmax(torch.randn(5, 7), -1) if soft else torch.tensor([2, 0, 6, -100, 3])
    value, slope = both(logits, target, **OPTIONS[name])
    assert value < 1e-6 and slope < 1e-6


@pytest.mark.parametrize("soft", [False, True], ids=["index", "soft"])
@pytest.mark.parametrize("name", ["nothing", "everything"])
def test_a_long_row_is_read_in_pieces(name: str, soft: bool, in_pieces: None) -> None:
    logits = 4 * torch.randn(5, 7, dtype=torch.float64)
    target = torch.softmax(torch.randn(5, 7).double(), -1) if soft else torch.tensor([2, 0, 6, -100, 3])
    options = {key: each.double() if torch.is_tensor(each) and each.is_floating_point() else each
               for key, each in OPTIONS[name].items()}  # fmt: skip
    value, slope = both(logits, target, **options)
    assert value < 1e-14 and slope < 1e-14


@pytest.mark.parametrize("shape", [(1, 1), (1, 13), (17, 1), (131, 3), (2, 1009), (0, 5)])
def test_odd_sizes_are_no_exception(shape: tuple[int, int]) -> None:
    logits = 3 * torch.randn(*shape, dtype=torch.float64)
    value, slope = (
        both(logits, torch.randint(0, shape[1], shape[:1]))
        if shape[0]
        else (lossary.cross_entropy(logits, torch.zeros(0, dtype=torch.int64), backend="triton"),) * 2
    )
    assert value < 1e-14 and slope < 1e-14


@pytest.mark.parametrize("layout", ["pixels", "channels last", "class axis last", "transposed", "expanded"])
def test_the_class_axis_may_lie_anywhere(layout: str) -> None:
    options: dict[str, Any] = {"label_smoothing": 0.1}
    if layout == "transposed":
        logits = torch.randn(7, 6, dtype=torch.float64).T
    elif layout == "expanded":
        logits = torch.randn(1, 7, dtype=torch.float64).expand(6, 7)
    else:
        logits = torch.randn(2, 7, 3, 5, dtype=torch.float64)
    target = torch.randint(0, 7, (2, 3, 5) if logits.ndim == 4 else (6,))
    if layout == "channels last":
        logits = logits.to(memory_format=torch.channels_last)
    if layout == "class axis last":
        logits, options["class_dim"] = logits.movedim(1, -1), -1
    value, slope = both(logits, target, **options)
    assert value < 1e-14 and slope < 1e-14


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_what_does_not_count_is_not_even_read(reduction: str) -> None:
    logits = torch.randn(4, 5)
    logits[1], logits[2, 0] = float("nan"), float("inf")
    logits.requires_grad_()
    mask, target = torch.tensor([True, False, True, True]), torch.tensor([0, 77, -100, 4])
    value = lossary.cross_entropy(logits, target, mask=mask, reduction=reduction, backend="triton")
    kept = logits.detach()[[0, 3]].requires_grad_()
    alone = lossary.cross_entropy(kept, target[[0, 3]], reduction=reduction, backend="eager")
    value.sum().backward()
    alone.sum().backward()
    torch.testing.assert_close(value[[0, 3]] if reduction == "none" else value, alone)
    assert logits.grad is not None
    torch.testing.assert_close(logits.grad[[0, 3]], kept.grad)
    assert (logits.grad[[1, 2]] == 0).all()


def test_where_nothing_counts_the_loss_is_0_and_attached() -> None:
    logits = torch.full((3, 4), float("nan"), requires_grad=True)
    value = lossary.cross_entropy(logits, torch.full((3,), -100), backend="triton")
    value.backward()
    assert value == 0 and logits.grad is not None and (logits.grad == 0).all()


@pytest.mark.parametrize("whole", [True, False], ids=["in one piece", "in pieces"])
def test_a_confident_row_keeps_its_small_loss_and_slope(whole: bool, request: pytest.FixtureRequest) -> None:
    if not whole:
        request.getfixturevalue("in_pieces")
    low = [-1e4, -1e4]
    logits = torch.tensor([[0.0, 25.0, -3.0, *low], [1e4, 0.0, -1e4, *low], [0.0, -float("inf"), 30.0, *low]])
    logits.requires_grad_()
    value = lossary.cross_entropy(logits, torch.tensor([1, 0, 2]), reduction="none", backend="triton")
    value.sum().backward()
    small = torch.tensor([-25.0, -28.0], dtype=torch.float64).exp().sum()
    exact = torch.tensor([small, 0.0, torch.tensor(-30.0, dtype=torch.float64).exp()], dtype=torch.float64)
    torch.testing.assert_close(value.double(), exact, rtol=1e-6, atol=0)
    assert logits.grad is not None
    torch.testing.assert_close(logits.grad.double().diagonal()[[2]], -exact[[2]], rtol=1e-6, atol=0)
    torch.testing.assert_close(logits.grad[0, 1].double(), -exact[0], rtol=1e-6, atol=0)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_computed_in_single(dtype: torch.dtype) -> None:
    logits = (4 * torch.randn(6, 11)).to(dtype)
    target = torch.randint(0, 11, (6,))
    value, slope = both(logits, target, label_smoothing=0.1)
    assert value < 1e-6 and slope < torch.finfo(dtype).eps


@pytest.mark.parametrize("soft", [False, True], ids=["index", "soft"])
def test_a_cap_and_a_penalty_on_the_log_sum_exp_follow_their_definition(soft: bool) -> None:
    logits = 20 * torch.randn(6, 9, dtype=torch.float64)
    logits[0] *= 1e-3
    logits.requires_grad_()
    spread, scale, hit, share = (torch.rand(n, dtype=torch.float64) for n in (9, 6, 6, 6))
    labels = torch.randint(0, 9, (6,))
    q = torch.softmax(torch.randn(6, 9, dtype=torch.float64), -1)
    u = share[:, None] * spread + (hit[:, None] * (q * spread if soft else torch.eye(9)[labels]))
    z = 15.0 * torch.tanh(logits / 15.0)
    lse = z.logsumexp(-1)
    truth = u.sum(-1) * lse - (u * z).sum(-1) + 1e-2 * lse**2
    (exact,) = torch.autograd.grad((scale * truth).sum(), logits)
    cube = logits.detach().clone().unsqueeze(-1)
    target = Target(q.unsqueeze(-1) if soft else labels, hit, share, spread, z=1e-2, cap=15.0)
    # The slopes overwrite the logits.
    found = rows(cube, target, None, scale, slope=cube, bare=True)
    torch.testing.assert_close(found, truth.detach(), rtol=1e-13, atol=1e-13)
    torch.testing.assert_close(cube.squeeze(-1), exact, rtol=1e-12, atol=1e-13)


def test_a_row_that_is_nan_or_whose_label_names_no_class_is_nan_and_no_other() -> None:
    logits = torch.randn(4, 5, 1)
    logits[1, 2], logits[3] = float("nan"), -float("inf")
    labels = torch.tensor([0, 1, 9, 2])
    slope = torch.empty_like(logits)
    found = rows(logits, Target(labels), slope=slope)
    assert found.isnan().tolist() == [False, True, True, True]
    assert slope.isnan().any((1, 2)).tolist() == [False, True, True, True]


def test_many_equal_classes_have_one_slope() -> None:
    logits, target = torch.zeros(1, 20000, requires_grad=True), torch.tensor([7])
    lossary.cross_entropy(logits, target, backend="triton").backward()
    assert logits.grad is not None
    others = logits.grad[0, torch.arange(20000) != 7]
    torch.testing.assert_close(others, torch.full_like(others, 1 / 20000), rtol=1e-6, atol=0)


def test_a_second_backward_gives_the_same_gradient() -> None:
    logits = torch.randn(3, 4, requires_grad=True)
    value = 2.0 * lossary.cross_entropy(logits, torch.tensor([0, 3, 1]), backend="triton")
    (first,) = torch.autograd.grad(value, logits, retain_graph=True)
    first = first.clone()
    (second,) = torch.autograd.grad(value, logits)
    torch.testing.assert_close(first, second)


def test_the_gradient_can_be_differentiated_again() -> None:
    logits = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    weight = torch.rand(3, dtype=torch.float64)

    def value(backend: str) -> Tensor:
        loss = lossary.cross_entropy(logits, torch.tensor([0, 3, 1]), weight=weight, backend=backend)
        (slope,) = torch.autograd.grad(loss, logits, create_graph=True)
        return torch.autograd.grad((slope**2).sum(), logits)[0]

    torch.testing.assert_close(value("triton"), value("eager"))


@pytest.mark.parametrize("what", ["weight", "target"])
def test_a_gradient_that_the_kernel_does_not_give_is_refused(what: str) -> None:
    target = torch.softmax(torch.randn(3, 4), -1).requires_grad_(what == "target")
    weight = torch.rand(3).requires_grad_(what == "weight")
    with pytest.raises(BackendError, match=f"a {what} without a gradient.*backend='eager'"):
        lossary.cross_entropy(torch.randn(3, 4), target, weight=weight, backend="triton")
