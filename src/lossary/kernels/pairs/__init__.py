"""Losses over all pairs of a batch, a few anchors at a time: no table of differences, no graph of it.

What is kept for the backward pass is linear in the batch; each chunk of the table is made again there, by matrix
products. A second derivative goes through the eager math, with its memory.
"""
