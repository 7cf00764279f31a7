"""How good clips are: a network that knows the data's own, and functions of arrays."""
