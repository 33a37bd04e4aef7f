"""From the ledger to the Comparison: nothing is trained here, and nothing depends on how the trainings came about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import isfinite
from statistics import median

import numpy as np

from lossary.lab.asking.task import Kind
from lossary.lab.behaving import Listening
from lossary.lab.comparison import Comparison, RatePoint, Recommendation, Row
from lossary.lab.design import Design
from lossary.lab.judging.verdict import Verdicts, judge
from lossary.lab.metrics import Metric, get_metric
from lossary.lab.planning.candidate import Candidate
from lossary.lab.planning.plan import Stage, network_of
from lossary.lab.results import course
from lossary.lab.results.anchored import ahead_of_all, anchors_of
from lossary.lab.results.behaviour import calibration, confusion, residuals, residuals_by_size
from lossary.lab.results.disagreement import disagreement
from lossary.lab.results.listening import listening
from lossary.lab.results.tested import Tested, tested
from lossary.lab.results.tradeoff import tradeoff
from lossary.lab.running.store import Outputs, Store
from lossary.lab.training.anchors import constant_score
from lossary.lab.training.choose import Trained, chosen_rates, grouped, mean
from lossary.lab.training.engines import stackable
from lossary.lab.training.networks import placeless
from lossary.lab.training.rows import Rows
from lossary.lab.training.trial import Link

PARTED = "splits are windows through time, which differ by more than chance"


def assemble(design: Design, rows: Rows, store: Store) -> Comparison:
    """The comparison, once every stage and every anchor is in the ledger."""
    return _Assembly(design, rows, store).comparison()


class _Assembly:
    """What the steps of `assemble` share: read once, used by each."""

    def __init__(self, design: Design, rows: Rows, store: Store) -> None:
        self.design, self.rows, self.store = design, rows, store
        self.plan = design.plan
        self.metric: Metric = get_metric(self.plan.settings.metric)
        self.better = self.metric.greater_is_better
        self.n_test = design.effort.n_test
        self.n_rest = design.effort.n_train + design.effort.n_valid
        self.by_label: dict[str, list[Trained]] = grouped(store.trained(), lambda each: each.label)
        every = [each for members in self.by_label.values() for each in members]
        self.rates = chosen_rates(every, greater_is_better=self.better)
        self.units = {split: self._unit(split) for split in range(self.plan.settings.splits)}
        self.targets = course.common_targets(
            {label: self._at_chosen(label) for label in self.by_label},
            {split: self._constant(split) for split in self.units},
            greater_is_better=self.better,
        )

    def comparison(self) -> Comparison:
        """Rows, verdicts and recommendation put together."""
        labels = [each.label for each in self.plan.candidates]
        scored = {each.label: self._tested(each) for each in self.plan.candidates}
        spans = {label: course.decades(self._usable(self._candidate(label))) for label in labels}
        verdicts = judge(
            {label: scored[label].scores[self.metric.name] for label in labels},
            reference=self.plan.settings.reference,
            metric=self.metric,
            n_test=self.n_test,
            n_rest=self.n_rest,
            rope=self.plan.settings.rope,
            elicits={each.label: each.elicits for each in self.plan.candidates if not each.judged},
            widths=spans,
            withheld=self._withheld(),
            force=self.plan.settings.force,
            caveat=PARTED if self.plan.settings.time else "",
        )
        heard = self._listening()
        rows = sorted(
            (
                self._row(each, scored[each.label], heard.get(self.plan.trained_as(each)))
                for each in self.plan.candidates
            ),
            key=self._order,
        )
        anchors = anchors_of(self.store, self.rows, self.metric, self.n_test, self.n_rest)
        return Comparison(
            name=self.design.name,
            data=self.design.data,
            task=self.design.task,
            profile=self.design.profile,
            settings=self.plan.settings,
            ruler=self.design.ruler,
            effort=replace(
                self.design.effort,
                trials=sum(len(members) for members in self.by_label.values()),
                widened=self._widened(self.store.stages()),
                detectable_measured=verdicts.detectable,
            ),
            rows=tuple(rows),
            anchors=anchors,
            verdicts=verdicts,
            headline=verdicts.headline,
            advice=verdicts.would_help,
            anchor_sentence=ahead_of_all(anchors, rows, self.metric, self.design.ruler),
            recommendation=self._recommendation(verdicts, rows),
            notes=self.design.notes,
            versions=dict(self.plan.versions),
            disagreement=disagreement(
                [row.candidate.label for row in rows if self._own(row)], self._on, self.rows
            ),
        )

    def _own(self, row: Row) -> bool:
        """Whether a loss has trainings of its own: an alias would agree with its namesake to the last digit."""
        return self.plan.trained_as(row.candidate) == row.candidate.label

    def _listening(self) -> dict[str, Listening]:
        losses: dict[str, tuple[str, Link]] = {}
        refused: dict[str, str] = {}
        for block in self.plan.first_blocks:
            trial = self.plan.trials(block)[0]
            losses[block.label] = trial.loss, trial.link
            why = stackable(trial)
            if trial.readout != "identity" or trial.learns != "answer":
                why = "the ledger keeps what its outputs mean, not the outputs that its slope is taken in"
            if why is not None:
                refused[block.label] = why
        return listening(losses, refused, self._on, self.rows)

    def _on(self, label: str, split: int) -> Outputs:
        """The outputs of a loss, by the label of its trainings, on one split."""
        return self.store.outputs(label, split, self.rates[label, split], self.plan.settings.seeds)

    def _unit(self, split: int) -> float:
        """What a validation score is multiplied by to stand in the target's unit."""
        in_target = self.plan.kind == Kind.REGRESSION and self.metric.relative
        return self.rows.scale(split).scale if in_target else 1.0

    def _constant(self, split: int) -> float:
        task = self.design.task
        return constant_score(self.rows.data(split), task.kind.value, len(task.levels), self.metric.name)

    def _withheld(self) -> str:
        small = [warning.text for warning in self.design.profile.warnings if warning.kind == "small"]
        return small[0] if small else ""

    def _candidate(self, label: str) -> Candidate:
        return next(each for each in self.plan.candidates if each.label == label)

    def _at_chosen(self, label: str) -> list[Trained]:
        return [each for each in self.by_label[label] if each.rate == self.rates[label, each.split]]

    def _outputs(self, candidate: Candidate) -> list[Outputs]:
        label, settings = self.plan.trained_as(candidate), self.plan.settings
        return [self._on(label, split) for split in range(settings.splits)]

    def _tested(self, candidate: Candidate) -> Tested:
        return tested(
            self._outputs(candidate), self.rows, probabilities=candidate.probabilities, metric=self.metric
        )

    def _points(self, candidate: Candidate) -> tuple[RatePoint, ...]:
        label = self.plan.trained_as(candidate)
        chosen = {split: self.rates[label, split] for split in range(self.plan.settings.splits)}
        return course.rate_points(self.by_label[label], chosen, self.units)

    def _usable(self, candidate: Candidate) -> tuple[float, float] | None:
        points = self._points(candidate)
        scores = [point.score for point in points if isfinite(point.score)]
        if not scores:
            return None
        best = max(scores) if self.better else min(scores)
        region = self.plan.settings.rope * (abs(best) if self.metric.relative else 1.0)
        return course.usable(points, region, greater_is_better=self.better)

    def _row(self, candidate: Candidate, scored: Tested, heard: Listening | None) -> Row:
        label = self.plan.trained_as(candidate)
        chosen = self._at_chosen(label)
        outputs = self._outputs(candidate)
        decisive = scored.measured(self.metric.name, self.n_test, self.n_rest)
        per_seed = scored.scores[self.metric.name]
        train = mean(each.train * self.units[each.split] for each in chosen)
        span = self._usable(candidate)
        return Row(
            candidate=candidate,
            score=decisive,
            validation=mean(each.score * self.units[each.split] for each in chosen),
            train_gap=train - decisive.mean if isfinite(train) else None,
            others=tuple(
                scored.measured(name, self.n_test, self.n_rest)
                for name in scored.scores
                if name != self.metric.name
            ),
            seed_spread=float(np.sqrt(per_seed.var(axis=1, ddof=1).mean())) if per_seed.shape[1] > 1 else 0.0,
            rate=_middle([self.rates[label, split] for split in range(self.plan.settings.splits)]),
            usable=span,
            decades=course.decades(span),
            epochs=max(1, round(median(each.epoch for each in chosen))),
            convergence=course.convergence(
                chosen, self.targets, self.plan.settings.epochs, greater_is_better=self.better
            ),
            diverged=sum(each.diverged is not None for each in self.by_label[label]),
            trainings=len(self.by_label[label]),
            reasons=course.reasons(self.by_label[label]),
            rates=self._points(candidate),
            curve=course.curve(chosen, self.units),
            calibration=calibration(outputs, self.rows, probabilities=candidate.probabilities),
            confusion=confusion(outputs, self.rows),
            residuals=residuals(outputs, self.rows),
            residuals_by_size=residuals_by_size(outputs, self.rows),
            listening=heard,
            tradeoff=tradeoff(outputs, self.rows) if self.plan.kind == Kind.ANOMALY else None,
        )

    def _order(self, row: Row) -> tuple[bool, float, str]:
        score = -row.score.mean if self.better else row.score.mean
        return not row.candidate.judged, score if isfinite(score) else float("inf"), row.candidate.label

    def _recommendation(self, verdicts: Verdicts, rows: Sequence[Row]) -> Recommendation:
        label = verdicts.recommended or self.plan.settings.reference
        row = next(row for row in rows if row.candidate.label == label)
        setup = self.plan.setup
        return Recommendation(
            candidate=row.candidate,
            why=verdicts.advice,
            rate=row.rate,
            epochs=row.epochs,
            network=placeless(network_of(setup.network, row.candidate)),
            batch=setup.batch,
            weight_decay=setup.weight_decay,
            expected=row.score,
        )

    def _widened(self, stages: Sequence[Stage]) -> tuple[str, ...]:
        added: dict[str, set[float]] = {}
        for stage in stages[1:]:
            for piece in stage.slices:
                for block in piece.blocks:
                    added.setdefault(block.label, set()).update(block.rates)
        listed = {label: ", ".join(f"{rate:g}" for rate in sorted(rates)) for label, rates in added.items()}
        return tuple(
            f"{label}: its best rate lay at an edge, so {rates} were tried too"
            for label, rates in sorted(listed.items())
        )


def _middle(rates: Sequence[float]) -> float:
    """The median rate, always one that was tried: of an even number, the lower of the two in the middle."""
    return sorted(rates)[(len(rates) - 1) // 2]
