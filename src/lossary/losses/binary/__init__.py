"""Telling two classes apart."""
