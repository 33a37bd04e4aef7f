"""Prices on weights and activations, and agreement between two looks at the same rows: added to a loss."""
