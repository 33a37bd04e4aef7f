"""Predicting numbers."""
