"""Overlap of regions."""
