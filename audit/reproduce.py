"""One line of Python that shows what was found, in the library's own words, and fails for as long as it is so."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import torch

from lossary.doctor.judge import exact
from lossary.doctor.scalars import units

from .peer import Library, Peer
from .restated import halves
from .shown import Shown

#: A line longer than this shows nothing; the finding stands without one.
LONGEST = 1000


def line(
    library: Library, peer: Peer, question: str, found: str, memory: dict[str, Any], reduction: str
) -> str:
    """The reproducer, empty where there is none that is short enough."""
    case, options = memory.get("case"), memory.get("options", {})
    if case is None:
        return ""
    shown = Shown(library, peer, case, {"reduction": reduction, **options})
    made = _TEMPLATES.get(question, _computed)(shown, found)
    if library.kind == "jax" and case.first.dtype is torch.float64:
        made = f"jax.config.update('jax_enable_x64', True); {made}"
    return made if len(made) <= LONGEST else ""


def _judged(shown: Shown, place: tuple[int, ...], **how: Any) -> Any:
    definition, facts = shown.case.loss.definition, shown.case.loss.facts
    assert definition is not None
    unit = next(units(shown.case, only=place, **how))
    below = torch.finfo(shown.case.first.dtype).smallest_normal
    return exact(definition, unit.arguments, shown.case.hyper, below=below, cancels=facts.cancels)


def _place(shown: Shown, found: str) -> tuple[tuple[int, ...], int]:
    """The unit a finding speaks of within the case to show, and the row it stood in."""
    said = re.search(r"unit \(([\d, ]*)\)", found)
    numbers = [int(each) for each in re.findall(r"\d+", said[1])] if said else [0]
    if str(shown.case.loss.unit) == "anchor":
        return tuple(numbers), 0
    return (0, *numbers[1:]), numbers[0]


def _tolerance(shown: Shown, roundings: int) -> str:
    return f"{roundings * torch.finfo(shown.case.first.dtype).eps:.2g}"


def _number(value: Any) -> str:
    text = repr(float(value))
    return f"float({text!r})" if text in ("inf", "-inf", "nan") else text


def _value(shown: Shown, found: str) -> str:
    place, _ = _place(shown, found)
    judged = _judged(shown, place)
    if judged is None or "definition says" not in found:
        return _computed(shown, found)
    where = "" if shown.case.loss.unit == "region" else "".join(f"[{each}]" for each in place)
    if shown.case.loss.unit == "region":
        where = "".join(f"[{each}]" for each in place)
    got = f"float(({shown.expression(reduction='none')}){where})"
    return f"got = {got}; assert math.isclose(got, {_number(judged.value)}, rel_tol={_tolerance(shown, 32)}), got"


def _gradient(shown: Shown, found: str) -> str:
    said = re.search(r"derivative by (\w+)\[(\d+)\]", found)
    if said is None:
        return _computed(shown, found)
    place, row = _place(shown, found)
    names = [each.name for each in shown.case.loss.inputs]
    number = names.index(said[1])
    tensor = shown.case.inputs[number]
    assert tensor is not None
    each_row = tensor.numel() // len(tensor)
    flat = int(said[2]) - (0 if shown.case.loss.unit == "anchor" else row * each_row)
    judged = _judged(shown, place, derive=True)
    wanted = judged.slopes.get((number, flat), 0)
    function = f"lambda {said[1]}: ({shown.expression(free=said[1], reduction='none')}).sum()"
    by = "jax.grad({})({})" if shown.library.kind == "jax" else "torch.autograd.functional.jacobian({}, {})"
    got = by.format(function, shown.literal(tensor))
    return f"got = float({got}.flatten()[{flat}]); {_near(wanted, _tolerance(shown, 256))}"


def _near(wanted: Any, tolerance: str) -> str:
    return f"assert math.isclose(got, {_number(wanted)}, rel_tol={tolerance}), got"


def _refused(shown: Shown, found: str) -> str:
    return f"got = {shown.expression(reduction='mean', plain=True)}; assert False, f'computed {{got}}'"


def _twice(shown: Shown, found: str) -> str:
    settings = "fast_mode=True, atol=1e-4, rtol=1e-3"
    leaf = f"{shown.literal_first()}.requires_grad_()"
    return f"torch.autograd.gradgradcheck({shown.function()}, {leaf}, {settings})"


def _forward(shown: Shown, found: str) -> str:
    return f"x = {shown.literal_first()}; torch.func.jvp({shown.function()}, (x,), (torch.ones_like(x),))"


def _functional(shown: Shown, found: str) -> str:
    return (
        f"f = {shown.function()}; x = {shown.literal_first()}; "
        "torch.func.vmap(torch.func.grad(f))(torch.stack([x, x])); assert torch.func.hessian(f)(x).isfinite().all()"
    )


def _make_fx(shown: Shown, found: str) -> str:
    return f"torch.fx.experimental.proxy_tensor.make_fx({shown.function()})({shown.literal_first()})"


def _meta(shown: Shown, found: str) -> str:
    shown.away = True
    return shown.expression(reduction="mean")


def _compiled(shown: Shown, found: str) -> str:
    leaf = f"{shown.literal_first()}.requires_grad_()"
    return f"x = {leaf}; torch.compile({shown.function()}, fullgraph=True, backend='aot_eager')(x).backward()"


def _dtype(shown: Shown, found: str) -> str:
    return f"got = {shown.expression()}.dtype; assert got is torch.float64, got"


def _ignored(shown: Shown, found: str) -> str:
    return (
        f"x = {shown.literal_first()}.requires_grad_(); got = {shown.expression(free=shown.first).replace(shown.first, 'x')}; got.backward(); "  # noqa: E501
        "assert got.isfinite() and x.grad.isfinite().all(), (got, x.grad)"
    )


def _half(shown: Shown, found: str) -> str:
    """The value, or that entry of the gradient which is furthest off."""
    tolerance = f"{2 * torch.finfo(shown.case.first.dtype).eps:.2g}"
    try:
        parts = {what: (got.float(), wanted) for what, got, wanted in halves(shown.case)}
    except Exception:  # noqa: BLE001  what it raises, the line raises too
        return f"x = {shown.literal_first()}.requires_grad_(); ({shown.function()})(x).backward()"
    if "the gradient" not in found:
        return f"got = float({shown.expression()}); {_near(parts['value'][1], tolerance)}"
    got, wanted = parts["gradient"]
    worst = int((got - wanted).abs().nan_to_num(torch.inf).argmax())
    text = (
        f"torch.autograd.functional.jacobian({shown.function()}, {shown.literal_first()}).flatten()[{worst}]"
    )
    return f"got = float({text}); {_near(wanted.flatten()[worst], tolerance)}"


def _nan(shown: Shown, found: str) -> str:
    return f"got = {shown.expression(reduction='mean')}; assert math.isnan(got), got"


def _empty(shown: Shown, found: str) -> str:
    marked = "torch.use_deterministic_algorithms(True); " if shown.library.kind == "torch" else ""
    return f"{marked}got = {shown.expression(reduction='sum')}; assert got.shape == () and got == 0, got"


def _computed(shown: Shown, found: str) -> str:
    return shown.expression()


_TEMPLATES: dict[str, Callable[[Shown, str], str]] = {
    "values_are_exact": _value,
    "values_are_exact_at_extremes": _value,
    "gradients_are_exact": _gradient,
    "gradients_are_exact_at_extremes": _gradient,
    "nothing_broadcasts": _refused,
    "targets_outside_their_domain_are_refused": _refused,
    "differentiates_twice": _twice,
    "runs_forward_mode": _forward,
    "runs_under_torch_func": _functional,
    "traces_with_make_fx": _make_fx,
    "runs_on_meta_and_fake_tensors": _meta,
    "compiles_whole": _compiled,
    "float64_stays_float64": _dtype,
    "ignored_rows_have_no_say": _ignored,
    "half_precision_is_near": _half,
    "nan_in_what_counts_passes_through": _nan,
    "an_empty_batch_is_a_zero": _empty,
}
