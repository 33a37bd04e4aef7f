"""A call of a loss behind a linear head brings its settings, says what computes it, and is refused by name."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import lossary
from lossary.core.errors import BackendError, DomainError, DtypeError, OptionError, ShapeError

HIDDEN, WEIGHT, BIAS, TARGET = (
    torch.randn(4, 3),
    torch.randn(5, 3),
    torch.randn(5),
    torch.tensor([0, 1, 2, 3]),
)


def test_a_module_brings_its_settings() -> None:
    hidden, weight, bias = (each.double() for each in (HIDDEN, WEIGHT, BIAS))
    module = lossary.nn.CategoricalFocal(gamma=0.5, label_smoothing=0.1, reduction="sum")
    found = lossary.linear(module, hidden, weight, TARGET, bias)
    torch.testing.assert_close(found, module(hidden @ weight.T + bias, TARGET), rtol=1e-12, atol=1e-12)
    found = lossary.linear(module, hidden, weight, TARGET, bias, gamma=1.0, reduction="mean")
    wanted = lossary.categorical_focal(hidden @ weight.T + bias, TARGET, gamma=1.0, label_smoothing=0.1)
    torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-12)


def test_a_call_can_say_what_computes_it() -> None:
    given = (HIDDEN, WEIGHT.clone().requires_grad_(), TARGET)
    said = lossary.explain(lossary.linear, "categorical_focal", *given)
    assert said.backend == "chunked" and ("eager", "not asked for") in said.others
    said = lossary.explain(lossary.linear_cross_entropy, *given, backend="eager")
    assert (said.backend, said.why) == ("eager", "asked for")
    value = lossary.linear_cross_entropy(*given, backend="eager")
    assert value.requires_grad
    said = lossary.explain(lossary.linear_cross_entropy, *given, class_group=True)
    assert said.backend == "chunked"
    assert (
        "eager",
        "it wants all classes on one rank, and there is classes spread over a group",
    ) in said.others
    with pytest.raises(DomainError, match=r"linear_cross_entropy\(z_loss=\.\.\.\)"):
        lossary.explain(lossary.linear_cross_entropy, *given, z_loss=-1.0)


def test_a_module_and_a_sum_can_be_asked_what_computes_them() -> None:
    logits = torch.randn(4, 5)
    module = lossary.nn.CategoricalFocal(gamma=0.5, backend="eager")
    assert lossary.explain(module, logits, TARGET).why == "asked for"
    assert lossary.explain(module, logits, TARGET, backend="auto").why != "asked for"
    with pytest.raises(
        OptionError, match=r"explain\(loss\): expected one loss: its function, its name or its module"
    ):
        lossary.explain(lossary.parse("cross_entropy + categorical_focal"), logits, TARGET)


def test_no_report_is_none() -> None:
    assert lossary.linear_cross_entropy(HIDDEN, WEIGHT, TARGET, report=None).ndim == 0


def test_classes_of_many_ranks_are_not_chunked_in_the_name_of_another_backend() -> None:
    with pytest.raises(BackendError, match=r"\(backend='eager'\): expected all classes on one rank"):
        lossary.explain(
            lossary.linear_cross_entropy, HIDDEN, WEIGHT, TARGET, class_group=True, backend="eager"
        )


@pytest.mark.parametrize(
    ("error", "says", "named"),
    [
        (ShapeError, r"weight \(3, 5\); pass weight\.T", {"weight": WEIGHT.T}),
        (ShapeError, r"linear\(bias\): expected shape \(5,\)", {"bias": torch.zeros(4)}),
        (
            ShapeError,
            r"linear\(row_weight\): expected a tensor of shape \(4,\)",
            {"row_weight": torch.ones(3)},
        ),
        (
            DomainError,
            r"linear\(row_weight\): expected finite numbers of at least 0, got -1",
            {"row_weight": torch.tensor([1.0, 1.0, 1.0, -1.0])},
        ),
        (
            ShapeError,
            r"linear\(target\): expected shape \(4, 1\).*, got shape \(4,\); pass target.unsqueeze\(-1\)",
            {"loss": "mse", "weight": WEIGHT[:1], "target": torch.rand(4)},
        ),
        (
            DtypeError,
            r"linear\(weight\): expected torch\.float32, as hidden has",
            {"weight": WEIGHT.double()},
        ),
        (
            DtypeError,
            r"linear\(hidden\): expected a floating tensor, got torch\.int64",
            {"hidden": HIDDEN.long()},
        ),
        (
            DomainError,
            r"cross_entropy\(target\): expected class indices from 0 to 4, got 7",
            {"target": TARGET + 4},
        ),
        (DomainError, r"linear\(rows=\.\.\.\): expected an integer of at least 1, got 0", {"rows": 0}),
        (OptionError, r"linear\(gamma=\.\.\.\): expected one of class_weight", {"gamma": 2.0}),
        (OptionError, r"linear\(class_dim=\.\.\.\): expected logits with the classes last", {"class_dim": 1}),
        (
            OptionError,
            r"linear\(report=\.\.\.\): expected 'accuracy', 'entropy' or both",
            {"report": "recall"},
        ),
        (
            OptionError,
            r"linear\(backend=\.\.\.\): expected 'auto', .*'eager', got 'fast'",
            {"backend": "fast"},
        ),
        (
            BackendError,
            r"linear\(backend=\.\.\.\): expected 'auto', .*, got 'compile'",
            {"backend": "compile"},
        ),
        (OptionError, r"expected 'mean', 'sum' or 'none', got 'average'", {"reduction": "average"}),
        (OptionError, r"linear\(loss\): expected a loss with one value per row", {"loss": "dice"}),
        (OptionError, r"got r_drop of first, second, target", {"loss": "r_drop"}),
        (OptionError, r"expected a tuple of teacher, target, got one tensor", {"loss": "distillation"}),
        (OptionError, r"expected one loss: its function, its name or its module", {"loss": "ce + mae"}),
    ],
)
def test_a_wrong_call_is_refused_by_name(error: type[Exception], says: str, named: dict[str, Any]) -> None:
    if named.get("loss") == "ce + mae":
        named = {"loss": lossary.parse("cross_entropy + categorical_focal")}
    given = {"loss": "cross_entropy", "hidden": HIDDEN, "weight": WEIGHT, "target": TARGET, **named}
    with pytest.raises(error, match=says):
        lossary.linear(**given)


def test_numbers_outside_a_loss_are_refused_behind_a_head_too() -> None:
    with pytest.raises(DomainError, match=r"msle\(prediction\): expected a finite number above -1"):
        lossary.linear("msle", HIDDEN * 10, WEIGHT, torch.rand(4, 5))
