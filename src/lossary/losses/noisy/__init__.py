"""Learning classes from labels of which some are wrong."""
