"""Which loss finds anomalies: at one false positive rate, by supervised scores and by reconstruction."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

import lossary
from lossary.lab.data import read
from lossary.lab.figures import figures
from lossary.lab.studies.bench import Bench
from lossary.lab.studies.outcome import Values, percent, settle
from lossary.lab.studies.study import Answer, Found, Grid, Outcome, Study

STUDY = Study(
    name="anomaly",
    title="Which loss finds anomalies?",
    question="Is cross-entropy better than squared error at finding rows out of the ordinary?",
    text="MSE: TPR 0.812 at FPR 0.049. BCE: TPR 0.938 at FPR 0.017.",
    statements=(
        "cross-entropy is better than squared error (the texts' two points at two false positive rates)",
        "cross-entropy is better than squared error (supervised scores, TPR at FPR 1 %)",
        "labelled anomalies are better than none (cross-entropy against an autoencoder, TPR at FPR 1 %)",
    ),
    data="Shuttle, a subset of the rows, 7.2 % anomalies",
    metric="the share of anomalies found where 1 % of normal validation rows are called anomalous",
    region="1 point",
    design="One hidden layer of 16 units, Adam at 0.01. MSE on a sigmoid and BCE see labels; an autoencoder (4 units "
    "in its middle, squared error) sees normal rows alone. Every replicate has rows of its own: 60 % to learn from, "
    "20 % for the threshold, 20 % for the test.",
    settings={"rows": 6000, "splits": 8, "epochs": 12},
    quick={"rows": 500, "splits": 2, "epochs": 1},
    seconds=10,
)
SCORERS = ("MSE", "BCE", "autoencoder")
FPR = 0.01


def recipe(bench: Bench) -> Found:
    """Three scorers on the same splits."""
    tasks = [(each, bench.whole("rows"), bench.whole("epochs")) for each in range(bench.whole("splits"))]
    found = bench.run("scorers", on_one_split, tasks)

    def rate(scorer: str, which: int = 0) -> Values:
        return np.array([each[scorer][which] for each in found])

    pairs = {
        STUDY.statements[1]: (rate("BCE"), rate("MSE")),
        STUDY.statements[2]: (rate("BCE"), rate("autoencoder")),
    }
    settled = settle(pairs, region=0.01)
    stated = Answer(
        STUDY.statements[0],
        "a point of (TPR, FPR) is one threshold's; two at different FPRs say nothing about which curve lies higher "
        "where they could be compared",
        Outcome.UNTESTABLE,
    )
    rest = [
        Answer(name, f"{percent(each.score)} against {percent(each.other)}, {each.said()}", each.outcome)
        for name, each in settled.items()
    ]
    rows = tuple(
        (
            scorer,
            *[percent(float(rate(scorer, at).mean())) for at in (0, 1)],
            figures(rate(scorer, 2).mean(), 4),
        )
        for scorer in SCORERS
    )
    columns = ("scores from", "TPR", "FPR on test rows", "ROC-AUC")
    grid = Grid("Anomalies found at a threshold set for FPR 1 % on validation", columns, rows)
    return Found((stated, *rest), (grid,))


def on_one_split(split: int, rows: int, epochs: int) -> dict[str, tuple[float, float, float]]:
    """Scorer -> (TPR, FPR, ROC-AUC) on the test rows."""
    from sklearn.metrics import roc_auc_score

    table = read("shuttle")
    chosen = np.random.default_rng(0).permutation(table.rows)[split * rows : (split + 1) * rows]
    frame = table.frame.iloc[chosen]
    features = frame[list(table.features)].to_numpy(dtype=np.float64)
    y = torch.from_numpy(frame[table.target].to_numpy(dtype=np.float32))
    fifth = rows // 5
    at = {"test": slice(0, fifth), "valid": slice(fifth, 2 * fifth), "train": slice(2 * fifth, None)}
    centre, scale = features[at["train"]].mean(0), features[at["train"]].std(0)
    x = torch.from_numpy(((features - centre) / np.where(scale > 0, scale, 1)).astype(np.float32))
    found = {}
    for scorer in SCORERS:
        scores = _scores(scorer, x, x[at["train"]], y[at["train"]], epochs, split)
        normal = scores[at["valid"]][y[at["valid"]] == 0]
        threshold = torch.quantile(normal, 1 - FPR)
        called, truth = scores[at["test"]] > threshold, y[at["test"]] == 1
        area = roc_auc_score(truth.numpy(), scores[at["test"]].numpy())
        found[scorer] = (
            float(called[truth].double().mean()),
            float(called[~truth].double().mean()),
            float(area),
        )
    return found


def _scores(scorer: str, every: Tensor, x: Tensor, y: Tensor, epochs: int, seed: int) -> Tensor:
    """How anomalous each row is, by a network trained on x and y."""
    features = x.shape[1]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = (
            nn.Sequential(
                nn.Linear(features, 16), nn.ReLU(), nn.Linear(16, 4), nn.ReLU(), nn.Linear(4, 16), nn.ReLU(),
                nn.Linear(16, features),
            )
            if scorer == "autoencoder"
            else nn.Sequential(nn.Linear(features, 16), nn.ReLU(), nn.Linear(16, 1), nn.Flatten(0))
        )  # fmt: skip
    if scorer == "autoencoder":
        x, y = x[y == 0], y[y == 0]
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    order = torch.Generator().manual_seed(seed)
    for _ in range(epochs):
        for at in torch.split(torch.randperm(len(x), generator=order), 64):
            raw = model(x[at])
            if scorer == "BCE":
                value = lossary.binary_cross_entropy(raw, y[at])
            else:
                value = lossary.mse(torch.sigmoid(raw), y[at]) if scorer == "MSE" else lossary.mse(raw, x[at])
            optimizer.zero_grad()
            torch.autograd.backward(value)
            optimizer.step()
    with torch.no_grad():
        raw = model(every)
        found: Tensor = (raw - every).square().mean(1) if scorer == "autoencoder" else raw
    return found
