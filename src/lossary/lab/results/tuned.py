"""From two ledgers, of the comparison and of its other settings, to the table of losses with an equal budget."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite, isnan, nan

import numpy as np
from numpy.typing import NDArray

from lossary.lab.comparison import Comparison
from lossary.lab.design import Design
from lossary.lab.judging.robustness import Interval
from lossary.lab.judging.statistics import estimate
from lossary.lab.judging.tuned import Picked, Tuned, TunedRow
from lossary.lab.judging.verdict import judge
from lossary.lab.metrics import Metric, get_metric
from lossary.lab.planning.candidate import Candidate
from lossary.lab.planning.plan import Plan
from lossary.lab.planning.tuning import BUDGET, Tuning
from lossary.lab.results.tested import tested
from lossary.lab.running.store import Outputs, Store
from lossary.lab.training.choose import Trained, best_rate, grouped, mean
from lossary.lab.training.rows import Rows

OWN = "as asked for"
NOTES = (
    "setting and rate are chosen together on validation, split by split, and the test rows have no part in it",
    f"every loss is trained at {BUDGET} settings of every rate, its own first; one with fewer settings gets as many "
    "trainings more, at rates in between",
    "what is recommended is the best of the first table: a setting that differs from split to split is no setting",
)


@dataclass(frozen=True, eq=False)
class _Pool:
    """The trainings of one setting of a loss, by split, and where their outputs are."""

    says: str
    label: str  # in its ledger
    store: Store
    by_split: dict[int, list[Trained]]


def tuned(
    planned: Design, tuning: Tuning, rows: Rows, stores: tuple[Store, Store], found: Comparison
) -> Tuned:
    """The second table. `stores` are the ledgers of the comparison `found` and of `tuning`'s plan."""
    plan, others = planned.plan, tuning.plan(planned.plan)
    metric, settings = get_metric(plan.settings.metric), plan.settings
    held = [grouped(store.trained(), lambda each: each.label) for store in stores]
    scores: dict[str, NDArray[np.float64]] = {}
    made = []
    for each in plan.candidates:
        pools = [_pool(OWN, plan.trained_as(each), stores[0], held[0])]
        pools += [
            _pool(member.says, others.trained_as(member.candidate), stores[1], held[1])
            for member in tuning.family(each.label).members
        ]
        choices = [_chosen(pools, split, metric) for split in range(settings.splits)]
        outputs = [
            _outputs(pools[at], split, rate, settings.seeds) for split, (at, rate) in enumerate(choices)
        ]
        tests = tested(outputs, rows, probabilities=each.probabilities, metric=metric, calibrate=False)
        scores[each.label] = tests.scores[metric.name]
        made.append(_row(each, scores[each.label], pools, choices, found, plan, metric))
    effort = planned.effort
    verdicts = judge(
        scores,
        reference=settings.reference,
        metric=metric,
        n_test=effort.n_test,
        n_rest=effort.n_train + effort.n_valid,
        rope=settings.rope,
        elicits={each.label: each.elicits for each in plan.candidates if not each.judged},
        withheld=next((each.text for each in planned.profile.warnings if each.kind == "small"), ""),
        force=settings.force,
        caveat=found.verdicts.caveat,
    )
    sign = -1.0 if metric.greater_is_better else 1.0

    def order(row: TunedRow) -> tuple[bool, float, str]:
        score = sign * row.score.mean
        return not row.judged, score if isfinite(score) else inf, row.label

    trainings = f"{others.first_stage().size:,} trainings beside those of the first table"
    return Tuned(BUDGET, tuple(sorted(made, key=order)), verdicts, (*NOTES, trainings))


def _pool(says: str, label: str, store: Store, held: dict[str, list[Trained]]) -> _Pool:
    return _Pool(says, label, store, grouped(held[label], lambda each: each.split))


def _chosen(pools: Sequence[_Pool], split: int, metric: Metric) -> tuple[int, float]:
    """The setting and the rate that are best on validation, as a rate alone is chosen; of equal ones the first setting.

    Of every setting the outputs of its own best rate are kept, and the best of all is the best of those.
    """
    ranked = []
    for at, pool in enumerate(pools):
        members = pool.by_split[split]
        rate = best_rate(members, greater_is_better=metric.greater_is_better)
        here = [each for each in members if each.rate == rate]
        score, tie = mean(each.score for each in here), mean(each.tie for each in here)
        worth = -score if metric.greater_is_better else score
        ranked.append((inf if isnan(worth) else worth, inf if isnan(tie) else tie, at, rate))
    _, _, at, rate = min(ranked)
    return at, rate


def _outputs(pool: _Pool, split: int, rate: float, seeds: int) -> Outputs:
    return pool.store.outputs(pool.label, split, rate, seeds)


def _row(
    candidate: Candidate,
    scores: NDArray[np.float64],
    pools: Sequence[_Pool],
    choices: Sequence[tuple[int, float]],
    found: Comparison,
    plan: Plan,
    metric: Metric,
) -> TunedRow:
    by_split = scores.mean(axis=1)
    own = np.array(found.row(candidate.label).score.by_split)
    effort = found.effort
    sizes = (effort.n_test, effort.n_train + effort.n_valid)
    times = Counter(at for at, _ in choices)
    rates = sorted(rate for _, rate in choices)
    return TunedRow(
        label=candidate.label,
        judged=candidate.judged,
        score=_interval(by_split, *sizes, metric.least, inf if metric.relative else 1.0),
        by_split=tuple(by_split.tolist()),
        gain=_interval(by_split - own, *sizes),
        picked=tuple(Picked(pools[at].says, count, at == 0) for at, count in times.most_common()),
        rate=rates[(len(rates) - 1) // 2],
        trainings=sum(len(pool.by_split[0]) for pool in pools),
    )


def _interval(
    by_split: NDArray[np.float64], n_test: int, n_rest: int, low: float = -inf, high: float = inf
) -> Interval:
    if not np.isfinite(by_split).all():
        return Interval(nan, nan, nan)
    found = estimate(by_split, n_test=n_test, n_rest=n_rest)
    ends = found.interval()
    return Interval(found.mean, max(ends[0], low), min(ends[1], high))
