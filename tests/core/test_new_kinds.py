"""What users do with columns, thresholds, labels, numbers per class, penalties and heads, and what must come of it."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import lossary
from lossary.core.errors import CallError, DomainError, DtypeError, OptionError, ShapeError

LOGITS = torch.linspace(-2.0, 2.0, 18).sin().reshape(6, 3)
TARGET = torch.tensor([0, 1, 2, 0, 1, 2])
COUNTS = [10.0, 5.0, 1.0]
NOISE = [[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]]


@pytest.mark.parametrize(
    "name, setting, values",
    [
        ("focal", "gamma", (1.0, 2.0, 3.5)),
        ("huber", "delta", (0.5, 1.0, 2.5)),
        ("barron", "alpha", (1.5, 0.5, -0.5)),
    ],
)
def test_a_compiled_step_takes_a_setting_that_changes_with_training(
    name: str, setting: str, values: tuple[float, ...]
) -> None:
    loss = lossary.get(name)
    inputs = (torch.linspace(-1.0, 1.0, 6), (torch.arange(6) % 2).float())
    torch._dynamo.reset()
    step = torch.compile(lambda x, t, s: loss(x, t, **{setting: s}), fullgraph=True, backend="aot_eager")
    for value in values:
        torch.testing.assert_close(step(*inputs, value), loss(*inputs, **{setting: value}))


def test_a_compiled_step_takes_counts_that_change_with_training() -> None:
    torch._dynamo.reset()
    step = torch.compile(
        lambda x, t, n: lossary.logit_adjusted(x, t, class_counts=[10.0, 5.0, n]),
        fullgraph=True,
        backend="aot_eager",
    )
    for last in (1.0, 2.0, 7.0):
        counts = [10.0, 5.0, last]
        torch.testing.assert_close(
            step(LOGITS, TARGET, last), lossary.logit_adjusted(LOGITS, TARGET, class_counts=counts)
        )


@pytest.mark.parametrize("name", ["coral", "corn", "cumulative_link"])
def test_a_single_class_has_no_threshold_and_costs_nothing(name: str) -> None:
    thresholds = torch.zeros(6, 0, requires_grad=True)
    value = lossary.get(name)(thresholds, torch.zeros(6, dtype=torch.int64))
    assert value == 0.0 and torch.autograd.grad(value, thresholds)[0].shape == (6, 0)


@pytest.mark.parametrize("name", ["coral", "corn", "cumulative_link"])
def test_a_soft_target_without_the_last_class_is_told_of_it(name: str) -> None:
    with pytest.raises(ShapeError, match="class axis, less 1 for thresholds"):
        lossary.get(name)(LOGITS, LOGITS.softmax(1))
    with pytest.raises(ShapeError, match=r"pass thresholds\.unsqueeze\(-1\) if there is one threshold"):
        lossary.get(name)(LOGITS[:, 0], TARGET.clamp(max=1))


@pytest.mark.parametrize("name", ["forward_correction", "backward_correction"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_table_rounded_with_its_module_stays_a_table(name: str, dtype: torch.dtype) -> None:
    module = lossary.parse(f"{name}(transition={NOISE})")
    made = getattr(lossary.nn, type(module).__name__)(transition=torch.tensor(NOISE))
    exact = made(LOGITS, TARGET)
    assert module(LOGITS, TARGET) == exact
    torch.testing.assert_close(made.to(dtype)(LOGITS, TARGET), exact, rtol=2e-2, atol=0.0)
    with pytest.raises(DomainError, match=r"a row that adds up to 0\.5"):
        lossary.get(name)(LOGITS, TARGET, transition=torch.eye(3, dtype=dtype) / 2)


@pytest.mark.parametrize("counts", [np.array([10, 5, 1]), list(np.array([10, 5, 1]))])
def test_counts_of_numpy_are_one_step_from_a_tensor(counts: Any) -> None:
    with pytest.raises(DomainError, match=r"pass torch\.as_tensor\(class_counts\)\.$"):
        lossary.logit_adjusted(LOGITS, TARGET, class_counts=counts)
    given = torch.as_tensor(counts)
    assert lossary.logit_adjusted(LOGITS, TARGET, class_counts=given) == lossary.logit_adjusted(
        LOGITS, TARGET, class_counts=COUNTS
    )


def test_an_error_is_one_line_whatever_was_given() -> None:
    given: list[Any] = [nn.Parameter(torch.tensor(2.0)), torch.ones(3, 3), np.ones((4, 4))]
    for wrong in given:
        with pytest.raises(DomainError) as caught:
            lossary.huber(LOGITS, LOGITS, delta=wrong)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "made",
    [
        lossary.nn.ForwardCorrection(transition=torch.full((3, 3), 1 / 3)),
        lossary.nn.LogitAdjusted(class_counts=torch.tensor([1e8, 0.1, 3.0])),
        lossary.nn.LogitAdjusted(class_counts=[3, 2, 1]),
        lossary.nn.Barron(alpha=nn.Parameter(torch.tensor(0.7)), scale=nn.Parameter(torch.tensor(1 / 3))),
    ],
    ids=lambda made: type(made).__name__,
)
def test_the_repr_of_a_module_keeps_every_digit_of_its_tensors(made: Any) -> None:
    names = {"tensor": torch.tensor, "Parameter": nn.Parameter, type(made).__name__: type(made)}
    again = eval(repr(made), names)
    assert repr(again) == repr(made)
    assert again.state_dict().keys() == made.state_dict().keys()
    assert all(torch.equal(again.state_dict()[name], each) for name, each in made.state_dict().items())


def test_float64_labels_keep_the_loss_in_float64() -> None:
    labels = (LOGITS > 0).double()
    for name in ("zlpr", "multilabel_margin", "two_way"):
        assert lossary.get(name)(LOGITS, labels).dtype is torch.float64


def test_labels_that_may_not_be_soft_are_not_offered_a_probability() -> None:
    with pytest.raises(DomainError, match=r"pass 0 or 1\.$"):
        lossary.zlpr(LOGITS, torch.full((6, 3), 2.0))
    with pytest.raises(DomainError, match=r"pass 0, 1 or a probability\.$"):
        lossary.asymmetric(LOGITS, torch.full((6, 3), 2.0))


def test_a_teacher_given_as_logits_is_told_the_option() -> None:
    with pytest.raises(DomainError, match="or logits with target_inputs='logits'"):
        lossary.distillation(LOGITS, LOGITS + 1, TARGET)


def test_a_count_needs_all_inputs_of_a_loss_of_three() -> None:
    for name in ("r_drop", "jsd_consistency", "distillation"):
        with pytest.raises(OptionError, match=rf"^{name}.count: expected .* and .* and .*, got one tensor"):
            lossary.get(name).count(TARGET)


def test_columns_on_the_axis_of_channels_are_told_where_they_belong() -> None:
    with pytest.raises(ShapeError, match=r"pass prediction\.movedim\(1, -1\)"):
        lossary.gaussian_nll(torch.zeros(3, 2, 4, 5), torch.zeros(3, 4, 5))


@pytest.mark.parametrize(
    "name, raw, options",
    [
        ("gaussian_nll", torch.zeros(6, 3), {}),
        ("interval_score", torch.zeros(6, 3), {}),
        ("cross_entropy", torch.zeros(6, 3), {"class_dim": 9}),
        ("cross_entropy", torch.zeros(()), {}),
        ("cross_entropy", None, {}),
        ("cumulative_link", torch.zeros(6, 3, dtype=torch.int64), {}),
        ("cross_entropy", torch.zeros(6, 3), {"temperature": 2.0}),
        ("logit_adjusted", torch.zeros(6, 3), {"class_counts": [1.0, -1.0, 1.0]}),
    ],
)
def test_what_are_no_outputs_of_a_loss_are_not_decoded(name: str, raw: Any, options: dict[str, Any]) -> None:
    with pytest.raises(CallError, match=rf"^{name}\("):
        lossary.get(name).decode(raw, **options)


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))


def test_a_network_whose_layers_are_watched_still_pickles_and_copies() -> None:
    net = network()
    penalty = lossary.nn.Penalty(lossary.nn.L1Penalty(), net, only="2", activations=True)
    net(LOGITS)
    both = pickle.loads(pickle.dumps(nn.ModuleDict({"net": net, "price": penalty})))
    for copied in (both, copy.deepcopy(nn.ModuleDict({"net": net, "price": penalty}))):
        with pytest.raises(OptionError, match="call the network first"):
            copied["price"]()
        out = copied["net"](2.0 * LOGITS)
        torch.testing.assert_close(copied["price"](), out.abs().sum())
    torch.testing.assert_close(penalty(), net(LOGITS).abs().sum())


def test_a_moving_average_of_a_network_does_not_feed_its_penalty() -> None:
    net = network()
    penalty = lossary.nn.Penalty(lossary.nn.L1Penalty(), net, only="2", activations=True)
    out = net(LOGITS)
    average = copy.deepcopy(net)
    with torch.no_grad():
        average(100.0 * LOGITS)
    torch.testing.assert_close(penalty(), out.abs().sum())


def test_what_a_penalty_cannot_price_is_said() -> None:
    with pytest.raises(OptionError, match=r"^Penalty\(network\): expected a torch.nn.Module, got Tensor"):
        lossary.nn.Penalty(lossary.nn.L2Penalty(), LOGITS)  # type: ignore[arg-type]
    recurrent = nn.ModuleDict({"lstm": nn.LSTM(3, 2)})
    penalty = lossary.nn.Penalty(lossary.nn.L2Penalty(), recurrent, only="lstm", activations=True)
    recurrent["lstm"](LOGITS)
    with pytest.raises(DtypeError, match="got tuple from 'lstm'"):
        penalty()


def test_the_jacobian_is_priced_without_a_graph_too() -> None:
    net = network()
    with torch.no_grad():
        found = lossary.jacobian_penalty(net, LOGITS, projections=None)
    torch.testing.assert_close(found, lossary.jacobian_penalty(net, LOGITS, projections=None).detach())
    assert not found.requires_grad
    half = lossary.jacobian_penalty(net.to(torch.bfloat16), LOGITS.to(torch.bfloat16))
    assert half.dtype is torch.float32
    assert lossary.jacobian_penalty(lambda x: torch.ones(6, 2), LOGITS) == 0.0


@pytest.mark.parametrize("wrong", [None, TARGET.reshape(6, 1)])
def test_a_jacobian_by_whole_numbers_is_refused(wrong: Any) -> None:
    with pytest.raises(DtypeError, match=r"^jacobian_penalty\(inputs\): expected a floating tensor"):
        lossary.jacobian_penalty(nn.Linear(1, 2), wrong)


@pytest.mark.parametrize("target", [None, torch.linspace(-1.0, 3.0, 41)])
def test_a_head_has_an_output_for_every_level(target: Tensor | None) -> None:
    levels = [0.1, 0.5, 0.9]
    head = lossary.get("quantile").card.head(3, target=target, level=levels)
    value = lossary.quantile(head(LOGITS), torch.zeros(6), level=levels)
    assert head.bias.shape == (3,) and value.isfinite()
    if target is not None:
        torch.testing.assert_close(head.bias.detach(), torch.tensor([-0.6, 1.0, 2.6]), atol=0.11, rtol=0.0)


def test_a_head_counts_the_classes_that_have_a_count() -> None:
    card = lossary.get("logit_adjusted").card
    assert card.head(3, class_counts=COUNTS).bias.shape == (3,)
    assert card.head(3, target=torch.tensor([0, 1, 1]), class_counts=COUNTS).bias.shape == (3,)
    with pytest.raises(OptionError, match=r"class_counts=\.\.\..*got nothing"):
        card.head(3, target=TARGET)
    with pytest.raises(OptionError, match=r"class_counts=\.\.\..*got nothing"):
        lossary.logit_adjusted.probabilities(LOGITS)


def test_a_head_leaves_out_the_labels_that_say_ignore() -> None:
    shares = lossary.get("cross_entropy").card.head(3, target=torch.tensor([0, 1, 1, -100, -100]))
    again = lossary.get("cross_entropy").card.head(3, target=torch.tensor([0, 1, 1]))
    torch.testing.assert_close(shares.bias, again.bias)


def test_grades_of_which_one_alone_was_seen_have_a_threshold() -> None:
    head = lossary.get("coral").card.head(3, target=torch.zeros(5, dtype=torch.int64))
    assert head.bias.shape == (1,) and head.bias.isfinite().all()


@pytest.mark.parametrize(
    "name, settings",
    [
        ("gaussian_nll", {"target": torch.ones(5)}),  # the best spread is none at all
        ("gaussian_nll", {"outputs": 7}),
        ("cross_entropy", {"outputs": 0}),
        ("cross_entropy", {"outputs": 2.5}),
        ("coral", {"outputs": 1}),
        ("cross_entropy", {"target": torch.tensor([0, 1, 2]), "outputs": 2}),
        ("cross_entropy", {"target": torch.tensor([-100, -100])}),
        ("cross_entropy", {"target": torch.tensor([0.0, 1.0, 0.0])}),
        ("zlpr", {"target": TARGET.clamp(max=1)}),
        ("mse", {"target": torch.zeros(0)}),
        ("mse", {"target": [1.0, 2.0]}),
        ("mse", {"margin": 3.0}),
        ("huber", {"delta": -1.0}),
    ],
)
def test_a_head_that_could_not_be_trained_is_refused(name: str, settings: dict[str, Any]) -> None:
    with pytest.raises(CallError, match=rf"^{name}(\.card\.head|\()"):
        lossary.get(name).card.head(3, **settings)


def test_a_head_needs_features() -> None:
    with pytest.raises(DomainError, match="in_features"):
        lossary.get("mse").card.head(0)


@pytest.mark.parametrize("name", ["zlpr", "multilabel_margin", "two_way"])
def test_a_label_that_is_no_number_is_not_taken_for_an_absent_one(name: str) -> None:
    labels = (LOGITS > 0).float()
    labels[1, 2] = torch.nan
    found = lossary.get(name)(LOGITS, labels, reduction="none")
    assert found.isnan().tolist() == [False, True, False, False, False, False]


@pytest.mark.parametrize("position", [0, 1, 2])
def test_a_probability_that_is_no_number_reaches_the_squared_distance_of_ranks(position: int) -> None:
    soft = LOGITS.softmax(1)
    soft[0, position] = torch.nan
    assert lossary.emd2(LOGITS, soft, reduction="none").isnan().tolist() == [True] + [False] * 5


@pytest.mark.parametrize("name", ["coral", "corn"])
def test_a_threshold_at_infinity_costs_nothing_or_infinitely_much(name: str) -> None:
    thresholds = torch.tensor([[torch.inf, -torch.inf], [-torch.inf, -torch.inf]])
    found = lossary.get(name)(thresholds, torch.tensor([1, 1]), reduction="none")
    assert found.tolist() == [0.0, torch.inf]


def test_a_score_at_infinity_costs_nothing_or_infinitely_much() -> None:
    scores = torch.tensor([[torch.inf, -torch.inf], [-torch.inf, 0.0]])
    found = lossary.zlpr(scores, torch.tensor([[1, 0], [1, 0]]), reduction="none")
    assert found.tolist() == [0.0, torch.inf]


def test_a_sum_that_no_call_could_feed_is_refused_when_it_is_made() -> None:
    with pytest.raises(
        OptionError, match=r"mse of prediction, target and l2_penalty of values; wrap a penalty"
    ):
        lossary.nn.Mse() + 0.1 * lossary.nn.L2Penalty()
    with pytest.raises(OptionError, match="losses of as many inputs"):
        lossary.parse("cross_entropy + 0.5*r_drop")
    net = network()
    priced = lossary.nn.Mse() + 0.1 * lossary.nn.Penalty(lossary.nn.L2Penalty(), net)
    assert priced(net(LOGITS), torch.zeros(6, 2)).isfinite()
