"""What is asked of a table: its task, its columns, its splits, and how they are prepared for a network."""
