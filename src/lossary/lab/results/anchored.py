"""The simple models beside the losses: their scores on the test rows, and the sentence when one beats every network."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from lossary.lab.comparison import Anchor, Measured, Row, Ruler
from lossary.lab.figures import figures
from lossary.lab.metrics import Metric
from lossary.lab.results.tested import tested
from lossary.lab.running.store import Outputs, Store
from lossary.lab.training.anchors import TITLES
from lossary.lab.training.rows import Rows


def anchors_of(store: Store, rows: Rows, metric: Metric, n_test: int, n_rest: int) -> tuple[Anchor, ...]:
    """Every anchor of the ledger, measured as the losses are, but never tested against one."""
    by_name: dict[str, list[Outputs]] = {}
    for split, anchored in store.anchored().items():
        for each in anchored:
            # Anchors have no validation outputs in the ledger, and no calibrated metrics here that would need them.
            one = Outputs(each.name, split, 0.0, each.outputs[None], each.outputs[None])
            by_name.setdefault(each.name, []).append(one)
    found = []
    for name, outputs in by_name.items():
        scored = tested(outputs, rows, probabilities=True, metric=metric, calibrate=False, seen=False)
        measured = {other: scored.measured(other, n_test, n_rest) for other in scored.scores}
        score = measured.pop(metric.name)
        found.append(Anchor(name, TITLES[name], score, tuple(measured.values())))
    return tuple(found)


def ahead_of_all(anchors: Sequence[Anchor], rows: Sequence[Row], metric: Metric, ruler: Ruler) -> str:
    """The first sentence of a report whose networks an anchor beats; else nothing."""
    judged = [row.score for row in rows if row.candidate.judged and isfinite(row.score.mean)]
    ahead = [each for each in anchors if all(_visibly(each.score, one, metric, ruler) for one in judged)]
    if not ahead:
        return ""
    sign = 1.0 if metric.greater_is_better else -1.0
    first = max(ahead, key=lambda each: sign * each.score.mean)
    sentence = (
        f"{first.title} scores better than every network here (not tested): "
        f"{metric.title} {_shown(first.score, ruler)}"
    )
    if not judged:
        return f"{sentence}, and no network has a score."
    best = max(judged, key=lambda score: sign * score.mean)
    return f"{sentence} against at best {_shown(best, ruler)} on the same splits."


def _visibly(anchor: Measured, network: Measured, metric: Metric, ruler: Ruler) -> bool:
    """Whether the anchor is better in the figures that a reader sees: "96.0 % against 96.0 %" is no lead."""
    return metric.better(anchor.mean, network.mean) and _shown(anchor, ruler) != _shown(network, ruler)


def _shown(score: Measured, ruler: Ruler) -> str:
    return f"{100 * score.mean:.1f} %" if ruler.is_share else figures(score.mean, 4)
