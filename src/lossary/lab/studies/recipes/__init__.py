"""One study a file: the record that is fixed first, then how it is run."""
