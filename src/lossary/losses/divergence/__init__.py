"""Between two distributions given by their probabilities."""
