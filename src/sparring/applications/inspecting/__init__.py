"""A look at data before it is trained on: the verb `inspect`."""
