"""What a discriminator says at its end, the same for every family."""

from typing import Literal

from keras import layers

from sparring.errors import UsageError
from sparring.layers.projection import ProjectionHead
from sparring.layers.spectral import SpectralDense
from sparring.networks.inputs import image_inputs

Head = Literal["projection", "classifier"]


def head_inputs(shape: tuple[int, int, int], num_classes: int, head: Head) -> list:
    """What a discriminator of this head reads: `[images]`, with `projection` and classes `[images, labels]`.

    Raises:
        UsageError: `head` is unknown, or is `classifier` where there are no classes.
    """
    if head not in ("projection", "classifier"):
        raise UsageError(f'`head` must be "projection" or "classifier". Received: head={head!r}')
    if head == "classifier" and not num_classes:
        raise UsageError('`head="classifier"` needs data with classes; use head="projection". Received: num_classes=0')
    return image_inputs(shape, num_classes if head == "projection" else 0)


def judged(features, inputs: list, num_classes: int, head: Head, *, use_bias: bool = True, spectral: bool = False):
    """The outputs of a discriminator from its features `(N, D)` and the `inputs` of `head_inputs`.

    `projection` weighs the features by the label (Miyato and Koyama 2018, arXiv:1802.05637): one logit `(N, 1)`.
    `classifier` is told no label and names the class itself (Odena et al. 2016, arXiv:1610.09585, section 3): a list
    of the logit `(N, 1)` and of class logits `(N, num_classes)`.

    Args:
        features: What the last layer reads.
        inputs: Of the discriminator.
        num_classes: How many classes there are.
        head: Which of the two.
        use_bias: Whether the logit of real and fake has a bias; class logits always have.
        spectral: Whether the weights of the head are spectrally normalised.
    """
    logits = ProjectionHead(use_bias=use_bias, spectral=spectral)([features, *inputs[1:]])
    if head == "projection":
        return logits
    return [logits, (SpectralDense if spectral else layers.Dense)(num_classes)(features)]
