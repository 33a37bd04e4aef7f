"""Learning distances."""
