"""Some classes are rare, and count as much as the others."""
