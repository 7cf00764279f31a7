"""Layers whose kernels are divided by their largest singular value (Miyato et al. 2018, arXiv:1802.05957)."""

import keras
from keras import layers, ops


class SpectralNormalised(keras.layers.Layer):
    """A kernel over its spectral norm, `W / sigma(W)` (equation 8), called on the kernel.

    The kernel counts as the matrix of its last axis, the outputs, by all the others. One step of power iteration a
    call follows its largest singular value (algorithm 1): with `training=True` the vector `u` that the iteration
    stands at moves on, and nothing else is ever assigned. Keras' own `SpectralNormalization` overwrites the kernel,
    behind the back of whatever takes the gradient. The gradient runs through sigma with `u` and `v` held fixed.

    A kernel of zeros has no norm: start with random weights.
    """

    def build(self, kernel_shape):
        # Of length 1. The paper draws it at random; against a random kernel a fixed direction is as good.
        start = keras.initializers.Constant(kernel_shape[-1] ** -0.5)
        self.u = self.add_weight(
            name="u",
            shape=(1, kernel_shape[-1]),
            initializer=start,
            trainable=False,
            aggregation="only_first_replica",
        )

    def call(self, kernel, training=False):
        matrix = ops.reshape(kernel, (-1, kernel.shape[-1]))
        fixed = ops.stop_gradient(matrix)
        u = ops.convert_to_tensor(self.u)
        v = ops.normalize(ops.matmul(u, ops.transpose(fixed)))
        if training:
            u = ops.normalize(ops.matmul(v, fixed))
            self.u.assign(u)
        return kernel / ops.sum(ops.matmul(v, matrix) * u)

    def compute_output_shape(self, kernel_shape):
        return kernel_shape


class SpectralDense(layers.Dense):
    """Keras' `Dense` with a spectrally normalised kernel."""

    def build(self, input_shape):
        super().build(input_shape)
        self.normalised = SpectralNormalised()
        self.normalised.build(self.kernel.shape)

    def call(self, inputs, training=False):
        x = ops.matmul(inputs, self.normalised(ops.convert_to_tensor(self.kernel), training=training))
        if self.use_bias:
            x = x + self.bias
        return x if self.activation is None else self.activation(x)


class SpectralConv2D(layers.Conv2D):
    """Keras' `Conv2D` with a spectrally normalised kernel."""

    def build(self, input_shape):
        super().build(input_shape)
        self.normalised = SpectralNormalised()
        self.normalised.build(self.kernel.shape)

    def call(self, inputs, training=False):
        x = self.convolution_op(inputs, self.normalised(ops.convert_to_tensor(self.kernel), training=training))
        if self.use_bias:
            x = x + self.bias
        return x if self.activation is None else self.activation(x)
