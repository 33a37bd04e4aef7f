"""One network, one loss, one call: against a loop written by hand, and what it refuses."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

import lossary
from lossary.core.errors import DataError, LossaryError, ShapeError
from lossary.lab import History, train


def _rows(rows: int = 80, classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    numbers = np.random.default_rng(0)
    y = numbers.integers(classes, size=rows)
    return numbers.normal(size=(rows, 4)) + y[:, None], y


def _model(outputs: int = 3, *more: nn.Module) -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, outputs), *more)


def _by_hand(model: nn.Module, x: np.ndarray, y: np.ndarray, loss: object, epochs: int) -> list[float]:
    """The loop of every introduction, with the same batches."""
    inputs, target = torch.tensor(x, dtype=torch.float32), torch.tensor(y)
    optimizer, found = torch.optim.Adam(model.parameters(), lr=0.01), []
    order = torch.Generator().manual_seed(0)
    for _ in range(epochs):
        for at in torch.randperm(len(x), generator=order).split(16):
            optimizer.zero_grad()
            loss(model(inputs[at]), target[at]).backward()
            optimizer.step()
        with torch.no_grad():
            found.append(float(loss(model(inputs), target)))
    return found


def test_the_compile_line_of_the_textbooks_trains_as_a_loop_written_by_hand() -> None:
    x, y = _rows()
    expected = _by_hand(_model(), x, y, nn.CrossEntropyLoss(), 4)
    for loss, target in (
        ("categorical_crossentropy", np.eye(3)[y]),
        ("sparse_categorical_crossentropy", y),
        ("1.0*cross_entropy", y),
        (lossary.cross_entropy, y),
        (lossary.nn.CrossEntropy(), y.astype(float)),
        (nn.CrossEntropyLoss(), y),
        (lambda outputs, truth: nn.functional.cross_entropy(outputs, truth), y),
    ):
        found = train(
            _model(),
            x,
            target,
            loss=loss,
            optimizer="adam",
            learning_rate=0.01,
            epochs=4,
            batch_size=16,
            validation=0,
        )
        assert found.loss == pytest.approx(expected, abs=1e-6)
        assert found.validation_loss == () and found.epochs == 4 and found.ended == ""


def test_accuracy_is_the_share_of_rows_decided_rightly() -> None:
    x, y = _rows()
    model = _model()
    found = train(model, x, y, loss="cross_entropy", metrics=["accuracy"], epochs=3, validation=(x, y))
    with torch.no_grad():
        share = (model(torch.tensor(x, dtype=torch.float32)).argmax(1).numpy() == y).mean()
    assert found.metrics["accuracy"][-1] == pytest.approx(share)
    assert found.validation_metrics["accuracy"] == found.metrics["accuracy"]
    assert found["validation_accuracy"] == found.metrics["accuracy"]


def test_equal_seeds_give_equal_histories_and_another_seed_does_not() -> None:
    x, y = _rows()

    def once(seed: int) -> History:
        return train(_model(3, nn.Dropout(0.5)), x, y, loss="cross_entropy", epochs=2, seed=seed)

    assert once(3) == once(3)
    assert once(3).loss != once(4).loss


def test_a_training_leaves_the_global_random_numbers_alone() -> None:
    x, y = _rows()
    model = _model()
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    train(model, x, y, loss="cross_entropy", epochs=1)
    assert torch.equal(torch.rand(1), expected)


def test_a_weight_of_two_is_the_row_twice() -> None:
    x, y = _rows(20)
    settings = {"loss": "cross_entropy", "epochs": 3, "batch_size": 100, "validation": 0, "optimizer": "sgd"}
    weight = np.ones(20)
    weight[:5] = 2
    weighed = train(_model(), x, y, weight=weight, **settings)
    doubled = train(_model(), np.concatenate([x, x[:5]]), np.concatenate([y, y[:5]]), **settings)
    assert weighed.loss == pytest.approx(doubled.loss, abs=1e-6)


def test_a_squared_error_on_a_sigmoid_is_decided_at_one_half() -> None:
    x, y = _rows(80, 2)
    model = _model(1, nn.Sigmoid(), nn.Flatten(0))
    found = train(model, x, y, loss="mse", metrics="accuracy", epochs=2, validation=0)
    with torch.no_grad():
        share = ((model(torch.tensor(x, dtype=torch.float32)) > 0.5).numpy() == y).mean()
    assert found.metrics["accuracy"][-1] == pytest.approx(share)
    plain = _model(1, nn.Flatten(0))
    found = train(plain, x, y, loss="mse", metrics="accuracy", epochs=2, validation=0)
    with torch.no_grad():
        share = ((plain(torch.tensor(x, dtype=torch.float32)) > 0.5).numpy() == y).mean()
    assert found.metrics["accuracy"][-1] == pytest.approx(share)


@pytest.mark.parametrize("end", [nn.Softmax(1), nn.Sequential(nn.Softmax(-1), nn.Flatten(1))])
def test_a_softmax_that_the_loss_would_apply_again_is_refused(end: nn.Module) -> None:
    x, y = _rows()
    with pytest.raises(DataError, match="its last step is a softmax; remove the softmax from its end"):
        train(_model(3, end), x, y, loss="cross_entropy")


def test_a_sigmoid_written_as_a_function_is_refused_too() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.sigmoid(self.layer(x)).squeeze(1)

    x, y = _rows(80, 2)
    with pytest.raises(DataError, match="remove the sigmoid"):
        train(Net(), x, y, loss="binary_crossentropy")


def test_a_column_against_a_row_says_what_to_change_and_nothing_is_trained() -> None:
    x, y = _rows(80, 2)
    model = _model(1)
    before = [each.clone() for each in model.parameters()]
    with pytest.raises(ShapeError, match=r"end the model with nn.Flatten\(0\), or pass y\[:, None\]"):
        train(model, x, y, loss="bce_with_logits")
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    assert train(model, x, y[:, None], loss="binary_cross_entropy", metrics="accuracy", epochs=1).epochs == 1


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"optimizer": "adagrad2"}, "optimizer: expected one of adam"),
        ({"epochs": 0}, "epochs: expected a whole number above 0"),
        ({"validation": 1.0}, "validation: expected a share"),
        ({"metrics": ["acuracy"]}, "did you mean 'accuracy'"),
        ({"metrics": ["rmse"]}, "metric rmse: expected one number a row"),
        ({"learning_rate": -1}, "learning_rate: expected a number above 0"),
        ({"loss": "crossentropi"}, "cross"),
        ({"loss": 3}, "loss: expected a name"),
        ({"loss": "l2_penalty"}, "penalty"),
        ({"loss": "triplet"}, "loss triplet: expected a loss of outputs and a target"),
        ({"y": np.array(["a"] * 80)}, "y: expected numbers"),
        ({"y": np.zeros(79, int)}, "y: expected one entry a row of X"),
        ({"y": np.full(80, 0.5)}, "class indices for cross_entropy"),
        ({"X": np.full((80, 4), np.nan)}, "X: expected finite numbers"),
        ({"X": np.zeros((80, 5))}, "X: expected rows that the model takes"),
        ({"loss": nn.L1Loss(), "weight": np.ones(80)}, "weight: expected a loss of Lossary"),
        ({"loss": nn.MSELoss(reduction="none"), "y": np.zeros((80, 3))}, "expected one number for a batch"),
        ({"weight": -np.ones(80)}, "weight: expected one number of at least 0"),
        (
            {"optimizer": torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1)},
            "one over the model's parameters",
        ),
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence(changed: dict[str, object], said: str) -> None:
    x, y = _rows()
    given = {"X": x, "y": y, "loss": "cross_entropy", "epochs": 1} | changed
    with pytest.raises(LossaryError, match=said):
        train(_model(), **given)


def test_whole_numbers_are_features_unless_the_model_looks_them_up() -> None:
    numbers = np.random.default_rng(0)
    x, y = numbers.integers(5, size=(40, 4)), numbers.integers(3, size=40)
    assert train(_model(), x, y, loss="cross_entropy", epochs=1).epochs == 1
    words = nn.Sequential(nn.EmbeddingBag(5, 3))
    assert train(words, x, y, loss="cross_entropy", epochs=1).epochs == 1


def test_an_interrupted_training_returns_what_it_has() -> None:
    def stop(epoch: int, figures: dict[str, float]) -> None:
        assert set(figures) == {"loss", "validation_loss"}
        if epoch == 2:
            raise KeyboardInterrupt

    x, y = _rows()
    found = train(_model(), x, y, loss="cross_entropy", epochs=9, progress=stop)
    assert found.epochs == 2 and found.ended == "Interrupted after 2 of 9 epochs."


def test_a_loss_that_is_no_longer_finite_ends_the_training_and_says_so() -> None:
    x, y = _rows()
    model = nn.Sequential(nn.Linear(4, 1), nn.Flatten(0))
    found = train(model, x, y, loss="mse", optimizer="sgd", learning_rate=1e12, epochs=50, validation=0)
    assert found.epochs < 50 and "no longer finite" in found.ended
    assert all(math.isfinite(each) for each in found.loss)


def test_a_history_is_a_table_a_record_and_a_text() -> None:
    x, y = _rows()
    found = train(_model(), x, y, loss="cross_entropy", metrics=["accuracy"], epochs=12)
    frame = found.to_frame()
    assert list(frame.columns) == ["loss", "accuracy", "validation_loss", "validation_accuracy"]
    assert frame.index.tolist() == list(range(1, 13))
    assert History.from_json(found.to_json()) == found
    assert "seconds" not in found.to_json() and found.seconds > 0
    assert str(found).splitlines()[0].startswith("cross_entropy, adam at 0.001")
    assert len(str(found).splitlines()) == 12


def test_a_model_that_is_no_module_is_refused() -> None:
    x, y = _rows()
    with pytest.raises(DataError, match=r"model: expected a torch\.nn\.Module, got function"):
        train(lambda rows: rows, x, y, loss="mse")  # type: ignore[arg-type]
