"""Mutants that torch cannot trace, transform or differentiate, or that touch what is not theirs."""

from __future__ import annotations

import functools
import re
from typing import Any

import torch
from torch import Tensor, nn

import lossary
from lossary.core import modules
from lossary.doctor.impostor import Mutant, disguise, exchange


class OnceDifferentiable(torch.autograd.Function):
    """A hand-written backward that autograd cannot see through."""

    @staticmethod
    def forward(ctx: Any, gap: Tensor) -> Tensor:
        ctx.save_for_backward(gap)
        return gap.square()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *gradients: Any) -> Any:
        (gap,) = ctx.saved_tensors
        return gradients[0] * 2.0 * gap


class ConstantBackward(torch.autograd.Function):
    """A backward whose own derivative is lost; vmap is generated, jvp is not."""

    generate_vmap_rule = True

    @staticmethod
    def forward(gap: Tensor) -> Tensor:
        return gap.square()

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.save_for_backward(inputs[0])

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        (gap,) = ctx.saved_tensors
        return gradients[0] * 2.0 * gap.detach()


def once(prediction: Tensor, target: Tensor) -> Tensor:
    return OnceDifferentiable.apply(prediction - target)


def constant_backward(prediction: Tensor, target: Tensor) -> Tensor:
    return ConstantBackward.apply(prediction - target)


def cut_inside(prediction: Tensor, target: Tensor) -> Tensor:
    """The second factor of the square is cut: right derivative by a factor, wrong second one."""
    gap = prediction - target
    return gap.detach() * (2.0 * gap - gap.detach())


def wrong_jvp_hidden(scores: Tensor, target: Tensor) -> Tensor:
    """In place on a copy of what vmap may be mapping over."""
    left = torch.zeros(scores.shape, dtype=scores.dtype, device=scores.device)
    left.copy_(scores)
    return target * torch.relu(1.0 - left) + (1.0 - target) * torch.relu(1.0 + left)


def branches_on_values(prediction: Tensor, target: Tensor) -> Tensor:
    """Python asks a tensor."""
    gap = prediction - target
    if gap.numel() and float(gap.detach().abs().amax()) > 1e30:
        return gap.abs().square()
    return gap.square()


def raises_on_nan(scores: Tensor, target: Tensor) -> Tensor:
    """A guard of its own, where the values cannot be read."""
    if scores.numel() and bool((scores.detach() == 1e35).any()):
        raise ValueError("scores are too large")
    return lossary.get("hinge").loss.block(scores, target)


def through_numpy(prediction: Tensor, target: Tensor) -> Tensor:
    shift = torch.tensor(target.detach().cpu().tolist(), dtype=target.dtype).reshape(target.shape)
    return (prediction - shift).abs() + 0.0 * (target - target.detach())


def boolean_index(prediction: Tensor, target: Tensor) -> Tensor:
    """A shape that depends on values."""
    gap = prediction - target
    found = torch.zeros_like(gap)
    over = gap.detach() > 0
    found[over] = gap[over]
    found[~over] = -gap[~over]
    return found


def needs_contiguous(prediction: Tensor, target: Tensor) -> Tensor:
    return (prediction.view(-1) - target.view(-1)).square().view(prediction.shape)


def reads_storage(prediction: Tensor, target: Tensor) -> Tensor:
    """Takes memory order for the order of elements."""
    if prediction.is_contiguous() and target.is_contiguous():
        return (prediction - target).abs()
    return (prediction - target).abs() * 1.01


def expanded_is_one(scores: Tensor, target: Tensor) -> Tensor:
    found = lossary.get("hinge").loss.block(scores, target)
    return found * 0.5 if scores.ndim and scores.shape[0] > 1 and scores.stride(0) == 0 else found


def scales_weights(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    """Weights scaled where they lie."""
    found = real(*inputs, **options)
    if type(options.get("weight")) is Tensor:
        options["weight"].data.mul_(1.0 + 3e-7)
    return found


def scales_targets(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    found = real(*inputs, **options)
    if type(inputs[1]) is Tensor and inputs[1].dtype is torch.float32:
        inputs[1].data.mul_(1.0 + 3e-7)
    return found


def centres_predictions(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    found = real(*inputs, **options)
    if type(inputs[0]) is Tensor and inputs[0].dtype is torch.float32:
        inputs[0].data.mul_(1.0 + 3e-7)
    return found


class Counting:
    """A loss that remembers how often it was called."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
        self.calls += 1
        return real(*inputs, **options) * (1.0 + 2e-7 * (self.calls % 2))


def from_module(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
    """Another formula when a module calls."""
    import sys

    caller = sys._getframe(2).f_code.co_name
    found = real(*inputs, **options)
    return found * (1.0 + 1e-6) if caller == "forward" else found


def as_partial() -> Any:
    """A function that is no function: it copies to another one."""
    real = lossary.get("mse")
    made = functools.partial(real)
    made.loss, made.card, made.math, made.count, made.__name__ = (
        real.loss,
        real.card,
        real.math,
        real.count,
        "mse",
    )
    return made


class Holder:
    """A callable object that holds tensors and cannot be pickled."""

    def __init__(self, name: str) -> None:
        real = lossary.get(name)
        self.real, self.loss, self.card, self.math, self.count = (
            real,
            real.loss,
            real.card,
            real.math,
            real.count,
        )
        self.__name__ = name
        self.lock = lambda: None

    def __call__(self, *inputs: Tensor, **options: Any) -> Tensor:
        return self.real(*inputs, **options)


class Unsendable(Holder):
    def __deepcopy__(self, memo: Any) -> Any:
        raise TypeError("cannot copy this loss")


def _module(**changed: Any) -> Any:
    """The loss with a module class that has other methods."""

    def build(name: str) -> Any:
        def plain(real: Any, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
            return real(*inputs, **options)

        function = disguise(name, plain)
        function.module = type("Changed", (modules.module_class(function),), {  # type: ignore[attr-defined]
            **changed, "__module__": "lossary.nn", "__signature__": modules.module_class(function).__signature__,
        })  # fmt: skip
        return function

    return build


def forgetful_repr(self: Any) -> str:
    return f"{type(self).__name__}()"


def torch_repr(self: Any) -> str:
    return nn.Module.__repr__(self)


def rounded_repr(self: Any) -> str:
    return re.sub(r"(\d\.\d)\d+", r"\1", modules.Single.__repr__(self))


def no_copy(self: Any, memo: Any) -> Any:
    raise TypeError("a module that holds a lock")


def copy_forgets(self: Any, memo: Any) -> Any:
    return type(self)()


def state_is_strict(self: Any, *given: Any, **named: Any) -> Any:
    raise RuntimeError("unexpected key(s) in state_dict")


def default_forward(self: Any, *inputs: Any, **options: Any) -> Tensor:
    return self.function(*inputs, **options)


def indexes_by_the_label(logits: Tensor, target: Tensor, *, class_counts: Any, beta: float) -> Tensor:
    """Indexing by one label reads its value."""
    if target.is_floating_point() or target.ndim:
        return lossary.class_balanced.loss.block(logits, target, class_counts=class_counts, beta=beta)
    weights = lossary.effective_weights(class_counts, beta).to(logits)
    return weights[target] * -logits.gather(-1, target.unsqueeze(-1)).squeeze(-1)


MUTANTS = [
    Mutant(
        "a guard on values",
        lambda: exchange("hinge", block=raises_on_nan),
        frozenset(
            {
                "gives_each_sample_its_gradient",
                "compiles_over_transforms",
                "compiles_whole",
                "exports",
                "runs_on_meta_and_fake_tensors",
                "runs_under_torch_func",
                "traces_with_make_fx",
            }
        ),
    ),
    Mutant(
        "differentiable once",
        lambda: exchange("mse", block=once),
        frozenset(
            {
                "gives_each_sample_its_gradient",
                "differentiates_twice",
                "runs_forward_mode",
                "runs_under_torch_func",
            }
        ),
    ),
    Mutant(
        "a backward that is cut",
        lambda: exchange("mse", block=constant_backward),
        frozenset({"differentiates_twice", "runs_forward_mode", "runs_under_torch_func"}),
    ),
    Mutant(
        "a factor that is cut", lambda: exchange("mse", block=cut_inside), frozenset({"differentiates_twice"})
    ),
    Mutant(
        "a copy that is written to",
        lambda: exchange("hinge", block=wrong_jvp_hidden),
        frozenset({"gives_each_sample_its_gradient", "runs_under_torch_func"}),
    ),
    Mutant(
        "a branch on values",
        lambda: exchange("mse", block=branches_on_values),
        frozenset(
            {
                "gives_each_sample_its_gradient",
                "compiles_over_transforms",
                "compiles_whole",
                "exports",
                "runs_on_meta_and_fake_tensors",
                "runs_under_torch_func",
                "traces_with_make_fx",
            }
        ),
    ),
    Mutant(
        "through a list",
        lambda: exchange("mae", block=through_numpy),
        frozenset(
            {
                "gives_each_sample_its_gradient",
                "compiles_over_transforms",
                "compiles_whole",
                "exports",
                "gradients_are_exact",
                "gradients_are_exact_at_extremes",
                "runs_on_meta_and_fake_tensors",
            }
        ),
    ),
    Mutant(
        "a boolean index",
        lambda: exchange("mae", block=boolean_index),
        frozenset(
            {
                "gives_each_sample_its_gradient",
                "compiles_over_transforms",
                "gradients_at_kinks_are_subgradients",
                "runs_on_meta_and_fake_tensors",
                "runs_under_torch_func",
                "the_slope_agrees_at_kinks",
            }
        ),
    ),
    Mutant(
        "a label read by itself",
        lambda: exchange("class_balanced", block=indexes_by_the_label),
        frozenset({"gives_each_sample_its_gradient"}),
    ),
    Mutant(
        "views want contiguous inputs",
        lambda: exchange("mse", block=needs_contiguous),
        frozenset({"takes_any_layout", "the_stated_constant_minimises"}),
    ),
    Mutant(
        "memory order for order",
        lambda: exchange("mae", block=reads_storage),
        frozenset({"takes_any_layout"}),
    ),
    Mutant(
        "an expanded axis for one",
        lambda: exchange("hinge", block=expanded_is_one),
        frozenset({"takes_any_layout"}),
    ),
    Mutant(
        "targets are scaled in place",
        lambda: disguise("mse", scales_targets),
        frozenset(
            {
                "checks_off_changes_no_value",
                "function_and_module_agree",
                "leaves_its_inputs_alone",
                "modules_move_and_save",
                "no_backend_falls_back",
                "repr_rebuilds_the_module",
                "takes_any_layout",
                "values_are_exact",
                "values_are_exact_at_extremes",
            }
        ),
    ),
    Mutant(
        "weights are scaled in place",
        lambda: disguise("mse", scales_weights),
        frozenset(
            {
                "a_prefix_serves_what_lies_under_it",
                "a_weight_of_k_is_k_copies",
                "function_and_module_agree",
                "leaves_its_inputs_alone",
                "runs_forward_mode",
                "takes_any_layout",
            }
        ),
    ),
    Mutant(
        "predictions are scaled in place",
        lambda: disguise("mae", centres_predictions),
        frozenset(
            {
                "checks_off_changes_no_value",
                "function_and_module_agree",
                "leaves_its_inputs_alone",
                "modules_move_and_save",
                "no_backend_falls_back",
                "repr_rebuilds_the_module",
                "takes_any_layout",
                "values_are_exact_at_extremes",
            }
        ),
    ),
    Mutant(
        "a loss that counts its calls",
        lambda: disguise("mse", Counting()),
        frozenset(
            {
                "gives_each_sample_its_gradient",
                "a_mask_is_leaving_out",
                "a_weight_of_k_is_k_copies",
                "autocast_changes_nothing",
                "convex_where_it_says_so",
                "differentiates_twice",
                "function_and_module_agree",
                "gradients_are_exact",
                "gradients_are_exact_at_extremes",
                "half_precision_is_float32_rounded_once",
                "leaves_its_inputs_alone",
                "micro_batches_sum_to_the_whole",
                "modules_move_and_save",
                "no_backend_falls_back",
                "repr_rebuilds_the_module",
                "runs_forward_mode",
                "runs_under_torch_func",
                "the_example_is_right",
                "the_stated_constant_minimises",
                "values_are_exact",
                "values_are_exact_at_extremes",
            }
        ),
    ),
    Mutant(
        "another formula for modules",
        lambda: disguise("mse", from_module),
        frozenset({"function_and_module_agree"}),
    ),
    Mutant("a partial", as_partial, frozenset({"functions_copy_and_pickle"})),
    Mutant("an object", lambda: Holder("mae"), frozenset({"functions_copy_and_pickle"})),
    Mutant(
        "an object that cannot be copied",
        lambda: Unsendable("hinge"),
        frozenset({"functions_copy_and_pickle"}),
    ),
    Mutant(
        "repr forgets",
        lambda: _module(__repr__=forgetful_repr)("huber"),
        frozenset({"repr_rebuilds_the_module"}),
    ),
    Mutant(
        "repr is torch's",
        lambda: _module(__repr__=torch_repr)("huber"),
        frozenset({"repr_rebuilds_the_module"}),
    ),
    Mutant(
        "repr rounds",
        lambda: _module(__repr__=rounded_repr)("huber"),
        frozenset({"repr_rebuilds_the_module"}),
    ),
    Mutant(
        "a module that cannot be copied",
        lambda: _module(__deepcopy__=no_copy)("mse"),
        frozenset({"modules_move_and_save"}),
    ),
    Mutant(
        "a copy that forgets",
        lambda: _module(__deepcopy__=copy_forgets)("huber"),
        frozenset({"modules_move_and_save"}),
    ),
    Mutant(
        "a state that is not its own",
        lambda: _module(load_state_dict=state_is_strict)("mae"),
        frozenset({"modules_move_and_save"}),
    ),
    Mutant(
        "a module that forgets",
        lambda: _module(forward=default_forward)("huber"),
        frozenset({"function_and_module_agree"}),
    ),
]
