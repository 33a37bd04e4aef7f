"""Losses as modules, alone and in sums."""

import copy
import pickle

import pytest
import torch

import lossary
from lossary import nn
from lossary.core.declaration import REQUIRED
from lossary.core.errors import OptionError

LOGITS, CLASSES = (
    torch.randn(4, 3, 5, generator=torch.Generator().manual_seed(0)),
    torch.arange(20).reshape(4, 5) % 3,
)


def test_the_parts_of_a_sum_add_up_and_have_names() -> None:
    loss = 0.5 * nn.Dice() + nn.CategoricalFocal(gamma=1.0)
    terms = loss.terms(LOGITS, CLASSES)
    assert list(terms) == ["dice", "categorical_focal"]
    torch.testing.assert_close(sum(terms.values()), loss(LOGITS, CLASSES))
    torch.testing.assert_close(terms["dice"], 0.5 * lossary.dice(LOGITS, CLASSES))


def test_two_parts_of_one_loss_keep_two_names() -> None:
    loss = nn.Huber(delta=1.0) + nn.Huber(delta=2.0)
    assert list(loss.terms(torch.ones(2), torch.zeros(2))) == ["huber", "huber_2"]


def test_a_sum_hands_weights_on_to_every_part() -> None:
    x, t, w = torch.tensor([1.0, 5.0]), torch.zeros(2), torch.tensor([1.0, 0.0])
    assert (nn.Mse() + nn.Mae())(x, t, weight=w) == 2.0


def test_python_sum_works() -> None:
    assert repr(sum([nn.Mse(), nn.Mae()])) == "Mse() + Mae()"


def test_class_weights_are_buffers_that_travel_with_the_module() -> None:
    weights = torch.tensor([1.0, 2.0, 4.0])
    loss = nn.CrossEntropy(class_weight=weights, label_smoothing=0.1)
    assert list(loss.state_dict()) == ["class_weight"]
    assert loss.double().class_weight.dtype is torch.float64
    flat, index = LOGITS[:, :, 0], CLASSES[:, 0]
    torch.testing.assert_close(
        loss.float()(flat, index),
        lossary.cross_entropy(flat, index, class_weight=weights, label_smoothing=0.1),
    )


@pytest.mark.parametrize("text", ["focal(gamma=1.5)", "0.5*dice + cross_entropy(label_smoothing=0.1)"])
def test_a_module_survives_pickle_and_deepcopy(text: str) -> None:
    loss = lossary.parse(text)
    for twin in (pickle.loads(pickle.dumps(loss)), copy.deepcopy(loss)):
        assert repr(twin) == repr(loss)


def test_a_module_lists_and_refuses_settings_as_its_signature_says() -> None:
    with pytest.raises(TypeError, match="gama"):
        nn.Focal(gama=1.0)


def test_every_loss_has_a_module_and_nothing_else_does() -> None:
    for name in lossary.names():
        loss = lossary.get(name).loss
        asked = {
            each.name: loss.facts.example.hyper[each.name] for each in loss.hyper if each.default is REQUIRED
        }
        assert isinstance(nn.build(name, asked), nn.LossModule)
    with pytest.raises(AttributeError, match="no attribute 'Mystery'"):
        _ = nn.Mystery


def test_a_module_asks_for_what_has_no_default() -> None:
    with pytest.raises(
        OptionError, match=r"LogitAdjusted\(class_counts=\.\.\.\): expected .* got nothing; give it"
    ):
        lossary.nn.LogitAdjusted()
