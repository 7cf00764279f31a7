"""Metrics of tables: made rows held against real ones."""
