"""Which promises are asked of other libraries, of whom, and why the others are not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lossary.doctor import PROMISES

from . import restated
from .guest import Guest
from .peer import Library, Peer


@dataclass(frozen=True)
class Question:
    """One promise as it is asked.

    Attributes:
        name: the doctor's name for it.
        says: what is promised.
        check: raises `Broken` where it is not kept.
        asked: whether a library has what it is about, for one of its losses.
        note: how it differs from the doctor's, if it does.
        reduction: of calls that name none.
    """

    name: str
    says: str
    check: Callable[[Guest], None]
    asked: Callable[[Library, Peer], bool] = lambda library, peer: True
    note: str = ""
    reduction: str = "mean"


def _of_torch(library: Library, peer: Peer) -> bool:
    return library.kind == "torch"


def _in_double(library: Library, peer: Peer) -> bool:
    """Whether what is judged in float64 can be asked of it."""
    return library.kind == "torch" and not peer.single


def _doctors(name: str, asked: Callable[[Library, Peer], bool] = lambda *_: True, note: str = "",
             reduction: str = "mean") -> Question:  # fmt: skip
    promise = PROMISES[name]
    return Question(name, promise.says, promise.check, asked, note, reduction)


def _ours(check: Callable[[Guest], None], asked: Callable[[Library, Peer], bool] = lambda *_: True,
          note: str = "") -> Question:  # fmt: skip
    return Question(check.__name__, (check.__doc__ or "").strip().split("\n")[0], check, asked, note)


_ALONE = "without mask and, where none is taken, without weight"
_DOUBLE = f"{_ALONE}; asked of what computes in float64 when given float64"

QUESTIONS: tuple[Question, ...] = (
    _doctors("values_are_exact"),
    _doctors("values_are_exact_at_extremes"),
    _doctors("gradients_are_exact"),
    _doctors("gradients_are_exact_at_extremes"),
    _doctors("gradients_at_kinks_are_subgradients"),
    _ours(
        restated.half_precision_is_near,
        note="the doctor wants a float32 value; here the half dtype will do, to 4 of its roundings",
    ),
    _doctors("float64_stays_float64", _of_torch),
    _doctors("nan_in_what_counts_passes_through"),
    _ours(restated.an_empty_batch_is_a_zero, note="the sum only: what a mean of nothing is, is a convention"),
    _ours(restated.nothing_broadcasts, note="any error will do, and so will a warning about sizes"),
    _ours(restated.targets_outside_their_domain_are_refused, note="any error will do"),
    _doctors(
        "a_weight_of_k_is_k_copies",
        lambda library, peer: bool(peer.weighted) and not peer.single,
        "of the sum, whose meaning no divisor changes",
        "sum",
    ),
    _ours(
        restated.ignored_rows_have_no_say,
        lambda library, peer: peer.ignores,
        "the doctor's promise of silence, for the one way to say it that torch has too",
    ),
    _doctors("leaves_its_inputs_alone", _of_torch, _ALONE),
    _doctors("takes_any_layout", _of_torch, _ALONE),
    _doctors("differentiates_twice", _in_double, _DOUBLE),
    _doctors("runs_forward_mode", _in_double, _DOUBLE),
    _doctors("runs_under_torch_func", _in_double, _DOUBLE),
    _doctors("traces_with_make_fx", _of_torch, _ALONE),
    _doctors("runs_on_meta_and_fake_tensors", _of_torch, _ALONE),
    _ours(restated.compiles_whole, _of_torch, "without mask and weight"),
)

_OWN_WORDS = "its words, error classes and cards are ours"
_OPTION = "about an option that is ours"
_DIVISOR = "what a mean divides by is each library's documented convention"
_CLAIMS = "about what our cards claim of a loss, and its mathematics is the same there"

#: Every promise of the doctor that is not asked, with the reason.
LEFT_OUT: dict[str, str] = {
    "half_precision_is_float32_rounded_once": "asked as half_precision_is_near",
    "values_outside_their_domain_are_refused": "asked as targets_outside_their_domain_are_refused",
    "what_does_not_count_has_no_say": "asked as ignored_rows_have_no_say",
    "nothing_counts_is_an_attached_zero": "asked as an_empty_batch_is_a_zero",
    "autocast_changes_nothing": "torch documents which of its losses autocast changes",
    "compiles_over_transforms": "what runs_under_torch_func and compiles_whole ask, at twice the time",
    "gives_each_sample_its_gradient": "whether a sample comes without a batch axis is each library's convention",
    "exports": "what compiles_whole asks, at twice the time",
    "second_derivatives_are_finite_at_kinks": "asked in part by differentiates_twice",
    "none_has_the_declared_shape": _DIVISOR.replace("what a mean divides by", "the shape of a value per unit"),
    "none_is_measure_times_value": _OPTION, "sum_adds_measured_values": _OPTION,
    "mean_divides_by_the_measure": _DIVISOR, "the_measure_is_never_half": _DIVISOR,
    "class_weights_enter_the_measure": _DIVISOR,
}  # fmt: skip


def reason_left_out(name: str) -> str:
    """Why a promise of the doctor is not asked of other libraries."""
    if name in LEFT_OUT:
        return LEFT_OUT[name]
    module = PROMISES[name].check.__module__.rsplit(".", 1)[-1]
    return {
        "refusals": _OWN_WORDS, "domains": _OWN_WORDS, "card": _OWN_WORDS, "modules": _OWN_WORDS,
        "claims": _CLAIMS, "decisions": _CLAIMS, "slopes": "about the closed form beside our math",
    }.get(module, _OPTION)  # fmt: skip
