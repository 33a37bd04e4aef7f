"""A trial's key, and records that go through JSON and come back."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from lossary.core.errors import LossaryError
from lossary.lab import record
from lossary.lab.training.engines import engine
from lossary.lab.training.networks import Mlp
from lossary.lab.training.readout import reader
from lossary.lab.training.trial import Outcome, Setup, Trial

TRIAL = Trial("mse", 1e-3, 0, 0, Setup(Mlp(3, (4,), 1), "rmse", epochs=2))
OTHER = {
    "loss": "mae",
    "rate": 1e-2,
    "seed": 1,
    "split": 1,
    "setup": replace(TRIAL.setup, engine="plain"),
    "link": "sigmoid",
    "data": "another table",
    "readout": "exp",
    "learns": "inputs",
}


def test_the_key_depends_on_every_field_and_on_nothing_else() -> None:
    assert set(OTHER) == {field.name for field in fields(Trial)}
    keys = {replace(TRIAL, **{name: value}).key for name, value in OTHER.items()}  # type: ignore[arg-type]
    assert len(keys | {TRIAL.key}) == len(OTHER) + 1
    assert replace(TRIAL).key == TRIAL.key
    assert len(TRIAL.key) == 64


def test_a_trial_comes_back_from_json() -> None:
    assert record.read(Trial, record.text(TRIAL)) == TRIAL


def test_an_outcome_can_be_written_as_json() -> None:
    nothing = np.zeros((2, 1), dtype=np.float32)
    outcome = Outcome(TRIAL.key, float("nan"), 0.5, 0.1, 0, (), "it diverged", nothing, nothing)
    assert '"score":"nan"' in record.text(outcome)


def test_an_engine_that_does_not_exist_is_refused_in_a_sentence() -> None:
    with pytest.raises(LossaryError, match=r"^engine: expected plain or stacked, got 'fast'; choose one"):
        engine(replace(TRIAL.setup, engine="fast"))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"hidden": (0,)}, "network: expected sizes of at least 1"),
        ({"activation": "step"}, "activation: expected relu or tanh, got 'step'"),
    ],
)
def test_a_network_that_cannot_be_is_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(TRIAL.setup.network, **wrong)  # type: ignore[arg-type]


def test_the_size_of_a_network_is_what_it_learns() -> None:
    network = Mlp(30, (32, 16), 3)
    assert network.size == sum(parameter.numel() for parameter in network.module(0, 0).parameters())


def test_building_a_network_leaves_torch_s_own_random_numbers_alone() -> None:
    before = torch.random.get_rng_state()
    TRIAL.setup.network.module(0, 0)
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("loss", ["negative_binomial_nll", "gaussian_nll", "zero_inflated_poisson"])
def test_a_law_without_sound_outputs_has_no_mean_and_is_no_error(loss: str) -> None:
    read = reader("mean", loss)
    raw = torch.full((2, 3, 2), torch.nan)
    raw[0] = 0.5
    found = read(raw, raw)
    assert found.shape == (2, 3, 1) and found[0].isfinite().all() and found[1].isnan().all()
