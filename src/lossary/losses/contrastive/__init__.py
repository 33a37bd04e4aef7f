"""Learning representations from views that belong together."""
