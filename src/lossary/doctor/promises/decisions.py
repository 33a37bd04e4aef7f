"""Where a loss leads: the prediction of least expected loss is the truth, or decides as the truth does."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ...core import answers
from ...core.card import Elicits
from ...core.declaration import Loss
from ...core.kinds import Form
from ...core.loss import settle
from ..claiming import ROWS, asked, chances, claimed, copies, expected, stated, turns
from ..draw import Case
from ..promise import Broken, insist, promise
from ..subject import Subject

#: Targets that an expected score is taken over, and how many standard errors of it refute.
DRAWS, CERTAIN = 1500, 6.0


@promise(21, applies=claimed("proper"))
def proper_where_it_says_so(subject: Subject) -> None:
    """The expected loss is least where the prediction is the property it is said to elicit."""
    for _, hyper in turns(subject, "proper", ROWS, rounds=1):
        worse = _way(subject.loss)(subject, hyper)
        insist(bool((worse >= 0).all()), f"a prediction beats the truth by {-worse.min():.3g} with {hyper}")


def _way(loss: Loss) -> Any:
    """How the truth is found for a loss: from labels, from a distribution it can draw from, or from numbers."""
    if loss.has(Form.BINARY, Form.CLASS, Form.DISTRIBUTION):
        return _on_labels
    return _on_laws if loss.has(Form.COLUMNS, Form.CLOUD) else _on_numbers


def _on_labels(subject: Subject, hyper: Any) -> Tensor:
    """Expected loss at other distributions above that at the true one; an expectation weighs the labels."""
    loss = subject.loss
    case = subject.case(ROWS, hyper=hyper, dtype=torch.float64)
    truth = chances(subject, case, ROWS)
    here = answers.raw(loss, truth if loss.classed else truth[:, 1], case.hyper)
    if here is None:
        raise Broken(f"{loss.name} says that it is proper, not which outputs say a probability; declare raw=")

    def cost(first: Tensor) -> Tensor:
        if loss.has(Form.CLASS, Form.BINARY):
            return expected(case, first, truth)
        rows = torch.eye(truth.shape[1], dtype=torch.float64)
        costs = [asked(case, first, row.expand(ROWS, -1))(reduction="none") for row in rows]
        return (truth * torch.stack(costs, 1)).sum(1)

    best = cost(here)
    return torch.stack([cost(here + noise) - best for noise in _noises(subject, here)]) + 1e-9 * (
        1 + best.abs()
    )


def _noises(subject: Subject, here: Tensor) -> list[Tensor]:
    return [
        width * torch.randn(here.shape, generator=subject.generator, dtype=torch.float64)
        for width in (1e-2, 0.3, 3.0)
    ]


def _on_laws(subject: Subject, hyper: Any) -> Tensor:
    """The same for predicted distributions, over targets drawn from the true one: a mean with its standard error."""
    case = subject.case(ROWS, hyper=hyper, dtype=torch.float64)
    # An answer of the same shape is what the outputs come to: the ends of an interval in order.
    told = answers.decode(subject.loss, case.first, case.hyper)
    truth = told if told.shape == case.first.shape else case.first
    law = subject.loss.facts.law
    with torch.random.fork_rng():
        torch.manual_seed(int(torch.randint(2**31, (), generator=subject.generator)))
        if law is not None:
            drawn = law(truth, **answers.named(subject.loss, law, case.hyper))
            targets = drawn.sample(torch.Size([DRAWS])).double()
        else:
            # An ensemble says that each of its members is as likely as another: its expectation is their mean.
            targets = truth.movedim(1, 0)

    def cost(first: Tensor) -> Tensor:
        rows = first.expand(len(targets), *first.shape)
        return subject.function(rows, targets, **case.hyper, reduction="none")

    best = cost(truth)
    found: list[Tensor] = []
    for noise in _noises(subject, truth):
        gap = cost(truth + noise) - best
        # What never came in these draws may still have come in 20 of as many: the odds against that are e^20.
        chance = 0.0 if law is None else CERTAIN * gap.std(0) / DRAWS**0.5 + 20.0 / DRAWS
        found.append(gap.mean(0) + chance + 1e-9)
    return torch.stack(found)


def _on_numbers(subject: Subject, hyper: Any) -> Tensor:
    """The same over a sample of targets, at the elicited property and at other constants."""
    targets = torch.randn(9, generator=subject.generator, dtype=torch.float64).exp() * 3
    domain = subject.loss.inputs[1].kind.domain
    targets = targets.round() if domain is not None and domain.whole else targets
    elicits = settle(subject.loss.facts.elicits, hyper)
    level = hyper.get("level", 0.5)
    if elicits is Elicits.MEAN:
        found = answers.raw(subject.loss, targets.mean(), hyper)
        if found is None:
            raise Broken(
                f"{subject.loss.name} says that it is proper, not which output says a mean; declare raw="
            )
        truth = found
    elif elicits is Elicits.EXPECTILE:
        truth = _expectile(targets, level)
    else:
        many = isinstance(level, (list, tuple))
        wanted = torch.tensor(level if many else [level], dtype=torch.float64)
        # The sample of this rank is a quantile of the nine, whichever side of it the level falls.
        truth = targets.sort().values[(wanted * len(targets)).ceil().long() - 1]
        truth = truth if many else truth[0]

    noises = [noise for _ in range(ROWS // 3) for noise in _noises(subject, truth)]
    constants = torch.stack([truth, *(truth + noise for noise in noises)])
    costs = subject.function(
        constants.repeat_interleave(len(targets), 0),
        targets.repeat(len(constants)),
        **hyper,
        reduction="none",
    )
    best, *others = costs.double().reshape(len(constants), len(targets)).mean(1)
    worse: Tensor = torch.stack(others) - best + 1e-9 * (1 + best.abs())
    return worse


def _expectile(targets: Tensor, level: float) -> Tensor:
    """Where the gaps above, weighed by the level, balance those below, weighed by the rest; by repeated weighing."""
    found = targets.mean()
    for _ in range(200):
        weights = torch.where(targets > found, level, 1.0 - level)
        found = (weights * targets).sum() / weights.sum()
    return found


@promise(21, applies=claimed("calibrated"))
def calibrated_where_it_says_so(subject: Subject) -> None:
    """The prediction of least expected loss decides for the more probable class."""
    rows = 128
    for _, hyper in turns(subject, "calibrated", rows, rounds=1):
        case = subject.case(rows, hyper=hyper, dtype=torch.float64)
        if not stated(subject, "calibrated", case.hyper):
            continue
        truth = chances(subject, case, rows)
        found = _best_class(case, truth) if subject.loss.classed else _best_side(case, truth)
        top = truth.topk(2, 1).values
        clear = top[:, 0] - top[:, 1] > 0.1
        agree = torch.equal(found[clear], truth.argmax(1)[clear])
        insist(agree, f"the best score decides for the rarer class with {hyper}")


def _best_side(case: Case, truth: Tensor) -> Tensor:
    """The side of 0 on which each row's best score lies, of 80 scores from -8 to 8."""
    scores = torch.linspace(-8.0, 8.0, 80, dtype=torch.float64)
    many = copies(case, len(scores))
    costs = expected(many, scores.repeat_interleave(len(truth)), truth.repeat(len(scores), 1))
    return (scores[costs.reshape(len(scores), -1).argmin(0)] > 0).long()


def _best_class(case: Case, truth: Tensor) -> Tensor:
    """The greatest of each row's best logits, which descent finds."""
    first = torch.zeros_like(case.first).requires_grad_()
    optimizer = torch.optim.Adam([first], lr=0.2)
    for _ in range(50):
        first.grad = torch.autograd.grad(expected(case, first, truth).sum(), first)[0]
        optimizer.step()
    return first.detach().argmax(1)
