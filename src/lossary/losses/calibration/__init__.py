"""Scores of whole distributions, and cross-entropy held back from overconfidence."""
