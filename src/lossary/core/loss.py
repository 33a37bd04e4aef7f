"""Declaring a loss: ``@loss(...)`` over one function makes all the rest."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, ParamSpec

from .card import Card, Facts, InputFact, Parameter
from .declaration import Loss, read
from .function import LossFunction, make, parameters
from .registry import register

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
        unit=record.unit.says,
        coupled=facts.coupled,
        soft=facts.soft,
        elicits=settle(facts.elicits, record.defaults),
        constant=facts.constant,
        inputs=tuple(InputFact(each.name, each.kind.says) for each in record.inputs),
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
