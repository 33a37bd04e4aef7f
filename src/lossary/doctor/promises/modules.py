"""A loss as a module, and as something that is copied and sent."""

from __future__ import annotations

import copy
import pickle

import torch

from ... import nn
from ...core.declaration import Loss
from ...core.modules import LossModule, camel, module_class
from ..draw import Case
from ..promise import insist, promise
from ..subject import Subject


def module(case: Case, **settings: object) -> LossModule:
    """The module of the loss with the hyper-parameters of a case, and other settings."""
    made = getattr(nn, camel(case.loss.name), None) if in_catalogue(case.loss) else None
    if made is None or made.function is not case.function:
        made = getattr(case.function, "module", None) or module_class(case.function)
    settled: LossModule = made(**case.hyper, **settings)
    return settled


def in_catalogue(loss: Loss) -> bool:
    """Whether the loss is found by its name."""
    from ...core import registry

    return loss.name in registry.names()


@promise(18)
def function_and_module_agree(subject: Subject) -> None:
    """Function and module return the same bits."""
    for hyper in subject.hypers(5):
        case = subject.case(6, 2, hyper=hyper)
        positional, keyword = case.arguments()
        inputs = {name: each for name, each in keyword.items() if name not in hyper}
        for ways in subject.measures(case):
            per_call = {name: each for name, each in ways.items() if name != "class_weight"}
            settings = {name: each for name, each in ways.items() if name == "class_weight"}
            made = module(case, **settings)
            found = made(*positional, **inputs, **per_call)
            insist(torch.equal(found, case(**ways)), "the module returns other bits", case, **ways)


@promise(18)
def repr_rebuilds_the_module(subject: Subject) -> None:
    """``repr`` of a module is the expression that makes it again."""
    for hyper in subject.hypers(5):
        case = subject.case(4, hyper=hyper)
        made = module(case)
        again = eval(repr(made), {type(made).__name__: type(made), "tensor": torch.tensor})
        positional, keyword = case.arguments()
        inputs = {name: each for name, each in keyword.items() if name not in hyper}
        alike = torch.equal(again(*positional, **inputs), made(*positional, **inputs))
        insist(repr(again) == repr(made) and alike, f"{made!r} does not rebuild itself", case)


@promise(18)
def modules_move_and_save(subject: Subject) -> None:
    """A module copies deeply, pickles, and loads what it saved."""
    for hyper in subject.hypers(3):
        case = subject.case(5, hyper=hyper)
        made = module(case)
        positional, keyword = case.arguments()
        inputs = {name: each for name, each in keyword.items() if name not in hyper}
        wanted = made(*positional, **inputs)
        insist(torch.equal(copy.deepcopy(made)(*positional, **inputs), wanted), "a deep copy differs", case)
        if getattr(nn, type(made).__name__, None) is type(made):
            back = pickle.loads(pickle.dumps(made))
            insist(torch.equal(back(*positional, **inputs), wanted), "unpickled it differs", case)
        made.load_state_dict(made.state_dict())


@promise(17)
def functions_copy_and_pickle(subject: Subject) -> None:
    """A function of the catalogue copies deeply and pickles by its name, as any function does."""
    insist(copy.deepcopy(subject.function) is subject.function, "a deep copy is another function")
    if in_catalogue(subject.loss):
        from ...core import registry

        if registry.get(subject.loss.name) is subject.function:
            back = pickle.loads(pickle.dumps(subject.function))
            insist(back is subject.function, "unpickled it is another function")
