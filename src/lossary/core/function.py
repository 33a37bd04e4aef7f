"""From a record to the function users call: a real signature, and one frame in a traceback."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sized
from typing import TYPE_CHECKING, Any, Protocol, cast

import torch
from torch import Tensor

from . import answers, call, prepare, reduction
from .backends import Explanation
from .declaration import REQUIRED, Loss
from .domains import PerClass
from .errors import DeclarationError, OptionError, sentence
from .kinds import Form
from .options import COMMON, PLAIN, Options
from .shapes import frame
from .unit import Unit

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

    def explain(self, *inputs: Tensor, **options: Any) -> Explanation:
        """Which backend computes this call, and why not the others."""

    def probabilities(self, raw: Tensor, *, class_dim: int = 1, **hyper: Any) -> Tensor:
        """The probabilities that a network's raw outputs stand for."""

    def decode(self, raw: Tensor, *, class_dim: int = 1, **hyper: Any) -> Tensor:
        """The answer that a network's raw outputs stand for."""


_TEMPLATE = """\
def make(evaluate, loss, Options, PLAIN, defaults):
    def {name}({signature}):
        options = PLAIN if {plain} else Options({options})
        return evaluate(loss, ({inputs},), {{{hyper}}}, options)
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
    function.explain = _compile(loss, call.explain)  # type: ignore[method-assign]
    function.probabilities = _answer(loss, answers.probabilities)  # type: ignore[method-assign]
    function.decode = _answer(loss, answers.decode)  # type: ignore[method-assign]
    function.definition = _recorder(loss, "definition")
    function.slope = _recorder(loss, "slope")
    return function


def parameters(loss: Loss) -> list[inspect.Parameter]:
    """The parameters of the generated function, in order."""
    keyword = inspect.Parameter.KEYWORD_ONLY
    made = [inspect.Parameter(each.name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for each in loss.required]
    made += [inspect.Parameter(each.name, keyword, default=None) for each in loss.inputs if each.optional]
    # Those that must be given first; a Hyper without default has the one that says so.
    asked = sorted(loss.hyper, key=lambda each: each.default is not REQUIRED)
    made += [inspect.Parameter(each.name, keyword, default=each.default) for each in asked]
    names = (*COMMON[:2], *loss.options, *COMMON[2:])
    made += [inspect.Parameter(name, keyword, default=getattr(PLAIN, name)) for name in names]
    return made


def _compile(loss: Loss, body: Callable[..., Any]) -> Any:
    given = parameters(loss)
    defaults = {each.name: each.default for each in given if each.default is not inspect.Parameter.empty}
    positional = [each.name for each in loss.required]
    keyword = [each.name for each in loss.hyper if each.default is REQUIRED]
    keyword += [f"{name}=defaults[{name!r}]" for name in defaults]
    options = [name for name in defaults if name in Options._fields]
    source = _TEMPLATE.format(
        name=loss.name,
        signature=", ".join([*positional, "*", *keyword]),
        inputs=", ".join(each.name for each in loss.inputs),
        hyper=", ".join(f"{each.name!r}: {each.name}" for each in loss.hyper),
        options=", ".join(f"{name}={name}" for name in options),
        plain=" and ".join(f"{name} {_is(getattr(PLAIN, name))}" for name in options),
    )
    scope: dict[str, Any] = {"__name__": loss.module}
    exec(compile(source, f"<lossary {loss.name}>", "exec"), scope)
    function = scope["make"](body, loss, Options, PLAIN, defaults)
    function.__module__ = loss.module
    said = {call.measure: ".units", call.explain: ".explain"}.get(body, "")
    function.__qualname__ = f"{loss.name}{said}"
    function.__doc__ = loss.block.__doc__
    return function


def _is(default: object) -> str:
    """How generated code asks whether an option was left alone."""
    return f"is {default!r}" if default is None else f"== {default!r}"


def _math(loss: Loss) -> Callable[..., Tensor]:
    def math(*tensors: Tensor, **settings: Any) -> Tensor:
        given = (*tensors, *(settings.pop(each.name, None) for each in loss.inputs[len(tensors) :]))
        options, hyper = _parted(loss, settings)
        where_is = frame(loss, given, hyper, options.class_dim)
        arguments, _, _ = prepare.prepare(loss, given, where_is, options, False)
        found = loss.apply(arguments, hyper)
        per_unit: Tensor = found[0] if isinstance(found, tuple) else found
        return per_unit

    what = f"The math of {loss.name}: one value per unit; no checks of values, no measure, no reduction."
    math.__doc__ = f"{what}\n\n{loss.block.__doc__}"
    return math


def _count(loss: Loss) -> Callable[..., Tensor]:
    def count(*tensors: Tensor, **settings: Any) -> Tensor:
        """Σ measure, what ``mean`` divides by: a 0-d tensor, float32 or wider, without gradient.

        Args:
            tensors: what the loss is called with; the target alone will do where it tells how many units there are.
            settings: weight, mask, class_weight, ignore_index, ... as in the call, and its hyper-parameters.

        Raises:
            OptionError: an option that no measure depends on; whatever the call itself would raise.
        """
        if len(tensors) == 1 and len(loss.required) == 2:
            tensors = (_stand_in(loss, tensors[0], settings), *tensors)
        if len(tensors) < len(loss.required):
            raise _too_few(loss, len(tensors))
        given = (*tensors, *(settings.pop(each.name, None) for each in loss.inputs[len(tensors) :]))
        options, hyper = _parted(loss, settings)
        with torch.no_grad():
            if loss.unit is Unit.ANCHOR:
                found = call.measure(loss, given, hyper, options)
                total = reduction.total_measure(found.values.shape, found.values, found.measure, found.keep)
            else:
                settled = call.settle(loss, given, hyper, options)
                total = reduction.total_measure(settled.shape, given[0], settled.measure, settled.keep)
            return total.to(torch.promote_types(given[0].dtype, torch.float32))

    return count


def _parted(loss: Loss, settings: dict[str, Any]) -> tuple[Options, dict[str, Any]]:
    """Options and hyper-parameters out of keyword arguments."""
    hyper = {each.name: settings.pop(each.name, each.default) for each in loss.hyper}
    for each in loss.hyper:
        if hyper[each.name] is REQUIRED:
            each.check(loss.name, REQUIRED)
    known = {"weight", "mask", *loss.options}
    unknown = next((name for name in settings if name not in known), None)
    if unknown is not None:
        raise OptionError(
            sentence(
                f"{loss.name}({unknown}=...)",
                expected=f"one of {', '.join([*hyper, 'weight', 'mask', *loss.options])}",
                got=repr(unknown),
                remedy="leave it out",
            )
        )
    return Options(**settings), hyper


def _stand_in(loss: Loss, target: Tensor, settings: dict[str, Any]) -> Tensor:
    """A first input of the right shape that takes no memory, to count from the target alone."""
    weights = settings.get("class_weight")
    classes_missing = loss.unit is Unit.REGION and loss.indexed and weights is None
    many = any(
        each.kind.extra_axis and isinstance(settings.get(each.kind.extra_axis), Sized) for each in loss.inputs
    )
    if loss.unit is Unit.ANCHOR or many or (classes_missing and not target.is_floating_point()):
        raise _too_few(loss, 1)
    zero = torch.zeros((), dtype=target.dtype if target.is_floating_point() else torch.float32)
    return zero.to(target.device).expand(_stand_in_shape(loss, target, settings))


def _too_few(loss: Loss, given: int) -> OptionError:
    return OptionError(
        sentence(
            f"{loss.name}.count",
            expected=" and ".join(each.name for each in loss.required),
            got="one tensor" if given == 1 else f"{given} tensors",
            remedy="pass what the loss is called with",
        )
    )


def _stand_in_shape(loss: Loss, target: Tensor, settings: dict[str, Any]) -> list[int]:
    kind, shape = loss.required[0].kind, list(target.shape)
    if kind.form is Form.COLUMNS:
        return [*shape, max(len(kind.columns), 1)]
    if kind.form is Form.CLOUD:
        return [*shape[:-1], 1, *shape[-1:]]
    dim = settings.get("class_dim", 1)
    if not loss.has(Form.CLASS):
        return shape
    if target.is_floating_point():
        axis = min(dim, len(shape) - 1)
        shape[axis] = kind.entries(shape[axis], settings)
        return shape
    told = [
        settings.get("class_weight"),
        *(settings.get(h.name) for h in loss.hyper if isinstance(h.domain, PerClass)),
    ]
    sizes = [len(each) for each in told if each is not None]
    classes = sizes[0] if sizes else max(int(target.max()) + 1 if target.numel() else 1, 1 + kind.fewer)
    axis = min(dim, target.ndim) if dim >= 0 else dim + target.ndim + 1
    shape.insert(axis, kind.entries(classes, settings))
    return shape


def _answer(loss: Loss, what: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def answer(raw: Tensor, *, class_dim: int = 1, **hyper: Any) -> Tensor:
        return what(loss, raw, hyper, class_dim)

    answer.__doc__ = what.__doc__
    return answer


def _recorder(loss: Loss, field: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def record(function: Any) -> Any:
        if getattr(loss, field) is not None or not callable(function):
            raise DeclarationError(
                sentence(
                    f"{loss.name}.{field}",
                    expected=f"to decorate the one {field} of the loss",
                    got="a second use" if callable(function) else type(function).__name__,
                    remedy=f"call {loss.name}.loss.{field}(...) to use it",
                )
            )
        setattr(loss, field, function)
        return function

    return record
