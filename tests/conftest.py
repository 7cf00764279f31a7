"""What several tests start from."""

import numpy as np
import pytest

from sparring.data.source import image_source


@pytest.fixture(scope="session")
def stripes():
    """48 grey images of 8x8 in two classes, bars across and bars upright: something small that can be learned."""
    return make_stripes(8, 8, 1)


def make_stripes(height, width, channels, count=48):
    random = np.random.default_rng(0)
    labels = np.arange(count, dtype=np.int32) % 2
    images = random.integers(0, 40, (count, height, width, channels), dtype=np.uint8)
    for image, label, place in zip(images, labels, random.integers(0, min(height, width), count), strict=True):
        (image if label else image.swapaxes(0, 1))[place] += 200
    return image_source("stripes", images, labels, ("across", "upright"))
