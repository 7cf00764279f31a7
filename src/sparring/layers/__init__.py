"""Keras layers that several networks share."""
