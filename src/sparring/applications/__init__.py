"""The verbs: inspect, train, sample, evaluate."""
