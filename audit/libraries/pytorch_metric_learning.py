"""pytorch-metric-learning."""

from __future__ import annotations

from ..peer import Library, Peer

_ANCHORS = """
def anchors(loss, miner, x, labels):
    triplets = miner(x, labels)
    if len(triplets[0]) == 0:
        return x.sum(1) * 0
    found = loss(x, labels, triplets)["loss"]
    return (x.sum(1) * 0).index_add(0, found["indices"][0], found["losses"])
"""
_PLAIN = "distance=distances.LpDistance(normalize_embeddings=False)"


def peers() -> tuple[Peer, ...]:
    """The triplet loss over the hardest triplets of a batch, on embeddings as they are and every triplet counted."""
    return (
        Peer("TripletMarginLoss with BatchHardMiner", "triplet_batch_hard",
             f"anchors(loss, miners.BatchHardMiner({_PLAIN}), embeddings, labels)",
             make=f"losses.TripletMarginLoss(margin=margin, {_PLAIN}, reducer=reducers.DoNothingReducer())",
             fixed={"distance": "euclidean", "margin": 1.0}),
    )  # fmt: skip


LIBRARY = Library(
    "pytorch_metric_learning",
    (
        "import math, torch",
        "from pytorch_metric_learning import distances, losses, miners, reducers",
        _ANCHORS,
    ),
    peers,
    distribution="pytorch-metric-learning",
)
