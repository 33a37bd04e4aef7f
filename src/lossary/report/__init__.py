"""Figures and pages: a comparison as a report, a card in the terminal. Nothing is measured here."""
