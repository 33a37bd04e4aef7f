"""Triton kernels: what ``backend="triton"`` runs.

The folder ``device`` holds device code and imports triton, so it is imported on the first call that launches some of
it; everything else works without. Without a GPU the device code runs under Triton's interpreter, for tests alone: set
TRITON_INTERPRET=1 before the first launch. No speed is claimed: none of it has been timed on a GPU yet.
"""
