"""What a run keeps to look at after every tick, by the kind of what is made."""

import numpy as np

from sparring.bundle.pictures import save_grid
from sparring.bundle.styles import StyleBundle, style_matrix
from sparring.bundle.tables import save_table
from sparring.bundle.translation import TranslationBundle
from sparring.data.images.domains import image_key
from sparring.data.lazy import Examples
from sparring.training.callbacks import SampleGrid, Samples

ROWS = 100
ACROSS = 8  # References, and contents, in a matrix of styles.
EXAMPLES = 16  # Of translation, over all ways.
MOST_ACROSS = 4  # Of them side by side,
WIDEST = 1024  # and no more pixels than these.


class SampleRows(Samples):
    """Rows of the averaged generator from the same latents."""

    def keep(self, bundle, path):
        save_table(bundle.look(ROWS, seed=self.seed), path.with_suffix(".csv"))


class SampleTranslations(Samples):
    """Images before and after, and beside them the truth where there are pairs; of styles, contents by references."""

    def keep(self, bundle, path):
        make = styled if isinstance(bundle, StyleBundle) else compared
        cells, columns = make(bundle, self.shown)
        save_grid(cells, path.with_suffix(".png"), columns)


def compared(bundle: TranslationBundle, examples: Examples) -> tuple[np.ndarray, int]:
    """Images, their translations and, of pairs, the truth beside each other, and how many cells make a row.

    One way of a bundle comes after the other; `examples` are those of a source.
    """
    spec, cells = bundle.spec, []
    across = 0
    for target, source in bundle.ways.items():
        given, truth = (examples[image_key(spec.place(domain))] for domain in (source, target))
        count = min(len(given), EXAMPLES // len(bundle.ways))
        rows = np.arange(count) * len(given) // count
        images = np.asarray(given[rows])
        shown = [images, bundle.translate(images, target), *([np.asarray(truth[rows])] if spec.paired else [])]
        across = len(shown) * max(1, min(MOST_ACROSS, count, WIDEST // (len(shown) * spec.shape[1])))
        cells.append(np.stack(shown, axis=1).reshape(-1, *spec.shape))
    return np.concatenate(cells), across


def styled(bundle: StyleBundle, examples: Examples) -> tuple[np.ndarray, int]:
    """A matrix of contents by references, some images of every domain as both; and how many cells make a row.

    Content and reference at the same place of a domain are different images.
    """
    domains = bundle.spec.domains[:ACROSS]
    found: dict[int, list[np.ndarray]] = {0: [], 1: []}
    each = ACROSS // len(domains)
    for domain in domains:
        images = examples[image_key(bundle.spec.place(domain))]
        for first, part in found.items():
            part.append(np.asarray(images[(np.arange(each) * 2 + first) * len(images) // (2 * each)]))
    contents, references = (np.concatenate(part) for part in found.values())
    return style_matrix(bundle, contents, references, [domain for domain in domains for _ in range(each)]), len(
        references
    ) + 1


LOOKS = {"image": SampleGrid, "domains": SampleTranslations, "table": SampleRows}
