"""Contrastive losses without the table of all similarities: tiles of it are made, used and forgotten."""
