"""Cards: what is known of a loss, on the terminal and as JSON."""
