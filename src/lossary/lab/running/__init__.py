"""Slices are trained, wherever that is, and the ledger keeps what was found: a run can be killed and taken up."""
