"""A loss in one file of one's own: declared once, it has everything a loss of the catalogue has."""

import importlib
import pickle
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

import lossary

SOURCE = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")


def block() -> str:
    """The code of the page that shows how to add a loss."""
    blocks = [part.split("```")[0] for part in SOURCE.split("```python\n")[1:]]
    return textwrap.dedent(next(each for each in blocks if "@loss(" in each))


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    folder = tmp_path / "my_losses"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "mine.py").write_text(block(), encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module("my_losses.mine")
    for name in [each for each in sys.modules if each.startswith("my_losses")]:
        del sys.modules[name]


def test_the_loss_of_the_page_is_a_whole_loss(package: object) -> None:
    name = next(
        key
        for key, value in vars(package).items()
        if getattr(value, "loss", None) and value.loss.module == "my_losses.mine"
    )
    function = getattr(package, name)
    assert lossary.get(name) is function
    assert name in lossary.names()
    x, t = torch.randn(6, requires_grad=True), torch.rand(6)
    value = function(x, t, weight=torch.rand(6), mask=torch.arange(6) > 2)
    value.backward()
    assert x.grad is not None and (x.grad[:3] == 0).all()
    module = lossary.nn.build(name, {})
    assert torch.equal(module(x, t), function(x, t))
    assert pickle.loads(pickle.dumps(function)) is function
    assert function.card.summary and function.loss.definition is not None
