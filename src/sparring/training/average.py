"""The averaged networks: what is sampled, judged and passed on."""

from collections.abc import Mapping

import keras
from keras import ops


class Average(keras.layers.Layer):
    """Exponential moving averages of networks, by a half-life counted in images.

    The half-life grows with training, `min(halflife_images, ramp * images seen)`, so that the average forgets the
    first weights at any length of training (Karras et al. 2020, arXiv:2006.06676, appendix; EDM2 arXiv:2312.02696).
    Statistics of batch normalisation are averages already and are taken as they are.

    Args:
        networks: What to average, by the name it has in a bundle.
        steps: The variable that counts steps.
        batch_size: Images in one step.
        halflife_images: After so many images an old weight counts half.
        ramp: The half-life is at most this share of the images seen.
    """

    def __init__(
        self, networks: Mapping[str, keras.Model], steps, batch_size: int, halflife_images: float, ramp: float = 0.05
    ):
        super().__init__(name="average", trainable=False)
        self.networks = dict(networks)
        self.steps, self.batch_size = steps, batch_size
        self.halflife_images, self.ramp = halflife_images, ramp
        self.copies = {name: keras.models.clone_model(network) for name, network in networks.items()}
        for copy in self.copies.values():
            copy.trainable = False
        self.built = True

    def update(self):
        """Moves every copy towards its network; called after the step counter has moved."""
        seen = ops.cast(self.steps, "float32") * self.batch_size
        halflife = ops.minimum(float(self.halflife_images), self.ramp * seen)
        keep = 0.5 ** (self.batch_size / halflife)
        for name, network in self.networks.items():
            learned = {id(v) for v in network.trainable_variables}
            for mean, value in zip(self.copies[name].weights, network.weights, strict=True):
                new = ops.convert_to_tensor(value)
                mean.assign(new + (mean - new) * keep if id(value) in learned else new)
