"""From settings and candidates to frozen slices of trials: what will be trained, in which order, before anything is.

A block is one loss on one split at every rate and seed: the smallest thing a rate can be chosen from. A slice is a
few blocks that one worker trains at once, and is committed whole or run again whole. Stage 0 is the common grid; a
later stage widens it for the losses whose best rate lay at an edge, and is a function of the stages before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import ceil

from lossary.lab.planning.candidate import Candidate
from lossary.lab.training.networks import Mlp, Network
from lossary.lab.training.trial import Setup, Trial

RATES = (
    0.0003,
    0.001,
    0.003,
    0.01,
    0.03,
    0.1,
)  # about half a decade apart, the usable range of Adam on tables
SLICE = 120  # members trained at once; 60 to 120 is fastest on a CPU (PERFORMANCE.md)
NARROW = 16  # numbers at the waist of an autoencoder, at most; else a third of its inputs
WIDEN_BY = 2  # rates added beyond an edge, one decade
FIRST = 3  # splits that foresee the detectable difference: fewer have next to no spread to be measured
LAST_STAGE = 2  # the grid is widened at most twice: four more rates, two decades


@dataclass(frozen=True)
class Settings:
    """What the user asked for, with every default filled in before the first training."""

    target: str
    metric: str
    reference: str  # label of the candidate all others are tested against
    rope: float  # half-width of the region of practical equivalence, as in Ruler.region
    positive: str | None
    weight: str | None
    seed: int
    splits: int
    seeds: int
    epochs: int
    patience: int | None
    batch: int
    rates: tuple[float, ...]
    losses: tuple[str, ...]  # as asked for; empty: the adviser chose
    group: str | None = None
    time: str | None = None
    text: str | None = None
    words: str = "counted"
    class_weight: str = "none"
    tune_losses: bool = False
    force: bool = False
    optimizer: str = "adamw"
    task: str | None = None  # as asked for; None: read off the target
    order: tuple[str, ...] = ()
    model: str | None = None
    dropout: float = 0.0
    engine: str = "stacked"

    @property
    def training_seeds(self) -> tuple[int, ...]:
        """The seeds of the trainings within a split; another `seed` shares none of them."""
        return tuple(range(self.seed * self.seeds, (self.seed + 1) * self.seeds))


@dataclass(frozen=True)
class Block:
    """One loss on one split: every rate times every seed."""

    label: str
    loss: str
    split: int
    rates: tuple[float, ...]
    seeds: tuple[int, ...]

    @property
    def size(self) -> int:
        """How many trainings."""
        return len(self.rates) * len(self.seeds)


@dataclass(frozen=True)
class Slice:
    """Blocks that one worker trains at once."""

    index: int
    blocks: tuple[Block, ...]

    @property
    def size(self) -> int:
        """How many trainings."""
        return sum(block.size for block in self.blocks)

    @property
    def splits(self) -> tuple[int, ...]:
        """The splits whose rows the slice needs."""
        return tuple(sorted({block.split for block in self.blocks}))


@dataclass(frozen=True)
class Stage:
    """Slices planned at one time."""

    number: int
    slices: tuple[Slice, ...]

    @property
    def size(self) -> int:
        """How many trainings."""
        return sum(each.size for each in self.slices)


@dataclass(frozen=True)
class Plan:
    """Everything that decides a comparison's results, and nothing else: its digest names the run folder."""

    data: str  # digest of the table, its target, weight and positive level
    kind: str  # a Kind
    settings: Settings
    candidates: tuple[Candidate, ...]
    setup: Setup
    versions: tuple[tuple[str, str], ...]
    most: int = SLICE  # members a slice may hold, so that their outputs fit in memory

    @property
    def trained(self) -> tuple[Candidate, ...]:
        """The candidates that need trainings of their own: an alias shares those of the first of its name."""
        first: dict[tuple[object, ...], Candidate] = {}
        for each in self.candidates:
            first.setdefault(_training(each), each)
        return tuple(first.values())

    def trained_as(self, candidate: Candidate) -> str:
        """The label under which a candidate's trainings stand in the ledger."""
        mine = _training(candidate)
        return next(each.label for each in self.trained if _training(each) == mine)

    def trials(self, block: Block) -> tuple[Trial, ...]:
        """The trainings of a block, rates outermost."""
        candidate = next(each for each in self.trained if each.label == block.label)
        setup = replace(self.setup, network=network_of(self.setup.network, candidate))
        return tuple(
            Trial(
                loss=block.loss,
                rate=rate,
                seed=seed,
                split=block.split,
                setup=setup,
                link=candidate.link,  # type: ignore[arg-type]  # one of those, by Candidate, as are the next two
                data=self.data,
                readout=candidate.readout,  # type: ignore[arg-type]
                learns=candidate.learns,  # type: ignore[arg-type]
            )
            for rate in block.rates
            for seed in block.seeds
        )

    @property
    def first_blocks(self) -> tuple[Block, ...]:
        """What every loss is trained as on the first split."""
        pieces = self.first_stage().slices
        return tuple(block for piece in pieces for block in piece.blocks if block.split == 0)

    def first_stage(self) -> Stage:
        """Every candidate on every split over the common grid."""
        return self._stage(0, {each.label: each.rates or self.settings.rates for each in self.trained})

    def widened(self, number: int, at_edge: Mapping[str, tuple[float, ...]]) -> Stage:
        """The next stage: `at_edge` maps the label of a loss to the rates to add."""
        return self._stage(number, at_edge)

    def _stage(self, number: int, rates: Mapping[str, tuple[float, ...]]) -> Stage:
        seeds = self.settings.training_seeds
        by_split = (
            [
                Block(each.label, each.expression, split, rates[each.label], seeds)
                for each in self.trained
                if rates.get(each.label)
            ]
            for split in range(self.settings.splits)
        )
        packed = enumerate(_packed(by_split, self.most))
        return Stage(number, tuple(Slice(index, blocks) for index, blocks in packed))


def network_of(network: Network, candidate: Candidate) -> Network:
    """The network of a comparison with the last layer that a candidate needs.

    What learns its own inputs must pass them through fewer numbers than they are, or it would learn to copy.
    """
    if candidate.learns == "inputs" and isinstance(network, Mlp):
        narrow = max(1, min(network.inputs // 3, NARROW))
        network = replace(network, hidden=(*network.hidden, narrow, *network.hidden))
    return network.with_outputs(candidate.outputs)


def _training(candidate: Candidate) -> tuple[object, ...]:
    """What decides a candidate's trainings."""
    return candidate.expression, candidate.link, candidate.learns, candidate.rates


def _packed(by_split: Iterable[list[Block]], most: int) -> Iterable[tuple[Block, ...]]:
    """A large split in equal parts, small splits together: every split of a slice has the same losses.

    A slice has at most so many members, or one block.
    """
    held: list[Block] = []
    for blocks in by_split:
        size = sum(block.size for block in blocks)
        if size > most:
            parts = min(ceil(size / most), len(blocks))
            bounds = [round(part * len(blocks) / parts) for part in range(parts + 1)]
            yield from (tuple(blocks[low:high]) for low, high in pairwise(bounds))
            continue
        if held and sum(block.size for block in held) + size > most:
            yield tuple(held)
            held = []
        held += blocks
    if held:
        yield tuple(held)


def beyond(rates: Sequence[float], best: float) -> tuple[float, ...]:
    """The rates to add when `best` is the lowest or highest of `rates`; none when it lies inside."""
    ordered = sorted(rates)
    if len(ordered) < 2 or best not in (ordered[0], ordered[-1]):
        return ()
    ratios = [high / low for low, high in pairwise(ordered)]
    if best == ordered[0]:
        steps = _continued(ratios, WIDEN_BY)
        return tuple(sorted(_tidy(best / step) for step in steps))
    steps = _continued(ratios[::-1], WIDEN_BY)
    return tuple(_tidy(best * step) for step in steps)


def _continued(ratios: Sequence[float], count: int) -> list[float]:
    # A grid such as 1, 3, 10, 30 alternates its steps: carry on the alternation, second step from the edge first.
    product, steps = 1.0, []
    for i in range(count):
        product *= ratios[(i + 1) % 2] if len(ratios) > 1 else ratios[0]
        steps.append(product)
    return steps


def _tidy(rate: float) -> float:
    return float(f"{rate:.4g}")
