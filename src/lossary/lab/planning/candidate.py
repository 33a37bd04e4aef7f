"""A loss of a comparison: what it is called, what it estimates, why it is tried."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Candidate:
    """A loss that will be trained, or was."""

    label: str  # shown and unique: "focal(gamma=1)", "mse on sigmoid"
    expression: str  # what `lossary.parse` reads: "focal(gamma=1.0)"
    name: str  # canonical name of the loss, or the expression where several are summed
    link: str  # between network and loss: "identity", "sigmoid", "softmax" or "softplus"
    elicits: str  # "mean", "median", "probability", "order", ...
    why: str  # one sentence from the profile
    judged: bool  # the metric rewards what the loss elicits
    remark: str  # why it is not judged: "estimates the median; not judged by RMSE"; else ""
    probabilities: bool = False  # the sigmoid or softmax of the outputs is meant as a probability
    outputs: int = 1  # of its network
    readout: str = "identity"  # from those to the answer
    learns: str = "answer"  # or, of itself, "inputs" or "random", as in a Trial
    rates: tuple[float, ...] = ()  # of its own; empty: those that all losses have
