"""From features to one logit."""

import keras
from keras import ops

from sparring.layers.spectral import SpectralNormalised


class ProjectionHead(keras.layers.Layer):
    """One logit from features and, where there are classes, a one-hot label.

    `w . h + b + <v_y, h>` (Miyato and Koyama 2018, arXiv:1802.05637, equation 3). Called on `[features]` or
    `[features, labels]` of shapes `(N, D)` and `(N, classes)`; returns `(N, 1)`.

    Args:
        use_bias: Whether there is a `b`; a loss that reads differences of logits alone has no use for it.
        spectral: Whether `w` and the matrix of all `v_y` are spectrally normalised (arXiv:1802.05957).
    """

    def __init__(self, use_bias: bool = True, spectral: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.use_bias, self.spectral = use_bias, spectral

    def build(self, input_shape):
        (_, width), *label_shape = input_shape
        initializer = keras.initializers.LecunNormal
        self.kernel = self.add_weight(name="kernel", shape=(width, 1), initializer=initializer())
        if self.use_bias:
            self.bias = self.add_weight(name="bias", shape=(1,), initializer="zeros")
        if label_shape:
            # Zero: the head starts blind to the class and learns what it is worth. Zeros have no spectral norm.
            start = initializer() if self.spectral else "zeros"
            self.classes = self.add_weight(name="classes", shape=(label_shape[0][-1], width), initializer=start)
        if self.spectral:
            self.normalised = SpectralNormalised()
            self.normalised.build(self.kernel.shape)
            if label_shape:
                self.normalised_classes = SpectralNormalised()
                self.normalised_classes.build(self.classes.shape)

    def call(self, inputs, training=False):
        features, *labels = inputs
        kernel = ops.convert_to_tensor(self.kernel)
        logits = ops.matmul(features, self.normalised(kernel, training=training) if self.spectral else kernel)
        if self.use_bias:
            logits = logits + self.bias
        if labels:
            classes = ops.convert_to_tensor(self.classes)
            if self.spectral:
                classes = self.normalised_classes(classes, training=training)
            logits = logits + ops.sum(ops.matmul(labels[0], classes) * features, axis=-1, keepdims=True)
        return logits

    def compute_output_shape(self, input_shape):
        return (input_shape[0][0], 1)

    def get_config(self):
        return super().get_config() | {"use_bias": self.use_bias, "spectral": self.spectral}
