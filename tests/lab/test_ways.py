"""How a loss meets a task: outputs, link and readout, or one sentence that says what it needs instead."""

import pytest
import torch

from lossary.core.errors import DataError
from lossary.lab.asking.task import Kind, Task
from lossary.lab.planning.known import known
from lossary.lab.planning.suggest import STANDARD
from lossary.lab.planning.ways import Way, way
from lossary.lab.training.engines.objective import mean_loss
from lossary.lab.training.random_features import FEATURES
from lossary.lab.training.readout import reader

LEVELS = {
    Kind.BINARY: 2,
    Kind.ANOMALY: 2,
    Kind.MULTICLASS: 4,
    Kind.ORDINAL: 5,
    Kind.RETRIEVAL: 4,
    Kind.MULTILABEL: 3,
}
OUTPUTS = {Kind.MULTICLASS: 4, Kind.ORDINAL: 5, Kind.RETRIEVAL: 16, Kind.MULTILABEL: 3, Kind.SEGMENTATION: 12}
INPUTS = 6


def task(kind: Kind) -> Task:
    levels = tuple(f"level {i}" for i in range(LEVELS.get(kind, 0)))
    return Task(kind, "y", levels, OUTPUTS.get(kind, 1), "")


def fitted(text: str, kind: Kind, ending: str = "") -> Way:
    counts = (9.0, 5.0, 3.0, 1.0) if kind is Kind.MULTICLASS else ()
    return way(known(text, counts), task(kind), INPUTS, ending)


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("huber(delta=2)", Kind.REGRESSION, Way(1)),
        ("gaussian_nll", Kind.REGRESSION, Way(2, readout="mean")),
        ("poisson_nll", Kind.COUNT, Way(1, readout="exp")),
        ("negative_binomial_nll", Kind.COUNT, Way(2, readout="mean")),
        ("mse", Kind.COUNT, Way(1, link="softplus", readout="softplus")),
        ("mse", Kind.BINARY, Way(1, link="sigmoid")),
        ("focal", Kind.ANOMALY, Way(1)),
        ("mae", Kind.ANOMALY, Way(INPUTS, readout="error", learns="inputs")),
        ("mse", Kind.MULTICLASS, Way(4, link="softmax")),
        ("logit_adjusted", Kind.MULTICLASS, Way(4)),
        ("coral", Kind.ORDINAL, Way(4, readout="classes")),
        ("emd2", Kind.ORDINAL, Way(5, readout="classes")),
        ("cross_entropy", Kind.ORDINAL, Way(5)),
        ("zlpr", Kind.MULTILABEL, Way(3)),
        ("binary_cross_entropy + asymmetric", Kind.MULTILABEL, Way(3)),
        ("binary_dice + focal", Kind.SEGMENTATION, Way(12)),
        ("triplet_batch_hard", Kind.RETRIEVAL, Way(16)),
        ("cross_entropy", Kind.RETRIEVAL, Way(4)),
    ],
)
def test_a_loss_gets_the_outputs_link_and_readout_it_needs(text: str, kind: Kind, expected: Way) -> None:
    assert fitted(text, kind) == expected


def test_a_sigmoid_or_one_class_asked_for_among_anomalies_is_no_reconstruction() -> None:
    assert fitted("mse", Kind.ANOMALY, " on sigmoid") == Way(1, link="sigmoid")
    assert fitted("huber", Kind.ANOMALY, " (one-class)") == Way(FEATURES, readout="surprise", learns="random")


@pytest.mark.parametrize("name", ["poisson_nll", "msle", "interval_score", "energy_score"])
def test_a_loss_of_other_outputs_is_refused_with_the_layer_it_needs(name: str) -> None:
    with pytest.raises(DataError, match=rf"got '{name}', which takes .*lossary\.{name}\.card\.head"):
        fitted(name, Kind.REGRESSION)


@pytest.mark.parametrize(
    ("name", "kind"), [("coral", Kind.BINARY), ("mse", Kind.RETRIEVAL), ("hinge", Kind.COUNT)]
)
def test_a_loss_for_another_task_is_refused_or_linked(name: str, kind: Kind) -> None:
    if name == "mse":
        assert fitted(name, kind) == Way(4, link="softmax")
        return
    with pytest.raises(
        DataError, match=f"expected losses for a {kind.value} target, got '{name}', which is for"
    ):
        fitted(name, kind)


def test_parts_that_need_different_outputs_are_not_summed() -> None:
    with pytest.raises(DataError, match="losses"):
        fitted("mse + gaussian_nll", Kind.REGRESSION)


def test_counts_of_the_classes_are_filled_in() -> None:
    found = known("logit_adjusted + 0.5*cross_entropy", (3.0, 1.0))
    assert found.expression == "logit_adjusted(class_counts=(3.0, 1.0)) + 0.5*cross_entropy"
    assert known(found.expression).expression == found.expression


@pytest.mark.parametrize("kind", list(Kind))
def test_the_standard_loss_of_a_task_trains_on_its_outputs_and_is_read(kind: Kind) -> None:
    found, asked = fitted(STANDARD[kind], kind), task(kind)
    raw = torch.randn(8, found.outputs, requires_grad=True)
    target = (
        torch.randint(2, (8, OUTPUTS[kind])).float() if kind in (Kind.MULTILABEL, Kind.SEGMENTATION) else None
    )
    if target is None:
        target = torch.arange(8) % max(2, len(asked.levels))
        target = target if kind.coded else target.float()
    value = mean_loss(known(STANDARD[kind]).expression, found.link)(raw, target, None)  # type: ignore[arg-type]
    torch.autograd.backward(value)
    assert raw.grad is not None and raw.grad.isfinite().all()
    columns = reader(found.readout, known(STANDARD[kind]).expression)(raw.detach(), torch.zeros(8, INPUTS))  # type: ignore[arg-type]
    assert columns.shape == (8, 4 if kind is Kind.RETRIEVAL else asked.outputs)
