"""A loss behind a linear head, without the logits: chunks of rows, gradients made with the values."""

from .heads import linear, linear_cross_entropy
from .report import Reported

__all__ = ["Reported", "linear", "linear_cross_entropy"]
