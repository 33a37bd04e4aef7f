"""`lossary list`, `show`, `derivatives` and `step` as one types them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import lossary
from lossary.cli import main
from lossary.core.declaration import REQUIRED

OWN = '''
from typing import Annotated

import torch

from lossary.declare import (
    Claims, Elicits, Example, Link, PerElement, Positive, Prediction, RealTarget, Task, loss,
)


@loss(
    title="Rounded error", task=Task.REGRESSION, link=Link.IDENTITY, elicits=Elicits.BETWEEN,
    constant="between median and mean", claims=Claims(convex=True, lower=0.0, lipschitz=1.0, smooth=True),
    example=Example((1.0, 1.0), 0.0, "no error costs nothing"), use_when="Always.", avoid_when="Never.",
)
def rounded_error(
    prediction: Prediction, target: RealTarget, *, width: Annotated[float, Positive, "of the rounded tip"] = 1.0
) -> PerElement:
    """The absolute error with a rounded tip."""
    return torch.sqrt((prediction - target) ** 2 + width**2) - width


@rounded_error.definition
def _(x, t, m, *, width):
    return m.sqrt((x - t) ** 2 + width**2) - width


def plain(x, t):
    return x - t
'''


class Ended(NamedTuple):
    """What a command left behind."""

    code: int | str | None
    out: str
    err: str


Run = Callable[..., Ended]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `lossary` in this process, on a terminal of 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")

    def command(*arguments: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["lossary", *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
        said = capsys.readouterr()
        return Ended(stopped.value.code, said.out, said.err)

    return command


def data(ended: Ended) -> Any:
    assert ended.code == 0, ended.err
    return json.loads(ended.out)


def test_list_names_every_loss_with_its_task_unit_and_title(run: Run) -> None:
    ended = run("list")
    for name in lossary.names():
        card = lossary.get(name).card
        (line,) = [
            each
            for each in ended.out.splitlines()
            if each.strip().split(" ")[0] == name and " · " not in each
        ]
        assert str(card.task) in line
        assert str(lossary.get(name).loss.unit) in line
        assert " ".join(card.title.split()[:2]) in line
    assert f"{len(lossary.names())} losses." in ended.out
    assert {each["name"] for each in data(run("list", "--json"))} == set(lossary.names())


def test_list_is_by_family_with_a_count(run: Run) -> None:
    families = Counter(lossary.get(name).loss.family for name in lossary.names())
    lines = [each.strip() for each in run("list").out.splitlines()]
    assert [f"{family} · {count}" for family, count in sorted(families.items())] == [
        each for each in lines if " · " in each
    ]


@pytest.mark.parametrize("width", ["40", "60", "80", "100"])
def test_list_is_as_wide_as_the_terminal(run: Run, monkeypatch: pytest.MonkeyPatch, width: str) -> None:
    monkeypatch.setenv("COLUMNS", width)
    longest = max(len(name) for name in lossary.names()) + 20
    assert max(map(len, run("list").out.splitlines())) <= max(int(width), longest)


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        (("--task", "multiclass"), lambda card, held: card.task == "multiclass"),
        (("--family", "transport"), lambda card, held: card.family == "transport"),
        (("--unit", "triplet"), lambda card, held: card.unit.startswith("one value per triplet")),
        (("--task", "binary", "--claim", "proper"), lambda card, held: card.task == "binary" and "proper" in held),
        (("--claim", "convex", "--claim", "smooth"), lambda card, held: {"convex", "smooth"} <= held),
        (("--claim", "bounded", "--family", "noisy"), lambda card, held: card.family == "noisy" and "bounded" in held),
    ],
)  # fmt: skip
def test_list_keeps_what_is_asked_for(
    run: Run, options: tuple[str, ...], wanted: Callable[..., bool]
) -> None:
    every = {each["name"]: set(each["claims"]) for each in data(run("list", "--json"))}
    kept = {name for name, held in every.items() if wanted(lossary.get(name).card, held)}
    assert kept
    assert {each["name"] for each in data(run("list", "--json", *options))} == kept


def test_a_list_of_nothing_says_so(run: Run) -> None:
    ended = run("list", "--task", "regression", "--claim", "symmetric", "--claim", "proper")
    assert (ended.code, ended.err) == (0, "")
    assert "No loss has all of that." in ended.out


def test_a_filter_that_no_loss_knows_is_one_sentence_with_the_nearest(run: Run) -> None:
    ended = run("list", "--task", "regresion")
    assert ended.code == 2
    assert ended.err.startswith("Error: --task: expected binary or ")
    assert ended.err.endswith("got 'regresion'; did you mean 'regression'.\n")
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize("alias", ["huber", "Huber", "HuberLoss", "huber_loss"])
def test_show_finds_a_loss_by_any_name(run: Run, alias: str) -> None:
    ended = run("show", alias)
    assert ended.code == 0
    assert ended.out.strip().startswith("Huber loss · regression · lossary.huber")
    assert "x − t          if |x − t| ≤ δ" in ended.out
    assert re.search("[\u2801-\u28ff]{3}", ended.out), "the curve is drawn"


#: One loss of each shape: what a card prints differently hangs on its inputs, its unit and what a call must give.
SHAPES = {
    (each.unit, tuple(one.kind.form for one in each.inputs), any(one.default is REQUIRED for one in each.hyper)): name
    for name in lossary.names()
    for each in [lossary.get(name).loss]
}  # fmt: skip


@pytest.mark.parametrize("name", SHAPES.values())
def test_a_loss_of_every_shape_is_shown_on_80_columns_without_a_colour(run: Run, name: str) -> None:
    ended = run("show", name)
    assert ended.code == 0
    assert max(map(len, ended.out.splitlines())) <= 80
    assert "\x1b" not in ended.out


def test_no_color_is_respected_on_a_terminal(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]", run("show", "mse").out)


def test_a_name_that_is_nearly_one_is_one_sentence_with_the_one(run: Run) -> None:
    ended = run("show", "focl")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "Error: No loss is called 'focl'. Did you mean 'focal'?\n"


def test_show_takes_settings(run: Run) -> None:
    found = data(run("show", "focal", "--json", "--set", "gamma=0"))
    assert found["derivative"]["text"] == "σ(x) − t"
    assert found["hyper_parameters"][0]["value"] == 0.0
    counts = data(run("show", "logit_adjusted", "--json", "--set", "class_counts=[10,1]"))
    assert counts["hyper_parameters"][0]["value"] == [10, 1]
    table = data(run("show", "forward_correction", "--json", "--set", "transition=[[0.9,0.1],[0.2,0.8]]"))
    assert table["hyper_parameters"][0]["value"] == [[0.9, 0.1], [0.2, 0.8]]
    assert (
        data(run("show", "triplet", "--json", "--set", "margin=None"))["hyper_parameters"][0]["value"] is None
    )


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        (
            "gama=1",
            "Error: --set for focal: expected gamma=... or alpha=..., got 'gama=1'; did you mean 'gamma'.\n",
        ),
        (
            "gamma",
            "Error: --set for focal: expected gamma=... or alpha=..., got 'gamma'; write --set name=value.\n",
        ),
        (
            "gamma=-1",
            "Error: focal(gamma=...): expected a finite number of at least 0, got -1.0; choose one inside.\n",
        ),
        (
            "gamma=x",
            "Error: focal(gamma=...): expected a finite number of at least 0, got 'x'; choose one inside.\n",
        ),
    ],
)
def test_a_wrong_setting_is_one_sentence(run: Run, word: str, sentence: str) -> None:
    ended = run("show", "focal", "--set", word)
    assert (ended.code, ended.err) == (2, sentence)


def test_derivatives_are_those_of_every_loss(run: Run) -> None:
    ended = run("derivatives", "mse", "cross_entropy", "bce", "log_cosh")
    assert ended.code == 0
    for line in ("= 2(x − t)", "= pᵢ − yᵢ", "= σ(x) − t   at pos_weight = 1", "= tanh(x − t)"):
        assert line in ended.out
    # The table of all losses takes seconds, and `tests/cards` reads it whole.
    tasked = {name for name in lossary.names() if lossary.get(name).card.task == "penalty"}
    assert {each["name"] for each in data(run("derivatives", "--json", "--task", "penalty"))} == tasked


def test_derivatives_of_some_losses_or_of_a_task(run: Run) -> None:
    (found,) = data(run("derivatives", "MSELoss", "--json"))
    assert found["derivative"]["text"] == "2(x − t)"
    assert found["derivative"]["latex"] == r"2\left(x - t\right)"
    assert [each["name"] for each in data(run("derivatives", "--task", "transport", "--json"))] == [
        "critic",
        "sliced_wasserstein",
        "wasserstein_1d",
    ]


def test_step_prints_every_number_of_a_step(run: Run) -> None:
    ended = run("step", "mse", "--lr", "0.05", "--x", "1,2", "--target", "3")
    assert ended.code == 0
    for line in ("0.5·1 + 0.25·2 = 1", "(z − t)² = (1 − 3)² = 4", "2(z − t) = 2(1 − 3) = −4", "(−4)·2 = −8",
                 "0.25 − 0.05·(−8) = 0.65", "1, before the step 4", "(√64 + 1e−8) = 0.3"):  # fmt: skip
        assert line in ended.out


def test_step_takes_settings_and_prints_data(run: Run) -> None:
    found = data(run("step", "huber", "--set", "delta=10", "--weights", "1,1", "--target", "-1.5", "--json"))
    assert found["loss_before"] == pytest.approx(0.5 * 4.5**2)
    assert found["gradient"] == pytest.approx([4.5, 9.0])
    assert [each["optimiser"] for each in found["after"]] == ["SGD", "Adam"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--x", "1"), "Error: --x: expected 2 numbers, got 1; write --x 1,2.\n"),
        (
            ("--target", "a"),
            "Error: --target: expected finite numbers parted by commas, got 'a'; write --target 1,2.\n",
        ),
        (("--lr", "-1"), "Error: --lr: expected a finite number above 0, got -1; write --lr 0.05.\n"),
    ],
)
def test_numbers_that_make_no_step_are_one_sentence(
    run: Run, arguments: tuple[str, ...], sentence: str
) -> None:
    ended = run("step", "mse", *arguments)
    assert (ended.code, ended.err) == (2, sentence)


def test_a_loss_of_one_s_own_is_shown_differentiated_and_stepped(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "own_losses.py"
    file.write_text(OWN)
    name = f"{file}:rounded_error"
    shown = data(run("show", name, "--json"))
    assert shown["title"] == "Rounded error"
    assert shown["derivative"]["text"] == "(x − t)/√((x − t)² + width²)"
    assert "rounded tip" in run("show", name).out
    assert data(run("step", name, "--json"))["loss_before"] == pytest.approx(5**0.5 - 1)


def test_a_file_called_like_a_module_of_python_does_not_stand_in_for_it(run: Run, tmp_path: Path) -> None:
    import statistics

    file = tmp_path / "statistics.py"
    file.write_text(OWN.replace("rounded_error", "rounded"))
    assert run("show", f"{file}:rounded", "--json").code == 0
    assert sys.modules["statistics"] is statistics


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("{}:plain", "has no card: declare it with @loss of lossary.declare, as CONTRIBUTING shows."),
        ("{}:nothing", "has no 'nothing'; name a loss that it declares."),
        ("{}.py:x", "There is no file"),
    ],
)
def test_what_is_no_loss_of_a_file_is_one_sentence(
    run: Run, tmp_path: Path, name: str, sentence: str
) -> None:
    file = tmp_path / "own_functions.py"
    file.write_text("def plain(x, t):\n    return x - t\n")
    ended = run("show", name.format(file))
    assert ended.code == 2
    assert sentence in ended.err
    assert ended.err.count("\n") == 1


def test_a_file_that_stops_is_one_sentence(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "broken_losses.py"
    file.write_text("1 / 0\n")
    ended = run("show", f"{file}:x")
    assert ended.code == 2
    assert ended.err == f"Error: {file.name} stops with ZeroDivisionError: division by zero\n"


def test_a_missing_sympy_is_named_with_the_line_that_installs_it(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in [
        each for each in sys.modules if each.startswith("lossary.report.formulas") or each == "sympy"
    ]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.delitem(sys.modules, "lossary.report.cards.facts", raising=False)
    monkeypatch.setitem(sys.modules, "sympy", None)
    ended = run("show", "mse")
    assert ended.code == 2
    assert re.fullmatch(r'Error: sympy is not installed; run: pip install "lossary\[\w+\]"\n', ended.err)


def test_the_help_names_every_command_and_loads_nothing_heavy() -> None:
    program = (
        "import sys; sys.argv = ['lossary', '--help']\nfrom lossary.cli import main\n"
        "try:\n    main()\nfinally:\n    print(*sys.modules, file=sys.stderr)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=os.environ, check=False
    )
    for command in ("list", "show", "derivatives", "step", "compare"):
        assert re.search(rf"^  {command} ", ran.stdout, re.MULTILINE)
    assert not {"torch", "numpy", "sympy", "rich", "pandas"} & set(ran.stderr.split())


@pytest.mark.parametrize("command", ["list", "show", "derivatives", "step"])
def test_every_command_has_help(run: Run, command: str) -> None:
    ended = run(command, "--help")
    assert ended.code == 0
    assert "--json" in ended.out
    assert max(map(len, ended.out.splitlines())) <= 80


def test_a_terminal_without_these_letters_shows_the_card_nevertheless() -> None:
    environment = os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    ran = subprocess.run(
        [sys.executable, "-m", "lossary.cli", "show", "mse"],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "Mean squared error" in ran.stdout
