"""Checks for a network, a loss, a penalty, an augmentation or a recipe of one's own; `docs/add-your-own.md` shows them.

Each checks what the rest of the house relies on and raises a CheckError, one sentence, at the first thing that does not
hold. This room may open every room up to the recipes, and no room opens it.
"""

from sparring.testing.augmentations import check_augmentation
from sparring.testing.failure import CheckError
from sparring.testing.networks import check_network
from sparring.testing.objectives import check_objective
from sparring.testing.recipes import check_recipe

__all__ = ["CheckError", "check_augmentation", "check_network", "check_objective", "check_recipe"]
