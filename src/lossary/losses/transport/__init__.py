"""Between two distributions given by their samples."""
