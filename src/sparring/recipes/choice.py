"""Which recipe suits the data when none is named, and what data suit one that is."""

from sparring.data.spec import DataSpec, DomainsSpec, TableSpec, VideoSpec
from sparring.recipes.catalog import find_recipe

FEW_IMAGES = 10_000  # Of fewer than about these the discriminator knows every one before the generator has learnt.


def choose_recipe(spec: DataSpec) -> tuple[str, str]:
    """Name of the recipe for data like this, and the reason in half a sentence.

    The figures behind it stand in the README's table of recipes.
    """
    if isinstance(spec, DomainsSpec):
        if spec.paired:
            return "pix2pix", "a U-Net that is told the truth of every image"
        return "fastcut", "one way between domains, at less than half of cyclegan's cost"
    if isinstance(spec, TableSpec):
        return "tabular", "dense networks for rows, told any of the columns of levels"
    if isinstance(spec, VideoSpec):
        return "mocogan", "content and motion apart, judged by a few frames of every clip"
    if spec.num_examples < FEW_IMAGES:
        return "r3gan", f"its penalties R1 and R2 keep {spec.num_examples:,} images from being learnt by heart"
    return "r3gan", "of the same number of images it makes the most; dcgan takes a third of the time for each"


def wants_domains(recipe: str | None) -> bool:
    """Whether a folder is to be opened as domains, for that is what the recipe of this name learns of."""
    return recipe is not None and find_recipe(recipe).data_kind() == "domains"
