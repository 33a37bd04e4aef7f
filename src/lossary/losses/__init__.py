"""The catalogue: a family is a folder, an idea a file, a loss a block."""
