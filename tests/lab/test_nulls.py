"""Where two losses are exactly as good, false verdicts are as rare as 5 % allows; without correction they are not."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import binom

from lossary.lab.asking.splits import make_splits
from lossary.lab.judging import contrast, statistics
from lossary.lab.judging.verdict import Verdict, judge
from lossary.lab.metrics import METRICS

SETS = 200


def _load() -> ModuleType:
    """benchmarks/verdicts.py, which generates the data sets and trains on them."""
    path = Path(__file__).parents[2] / "benchmarks" / "verdicts.py"
    spec = importlib.util.spec_from_file_location("benchmarks_verdicts", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up by name
    spec.loader.exec_module(module)
    return module


verdicts = _load()
NULLS = [pytest.param(verdicts.MIRROR, id="mirror"), pytest.param(verdicts.QUANTILES, id="quantiles")]


def uncorrected(splits: int, n_test: int, n_rest: int) -> float:
    """The mutant: what the textbook's t for independent differences would use."""
    return 1 / splits


@pytest.mark.parametrize("null", NULLS)
def test_between_equally_good_losses_verdicts_are_false_as_rarely_as_5_percent_allows_and_an_uncorrected_t_is_not(
    null: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = verdicts.scores(null, SETS)  # 20 splits x 5 seeds on every generated data set
    found = verdicts.rate(tables, null.metric)
    assert found.false <= found.allowed()
    monkeypatch.setattr(statistics, "inflation", uncorrected)
    mutant = verdicts.rate(tables, null.metric)
    assert mutant.false > mutant.allowed()


@pytest.mark.parametrize("null", NULLS)
def test_the_null_is_an_exact_symmetry(null: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # Turned round (x, the labels and the random weights), the same rows give each loss the other's score.
    x, y = null.draw(3, torch.Generator().manual_seed(1))
    splits = [make_splits(row.numpy(), null.kind, verdicts.SPLITS, seed=i) for i, row in enumerate(y)]
    train = torch.tensor(np.array([[s.train for s in of_set] for of_set in splits]))
    test = torch.tensor(np.array([[s.test for s in of_set] for of_set in splits]))
    fits = (null.reference, null.candidates[0][1])
    first, second = (verdicts._score(null, fit, x, y, train, test, 0) for fit in fits)
    layer = verdicts._random_layer

    def turned(sets: int, networks: int) -> tuple[torch.Tensor, torch.Tensor]:
        weights, offsets = layer(sets, networks)
        return -weights, offsets

    monkeypatch.setattr(verdicts, "_random_layer", turned)
    mirrored = 1 - y if null.metric == "accuracy" else -y
    third, fourth = (verdicts._score(null, fit, -x, mirrored, train, test, 0) for fit in fits)
    assert not torch.equal(first, second)
    torch.testing.assert_close(
        torch.stack([first, second]), torch.stack([fourth, third]), rtol=1e-6, atol=1e-6
    )


def false_families(sets: int, candidates: int) -> int:
    """Families with a false verdict when every split's difference is an accident of its data set and one of its own.

    A correlation of n_test/n between splits is the one the correction is derived for (Nadeau and Bengio 2003).
    """
    rng = np.random.default_rng(0)
    spread, shared = 0.05, (20 / 80) ** 0.5
    false = 0
    for _ in range(sets):
        accident = rng.normal(size=(candidates, 1)) * shared
        scores = {
            f"loss {i}": 0.9 + spread * (accident[i] + rng.normal(size=verdicts.SPLITS))
            for i in range(candidates)
        }
        scores["reference"] = np.full(verdicts.SPLITS, 0.9)
        found = judge(
            scores, reference="reference", metric=METRICS["accuracy"], n_test=20, n_rest=80
        ).findings
        false += any(f.verdict in (Verdict.BETTER, Verdict.WORSE) for f in found)
    return false


def test_a_family_of_candidates_is_held_together_and_without_holm_it_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    allowed = binom.ppf(0.999, 400, 0.05)
    assert false_families(400, 7) <= allowed
    monkeypatch.setattr(contrast, "holm", lambda p: p)
    assert false_families(400, 7) > allowed


def test_a_loss_against_its_own_alias_is_identical() -> None:
    null = verdicts.MIRROR
    alias = verdicts.Null(
        "alias", null.kind, null.metric, null.draw, null.reference, (("alias", null.reference, 0),)
    )
    for table in verdicts.scores(alias, 3):
        found = judge(table, reference="reference", metric=METRICS["accuracy"], n_test=24, n_rest=96).finding(
            "alias"
        )
        assert found.verdict is Verdict.EQUAL and found.identical
