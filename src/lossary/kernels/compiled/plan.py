"""What is compiled once: a loss with its settings, and which of a call's tensors are there and want a gradient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from lossary.core import checks, probes
from lossary.core.declaration import Loss
from lossary.core.measure import Inputs
from lossary.core.options import Options
from lossary.core.unit import Unit

from .body import bodies
from .graph import Graph

#: The options that are tensors.
TENSORS = ("weight", "mask", "class_weight")


@dataclass(frozen=True)
class Compiled:
    """One thing that was compiled in this process.

    Attributes:
        loss: its name.
        what: "value", "both" (value and slope) or "pull" (the slope alone, for a backward that could not be foreseen).
        settings: hyper-parameters and options, in words.
        graphs: how often it was compiled; more than once where a size that was fixed turned out to vary.
        seconds: how long that took in all.
    """

    loss: str
    what: str
    settings: str
    graphs: int
    seconds: float


@dataclass(frozen=True)
class Plan:
    """What the graphs of one kind of call share.

    Attributes:
        loss: the loss.
        inputs: how many of the tensors are inputs; weight, mask and class weights follow, then the settings.
        hyper: the hyper-parameters, those that are tensors left out.
        learned: names of those that are tensors, in the order in which they follow.
        options: the options of the traced call, without its tensors.
        wanted: the tensors, by position, of which a gradient is wanted.
        live: whether values are judged.
        counted: whether Σ measure is wanted.
        graphs: by name, see ``body.bodies``.
    """

    loss: Loss
    inputs: int
    hyper: Mapping[str, Any]
    learned: tuple[str, ...]
    options: Options
    wanted: tuple[int, ...]
    live: bool
    counted: bool
    graphs: dict[str, Graph] = field(default_factory=dict, compare=False)

    def given(self, tensors: Inputs) -> tuple[Inputs, dict[str, Any], Options]:
        """The call that the tensors stand for."""
        first = self.inputs + len(TENSORS)
        weight, mask, class_weight = tensors[self.inputs : first]
        hyper = {**self.hyper, **dict(zip(self.learned, tensors[first:], strict=True))}
        options = self.options._replace(weight=weight, mask=mask, class_weight=class_weight)
        return tensors[: self.inputs], hyper, options

    def run(self, what: str, tensors: Inputs, dynamic: bool, upstream: Tensor | None = None) -> Any:
        """Call one of the graphs, compiled at its first call. ``dynamic`` says that axis 0 may be of any size."""
        if what not in self.graphs:
            body, slopes = bodies(self)[what], 3 if what == "both" else None
            self.graphs[what] = Graph(self.loss.name, what, body, slopes, self.loss.unit is Unit.REGION)
        first = tensors[0]
        assert first is not None
        bare = tuple(None if each is None else each.detach() for each in tensors)
        if dynamic:
            for each in bare[: self.inputs + 2]:
                if each is not None:
                    torch._dynamo.maybe_mark_dynamic(each, 0)
        given: tuple[Any, ...] = (bare,)
        if upstream is not None:
            # Dynamo takes a 0-d tensor of float64 for a number, and asks at every call whether it is NaN.
            given = (bare, upstream.detach().reshape(upstream.shape or 1))
            if upstream.ndim and dynamic:
                torch._dynamo.maybe_mark_dynamic(given[1], 0)
        with torch.no_grad():
            if probes.autocast_is_on(first):
                with probes.without_autocast(first):
                    return self.graphs[what](*given)
            return self.graphs[what](*given)


_plans: dict[tuple[Any, ...], Plan] = {}


def plan(
    loss: Loss,
    tensors: Inputs,
    inputs: int,
    hyper: Mapping[str, Any],
    options: Options,
    wanted: tuple[int, ...],
    counted: bool,
) -> Plan:
    """The plan of a call, made where there is none yet."""
    key = _key(loss, tensors, hyper, options, wanted, counted)
    if key not in _plans:
        learned = tuple(name for name, value in hyper.items() if isinstance(value, Tensor))
        fixed = {name: value for name, value in hyper.items() if name not in learned}
        live = _live(tensors)
        _plans[key] = Plan(loss, inputs, fixed, learned, options, wanted, live, counted)
    return _plans[key]


def alike(
    loss: Loss, tensors: Inputs, hyper: Mapping[str, Any], options: Options, counted: bool
) -> tuple[Plan, ...]:
    """The plans there are of calls like this one, whatever gradients they want."""
    sought = _key(loss, tensors, hyper, options, (), counted)
    return tuple(found for key, found in _plans.items() if key[1:] == sought[1:])


def compiled() -> tuple[Compiled, ...]:
    """Everything that was compiled in this process, in the order in which it was first asked for."""
    return tuple(
        Compiled(plan.loss.name, what, _settings(plan), graph.graphs, graph.seconds)
        for plan in _plans.values()
        for what, graph in plan.graphs.items()
    )


def forget() -> None:
    """Drop everything compiled in this process; what Inductor keeps on disk stays."""
    _plans.clear()


def _live(tensors: Inputs) -> bool:
    return tensors[0] is not None and checks.reads_values(tensors[0])


def _key(
    loss: Loss,
    tensors: Inputs,
    hyper: Mapping[str, Any],
    options: Options,
    wanted: tuple[int, ...],
    counted: bool,
) -> tuple[Any, ...]:
    # By identity: a name may be declared anew in a notebook; the plan keeps its loss alive.
    settings = tuple((name, _frozen(value)) for name, value in hyper.items())
    kinds = tuple(
        None if each is None else (each.dtype, each.ndim, each.device, each.is_inference())
        for each in tensors
    )
    # What gradients are wanted comes first, see ``alike``.
    return (wanted, id(loss), settings, _frozen(tuple(options)), counted, kinds, checks.level, _live(tensors))


def _frozen(value: object) -> object:
    """A setting as part of a key: 1, 1.0 and True differ, and a list is its numbers."""
    if isinstance(value, Tensor):
        return Tensor
    if isinstance(value, (list, tuple)):
        return type(value), tuple(_frozen(each) for each in value)
    try:
        hash(value)
    except TypeError:
        return type(value), repr(value)
    return type(value), value


def _settings(plan: Plan) -> str:
    hyper = [f"{name}={value!r}" for name, value in plan.hyper.items()]
    usual = Options()
    options = [
        f"{name}={value!r}"
        for name, value in plan.options._asdict().items()
        if name not in ("backend", *TENSORS) and value != getattr(usual, name)
    ]
    return ", ".join([*hyper, *options])
