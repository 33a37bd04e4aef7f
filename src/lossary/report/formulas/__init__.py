"""Formulas in symbols: a loss's definition drawn, differentiated, and written as people write it."""
