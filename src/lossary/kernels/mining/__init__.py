"""Triplets mined in a batch, a tile of anchors at a time: never a cube of anchors, positives and negatives."""
