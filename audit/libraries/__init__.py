"""One file a library: its losses as expressions, and what must be imported for them."""
