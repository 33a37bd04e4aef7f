"""Time and memory of Lossary's kernels beside the peers' and beside a floor."""
