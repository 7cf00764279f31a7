"""From features to one logit."""

import keras
from keras import ops


class ProjectionHead(keras.layers.Layer):
    """One logit from features and, where there are classes, a one-hot label.

    `w . h + b + <v_y, h>` (Miyato and Koyama 2018, arXiv:1802.05637, equation 3). Called on `[features]` or
    `[features, labels]` of shapes `(N, D)` and `(N, classes)`; returns `(N, 1)`.

    Args:
        use_bias: Whether there is a `b`; a loss that reads differences of logits alone has no use for it.
    """

    def __init__(self, use_bias: bool = True, **kwargs):
        super().__init__(**kwargs)
        self.use_bias = use_bias

    def build(self, input_shape):
        (_, width), *label_shape = input_shape
        initializer = keras.initializers.LecunNormal
        self.kernel = self.add_weight(name="kernel", shape=(width, 1), initializer=initializer())
        if self.use_bias:
            self.bias = self.add_weight(name="bias", shape=(1,), initializer="zeros")
        if label_shape:
            # Zero: the head starts blind to the class and learns what it is worth.
            self.classes = self.add_weight(name="classes", shape=(label_shape[0][-1], width), initializer="zeros")

    def call(self, inputs):
        features, *labels = inputs
        logits = ops.matmul(features, self.kernel)
        if self.use_bias:
            logits = logits + self.bias
        if labels:
            logits = logits + ops.sum(ops.matmul(labels[0], self.classes) * features, axis=-1, keepdims=True)
        return logits

    def compute_output_shape(self, input_shape):
        return (input_shape[0][0], 1)

    def get_config(self):
        return super().get_config() | {"use_bias": self.use_bias}
