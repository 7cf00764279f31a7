"""The verbs: train, sample, evaluate."""
