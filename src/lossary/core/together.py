"""What the ranks of a group say to each other before they compute: what each has, and that none refuses its part."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import distributed as dist

from .errors import CallError, sentence

Found = TypeVar("Found")
Numbers = tuple[int, ...]


def told(mine: Numbers, group: Any, device: torch.device) -> list[Numbers]:
    """What every rank says, in as many whole numbers as this one."""
    said = torch.tensor(mine, dtype=torch.int64, device=device)
    found = [torch.empty_like(said) for _ in range(dist.get_world_size(group))]
    dist.all_gather(found, said, group=group)
    return [tuple(each.tolist()) for each in found]


def settle(
    subject: str,
    group: Any,
    device: torch.device,
    run: Callable[[], Found],
    say: Callable[[Found], Numbers] = lambda found: (),
    many: int = 0,
) -> tuple[Found, list[Numbers]]:
    """What ``run`` returns, on every rank or on none, so that no rank waits for another that refused its part.

    Args:
        subject: what an error calls the call.
        say: what of it the others are told, in ``many`` whole numbers.

    Returns:
        What was found here, and what every rank says.

    Raises:
        CallError: another rank refuses its part; beside whatever ``run`` raises here.
    """
    found, said = None, (0,) * many
    refused: Exception | None = None
    try:
        found = run()
        said = say(found)
    except Exception as error:  # noqa: BLE001
        # Whatever it is: it is raised below, once the others know.
        refused = error
    answers = told((int(refused is None), *said), group, device)
    if refused is not None:
        raise refused
    whose = next((rank for rank, (took, *_) in enumerate(answers) if not took), None)
    if whose is not None:
        raise CallError(
            sentence(
                subject,
                expected="parts that every rank accepts",
                got=f"one that rank {whose} refused",
                remedy="see the error there",
            )
        )
    assert found is not None
    return found, [each[1:] for each in answers]


def alike(
    subject: str, expected: str, answers: list[Numbers], mine: Numbers, say: Callable[..., str], remedy: str
) -> None:
    """Refuse parts of which some rank says other numbers than this one; ``say`` puts a rank's into words.

    Raises:
        CallError: naming the first rank whose part is of another kind.
    """
    for rank, each in enumerate(answers):
        if each != mine:
            got = f"{say(*each)} on rank {rank}, and {say(*mine)} here"
            raise CallError(sentence(subject, expected=expected, got=got, remedy=remedy))
