"""Declaring a loss: ``@loss(...)`` over one function makes all the rest."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, ParamSpec

from .card import Card, Facts, InputFact, Parameter
from .declaration import Input, Loss, read
from .function import LossFunction, make, parameters
from .kinds import Form
from .registry import register
from .unit import Unit

Declared = ParamSpec("Declared")


def _declarer(
    facts: Callable[Declared, Facts],
) -> Callable[Declared, Callable[[Callable[..., Any]], LossFunction]]:
    def loss(*given: Declared.args, **named: Declared.kwargs) -> Callable[[Callable[..., Any]], LossFunction]:
        """Declare a loss; the arguments are the fields of ``Facts``.

        The decorated function is the math alone: canonical tensors to one value per unit, with no validation, no
        reduction and no device code. Its signature is the table of hyper-parameters, the annotations their domains,
        the first line of its docstring the summary, its return annotation the unit.

        Raises:
            DeclarationError: the signature lacks a kind, a domain, a meaning, a unit or a docstring.
        """
        known = facts(*given, **named)

        def declare(block: Callable[..., Any]) -> LossFunction:
            function = make(read(block, known))
            function.card = card(function.loss)
            register(function)
            return function

        return declare

    return loss


loss = _declarer(Facts)


def card(record: Loss) -> Card:
    """The card of a loss, at the defaults of its hyper-parameters."""
    facts = record.facts
    return Card(
        name=record.name,
        title=facts.title,
        summary=record.summary,
        family=record.family,
        task=facts.task,
        link=facts.link,
        outputs=facts.outputs,
        decode=facts.decode,
        unit=_unit(record),
        coupled=facts.coupled,
        soft=facts.soft,
        elicits=settle(facts.elicits, record.defaults),
        constant=facts.constant,
        inputs=tuple(InputFact(each.name, _says(each, facts)) for each in record.inputs),
        hyper=tuple(
            Parameter(each.name, each.default, each.domain.says, each.meaning) for each in record.hyper
        ),
        options=_options(record),
        claims={
            name: settle(value, record.defaults)
            for name, value in vars(facts.claims).items()
            if value is not None
        },
        example=facts.example,
        relatives=facts.relatives,
        use_when=facts.use_when,
        avoid_when=facts.avoid_when,
        aliases=facts.aliases,
        elsewhere={name: settle(value, record.defaults) for name, value in facts.elsewhere.items()},
        paper=facts.paper,
        exempt=facts.exempt,
    )


def _says(each: Input, facts: Facts) -> str:
    """An input in words; a target that may not be soft is the first of the two that its kind names."""
    hard = facts.soft is None and each.kind.form in (Form.CLASS, Form.BINARY)
    return each.kind.says.split(", or ")[0] if hard else each.kind.says


def _unit(record: Loss) -> str:
    if record.unit is Unit.ANCHOR and not record.has(Form.LABEL):
        return "one value per sample of the batch: (N,)"
    if record.unit is not Unit.ROW:
        return record.unit.says
    cloud = record.inputs[0].kind.form is Form.CLOUD
    axes = "its class axis" if record.classed else "its last two axes" if cloud else "its last axis"
    return f"one value per row: the shape of the input without {axes}"


def _options(record: Loss) -> tuple[str, ...]:
    own = {each.name for each in record.inputs} | {each.name for each in record.hyper}
    return tuple(each.name for each in parameters(record) if each.name not in own)


def settle(fact: Any, hyper: Any) -> Any:
    """A fact at given hyper-parameters: itself, or what the function of those it names returns."""
    if not callable(fact):
        return fact
    names = inspect.signature(fact).parameters
    if not set(names) <= hyper.keys():
        return None  # it depends on what every call must give
    return fact(**{name: hyper[name] for name in names})
