"""The extractor in the package, `digits-v1`: a classifier of MNIST's digits, frozen."""

from pathlib import Path

from sparring.metrics.extractor import Seen
from sparring.metrics.extractors.classifier import Classifier, in_parts
from sparring.metrics.extractors.kept import read_weights
from sparring.metrics.extractors.resizing import as_grey, as_images, resize
from sparring.metrics.recognition import Images

WEIGHTS = Path(__file__).with_name("digits-v1.safetensors")
SIDE = 28


class DigitsExtractor:
    """64 features and the 10 digits' probabilities. No network, no backend, the same weights for everybody.

    69,322 parameters, trained on MNIST's training images by `benchmarks/train_digits_extractor.py`; with `--check` that
    measures the file: 99.47 % of the 10,000 test images get their label.

    Images of another size are made 28 x 28 by `resizing.resize` (Pillow's bicubic filter on floats, which keeps no
    proportions) and, in colour, made grey first (ITU-R BT.601); transparent parts are laid on white. Digits are light
    on dark, as in MNIST. It judges digits; to anything else its features say little.
    """

    name = "digits-v1"

    def __init__(self, path: Path = WEIGHTS):
        weights, _ = read_weights(path)
        self._classifier = Classifier(weights)

    @property
    def num_parameters(self) -> int:
        return self._classifier.num_parameters

    def __call__(self, images: Images) -> Seen:
        return in_parts(images, lambda part: self._classifier(resize(as_grey(as_images(part)), SIDE, SIDE)))
