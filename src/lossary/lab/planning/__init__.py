"""What is decided before the first training: options, candidates with reasons, frozen slices of trials."""
