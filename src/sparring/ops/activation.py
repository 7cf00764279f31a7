"""Activations that both backends agree on everywhere."""

from sparring.backend import leaky_relu

__all__ = ["leaky_relu"]
