"""The figures of a report: one file a kind of figure, each drawn from plain rows, each with its table."""
