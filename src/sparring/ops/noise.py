"""Noise as it comes with a batch, and what is made of it."""

from keras import ops


def uniform(noise):
    """Standard normal to uniform in [0, 1], by the normal distribution function; either end can be met."""
    return 0.5 * (1.0 + ops.erf(noise * 0.5**0.5))
