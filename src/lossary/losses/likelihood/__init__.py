"""Predicting distributions of numbers."""
