"""The table of derivatives: symbols, finite differences and autograd against what the texts print."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

import lossary
from lossary.core.errors import MissingExtraError
from lossary.lab.studies.bench import Bench
from lossary.lab.studies.study import Answer, Found, Grid, Ruling, Study

STUDY = Study(
    name="derivatives",
    title="The derivatives that the texts print",
    question="Are the printed derivatives true, and in which variable?",
    text="MSE 2(p − y); BCE (p − y)/(p(1 − p)); CCE p − y.",
    statements=(
        "the derivative of squared error is 2(p − y)",
        "the derivative of binary cross-entropy is (p − y)/(p(1 − p))",
        "the derivative of categorical cross-entropy is p − y",
        "the derivative of a mean over n rows is that of one row",
    ),
    data="200 made-up predictions and targets, float64",
    metric="the largest difference between the printed formula and autograd, and central finite differences",
    region="1e-9 for autograd, 1e-5 for finite differences of step 1e-6",
    design="Each formula is derived with sympy, evaluated, and compared with both; cross-entropy in its probabilities "
    "and in its logits.",
    settings={"rows": 200, "classes": 4},
    quick={"rows": 20},
    seconds=2,
)
STEP = 1e-6
Function = Callable[[torch.Tensor], torch.Tensor]


def recipe(bench: Bench) -> Found:
    """Four rows of a table."""
    rows, classes = bench.whole("rows"), bench.whole("classes")
    numbers = np.random.default_rng(0)
    y = torch.tensor(numbers.integers(2, size=rows)).double()
    p = torch.tensor(numbers.uniform(0.05, 0.95, size=rows))
    z = torch.tensor(numbers.normal(size=(rows, classes)))
    k = torch.tensor(numbers.integers(classes, size=rows))
    share = z.softmax(1)
    hot = torch.nn.functional.one_hot(k, classes).double()
    cases = {
        "MSE, in p": (lambda v: lossary.mse(v, y, reduction="sum"), p, 2 * (p - y)),
        "BCE, in p": (lambda v: lossary.binary_cross_entropy(torch.logit(v), y, reduction="sum"), p,
                      (p - y) / (p * (1 - p))),
        "BCE, in the logit": (lambda v: lossary.binary_cross_entropy(v, y, reduction="sum"), torch.logit(p), p - y),
        "CCE, in the logits": (lambda v: lossary.cross_entropy(v, k, reduction="sum"), z, share - hot),
        "CCE, in the probabilities": (lambda v: -(hot * v.log()).sum(), share, share - hot),
    }  # fmt: skip
    found = {name: _errors(*case) for name, case in cases.items()}
    mean = torch.autograd.grad(lossary.mse(q := p.clone().requires_grad_(), y), q)[0]
    ratio = float((mean / (2 * (p - y))).mean())
    symbols = _symbols()
    grid = tuple((name, symbols[name], auto, finite) for name, (auto, finite) in found.items())
    wrong = found["CCE, in the probabilities"][0]
    return Found(
        answers=(
            _true(0, found["MSE, in p"]),
            _true(1, found["BCE, in p"]),
            Answer(
                STUDY.statements[2],
                f"true in the logits, after the softmax (within {found['CCE, in the logits'][0]:.1g}); in the "
                f"probabilities the derivative is −y/p and the printed one is wrong by up to {wrong:.3g}",
                Ruling.CONDITION,
            ),
            Answer(
                STUDY.statements[3],
                f"a mean over {rows} rows has 1/{rows} of it ({ratio:.4g} times 2(p − y)), a sum has all of it: the "
                "texts disagree because some divide and some do not",
                Ruling.CONDITION,
            ),
        ),
        grids=(
            Grid(
                "Printed formulas against autograd and finite differences",
                ("loss and variable", "derived with sympy", "largest difference to autograd", "to finite differences"),
                grid,
            ),
        ),
    )  # fmt: skip


def _true(at: int, errors: tuple[float, float]) -> Answer:
    right = errors[0] < 1e-9 and errors[1] < 1e-5
    measured = f"largest difference {errors[0]:.1g} to autograd, {errors[1]:.1g} to finite differences"
    return Answer(STUDY.statements[at], measured, Ruling.CONFIRMED if right else Ruling.REFUTED)


def _errors(function: Function, at: torch.Tensor, printed: torch.Tensor) -> tuple[float, float]:
    """Largest difference of the printed derivative to autograd and to central differences."""
    variable = at.clone().requires_grad_()
    (exact,) = torch.autograd.grad(function(variable), variable)
    flat, finite = at.flatten(), torch.empty(at.numel(), dtype=torch.float64)
    for place in range(at.numel()):
        step = torch.zeros_like(flat)
        step[place] = STEP
        up, down = (function((flat + sign * step).view_as(at)) for sign in (1, -1))
        finite[place] = (up - down) / (2 * STEP)
    return float((exact - printed).abs().max()), float((finite.view_as(at) - printed).abs().max())


def _symbols() -> dict[str, str]:
    """The same derivatives by sympy, of one row; for classes, in the true class's variable."""
    try:
        import sympy
    except ImportError:
        raise MissingExtraError(
            "the study derivatives needs sympy, which is not installed; run: pip install 'lossary[report]'"
        ) from None
    p, y, z, rest = sympy.symbols("p y z r", positive=True)
    surprise = -(y * sympy.log(p) + (1 - y) * sympy.log(1 - p))
    logit = sympy.log(1 + sympy.exp(z)) - y * z
    softmax = sympy.log(sympy.exp(z) + rest) - z  # r: the other classes' exponentials
    derived = {
        "MSE, in p": (p - y) ** 2,
        "BCE, in p": surprise,
    }
    found = {name: str(sympy.factor(sympy.diff(each, p))) for name, each in derived.items()}
    found["BCE, in the logit"] = str(sympy.simplify(sympy.diff(logit, z)))
    found["CCE, in the logits"] = str(sympy.simplify(sympy.diff(softmax, z))) + " (r: the others' exp)"
    found["CCE, in the probabilities"] = str(sympy.diff(-sympy.log(p), p))
    return found
