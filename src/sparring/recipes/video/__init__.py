"""Recipes for video."""
