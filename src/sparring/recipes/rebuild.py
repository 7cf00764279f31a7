"""From the record in a bundle back to its networks: the one door through which a bundle reaches the recipes."""

from collections.abc import Mapping

import keras

from sparring.bundle.record import Record
from sparring.errors import BundleError, UsageError
from sparring.recipes.catalog import find_recipe


def rebuild_networks(record: Record, trust: bool) -> Mapping[str, keras.Model]:
    """The networks of a finished model, by name, with weights yet to be filled.

    Raises:
        BundleError: The recipe is unknown, is not ours and `trust` is False, or does not take the record's options.
    """
    try:
        recipe = find_recipe(record.recipe, trust=trust)
        return recipe.build(record.spec, **record.options).average.copies
    except UsageError as error:
        raise BundleError(str(error)) from error
