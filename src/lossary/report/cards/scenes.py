"""Which number of a loss's inputs a curve moves, and what it leaves where it is.

The usual shapes have a scene that a learner recognises; any other loss has the example that was computed by hand, of
which one number is moved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lossary.core.card import Link
from lossary.core.declaration import Loss
from lossary.core.domains import PerClass
from lossary.core.function import LossFunction
from lossary.core.kinds import Form
from lossary.core.unit import Unit

from .claims import value
from .example import call_of, nested, tensor_of

REACH = 4.0  # how far from the middle the number is moved
EDGE = 0.02  # how near it comes to the end of an open domain


@dataclass(frozen=True)
class Sweep:
    """Loss and gradient of one unit along one number.

    Attributes:
        says: what is moved and what stays.
        x: the number, ascending.
        loss: the unit's value.
        gradient: its derivative in the number.
    """

    says: str
    x: tuple[float, ...]
    loss: tuple[float, ...]
    gradient: tuple[float, ...]


@dataclass(frozen=True)
class Scene:
    """A number that moves.

    Attributes:
        says: what is moved and what stays.
        inputs: from the numbers to what the loss is called with, one unit a number.
        low: the first of them; high: the last.
        alone: whether each number is a call of its own, since units of one call would meet.
        unit: which value of such a call is meant.
    """

    says: str
    inputs: Callable[[Tensor], tuple[Tensor, ...]]
    low: float = -REACH
    high: float = REACH
    alone: bool = False
    unit: int = 0


def scene_of(function: LossFunction, given: Mapping[str, object]) -> Scene:
    """The scene for a loss at these hyper-parameters."""
    loss = function.loss
    forms = tuple(each.kind.form for each in loss.required)
    levels = given.get(loss.required[0].kind.extra_axis or "")
    if isinstance(levels, (list, tuple)):
        return _levels(len(levels))
    if loss.unit is Unit.ELEMENT and forms[1:] == (Form.BINARY,):
        what = "logit" if forms[0] is Form.LOGIT else "score"
        return Scene(f"{what} x, target 1", lambda x: (x, torch.ones_like(x)))
    if loss.unit is Unit.ELEMENT and len(forms) == 2 and _by_difference(function, given):
        return Scene("prediction less target", lambda x: (x, torch.zeros_like(x)))
    if loss.required[0].kind.fewer:
        return _thresholds(loss)
    rows = forms[0] in (Form.LOGITS, Form.SCORES) and forms[1:] in ((Form.CLASS,), (Form.DISTRIBUTION,))
    if loss.unit is Unit.ROW and rows:
        return _row(loss, given, "logit" if forms[0] is Form.LOGITS else "score", forms[1])
    if loss.unit is Unit.REGION and forms[1] in (Form.BINARY, Form.CLASS):
        says = "logit of the region's elements, less that of the others: from missed to found"
        return Scene(says, _region(forms[0]))
    far = _far(loss.unit, forms)
    return _of_example(loss) if far is None or (far.alone and _only_turns(function, given)) else far


def _far(unit: Unit, forms: tuple[Form, ...]) -> Scene | None:
    if unit is Unit.TRIPLET and len(forms) == 3:
        return Scene("distance of the positive, the negative being at 2", _triplet, low=0.01)
    if unit is Unit.ANCHOR and forms[1:] == (Form.LABEL,):
        return Scene("distance of the positive, the negative being at 2", _batch, low=0.01, alone=True)
    if unit is Unit.DISTRIBUTION:
        return Scene("shift of three numbers against the same three", _samples)
    return None


def _only_turns(function: LossFunction, given: Mapping[str, object]) -> bool:
    """Whether a loss of a batch knows only directions, so that no distance moves it."""
    near, far = (
        function(*_batch(torch.tensor(x, dtype=torch.float64)), reduction="none", **given) for x in (1.0, 3.0)
    )
    return torch.allclose(near, far, rtol=1e-9, atol=1e-9)


def _by_difference(function: LossFunction, given: Mapping[str, object]) -> bool:
    """Whether a loss of two numbers knows only how far they are apart; tried at a few of them."""
    if any(each.kind.domain is not None for each in function.loss.required):
        return False
    x = torch.linspace(-3.0, 3.0, 7, dtype=torch.float64)
    none, some = torch.zeros_like(x), torch.full_like(x, 1.5)
    here, there = (function(x + t, t, reduction="none", **given) for t in (none, some))
    return torch.allclose(here, there, rtol=1e-9, atol=1e-9)


def _levels(count: int) -> Scene:
    """Of several levels, one prediction for all of them."""
    return Scene(
        "the prediction of all levels less target",
        lambda x: (x.unsqueeze(-1).expand(-1, count), torch.zeros_like(x)),
    )


def _thresholds(loss: Loss) -> Scene:
    """The score that all thresholds are compared with."""
    outputs, target = (
        tensor_of(each, one) for each, one in zip(loss.required, call_of(loss).inputs, strict=True)
    )
    shared = loss.facts.shared
    along = torch.ones(len(outputs)) if shared is None else shared(len(outputs))
    moved = [_plus(one, sign) for one, sign in zip(outputs.tolist(), along.tolist(), strict=True)]
    names = [each.name for each in loss.required]
    return Scene(
        f"score x: {names[0]} = {nested(moved)}, {names[1]} = {value(target.item())}",
        lambda x: (outputs + x.unsqueeze(1) * along.double(), target.expand(len(x))),
    )


def _plus(base: float, sign: float) -> str:
    """``2 + x``, or the number alone where x does not enter."""
    if sign == 0:
        return value(float(f"{base:.4g}"))
    mark = "+" if sign > 0 else "−"
    return f"{value(base)} {mark} x" if base else "x" if sign > 0 else "−x"


def _row(loss: Loss, given: Mapping[str, object], what: str, target: Form) -> Scene:
    """The true class of three, or of as many as there are numbers per class, against all others at 0."""
    kind = loss.required[0].kind
    tables = [given[each.name] for each in loss.hyper if isinstance(each.domain, PerClass)]
    known = next((len(each) for each in tables if isinstance(each, (Sequence, Tensor))), None)
    count, true = known or 3, 0
    if known is not None and target is Form.CLASS:
        true = int(str(call_of(loss).inputs[1])) % known  # the example's, often the rare one

    def inputs(x: Tensor) -> tuple[Tensor, ...]:
        moved = true * kind.times(given)
        logits = torch.stack(
            [x if k == moved else torch.zeros_like(x) for k in range(kind.entries(count, given))], 1
        )
        if target is Form.CLASS:
            return logits, torch.full((len(x),), true)
        share = torch.full((count,), 0.2 / (count - 1), dtype=x.dtype)
        share[true] = 0.8
        return logits, share.expand(len(x), count)

    ends = _ends(loss, -REACH, REACH)
    if kind.times(given) > 1:
        many = f"{kind.times(given)} {kind.several}"
        says = f"{what} of one of the true class's {many}; the others, and those of {count - 1} classes, at 0"
        return Scene(says, inputs, *ends)
    if known is None:
        return Scene(f"{what} of the true class, the two others at 0", inputs, *ends)
    return Scene(f"{what} of class {true}, which is the true one, of {count}; the rest at 0", inputs, *ends)


def _of_example(loss: Loss) -> Scene:
    """The example computed by hand, one number of it moved."""
    call = call_of(loss)
    tensors = [tensor_of(each, one) for each, one in zip(loss.required, call.inputs, strict=True)]
    if loss.facts.link is Link.EXP and len(tensors) == 2 and tensors[1] == 0:
        tensors[1] = tensors[1] + 2.0  # where the least loss is at a finite prediction
    first, others = tensors[0], tensors[1:]
    alone = loss.unit in (Unit.REGION, Unit.ANCHOR)
    place, low, high = _moved(loss, tensors)
    here = torch.zeros(first.numel(), dtype=torch.bool)
    here[place] = True
    here = here.reshape(first.shape)

    def inputs(x: Tensor) -> tuple[Tensor, ...]:
        batch = () if alone else (len(x),)
        number = x.reshape(*batch, *(1 for _ in first.shape))
        return torch.where(here, number, first), *(each.expand(*batch, *each.shape) for each in others)

    shown = [
        f" = {_with_x(first, place)}" if first.ndim else " x",
        *(f" = {nested(each.tolist())}" for each in others),
    ]
    names = [each.name for each in loss.required]
    said = ", ".join(f"{name}{one}" for name, one in zip(names, shown, strict=True))
    columns = loss.required[0].kind.columns
    what = (
        f"{columns[place * len(columns) // first.numel()]} x: " if columns else "x in " if first.ndim else ""
    )
    return Scene(what + said, inputs, low, high, alone, call.unit or 0)


def _with_x(first: Tensor, place: int) -> str:
    """An input with x for the number that moves."""
    flat: list[object] = list(first.flatten().tolist())
    flat[place] = "x"
    for size in reversed(first.shape[1:]):
        flat = [flat[i : i + size] for i in range(0, len(flat), size)]
    return nested(flat if first.ndim else flat[0])


def _moved(loss: Loss, tensors: Sequence[Tensor]) -> tuple[int, float, float]:
    """Which of the first input's numbers moves, from where to where."""
    kind, place, middle = loss.required[0].kind, 0, 0.0
    if kind.columns:
        # A component's location says more than its weight.
        found = next((i for i, name in enumerate(kind.columns) if "weight" not in name), 0)
        place = found * tensors[0].numel() // len(kind.columns)
    if kind.form is Form.FEATURES and tensors[0].shape[-1] > 1:
        # A number that stands alone in its vector would change no direction but to its opposite.
        vector = tensors[0].reshape(-1, tensors[0].shape[-1])[0]
        place = int((vector[1:] == 0).all() & (vector[0] != 0))
    logs = loss.facts.link is Link.EXP or (kind.columns and "log" in kind.columns[0])
    if len(tensors) > 1 and tensors[1].numel() == 1 and not logs and not loss.has(Form.CLASS):
        middle = float(tensors[1].item())  # the target, which a number is aimed at
    return place, *_ends(loss, middle - REACH, middle + REACH)


def _ends(loss: Loss, low: float, high: float) -> tuple[float, float]:
    """From where to where the first input can move, of what is wanted."""
    domain = loss.required[0].kind.domain
    if domain is None:
        return low, high
    low = max(low, domain.low + (0.0 if domain.closed_low else EDGE))
    return low, min(high, domain.high - (0.0 if domain.closed_high else EDGE))


def _region(form: Form) -> Callable[[Tensor], tuple[Tensor, ...]]:
    """Two elements within the region, two outside."""
    inside = torch.tensor([1.0, 1.0, 0.0, 0.0], dtype=torch.float64)

    def inputs(x: Tensor) -> tuple[Tensor, ...]:
        logits = x.unsqueeze(1) * (inside - 0.5)
        if form is Form.LOGIT:
            return logits, inside.expand(len(x), 4)
        return torch.stack([logits, torch.zeros_like(logits)], 1), (1 - inside).long().expand(len(x), 4)

    return inputs


def _triplet(x: Tensor) -> tuple[Tensor, ...]:
    zero = torch.zeros_like(x)
    return torch.stack([zero, zero], 1), torch.stack([x, zero], 1), torch.stack([zero, zero + 2.0], 1)


def _batch(x: Tensor) -> tuple[Tensor, ...]:
    zero = torch.zeros_like(x)
    rows = [torch.stack([zero, zero]), torch.stack([x, zero]), torch.stack([zero, zero + 2.0])]
    return torch.stack(rows), torch.tensor([0, 0, 1])


def _samples(x: Tensor) -> tuple[Tensor, ...]:
    three = torch.tensor([-1.0, 0.0, 2.0], dtype=x.dtype)
    return x.unsqueeze(1) + three, three.expand(len(x), 3)
