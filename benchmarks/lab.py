"""What the stacked engine saves on whole sets of trainings, and what the plain engine costs above a bare loop.

    python benchmarks/lab.py             two workers of one thread each, about three minutes
    python benchmarks/lab.py --sample    the plain engine trains every tenth of the 600 alone, and the line says so

First, training by training: both workers measure at once, each its own ratios; plain, bare and stacked take turns
within a round, so that a neighbour on the machine slows all three. Printed are the median of the rounds, the least and
the greatest. Then, end to end: 600 trainings of breast_cancer as a comparison runs them, by the executor, from the
first job of its two workers to the last answer, stacked and plain; and digits as pictures with the small Cnn, of which
the plain engine trains a sixth. Exit code 1 where a ratio misses its target.
"""

from __future__ import annotations

import argparse
import copy
import multiprocessing
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

import torch
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn
from torch.nn import functional as F

from lossary.lab.design import design
from lossary.lab.planning.options import Options
from lossary.lab.planning.plan import Plan, Slice
from lossary.lab.running.execute import Job, Local
from lossary.lab.running.slice import train_slice
from lossary.lab.training.engines import ENGINES, plain, stacked
from lossary.lab.training.networks import Cnn, Mlp
from lossary.lab.training.trial import Link, Setup, SplitData, Trial, epochs_for

WORKERS, ROUNDS = 2, 7
RATES = (3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
LOSSES: tuple[tuple[str, Link], ...] = (
    ("binary_cross_entropy", "identity"),
    ("focal", "identity"),
    ("hinge", "identity"),
    ("squared_hinge", "identity"),
    ("mse", "sigmoid"),
    ("mae", "sigmoid"),
    ("huber", "sigmoid"),
    ("log_cosh", "sigmoid"),
)
COMPARED = ("binary_cross_entropy", "focal", "hinge", "mse", "squared_hinge")
OF_CLASSES: tuple[tuple[str, Link], ...] = (
    ("cross_entropy", "identity"),
    ("categorical_focal", "identity"),
    ("mse", "softmax"),
    ("mae", "softmax"),
)
# Losses that torch has, so that the bare loop calls no line of ours.
BARE: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "binary_cross_entropy": F.binary_cross_entropy_with_logits,
    "mse": lambda outputs, target: F.mse_loss(torch.sigmoid(outputs), target),
    "mae": lambda outputs, target: F.l1_loss(torch.sigmoid(outputs), target),
}
TARGETS = {"stacked / plain": 0.15, "plain / bare": 1.15}


def split_data(split: int) -> SplitData:
    x, y = load_breast_cancer(return_X_y=True)
    rest, test = train_test_split(range(len(y)), test_size=0.2, stratify=y, random_state=split)
    train, valid = train_test_split(rest, test_size=0.25, stratify=y[rest], random_state=split)
    x = (x - x[train].mean(0)) / x[train].std(0)
    parts = [t for rows in (train, valid, test) for t in (torch.tensor(x[rows]), torch.tensor(y[rows]))]
    return SplitData(*(part.float() for part in parts))


def trials(split: int, seed: int, setup: Setup) -> list[Trial]:
    return [Trial(loss, rate, seed, split, setup, link) for loss, link in LOSSES for rate in RATES]


def demo_setup(data: SplitData) -> Setup:
    return Setup(Mlp(data.x_train.shape[1], (32,), 1), "accuracy", epochs_for(len(data.x_train)))


def bare(trial: Trial, data: SplitData) -> Tensor:
    """The loop without a library: the same budget, batches of 32, the best epoch on validation kept."""
    torch.manual_seed(trial.seed)
    loss = BARE[trial.loss]
    model = nn.Sequential(nn.Linear(data.x_train.shape[1], 32), nn.ReLU(), nn.Linear(32, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=trial.rate)
    best, best_score = copy.deepcopy(model.state_dict()), -1.0
    for _ in range(trial.setup.epochs):
        for rows in torch.randperm(len(data.x_train)).split(trial.setup.batch):
            value = loss(model(data.x_train[rows]).squeeze(-1), data.y_train[rows])
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
        with torch.no_grad():
            score = ((model(data.x_valid).squeeze(-1) > 0) == (data.y_valid > 0.5)).float().mean().item()
        if score > best_score:
            best, best_score = copy.deepcopy(model.state_dict()), score
    model.load_state_dict(best)
    with torch.no_grad():
        return model(data.x_test)


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measure(worker: int) -> list[dict[str, float]]:
    """Milliseconds a training, round by round, of this worker's three loops.

    Plain and bare train the same three losses; stacked trains the demo's eight at six rates, two streams a slice.
    """
    torch.set_num_threads(1)
    data = {split: split_data(split) for split in range(2)}
    setup = demo_setup(data[0])
    slice_ = [trial for split in range(2) for trial in trials(split, worker, setup)]
    sample = [trial for trial in slice_ if (trial.rate, trial.split) == (1e-3, 0) and trial.loss in BARE]
    for warm in (bare, lambda trial, rows: plain.run([trial], {0: rows})):  # first calls load code
        warm(replace(sample[0], setup=replace(setup, epochs=1)), data[0])
    stacked.run([replace(trial, setup=replace(setup, epochs=1)) for trial in slice_], data)
    rounds = []
    for _ in range(ROUNDS):
        bares = plains = 0.0
        for trial in sample:
            bares += seconds(lambda t=trial: bare(t, data[0])) / len(sample)
            plains += seconds(lambda t=trial: plain.run([t], data)) / len(sample)
        together = seconds(lambda: stacked.run(slice_, data)) / len(slice_)
        rounds.append(
            {
                "plain ms": 1e3 * plains,
                "bare ms": 1e3 * bares,
                "stacked ms": 1e3 * together,
                "stacked / plain": together / plains,
                "plain / bare": plains / bares,
                "stacked / bare": together / bares,
            }
        )
    return rounds


def end_to_end(jobs: Sequence[Callable[[], Job]], first: Callable[[], Job]) -> float:
    """Seconds from the first job to the last answer; the workers have started and trained `first` before."""
    with Local(WORKERS) as executor:

        def run(every: Sequence[Callable[[], Job]]) -> None:
            for _ in executor.run(every):
                pass

        run([first] * WORKERS)
        return seconds(lambda: run(jobs))


def comparison(engine: str, *, tenth: bool = False) -> tuple[int, float]:
    """How many trainings of the breast_cancer comparison were run, and in how many seconds; or a tenth of them."""
    made, rows = design("breast_cancer", Options(losses=COMPARED, splits=4, engine=engine))
    plan = made.plan
    if tenth:  # one seed and three rates in place of five and six: every loss on every split
        plan = replace(plan, settings=replace(plan.settings, rates=plan.settings.rates[1:4], seeds=1))
    stage = plan.first_stage()

    def job(plan: Plan, piece: Slice) -> Callable[[], Job]:
        data = {split: rows.data(split) for split in piece.splits}
        return lambda: Job(("slice", piece.index), train_slice, (plan, piece, data))

    first = job(
        replace(plan, setup=replace(plan.setup, epochs=1)),
        replace(stage.slices[0], blocks=stage.slices[0].blocks[:1]),
    )
    return stage.size, end_to_end([job(plan, piece) for piece in stage.slices], first)


def pictures(engine: str, rates: Sequence[float]) -> tuple[int, float]:
    """The same for digits as pictures of 8x8: four losses at these rates, two seeds, a job for each seed."""
    x, y = load_digits(return_X_y=True)
    rest, test = train_test_split(range(len(y)), test_size=0.2, stratify=y, random_state=0)
    train, valid = train_test_split(rest, test_size=0.25, stratify=y[rest], random_state=0)
    x = torch.tensor(x / 16.0).float().view(-1, 1, 8, 8)
    data = SplitData(*(t for rows in (train, valid, test) for t in (x[rows], torch.tensor(y)[rows])))
    setup = Setup(Cnn(1, 8, 8, 10), "accuracy", epochs_for(len(train)), engine=engine)

    def job(seed: int, setup: Setup) -> Callable[[], Job]:
        every = [Trial(loss, rate, seed, 0, setup, link) for loss, link in OF_CLASSES for rate in rates]
        return lambda: Job(("digits", seed), ENGINES[engine].run, (every, {0: data}))

    jobs = [job(seed, setup) for seed in range(WORKERS)]
    return WORKERS * len(OF_CLASSES) * len(rates), end_to_end(jobs, job(0, replace(setup, epochs=1)))


def report(title: str, stacked: tuple[int, float], plain: tuple[int, float], target: float | None) -> bool:
    """Print both and their ratio, training by training where they are not as many; whether the target is met."""
    each = plain[1] / plain[0] * stacked[0]
    ratio = stacked[1] / each
    sampled = "" if stacked[0] == plain[0] else f", estimated from {plain[0]} in {plain[1]:.1f} s"
    verdict = "" if target is None else f"   <= {target} {'met' if ratio <= target else 'MISSED'}"
    print(f"{title}: {stacked[0]} trainings, stacked {stacked[1]:.1f} s, plain {each:.1f} s{sampled}")
    print(f"{'stacked / plain':18}{ratio:9.3f}{verdict}")
    return target is None or ratio <= target


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sample", action="store_true", help="plain trains a tenth of the 600 alone")
    arguments = parser.parse_args()
    missed = 0
    with ProcessPoolExecutor(WORKERS, mp_context=multiprocessing.get_context("spawn")) as pool:
        rounds = [r for worker in pool.map(measure, range(WORKERS)) for r in worker]
    print(f"{'':18}{'median':>9}{'min':>9}{'max':>9}   target")
    for name in rounds[0]:
        values = [r[name] for r in rounds]
        middle, target = statistics.median(values), TARGETS.get(name)
        verdict = "" if target is None else f"   <= {target} {'met' if middle <= target else 'MISSED'}"
        missed += target is not None and middle > target
        print(f"{name:18}{middle:9.3f}{min(values):9.3f}{max(values):9.3f}{verdict}")
    together = comparison("stacked"), comparison("plain", tenth=arguments.sample)
    missed += not report("breast_cancer, end to end", *together, TARGETS["stacked / plain"])
    report("digits, the small Cnn", pictures("stacked", RATES), pictures("plain", RATES[2:3]), None)
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
