"""From a record to the function users call: a real signature, and one frame in a traceback."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, cast

import torch
from torch import Tensor

from . import call, prepare, reduction
from .declaration import Loss
from .errors import OptionError, sentence
from .kinds import Form
from .options import COMMON, Options
from .shapes import frame

if TYPE_CHECKING:
    from .card import Card


class LossFunction(Protocol):
    """A loss as users hold it."""

    __name__: str
    loss: Loss
    card: Card
    definition: Callable[[Callable[..., Any]], Callable[..., Any]]
    slope: Callable[[Callable[..., Any]], Callable[..., Any]]

    def __call__(self, *inputs: Tensor, **options: Any) -> Tensor:
        """Value of the loss."""

    def math(self, *inputs: Tensor, **hyper: Any) -> Tensor:
        """One value per unit: no checks, no measure, no reduction."""

    def count(self, *inputs: Tensor, **options: Any) -> Tensor:
        """What ``mean`` divides by: the sum of the measure."""

    def units(self, *inputs: Tensor, **options: Any) -> call.Measured:
        """Values, measures and members per unit."""


_DEFAULTS = Options()
_TEMPLATE = """\
def make(evaluate, loss, Options, defaults):
    def {name}({signature}):
        return evaluate(loss, ({inputs},), {{{hyper}}}, Options({options}))
    return {name}
"""


def make(loss: Loss) -> LossFunction:
    """Generate the function of a loss."""
    evaluate = _compile(loss, call.evaluate)
    # The function is written by exec, so that its signature is real; it reads its globals in the author's module.
    function = cast(LossFunction, evaluate)
    function.loss = loss
    function.math = _math(loss)  # type: ignore[method-assign]
    function.count = _count(loss)  # type: ignore[method-assign]
    function.units = _compile(loss, call.measure)  # type: ignore[method-assign]
    function.definition = _recorder(loss, "definition")
    function.slope = _recorder(loss, "slope")
    return function


def parameters(loss: Loss) -> list[inspect.Parameter]:
    """The parameters of the generated function, in order."""
    keyword = inspect.Parameter.KEYWORD_ONLY
    made = [inspect.Parameter(each.name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for each in loss.required]
    made += [inspect.Parameter(each.name, keyword, default=None) for each in loss.inputs if each.optional]
    made += [inspect.Parameter(each.name, keyword, default=each.default) for each in loss.hyper]
    names = (*COMMON[:2], *loss.options, *COMMON[2:])
    made += [inspect.Parameter(name, keyword, default=getattr(_DEFAULTS, name)) for name in names]
    return made


def _compile(loss: Loss, body: Callable[..., Any]) -> Any:
    given = parameters(loss)
    defaults = {each.name: each.default for each in given if each.default is not inspect.Parameter.empty}
    positional = [each.name for each in given if each.default is inspect.Parameter.empty]
    keyword = [f"{name}=defaults[{name!r}]" for name in defaults]
    options = [name for name in defaults if name in Options._fields]
    source = _TEMPLATE.format(
        name=loss.name,
        signature=", ".join([*positional, "*", *keyword]),
        inputs=", ".join(each.name for each in loss.inputs),
        hyper=", ".join(f"{each.name!r}: {each.name}" for each in loss.hyper),
        options=", ".join(f"{name}={name}" for name in options),
    )
    scope: dict[str, Any] = {"__name__": loss.module}
    exec(compile(source, f"<lossary {loss.name}>", "exec"), scope)
    function = scope["make"](body, loss, Options, defaults)
    function.__module__ = loss.module
    function.__qualname__ = loss.name
    function.__doc__ = loss.block.__doc__
    return function


def _math(loss: Loss) -> Callable[..., Tensor]:
    def math(*inputs: Tensor, class_dim: int = 1, scale: str = "logits", **hyper: Any) -> Tensor:
        given = (*inputs, *(hyper.pop(each.name, None) for each in loss.inputs[len(inputs) :]))
        settings = {**loss.defaults, **hyper}
        options = Options(class_dim=class_dim, inputs=scale)
        arguments, _, _ = prepare.prepare(
            loss, given, frame(loss, given, settings, class_dim), options, False
        )
        found = loss.apply(arguments, settings)
        per_unit: Tensor = found[0] if isinstance(found, tuple) else found
        return per_unit

    what = f"The math of {loss.name}: one value per unit; no checks of values, no measure, no reduction."
    math.__doc__ = f"{what}\n\n{loss.block.__doc__}"
    return math


def _count(loss: Loss) -> Callable[..., Tensor]:
    by_target = loss.has(Form.CLASS, Form.BINARY) or len(loss.required) == 2

    def count(*inputs: Tensor, **options: Any) -> Tensor:
        """Σ measure, what ``mean`` divides by.

        Args:
            inputs: what the loss is called with, or its target alone where that tells how many units there are.
            options: weight, mask, class_weight, ignore_index, ... as in the call, and its hyper-parameters.
        """
        if len(inputs) == 1 and len(loss.required) == 2 and by_target:
            inputs = (_stand_in(loss, inputs[0], options), *inputs)
        extra = tuple(options.pop(each.name, None) for each in loss.inputs[len(inputs) :])
        names = {each.name for each in loss.hyper}
        hyper = {**loss.defaults, **{name: options.pop(name) for name in list(options) if name in names}}
        unknown = set(options) - set(loss.options) - {"weight", "mask"}
        if unknown:
            raise OptionError(
                sentence(
                    f"{loss.name}.count({min(unknown)}=...)",
                    expected="an option of the measure",
                    got=min(unknown),
                    remedy=f"use weight, mask, {', '.join(loss.options)}",
                )
            )
        with torch.no_grad():
            found = call.measure(loss, (*inputs, *extra), hyper, Options(**options))
            return reduction.total_measure(found.values, found.measure, found.keep)

    return count


def _stand_in(loss: Loss, target: Tensor, options: dict[str, Any]) -> Tensor:
    """A first input of the right shape that costs no memory, for counting from the target alone."""
    dtype = target.dtype if target.is_floating_point() else torch.float32
    zero = torch.zeros((), dtype=dtype, device=target.device)
    if not loss.has(Form.LOGITS) or target.is_floating_point():
        return zero.expand(target.shape)
    weights = options.get("class_weight")
    classes = len(weights) if weights is not None else int(target.max()) + 1 if target.numel() else 1
    dim = options.get("class_dim", 1)
    shape = list(target.shape)
    shape.insert(dim if dim >= 0 else dim + target.ndim + 1, classes)
    return zero.expand(shape)


def _recorder(loss: Loss, field: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def record(function: Callable[..., Any]) -> Callable[..., Any]:
        setattr(loss, field, function)
        return function

    return record
