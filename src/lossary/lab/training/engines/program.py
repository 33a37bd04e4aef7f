"""Which trials train together: one setup, equal shapes, and in every stream the same losses as often."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields

from lossary.lab.training.trial import Link, Setup, SplitData, Trial


@dataclass(frozen=True)
class Program:
    """Trials that one stack holds, stream by stream. A stream is one (split, seed): one order of rows."""

    setup: Setup
    streams: tuple[tuple[int, int], ...]
    losses: tuple[tuple[str, Link], ...]  # of a stream's members, in order; equal ones are neighbours
    members: tuple[int, ...]  # positions in the list of trials


def programs(
    trials: Sequence[Trial], chosen: Sequence[int], data: Mapping[int, SplitData]
) -> Iterator[Program]:
    """The programs that together hold the chosen positions of `trials`, each once, whatever their order."""
    streams: dict[tuple[Setup, Hashable, int, int], list[int]] = defaultdict(list)
    for i in chosen:
        trial = trials[i]
        streams[trial.setup, _shapes(data[trial.split]), trial.split, trial.seed].append(i)
    alike: dict[Hashable, list[list[int]]] = defaultdict(list)
    for (setup, shapes, _, _), stream in sorted(streams.items(), key=lambda item: item[0][2:]):
        stream.sort(key=lambda i: (trials[i].loss, trials[i].link, trials[i].rate, i))
        alike[setup, shapes, _losses(trials, stream)].append(stream)
    for together in alike.values():
        first = [trials[stream[0]] for stream in together]
        yield Program(
            setup=first[0].setup,
            streams=tuple((trial.split, trial.seed) for trial in first),
            losses=_losses(trials, together[0]),
            members=tuple(i for stream in together for i in stream),
        )


def _losses(trials: Sequence[Trial], stream: Sequence[int]) -> tuple[tuple[str, Link], ...]:
    return tuple((trials[i].loss, trials[i].link) for i in stream)


def _shapes(split: SplitData) -> Hashable:
    """The shape of every part, and which parts are weighted."""
    parts = (getattr(split, field.name) for field in fields(split))
    return tuple(None if part is None else tuple(part.shape) for part in parts)
