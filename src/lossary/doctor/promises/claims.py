"""A claim is a test: each one is tried to be refuted on some hundred attempts, as the rows of a few calls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ...core.card import Claims, Elicits
from ...core.declaration import Loss
from ...core.kinds import Form
from ...core.loss import settle
from ...core.unit import Unit
from ..draw import Case
from ..promise import insist, promise
from ..subject import Subject

#: Attempts in one call. Six settings of the hyper-parameters and three scales make above 200 of them in all.
ROWS = 48


def claimed(name: str) -> Any:
    """Whether a loss claims anything under this name."""
    return lambda loss: getattr(loss.facts.claims, name) != getattr(Claims(), name)


def attempts(subject: Subject, claim: str) -> Iterator[tuple[Case, Any]]:
    """Cases with hyper-parameters for which something is claimed, and what."""
    for turn, hyper in enumerate(subject.hypers(8)):
        stated = settle(getattr(subject.loss.facts.claims, claim), hyper)
        if stated is None or stated is False:
            continue
        rows = 6 if subject.loss.unit is Unit.ANCHOR else ROWS
        for scale in (0.1, 1.0, 8.0):
            for _ in range(4 if subject.loss.unit is Unit.ANCHOR else 1):
                case = subject.case(rows, hyper=hyper, dtype=torch.float64, soft=bool(turn % 2))
                yield _scaled(case, scale), stated


def _scaled(case: Case, scale: float) -> Case:
    return _with_first(case, case.first * scale)


def _with_first(case: Case, first: Tensor) -> Case:
    return replace(case, inputs=(first, *case.inputs[1:]))


def _other(subject: Subject, case: Case, width: float) -> Tensor:
    noise = torch.randn(case.first.shape, generator=subject.generator, dtype=torch.float64)
    return case.first + width * noise


def _values(case: Case, first: Tensor | None = None) -> Tensor:
    return (case if first is None else _with_first(case, first))(reduction="none")


def _distance(case: Case, a: Tensor, b: Tensor) -> Tensor:
    """How far apart two first inputs are, unit by unit. A region sees all logits of its sample."""
    square = (a - b).square()
    shape = _values(case, a).shape
    if case.loss.unit is Unit.REGION:
        return square.flatten(1).sum(1).sqrt().reshape(-1, *(1,) * (len(shape) - 1)).expand(shape)
    if case.loss.has(Form.LOGITS):
        return square.sum(1).sqrt()
    return square.sum(-1).sqrt() if square.ndim > len(shape) else square.sqrt()


@promise(21, applies=claimed("convex"))
def convex_where_it_says_so(subject: Subject) -> None:
    """Between any two points the loss lies on or below the chord."""
    for case, _ in attempts(subject, "convex"):
        for width in (1e-2, 1.0, 20.0):
            other = _other(subject, case, width)
            share = 0.3
            between = _values(case, share * case.first + (1 - share) * other)
            chord = share * _values(case) + (1 - share) * _values(case, other)
            above = between - chord - 1e-10 * (1 + chord.abs())
            insist(bool((above <= 0).all()), f"{above.max():.3g} above a chord", case)


@promise(21, applies=claimed("lower"))
def stays_above_its_lower_bound(subject: Subject) -> None:
    """No value lies below the stated lower bound, and some come near it."""
    least = float("inf")
    bounds = set()
    for turn, (case, bound) in enumerate(attempts(subject, "lower")):
        values = _values(case)
        bounds.add(bound)
        insist(bool((values >= bound - 1e-12).all()), f"{values.min():.6g} is below {bound:g}", case)
        # From a prediction that follows the gradient down for a while.
        least = min(least, float(values.min()), float(_values(_descended(case)).min()) if turn < 4 else least)
    if bounds:
        insist(
            least <= max(bounds) + 0.05, f"nothing comes nearer than {least:.3g} to the bound {max(bounds):g}"
        )


@promise(21, applies=claimed("upper"))
def stays_below_its_upper_bound(subject: Subject) -> None:
    """No value lies above the stated upper bound, and some come near it."""
    most = -float("inf")
    bounds = set()
    for turn, (case, bound) in enumerate(attempts(subject, "upper")):
        bounds.add(bound)
        values = torch.cat([_values(case).flatten(), _values(case, 1e3 * case.first).flatten()])
        insist(bool((values <= bound + 1e-12).all()), f"{values.max():.6g} is above {bound:g}", case)
        most = max(
            most, float(values.max()), float(_values(_descended(case, -1.0)).max()) if turn < 4 else most
        )
    if bounds:
        insist(
            most >= min(bounds) - 0.25, f"nothing comes nearer than {most:.3g} to the bound {min(bounds):g}"
        )


def _descended(case: Case, sign: float = 1.0) -> Case:
    """A case after some normalised steps down (or up) its gradient."""
    for step in (4.0, 2.0, 1.0, 0.5, 0.25, 0.1, 0.05):
        leaves = case.leaves()
        (gradient,) = torch.autograd.grad(leaves(reduction="sum"), [leaves.first])
        size = gradient.abs().amax().clamp(min=1e-30)
        moved = _with_first(case, case.first - sign * step * gradient / size)
        case = moved if sign * float(moved()) < sign * float(case()) else case
    return case


@promise(21, applies=claimed("lipschitz"))
def keeps_to_its_lipschitz_constant(subject: Subject) -> None:
    """No two values are further apart than the constant times the distance of their inputs, and it is no idle bound."""
    steepest = 0.0
    for case, constant in attempts(subject, "lipschitz"):
        for width in (1e-3, 1.0, 30.0):
            other = _other(subject, case, width)
            rise, run = (_values(case, other) - _values(case)).abs(), _distance(case, case.first, other)
            insist(
                bool((rise <= constant * run * (1 + 1e-9) + 1e-12).all()), f"steeper than {constant:g}", case
            )
            steepest = max(steepest, float((rise / run).max() / constant))
    insist(
        steepest == 0 or steepest > 0.5, f"the steepest step found is {steepest:.2f} of the constant claimed"
    )


@promise(21, applies=claimed("smooth"))
def smooth_where_it_says_so(subject: Subject) -> None:
    """The derivative has no jumps: at kinks of the definition's pieces too, a small step changes it little."""
    for turn, hyper in enumerate(subject.hypers(8)):
        if not settle(subject.loss.facts.claims.smooth, hyper):
            continue
        for flavour in ("ordinary", "kinks"):
            case = subject.case(ROWS, hyper=hyper, dtype=torch.float64, flavour=flavour, soft=bool(turn % 2))
            step = 1e-7
            for sign in (1.0, -1.0):
                moved = _with_first(case, case.first + sign * step)
                single = _with_first(case, case.first + sign * step * (torch.rand(case.first.shape) < 0.5))
                here = _gradient(case)
                for there in (_gradient(moved), _gradient(single)):
                    jump = (there - here).abs().max()
                    insist(
                        bool(jump <= 1e-4 * (1 + here.abs().max())),
                        f"the derivative jumps by {jump:.3g}",
                        case,
                    )


def _gradient(case: Case) -> Tensor:
    leaves = case.leaves()
    (gradient,) = torch.autograd.grad(leaves(reduction="sum"), [leaves.first])
    return gradient


@promise(21, applies=claimed("proper"))
def proper_where_it_says_so(subject: Subject) -> None:
    """The expected loss is least where the prediction is the property it is said to elicit."""
    for hyper in subject.hypers(8):
        if not settle(subject.loss.facts.claims.proper, hyper):
            continue
        best, tried = (_proper_on_labels if _on_labels(subject.loss) else _proper_on_numbers)(subject, hyper)
        worse = tried - best
        insist(bool((worse >= -1e-9 * (1 + best.abs())).all()), f"a prediction beats the truth by {-worse.min():.3g} "
               f"with {hyper}")  # fmt: skip


def _on_labels(loss: Loss) -> bool:
    return loss.has(Form.BINARY, Form.CLASS, Form.DISTRIBUTION)


def _proper_on_labels(subject: Subject, hyper: Any) -> tuple[Tensor, Tensor]:
    """Expected loss at the true distribution and at others; an expectation is a weighted mean over labels."""
    loss = subject.loss
    case = subject.case(ROWS, hyper=hyper, dtype=torch.float64)
    if loss.has(Form.LOGITS):
        truth = torch.softmax(
            2 * torch.randn(ROWS, case.classes, generator=subject.generator, dtype=torch.float64), 1
        )
        here, labels = truth.log(), torch.eye(case.classes, dtype=torch.float64)
    else:
        chance = torch.rand(ROWS, 1, generator=subject.generator, dtype=torch.float64) * 0.98 + 0.01
        truth = torch.cat([1 - chance, chance], 1)
        here, labels = torch.logit(chance[:, 0]), torch.tensor([0.0, 1.0], dtype=torch.float64)

    def expected(first: Tensor) -> Tensor:
        costs = []
        for number, label in enumerate(labels):
            target = label.expand(ROWS, -1) if label.ndim else label.expand(ROWS)
            if loss.has(Form.CLASS):
                target = torch.full((ROWS,), number)
            costs.append(replace(case, inputs=(first, target))(reduction="none"))
        return (truth * torch.stack(costs, 1)).sum(1)

    others = [here + width * torch.randn(here.shape, generator=subject.generator, dtype=torch.float64)
              for width in (1e-2, 0.3, 3.0)]  # fmt: skip
    return expected(here), torch.stack([expected(other) for other in others])


def _proper_on_numbers(subject: Subject, hyper: Any) -> tuple[Tensor, Tensor]:
    """Expected loss over a sample of targets, at the elicited property and at other constants."""
    targets = torch.randn(9, generator=subject.generator, dtype=torch.float64).exp() * 3
    elicits = settle(subject.loss.facts.elicits, hyper)
    level = hyper.get("level", 0.5)
    if elicits is Elicits.MEAN:
        truth = targets.mean()
    else:
        many = isinstance(level, (list, tuple))
        wanted = torch.tensor(level if many else [level], dtype=torch.float64)
        # The sample of this rank is a quantile of the nine, whichever side of it the level falls.
        truth = targets.sort().values[(wanted * len(targets)).ceil().long() - 1]
        truth = truth if many else truth[0]

    def expected(constant: Tensor) -> Tensor:
        first = constant.expand(len(targets), *constant.shape)
        return subject.function(first, targets, **hyper)

    others = [truth + width * torch.randn(truth.shape, generator=subject.generator, dtype=torch.float64)
              for width in (1e-2, 0.3, 3.0) for _ in range(24)]  # fmt: skip
    return expected(truth), torch.stack([expected(other) for other in others])


@promise(21, applies=claimed("calibrated"))
def calibrated_where_it_says_so(subject: Subject) -> None:
    """The prediction of least expected loss decides for the more probable class."""
    for hyper in subject.hypers(6 if subject.loss.hyper else 1):
        if not settle(subject.loss.facts.claims.calibrated, hyper):
            continue
        loss, rows = subject.loss, 64
        case = subject.case(rows, hyper=hyper, dtype=torch.float64)
        if loss.has(Form.LOGITS):
            truth = torch.softmax(
                torch.randn(rows, case.classes, generator=subject.generator, dtype=torch.float64), 1
            )
        else:
            chance = torch.rand(rows, 1, generator=subject.generator, dtype=torch.float64)
            truth = torch.cat([1 - chance, chance], 1)
        found = _best_class(case, truth) if loss.has(Form.LOGITS) else _best_side(case, truth)
        top = truth.topk(2, 1).values
        clear = top[:, 0] - top[:, 1] > 0.1
        insist(
            torch.equal(found[clear], truth.argmax(1)[clear]),
            f"the best score decides for the rarer class with {hyper}",
        )


def _best_side(case: Case, truth: Tensor) -> Tensor:
    """The side of 0 on which each row's best score lies, of 80 scores from -8 to 8."""
    scores = torch.linspace(-8.0, 8.0, 80, dtype=torch.float64)
    costs = [_expected(case, score.expand(len(truth)), truth) for score in scores]
    return (scores[torch.stack(costs).argmin(0)] > 0).long()


def _best_class(case: Case, truth: Tensor) -> Tensor:
    """The greatest of each row's best logits, which descent finds."""
    first = torch.zeros_like(case.first).requires_grad_()
    optimizer = torch.optim.Adam([first], lr=0.2)
    for _ in range(50):
        first.grad = torch.autograd.grad(_expected(case, first, truth).sum(), first)[0]
        optimizer.step()
    return first.detach().argmax(1)


def _expected(case: Case, first: Tensor, truth: Tensor) -> Tensor:
    """Expected value per row when labels are drawn from ``truth``."""
    costs = []
    for number in range(truth.shape[1]):
        target = torch.full(case.target.shape, number)
        costs.append(replace(case, inputs=(first, target.to(case.target.dtype)))(reduction="none"))
    return (truth * torch.stack(costs, 1)).sum(1)


@promise(21, applies=claimed("symmetric"))
def symmetric_where_it_says_so(subject: Subject) -> None:
    """The losses of all possible labels add up to a constant."""
    for case, _ in attempts(subject, "symmetric"):
        total = _expected(case, case.first, torch.ones(len(case.first), case.classes, dtype=torch.float64))
        insist(
            bool((total - total[0]).abs().max() < 1e-9 * (1 + total[0].abs())),
            "the losses of all labels vary",
            case,
        )
