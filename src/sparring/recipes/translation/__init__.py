"""Recipes for translation between domains of images."""
