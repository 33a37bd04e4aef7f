"""One network, one loss, one call: the compile line of the textbooks, and the history of the training it starts."""
