"""Recipes: functions that turn a DataSpec and options into a Game."""
