"""How a game is trained; start reading in `step.py`."""
