"""Features by convolutions that were never trained, for images without labels: `random-<data>-v1`."""

import numpy as np
from sklearn.decomposition import PCA

from sparring.errors import UsageError
from sparring.metrics.extractor import Seen
from sparring.metrics.extractors.classifier import FEATURES, centred, convolve, halve, in_parts, some_rows
from sparring.metrics.extractors.resizing import as_images, reduce
from sparring.metrics.recognition import Images

LARGEST = 64  # Pixels of the longer side; larger images are reduced to it.
WIDTHS, SIDE = (32, 64, 64), 3  # Filters of each convolution, and the side of each filter.
MOST_IMAGES = 10_000  # That the principal components are made of.


class RandomExtractor:
    """64 principal components of what seeded random filters answer; no probabilities.

    Three convolutions of 3 x 3 with ReLU, each followed by a mean of 2 x 2; of every filter's answers the mean and the
    greatest in each quarter of the image; the principal components of those over a reference. The filters are the
    same for everybody; the components belong to the reference, whose fingerprint the name carries.

    It sees noise, blur, blends and patterns that do not belong as well as a classifier or better. What is in an image
    it does not know: MNIST without 4, which looks like 9, lies 9 standard deviations from MNIST by these features, and
    84 by those of `digits-v1` (`benchmarks/extractors.py`). So it tells little of classes that vanish, and has no
    classifier score: take `own` where there are labels.

    Images keep their channels. Where a side is longer than 64 pixels, they are reduced, in proportion, to 64.
    """

    def __init__(self, reference: Images, *, fingerprint: str):
        """Find the components of the `reference` images, of 10,000 drawn at random where there are more.

        Args:
            reference: uint8 `(N, H, W, C)` of real images; fewer than 65 give a feature less than there are images.
            fingerprint: At least 8 hexadecimal digits that change with them.

        Raises:
            UsageError: There are too few images, or they are of another shape.
        """
        if len(reference) < 2:
            raise UsageError(f"The extractor `random` takes at least 2 images. Received: {len(reference)}.")
        self.name = f"random-{fingerprint[:8]}-v1"
        self._kernels = _kernels(as_images(reference[:1]).shape[-1])
        rows = some_rows(len(reference), MOST_IMAGES)
        parts = [self._answers(reference[rows[start : start + 50]]) for start in range(0, len(rows), 50)]
        # By the covariance, exactly: other solvers draw random numbers.
        self._components = PCA(min(FEATURES, len(rows) - 1), svd_solver="covariance_eigh").fit(np.concatenate(parts))

    def __call__(self, images: Images) -> Seen:
        return in_parts(images, self._look)

    def _look(self, images: np.ndarray) -> Seen:
        return Seen(self._components.transform(self._answers(images)).astype(np.float32), None)

    def _answers(self, images: np.ndarray) -> np.ndarray:
        """float32 `(N, 1280)`."""
        x = centred(reduce(as_images(images), LARGEST))
        if x.shape[-1] != self._kernels[0].shape[2]:
            raise UsageError(
                f"Images must have the {self._kernels[0].shape[2]} channels of the reference. Received: {x.shape[-1]}."
            )
        answers = []
        for kernel in self._kernels:
            x = convolve(x, kernel, np.zeros(kernel.shape[-1], np.float32))
            for rows in np.array_split(x, 2, axis=1):
                for quarter in np.array_split(rows, 2, axis=2):
                    answers += [quarter.mean(axis=(1, 2)), quarter.max(axis=(1, 2))]
            x = halve(x)
        return np.concatenate(answers, axis=1)


def _kernels(channels: int) -> list[np.ndarray]:
    """Normal, with the variance of He et al. 2015 (arXiv:1502.01852, equation 10), which keeps answers of one size."""
    # Not `default_rng`: see `some_rows`.
    random = np.random.RandomState(20150212)
    shapes = zip((channels, *WIDTHS), WIDTHS, strict=False)
    return [
        (random.standard_normal((SIDE, SIDE, before, after)) * np.sqrt(2 / (SIDE * SIDE * before))).astype(np.float32)
        for before, after in shapes
    ]
