"""SoftTriple with its price on centres, trained as a whole by pytorch-metric-learning."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

import lossary

pytest.importorskip("pytorch_metric_learning")

from pytorch_metric_learning.losses import SoftTripleLoss
from pytorch_metric_learning.regularizers import SparseCentersRegularizer

CLASSES, CENTRES, FEATURES = 3, 4, 5


@pytest.mark.parametrize("tau", [0.0, 0.2])
def test_the_sum_of_loss_and_price_and_its_gradients_are_theirs(tau: float) -> None:
    torch.manual_seed(0)
    peer = SoftTripleLoss(
        CLASSES, FEATURES, centers_per_class=CENTRES,
        weight_regularizer=SparseCentersRegularizer(CLASSES, CENTRES), weight_reg_weight=tau,
    ).double()  # fmt: skip
    embeddings = torch.randn(7, FEATURES, dtype=torch.float64, requires_grad=True)
    target = torch.tensor([0, 1, 2, 0, 1, 2, 2])
    theirs = peer(embeddings, target)

    weight = peer.fc.detach().T.clone().requires_grad_()
    centres = F.normalize(weight)
    ours = lossary.soft_triple(F.normalize(embeddings) @ centres.T, target, centres=CENTRES)
    ours = ours + tau * lossary.sparse_centres(centres.reshape(CLASSES, CENTRES, FEATURES))
    torch.testing.assert_close(ours, theirs)

    wanted = torch.autograd.grad(theirs, (embeddings, peer.fc))
    found = torch.autograd.grad(ours, (embeddings, weight))
    torch.testing.assert_close(found[0], wanted[0])
    torch.testing.assert_close(found[1], wanted[1].T)
