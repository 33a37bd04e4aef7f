"""Which trials train together: one setup, equal shapes, and in every stream the same losses as often."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from math import ceil

from lossary.lab.training.engines.lesson import lesson
from lossary.lab.training.engines.memory import BUDGET, members_at_once
from lossary.lab.training.readout import Readout, own_of_loss
from lossary.lab.training.trial import Learns, Link, Setup, SplitData, Trial


@dataclass(frozen=True)
class Program:
    """Trials that one stack holds, stream by stream. A stream is one (split, seed): one order of rows."""

    setup: Setup
    streams: tuple[tuple[int, int], ...]
    losses: tuple[tuple[str, Link], ...]  # of a stream's members, in order; equal ones are neighbours
    members: tuple[int, ...]  # positions in the list of trials
    readout: Readout
    learns: Learns


def programs(
    trials: Sequence[Trial], chosen: Sequence[int], data: Mapping[int, SplitData], budget: int = BUDGET
) -> Iterator[Program]:
    """The programs that together hold the chosen positions of `trials`, each once, whatever their order.

    None of them holds more members than fit in `budget` bytes, or than the cache is good for.
    """
    streams: dict[tuple[Hashable, int, int], list[int]] = defaultdict(list)
    for i in chosen:
        trial = trials[i]
        alone = trial.loss if own_of_loss(trial.readout) else ""
        shapes = _shapes(data[trial.split], trial.learns)
        common = (trial.setup, trial.readout, trial.learns, alone, shapes)
        streams[common, trial.split, trial.seed].append(i)
    alike: dict[Hashable, list[list[int]]] = defaultdict(list)
    for (same, _, _), stream in sorted(streams.items(), key=lambda item: item[0][1:]):
        stream.sort(key=lambda i: (trials[i].loss, trials[i].link, trials[i].rate, i))
        alike[same, _losses(trials, stream)].append(stream)
    for together in alike.values():
        first = trials[together[0][0]]
        most = members_at_once(first.setup, budget)
        for part in _within(together, most):
            yield Program(
                setup=first.setup,
                streams=tuple((trials[stream[0]].split, trials[stream[0]].seed) for stream in part),
                losses=_losses(trials, part[0]),
                members=tuple(i for stream in part for i in stream),
                readout=first.readout,
                learns=first.learns,
            )


def _within(streams: list[list[int]], most: int) -> Iterator[list[list[int]]]:
    """Whole streams, as many as fit; or equal parts of one where it alone has too many members."""
    width = len(streams[0])
    if width <= most:
        for low in range(0, len(streams), most // width):
            yield streams[low : low + most // width]
        return
    parts = ceil(width / most)
    bounds = [round(part * width / parts) for part in range(parts + 1)]
    for stream in streams:
        for low, high in pairwise(bounds):
            yield [stream[low:high]]


def _losses(trials: Sequence[Trial], stream: Sequence[int]) -> tuple[tuple[str, Link], ...]:
    return tuple((trials[i].loss, trials[i].link) for i in stream)


def _shapes(split: SplitData, learns: Learns) -> Hashable:
    """The shape of every part, which parts are weighted, and how many rows are learned from."""
    parts = (getattr(split, field.name) for field in fields(split))
    learned = len(lesson(split, learns).x)
    return (learned, *(None if part is None else tuple(part.shape) for part in parts))
