"""When mining tile by tile can run, and when it pays."""

from __future__ import annotations

from lossary.core import probes
from lossary.core.backends import Asked
from lossary.core.declaration import Loss


def lacks(loss: Loss, asked: Asked) -> tuple[str, str, str] | None:
    """Mining reads values: how large classes are, which pairs are near."""
    first = asked[0][0]
    remedy = "pass backend='eager'"
    if first is not None and first.is_meta:
        return "embeddings with values", "a meta tensor", remedy
    if probes.is_forward_mode():
        return "a call that is differentiated backward", "one in forward mode", remedy
    if not probes.is_eager():
        return "an eager call", "one that torch compiles, traces or transforms", remedy
    return None


def worth(loss: Loss, asked: Asked, *, least: int) -> str | None:
    """From ``least`` samples on it takes less time, as measured at 16 and at 128 numbers each; and less memory."""
    first = asked[0][0]
    if first is None or len(first) < least:
        return None
    return f"of {len(first)} samples, and from {least} on a tile at a time is faster than all at once"


#: What a kernel cannot keep that looks at values, and the loss's own math keeps.
EXEMPT = dict.fromkeys(
    (
        "runs_forward_mode",
        "runs_under_torch_func",
        "traces_with_make_fx",
        "runs_on_meta_and_fake_tensors",
        "compiles_whole",
        "compiles_over_transforms",
        "exports",
    ),
    "it reads values and is differentiated backward: torch's transforms and compilers take the eager math",
)
