"""Telling many classes apart."""
