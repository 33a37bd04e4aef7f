"""`lossary doctor` as one types it: on a loss of ours, on one's own, and on what is no loss."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import lossary
from lossary import doctor
from lossary.cli import main
from lossary.core.function import LossFunction

OWN = '''
from typing import Annotated

from lossary.declare import (
    Claims, Elicits, Example, Link, PerElement, Positive, Prediction, RealTarget, Task, loss,
)

print("loading")


@loss(
    title="Scaled squared error", task=Task.REGRESSION, link=Link.IDENTITY, elicits=Elicits.MEAN,
    constant="the mean", claims=Claims(convex=True, lower=0.0), example=Example((3.0, 1.0), 4.0, "2·2 is 4"),
    use_when="Always.", avoid_when="Never.", exempt={"exports": "nobody needs it"},
)
def scaled(
    prediction: Prediction, target: RealTarget, *, scale: Annotated[float, Positive, "of the whole"] = 1.0
) -> PerElement:
    """The squared error, scaled."""
    return FACTOR * scale * (prediction - target) ** 2


@scaled.definition
def _(x, t, m, *, scale):
    return scale * (x - t) ** 2


def plain(x, t):
    return x - t


class Holder:
    loss = 3


holder = Holder()
'''

EXACT = ("--promise", "values_are_exact")


class Ended(NamedTuple):
    """What a command left behind."""

    code: int | str | None
    out: str
    err: str


Run = Callable[..., Ended]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `lossary doctor` in this process, on a terminal of 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")

    def command(*arguments: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["lossary", "doctor", *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
        said = capsys.readouterr()
        return Ended(stopped.value.code, said.out, said.err)

    return command


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder, the current one, with a loss that is right, one that is not, and files that are no use."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "doctor_right.py").write_text(OWN.replace("FACTOR", "1.0"), encoding="utf-8")
    (tmp_path / "doctor_wrong.py").write_text(
        OWN.replace("FACTOR", "1.5").replace("scaled(", "swollen(").replace("@scaled", "@swollen"),
        encoding="utf-8",
    )
    (tmp_path / "doctor_raises.py").write_text("1 / 0\n", encoding="utf-8")
    (tmp_path / "doctor_ends.py").write_text("import sys\nsys.exit(0)\n", encoding="utf-8")
    for name in ("right", "wrong", "raises", "ends"):
        monkeypatch.delitem(sys.modules, f"doctor_{name}", raising=False)
    return tmp_path


def test_a_loss_that_keeps_its_promises_ends_with_0_and_says_so_last(run: Run) -> None:
    ended = run("l2", *EXACT, "--promise", "the_example_is_right", "--promise", "one_hot_is_the_index")
    assert ended.code == 0
    assert ended.err == ""
    assert ended.out.splitlines() == [
        "  mse, examined with seed 0",
        "",
        "  kept         2: values_are_exact, the_example_is_right",
        "  not for it   1: one_hot_is_the_index",
        "",
        "  mse keeps both promises that it was tried on.",
    ]


def test_a_broken_loss_ends_with_1_and_a_line_that_shows_what_is_broken(run: Run, own: Path) -> None:
    ended = run("doctor_wrong.py:swollen", *EXACT, "--promise", "convex_where_it_says_so")
    assert ended.code == 1
    lines = ended.out.splitlines()
    assert lines[-1] == "  swollen breaks 1 of the 2 promises that it was tried on."
    assert "  values_are_exact" in lines
    prompts = [each.removeprefix("  >>> ") for each in lines if each.startswith("  >>> ")]
    assert prompts[0] == "import torch; from doctor_wrong import swollen"
    assert prompts[1].startswith("swollen(torch.tensor([")
    ran = subprocess.run(
        [sys.executable, "-c", f"{prompts[0]}\nprint(({prompts[1]}).item())"],
        cwd=own,
        env=os.environ | {"PYTHONPATH": str(Path(lossary.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.split()[-1] in ended.out  # the line gives the value that the finding names


def test_only_a_line_to_be_copied_is_wider_than_80_columns(run: Run, own: Path) -> None:
    ended = run(
        "doctor_wrong.py:swollen", *EXACT, "--promise", "the_example_is_right", "--promise", "exports"
    )
    assert ended.code == 1
    assert all(len(each) <= 80 for each in ended.out.splitlines() if not each.startswith("  >>> "))


def test_an_exemption_stands_there_with_its_reason(run: Run, own: Path) -> None:
    ended = run("doctor_right.py:scaled", *EXACT, "--promise", "exports")
    assert ended.code == 0
    assert "  exempt       exports  nobody needs it\n" in ended.out


def test_what_was_not_tried_is_not_called_kept(run: Run) -> None:
    ended = run("mse", "--promise", "one_hot_is_the_index")
    assert ended.code == 0
    assert ended.out.endswith("Nothing was tried: no promise that was chosen applies to mse.\n")


def test_json_is_one_document_whatever_the_file_prints(run: Run, own: Path) -> None:
    ended = run("doctor_wrong.py:swollen", *EXACT, "--promise", "exports", "--json", "--seed", "3")
    assert ended.code == 1
    assert "loading" in ended.err
    found = json.loads(ended.out)
    assert (found["loss"], found["seed"], found["passed"], found["kept"]) == ("swollen", 3, False, [])
    assert found["exempt"] == {"exports": "nobody needs it"}
    (broken,) = found["broken"]
    assert broken["promise"] == "values_are_exact"
    assert broken["promised"] == doctor.PROMISES["values_are_exact"].says
    assert broken["reproducer"].startswith("swollen(")


def test_another_seed_draws_other_inputs_and_the_same_seed_the_same(run: Run, own: Path) -> None:
    def shown(seed: str) -> Any:
        return json.loads(run(f"{own / 'doctor_wrong.py'}:swollen", *EXACT, "--json", "--seed", seed).out)[
            "broken"
        ]

    assert shown("0") == shown("0")
    assert shown("0") != shown("1")


def test_a_promise_at_a_time_finds_what_one_examination_finds(run: Run) -> None:
    chosen = ("values_are_exact", "gradients_are_exact", "one_hot_is_the_index")
    whole = doctor.examine(lossary.get("huber"), chosen, seed=5)
    words = [word for name in chosen for word in ("--promise", name)]
    found = json.loads(run("huber", *words, "--seed", "5", "--json").out)
    assert (found["kept"], found["not_applicable"]) == (list(whole.kept), list(whole.absent))


@pytest.fixture
def instant(monkeypatch: pytest.MonkeyPatch) -> None:
    """An examination that takes no time and finds nothing."""

    def examine(
        function: LossFunction, promises: tuple[str, ...], *, seed: int = 0, backend: str = "auto"
    ) -> doctor.Examination:
        return doctor.Examination(function.loss.name, seed, promises, (), (), ())

    monkeypatch.setattr(doctor, "examine", examine)


@pytest.mark.usefixtures("instant")
def test_promises_that_compile_wait_for_slow_and_are_named(run: Run) -> None:
    slow = [each.name for each in doctor.PROMISES.values() if each.slow]
    assert slow
    found = json.loads(run("mse", "--json").out)
    assert found["not_tried"] == slow
    assert not set(slow) & set(found["kept"])
    assert f"  not tried    {len(slow)} that compile or export; --slow tries them too\n" in run("mse").out
    found = json.loads(run("mse", "--slow", "--json").out)
    assert found["not_tried"] == []
    assert found["kept"] == list(doctor.PROMISES)


@pytest.mark.usefixtures("instant")
def test_a_slow_promise_asked_for_by_name_needs_no_slow(run: Run) -> None:
    slow = next(each.name for each in doctor.PROMISES.values() if each.slow)
    assert json.loads(run("mse", "--promise", slow, "--promise", slow, "--json").out)["kept"] == [slow]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("hubber",), "No loss is called 'hubber'. Did you mean 'huber'?"),
        (
            ("mse", "--promise", "values_are_exakt"),
            "--promise: expected the name of a promise, got 'values_are_exakt'; did you mean 'values_are_exact'.",
        ),
        (
            ("mse", "--promise", "zzz"),
            "--promise: expected the name of a promise, got 'zzz'; run without it and with --json to see all names.",
        ),
        (
            ("doctor_right.py:plain",),
            "'plain' of doctor_right.py has no card: declare it with @loss of lossary.declare, as CONTRIBUTING shows.",
        ),
        (
            ("doctor_right.py:holder",),
            "doctor_right.py:holder: expected a loss declared with lossary.declare.loss, got an object of type "
            "Holder; declare it as CONTRIBUTING shows.",
        ),
        (
            ("doctor_right.py",),
            "NAME: expected file.py:name, got 'doctor_right.py'; say which loss, as in doctor_right.py:ramp.",
        ),
        (
            ("mse", "--backend", "cuda"),
            "mse(backend=...): expected 'auto', 'eager', 'chunked', 'compile', 'triton', got 'cuda'; choose one of "
            "them.",
        ),
        (("doctor_raises.py:f",), "doctor_raises.py stops with ZeroDivisionError: division by zero"),
        (
            ("doctor_ends.py:f",),
            "doctor_ends.py ends Python when it is imported; put what it runs under if __name__ == '__main__'.",
        ),
    ],
)
@pytest.mark.usefixtures("own")
def test_a_mistake_is_one_sentence_and_exit_code_2(run: Run, arguments: tuple[str, ...], says: str) -> None:
    ended = run(*arguments)
    assert ended.code == 2
    assert ended.out == ""
    assert ended.err.removeprefix("loading\n") == f"Error: {says}\n"


def test_without_colour_there_is_none(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in run("mse", *EXACT).out


def test_help_does_not_wait_for_the_doctor() -> None:
    late = {"lossary.doctor", "rich.progress", "mpmath", "torch"}
    asked = f"import sys; import lossary.cli.app; print({late} & set(sys.modules))"
    ran = subprocess.run(
        [sys.executable, "-c", asked],
        env=os.environ | {"PYTHONPATH": str(Path(lossary.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == "set()\n"
