"""What torch can do with a function, it can do with a loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ...core.unit import Unit
from ..agree import all_same, same
from ..draw import Case
from ..promise import insist, promise
from ..subject import Subject

#: Traced whole, forward and backward, and run eagerly; where the two are cut apart is for Inductor to optimise.
AHEAD_OF_TIME = "aot_eager_default_partitioner"


def as_function(case: Case, **options: Any) -> Callable[[Tensor], Tensor]:
    """The call as a function of its first input."""
    positional, keyword = case.arguments()
    rest, function = positional[1:], case.function

    def call(first: Tensor) -> Tensor:
        return function(first, *rest, **keyword, **options)

    return call


@promise(17)
def differentiates_twice(subject: Subject) -> None:
    """Double backward agrees with numerical differences of the first derivative, in float64."""
    for hyper in subject.hypers(3):
        case = subject.case(3, hyper=hyper, dtype=torch.float64)
        for ways in ({}, {"weight": subject.weight(case, torch.float64)}, {"mask": subject.mask(case)}):
            leaf = case.first.clone().requires_grad_()
            call = as_function(case, **ways)
            fine = torch.autograd.gradgradcheck(
                call, (leaf,), fast_mode=True, raise_exception=False, atol=1e-4, rtol=1e-3
            )
            insist(fine, "the second derivative is not that of the first", case, **ways)


@promise(17)
def runs_forward_mode(subject: Subject) -> None:
    """Forward mode gives the directional derivative that backward mode gives."""
    for hyper in subject.hypers(3):
        case = subject.case(6, hyper=hyper, dtype=torch.float64)
        for ways in subject.measures(case, torch.float64):
            call = as_function(case, **ways)
            direction = torch.randn(case.first.shape, generator=subject.generator, dtype=torch.float64)
            value, pushed = torch.func.jvp(call, (case.first,), (direction,))  # type: ignore[misc]
            leaves = case.leaves()
            wanted = leaves(**ways)
            insist(same(value, wanted), "the value differs under forward mode", case, **ways)
            (gradient,) = torch.autograd.grad(wanted, [leaves.first])
            insist(
                same(pushed, (gradient * direction).sum(), 10**4),
                "forward and backward mode differ",
                case,
                **ways,
            )


@promise(17)
def runs_under_torch_func(subject: Subject) -> None:
    """``torch.func`` grad, vmap, jacrev and hessian give what a loop over autograd gives."""
    for hyper in subject.hypers(2):
        case = subject.case(5, hyper=hyper, dtype=torch.float64)
        for ways in ({}, {"mask": subject.mask(case)}):
            call = as_function(case, **ways)
            leaves = case.leaves()
            (gradient,) = torch.autograd.grad(leaves(**ways), [leaves.first])
            insist(same(torch.func.grad(call)(case.first), gradient), "torch.func.grad differs", case, **ways)
            stack = torch.stack([case.first, case.first * 0.5, case.first * 0.75 + 0.25])
            mapped = torch.func.vmap(call)(stack)
            looped = torch.stack([call(each) for each in stack])
            insist(same(mapped, looped), "vmap is not the loop", case, **ways)
            rows = torch.func.jacrev(as_function(case, reduction="none", **ways))(case.first)
            values = case(reduction="none", **ways)
            insist(rows.shape == values.shape + case.first.shape, "jacrev has another shape", case, **ways)
            both = torch.func.vmap(torch.func.grad(call))(stack)
            insist(same(both[0], gradient), "vmap of grad differs", case, **ways)
            small = case.rows(slice(0, 3)) if not case.loss.facts.coupled else case
            ways = {name: each[:3] if small is not case else each for name, each in ways.items()}
            square = torch.func.hessian(as_function(small, **ways))(small.first)
            flat = square.reshape(small.first.numel(), -1)
            insist(
                bool(flat.isfinite().all()) and same(flat, flat.T, 10**6),
                "the Hessian is not symmetric",
                small,
                **ways,
            )


@promise(17, applies=lambda loss: not loss.facts.coupled)
def gives_each_sample_its_gradient(subject: Subject) -> None:
    """``vmap(grad(f))`` over the samples of a batch gives what a loop over them gives."""
    case = subject.case(3, dtype=torch.float64)
    # A region has its axes within a batch of one; what has none is a sample by itself.
    alone = subject.loss.unit is not Unit.REGION
    there = [place for place, each in enumerate(case.inputs) if each is not None]
    stacks = [each if alone else each.unsqueeze(1) for each in case.inputs if each is not None]
    ways: list[dict[str, Tensor]] = [{}]
    if "class_weight" in subject.loss.options:
        ways.append({"class_weight": subject.class_weight(case, torch.float64)})
    for way in ways:

        def call(*given: Tensor, way: dict[str, Tensor] = way) -> Tensor:
            inputs = list(case.inputs)
            for place, each in zip(there, given, strict=True):
                inputs[place] = each
            positional, keyword = case.arguments(tuple(inputs))
            return case.function(*positional, **keyword, **way)

        mapped = torch.func.vmap(torch.func.grad(call))(*stacks)
        looped = [torch.func.grad(call)(*(each[sample] for each in stacks)) for sample in range(3)]
        insist(same(mapped, torch.stack(looped)), "vmap of grad over samples is not the loop", case, **way)


@promise(17)
def traces_with_make_fx(subject: Subject) -> None:
    """``make_fx`` traces the loss into a graph that computes it."""
    from torch.fx.experimental.proxy_tensor import make_fx

    case = subject.case(5)
    for ways in ({}, {"mask": subject.mask(case)}):
        call = as_function(case, **ways)
        graph = make_fx(call)(case.first)
        insist(
            same(graph(case.first), call(case.first)),
            "the traced graph computes something else",
            case,
            **ways,
        )


@promise(17)
def runs_on_meta_and_fake_tensors(subject: Subject) -> None:
    """Without values the loss still has a shape and a dtype: on the meta device and on fake tensors."""
    from torch._subclasses.fake_tensor import FakeTensorMode

    case = subject.case(5, 2)
    nothing, *_, everything = subject.measures(case)
    for reduction, ways in (("mean", nothing), ("mean", everything), ("none", everything)):
        wanted = case(reduction=reduction, **ways)
        away = case.map(lambda tensor, each: tensor.to("meta"))
        meta = away(reduction=reduction, **{name: each.to("meta") for name, each in ways.items()})
        insist(
            meta.shape == wanted.shape and meta.dtype == wanted.dtype,
            "another shape on meta",
            case,
            **ways,
        )
        with FakeTensorMode() as mode:
            fake = case.map(lambda tensor, each, m=mode: m.from_tensor(tensor))
            found = fake(reduction=reduction, **{name: mode.from_tensor(each) for name, each in ways.items()})
        insist(
            found.shape == wanted.shape and found.dtype == wanted.dtype,
            "another shape on fakes",
            case,
            **ways,
        )


@promise(17)
def takes_any_layout(subject: Subject) -> None:
    """Non-contiguous and expanded inputs give what contiguous ones give."""
    for hyper in subject.hypers(2):
        case = subject.case(5, 4, hyper=hyper)
        value, gradients = case.gradients()
        strided = case.map(lambda tensor, each: torch.stack([tensor, tensor], -1)[..., 0])
        insist(same(strided(), value), "strides change the value", case)
        again, parts = strided.gradients()
        insist(same(again, value) and all_same(parts, gradients), "strides change the gradient", case)
        turned = case.map(lambda tensor, each: tensor.transpose(0, -1).contiguous().transpose(0, -1))
        insist(same(turned(), value), "another order of axes in memory changes the value", case)
        one = case.rows(slice(0, 1))
        wide = one.map(lambda tensor, each: tensor.expand(3, *tensor.shape[1:]))
        solid = wide.map(lambda tensor, each: tensor.contiguous())
        insist(same(wide(), solid()), "expanded inputs change the value", case)
        weight = torch.tensor(2.0).expand(5)
        insist(
            same(case(weight=weight), case(weight=weight.contiguous())),
            "an expanded weight changes the value",
            case,
        )


@promise(17)
def leaves_its_inputs_alone(subject: Subject) -> None:
    """Inputs, weights and masks are what they were, forward and backward, silence included."""
    for hyper in subject.hypers(3):
        case = subject.case(6, 2, hyper=hyper)
        for ways in subject.measures(case):
            leaves = case.leaves()
            kept = [None if each is None else each.detach().clone() for each in leaves.inputs]
            options = {name: each.clone() for name, each in ways.items()}
            torch.autograd.grad(leaves(**options), leaves.differentiable())
            pairs = [
                *zip(leaves.inputs, kept, strict=True),
                *((options[name], each) for name, each in ways.items()),
            ]
            unchanged = all(a is None or torch.equal(a.detach(), b) for a, b in pairs if b is not None)
            insist(unchanged, "a call changed its inputs", case, **ways)
            again = leaves(**options)
            insist(torch.equal(again, case(**ways)), "a second call differs from the first", case, **ways)


@promise(17, slow=True)
def compiles_whole(subject: Subject) -> None:
    """``torch.compile(fullgraph=True)`` with one backward gives the eager value and gradient."""
    # With a weight and a mask the call goes the whole way; the short one is compiled over the transforms below.
    case = subject.case(6)
    compiled_agrees(case, AHEAD_OF_TIME, weight=subject.weight(case), mask=subject.mask(case))


def compiled_agrees(case: Case, backend: str, **options: Tensor) -> None:
    """Insist that a compiled call has the eager value and gradient; the tests try Inductor on one loss a unit."""
    torch._dynamo.reset()
    call = torch.compile(as_function(case, **options), fullgraph=True, backend=backend)
    leaf = case.first.clone().requires_grad_()
    value = call(leaf)
    (gradient,) = torch.autograd.grad(value, leaf)
    leaves = case.leaves()
    wanted = leaves(**options)
    (reference,) = torch.autograd.grad(wanted, [leaves.first])
    torch._dynamo.reset()
    insist(same(value, wanted, 256), "compiled it has another value", case, **options)
    insist(same(gradient, reference, 256), "compiled it has another gradient", case, **options)


@promise(17, slow=True)
def compiles_over_transforms(subject: Subject) -> None:
    """With compile outermost, ``compile(vmap(f))`` and ``compile(grad(f))`` run whole."""
    case = subject.case(5)
    call = as_function(case)
    stack = torch.stack([case.first, case.first * 0.5])

    def both(stack: Tensor, first: Tensor) -> tuple[Tensor, Tensor]:
        # Side by side in one graph they cost two thirds of what one graph each does.
        return torch.func.vmap(call)(stack), torch.func.grad(call)(first)

    # Whether the transforms are captured whole is asked here, so the graph runs as it is; compiles_whole goes further.
    torch._dynamo.reset()
    found = torch.compile(both, fullgraph=True, backend="eager")(stack, case.first)
    torch._dynamo.reset()
    for name, one, other in zip(("vmap", "grad"), found, both(stack, case.first), strict=True):
        insist(same(one, other, 256), f"compile({name}(f)) differs", case)


@promise(17, slow=True)
def exports(subject: Subject) -> None:
    """``torch.export``, strict and not, gives a program that computes the loss."""
    case = subject.case(6)

    class Wrapped(torch.nn.Module):
        def forward(self, first: Tensor) -> Tensor:
            return as_function(case)(first)

    for strict in (True, False):
        torch._dynamo.reset()
        program = torch.export.export(Wrapped(), (case.first,), strict=strict)
        insist(same(program.module()(case.first), case(), 256), f"export(strict={strict}) differs", case)
    torch._dynamo.reset()
