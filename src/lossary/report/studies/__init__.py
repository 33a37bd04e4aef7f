"""Studies as pages: one file a study, and docs/textbook.md for all of them."""
