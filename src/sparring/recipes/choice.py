"""Which recipe suits the data when none is named."""

from sparring.data.spec import DataSpec


def choose_recipe(spec: DataSpec) -> tuple[str, str]:
    """Name of the recipe for data like this, and the reason in half a sentence."""
    height, width, _ = spec.shape
    return "r3gan", f"the steadiest of the image recipes at {height}x{width}"
