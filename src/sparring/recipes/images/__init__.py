"""Recipes for images: each a function of the DataSpec whose keyword options are the whole configuration."""
