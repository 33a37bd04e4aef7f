"""Losses as ``nn.Module``s: one generated class per loss, which holds settings and calls the same function."""

from __future__ import annotations

import inspect
import struct
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from . import call
from .backends import Explanation
from .declaration import REQUIRED, Loss
from .errors import OptionError, ShapeError, sentence
from .function import LossFunction, parameters
from .options import PER_CALL, Options


class LossModule(nn.Module):
    """Base of every loss module, single or composed: calls a loss, adds up, and scales by a number."""

    def terms(self, *inputs: Any, **options: Any) -> dict[str, Tensor]:
        """The value of each part by name, as it enters the sum; together they add up to the call's value."""
        raise NotImplementedError

    def parts(self) -> Iterator[tuple[str, float, LossModule]]:
        """Name, factor and module of each part."""
        raise NotImplementedError

    @property
    def name(self) -> str:
        """What it is called among the terms of a sum."""
        raise NotImplementedError

    def __add__(self, other: object) -> LossModule:
        if not isinstance(other, LossModule):
            return NotImplemented
        return Sum([(factor, module) for _, factor, module in (*self.parts(), *other.parts())])

    def __radd__(self, other: object) -> LossModule:
        # sum([...]) starts from 0.
        return self if other == 0 else NotImplemented

    def __mul__(self, factor: object) -> LossModule:
        if isinstance(factor, bool) or not isinstance(factor, (int, float)):
            return NotImplemented
        if not 0 <= factor < float("inf"):
            raise OptionError(
                sentence(
                    "factor of a loss",
                    expected="a finite number of at least 0",
                    got=f"{factor:g}",
                    remedy="a loss is minimised; weigh it with a positive number",
                )
            )
        return Sum([(factor * each, module) for _, each, module in self.parts()])

    __rmul__ = __mul__


class Single(LossModule):
    """One loss with its settings. Each loss's own class derives from this one, generated with a real signature."""

    function: LossFunction

    def __init__(self, **settings: Any) -> None:
        super().__init__()
        for each in self.function.loss.hyper:
            if each.default is REQUIRED and each.name not in settings:
                each.check(type(self).__name__, REQUIRED)
        bound = inspect.signature(type(self)).bind(**settings)
        self._given = tuple(bound.arguments)
        bound.apply_defaults()
        for name, value in bound.arguments.items():
            if isinstance(value, nn.Parameter):
                self.register_parameter(name, value)
            elif isinstance(value, Tensor):
                self.register_buffer(name, value)
            else:
                setattr(self, name, value)
        # Refuse a setting outside its domain now, not at the first call.
        hyper = {each.name: getattr(self, each.name) for each in self.function.loss.hyper}
        options = {name: value for name, value in bound.arguments.items() if name not in hyper}
        call.check(self.function.loss, hyper, Options(**options))

    @property
    def settings(self) -> dict[str, Any]:
        """The settings given to the constructor, by name, as they are now."""
        return {name: getattr(self, name) for name in self._given}

    def forward(self, *inputs: Any, **options: Any) -> Tensor:
        """The loss of these inputs; ``weight``, ``mask`` and ``denominator`` belong to a call."""
        if self._given:
            options = {**self.settings, **options}
        return self.function(*inputs, **options)

    def explain(self, *inputs: Any, **options: Any) -> Explanation:
        """Which backend computes this call, and why not the others."""
        return self.function.explain(*inputs, **{**self.settings, **options})

    def terms(self, *inputs: Any, **options: Any) -> dict[str, Tensor]:
        return {self.function.__name__: self(*inputs, **options)}

    def parts(self) -> Iterator[tuple[str, float, LossModule]]:
        yield self.name, 1.0, self

    @property
    def name(self) -> str:
        return self.function.__name__

    def __repr__(self) -> str:
        settings = (f"{name}={_literal(value)}" for name, value in self.settings.items())
        return f"{type(self).__name__}({', '.join(settings)})"


class Sum(LossModule):
    """A weighted sum of losses over the same inputs. Each part keeps its name, so that it can be logged."""

    def __init__(self, parts: list[tuple[float, LossModule]]) -> None:
        super().__init__()
        _of_one_kind([module for _, module in parts])
        self.factors = [factor for factor, _ in parts]
        self.losses = nn.ModuleList(module for _, module in parts)

    def forward(self, *inputs: Any, **options: Any) -> Tensor:
        """The weighted sum of the parts.

        Raises:
            ShapeError: with ``reduction="none"``, parts whose units differ in shape.
        """
        terms = self.terms(*inputs, **options)
        shapes = {name: tuple(value.shape) for name, value in terms.items()}
        if len(set(shapes.values())) > 1:
            raise ShapeError(
                sentence(
                    "sum of losses",
                    expected="parts with units of one shape",
                    got=" and ".join(f"{name} {shape}" for name, shape in shapes.items()),
                    remedy="reduce them to means, or call .terms(...)",
                )
            )
        return torch.stack(list(terms.values())).sum(0)

    def terms(self, *inputs: Any, **options: Any) -> dict[str, Tensor]:
        return {name: factor * module(*inputs, **options) for name, factor, module in self.parts()}

    def parts(self) -> Iterator[tuple[str, float, LossModule]]:
        seen: dict[str, int] = {}
        for factor, module in zip(self.factors, self.losses, strict=True):
            assert isinstance(module, LossModule)
            name = module.name
            seen[name] = seen.get(name, 0) + 1
            yield (name if seen[name] == 1 else f"{name}_{seen[name]}"), factor, module

    def __repr__(self) -> str:
        return " + ".join(
            repr(module) if factor == 1 else f"{factor!r} * {module!r}"
            for factor, module in zip(self.factors, self.losses, strict=True)
        )


def _of_one_kind(modules: list[LossModule]) -> None:
    """Refuse losses that no call could give what each of them takes."""
    taken = {
        module.name: tuple(each.name for each in module.function.loss.required)
        for module in modules
        if isinstance(module, Single)
    }
    if len({len(names) for names in taken.values()}) > 1:
        raise OptionError(
            sentence(
                "sum of losses",
                expected="losses of as many inputs",
                got=" and ".join(f"{name} of {', '.join(names)}" for name, names in taken.items()),
                remedy="wrap a penalty as in Penalty(L2Penalty(), network), or add the values of two calls",
            )
        )


def _literal(value: object) -> str:
    """A setting as Python reads it again; an infinity has no literal, and torch prints four digits of a tensor."""
    if isinstance(value, Tensor):
        plain = value.device.type == "cpu" and value.dtype is torch.float32 and bool(value.isfinite().all())
        data = f"tensor({_digits(value.tolist())})" if plain else repr(value.detach())
        return f"Parameter({data})" if isinstance(value, nn.Parameter) else data
    infinite = isinstance(value, float) and value in (float("inf"), -float("inf"))
    return f"float('{value}')" if infinite else repr(value)


def _digits(value: Any) -> str:
    """Numbers of float32, or lists of them, in as few digits as tell them apart."""
    if isinstance(value, list):
        return f"[{', '.join(_digits(each) for each in value)}]"
    short = (float(f"{value:.{digits}g}") for digits in (6, 7, 8, 9))
    return repr(next(each for each in short if struct.pack("f", each) == struct.pack("f", value)))


def camel(name: str) -> str:
    """``binary_cross_entropy`` as a class is called."""
    return "".join(word[:1].upper() + word[1:] for word in name.split("_"))


def module_class(function: LossFunction) -> type[Single]:
    """The module class of a loss. It pickles by name where ``lossary.nn`` knows it."""
    loss: Loss = function.loss
    keyword = inspect.Parameter.KEYWORD_ONLY
    settings = [
        each.replace(kind=keyword)
        for each in parameters(loss)
        if each.name not in PER_CALL and each.name not in {one.name for one in loss.inputs}
    ]
    made = type(
        camel(loss.name),
        (Single,),
        {
            "function": staticmethod(function),
            "__doc__": f"{loss.summary} The module of ``lossary.{loss.name}``.",
            "__module__": "lossary.nn",
            "__signature__": inspect.Signature(settings),
        },
    )
    return made
