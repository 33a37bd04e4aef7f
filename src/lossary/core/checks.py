"""How much a call reads of its inputs before it computes."""

from __future__ import annotations

from types import TracebackType
from typing import Literal

from torch import Tensor

from . import probes
from .errors import OptionError, sentence

Level = Literal["default", "full", "off"]

# A module global and no ContextVar: torch.compile(fullgraph=True) cannot read a ContextVar.
level: Level = "default"


class checks:
    """Set how values are checked: ``checks("off")``, or ``with checks("full"): ...``.

    ``"default"`` reads values on a CPU, where that is cheap; ``"full"`` reads them on every device, at the price
    of waiting for it; ``"off"`` reads no value and judges no hyper-parameter; shapes are looked at
    always, for the call needs them. The setting holds for the process until
    it is set again; used in a ``with`` it returns to what it was.

    Raises:
        OptionError: the level is none of the three.
    """

    def __init__(self, to: Level) -> None:
        global level
        if to not in ("default", "full", "off"):
            raise OptionError(
                sentence(
                    "checks", expected="'default', 'full' or 'off'", got=repr(to), remedy="choose one of them"
                )
            )
        self._before: Level = level
        level = to

    def __enter__(self) -> checks:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        global level
        level = self._before


def reads_values(tensor: Tensor) -> bool:
    """Whether the values of this call are to be judged."""
    if level == "off":
        return False
    # Off the CPU a read waits for the device, so it happens only on request; a meta tensor has no values.
    return (tensor.is_cpu or (level == "full" and not tensor.is_meta)) and probes.is_eager()
