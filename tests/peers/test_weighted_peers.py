"""Where torch and SciPy take weights, the weighted value is ours too."""

from __future__ import annotations

import pytest
import scipy.stats
import torch
from torch.nn import functional as F

import lossary
from lossary.doctor.subject import Subject


def test_torch_weighs_cross_entropy_as_we_do_where_its_target_is_an_index() -> None:
    subject = Subject(lossary.get("cross_entropy"), torch.Generator().manual_seed(2))
    case = subject.case(32, dtype=torch.float64)
    weight = torch.tensor([0.5, 2.0, 1.0, 0.25], dtype=torch.float64)
    theirs = F.cross_entropy(case.first, case.target, weight=weight, label_smoothing=0.0)
    assert float(case(class_weight=weight)) == pytest.approx(float(theirs), rel=1e-12)


def test_torch_weighs_squares_as_we_do() -> None:
    subject = Subject(lossary.get("mse"), torch.Generator().manual_seed(3))
    case = subject.case(32, dtype=torch.float64)
    weight = subject.weight(case, torch.float64)
    theirs = F.mse_loss(case.first, case.target, weight=weight)
    assert float(case(weight=weight)) == pytest.approx(float(theirs), rel=1e-12)


def test_scipy_weighs_sets_as_we_do() -> None:
    generator = torch.Generator().manual_seed(4)
    x, y, a, b = (torch.rand(6 - i % 2, generator=generator, dtype=torch.float64) for i in range(4))
    ours = lossary.get("wasserstein_1d")(x, y, x_weight=a, y_weight=b)
    assert float(ours) == pytest.approx(scipy.stats.wasserstein_distance(x, y, a, b), rel=1e-12)
