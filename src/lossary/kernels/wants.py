"""What a kernel that walks a batch part by part wants of a call, and what of the contract it cannot keep."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from lossary.core import probes
from lossary.core.backends import Asked, Lacking
from lossary.core.declaration import Loss


class Want(NamedTuple):
    """One thing that a call must be: in words, what it is instead, and whether it is; asked of the first input."""

    expected: str
    got: str
    there: Callable[[object], bool]


WANTS = (
    Want(
        "a plain call",
        "one that torch traces, compiles or transforms",
        lambda first: probes.is_eager(),
    ),
    Want(
        "tensors with values",
        "tensors on the meta device",
        # Who is no tensor at all is refused by the loss itself.
        lambda first: not getattr(first, "is_meta", False),
    ),
    Want(
        "derivatives by backward passes",
        "forward-mode differentiation",
        lambda first: not probes.is_forward_mode(),
    ),
)


def lacks(loss: Loss, asked: Asked) -> Lacking | None:
    """The first of ``WANTS`` that a call does not meet; None: it meets all."""
    first = asked[0][0]
    for each in WANTS:
        if not each.there(first):
            return each.expected, each.got, "pass backend='eager'"
    return None


#: The promises of the contract that no code keeps which torch cannot see through.
TRANSFORMS = (
    "runs_forward_mode",
    "runs_under_torch_func",
    "gives_each_sample_its_gradient",
    "traces_with_make_fx",
    "runs_on_meta_and_fake_tensors",
    "compiles_whole",
    "compiles_over_transforms",
    "exports",
)

EXEMPT = dict.fromkeys(
    TRANSFORMS,
    "it reads values and is differentiated backward: torch's transforms and compilers take the eager math",
)
