"""The finished generator, safe to pass on: data, never code."""
