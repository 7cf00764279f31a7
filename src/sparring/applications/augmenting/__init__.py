"""Whether synthetic examples help a model: the verb `augment`."""
