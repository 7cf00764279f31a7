"""Counting the arithmetic of a training step from its Keras layers."""

import math

import keras


def multiply_adds(network: keras.Model) -> list[int]:
    """Multiply-adds of one example's forward pass for each layer that has a kernel, in the order of the layers.

    A dense kernel is used once, a convolution's once for each position of its output, a transposed convolution's once
    for each position of its input; padding counts as if it were image. Biases, activations, normalisation and
    resampling are left out.
    """
    counts = []
    for layer in network.layers:
        if getattr(layer, "kernel", None) is None:
            continue
        positions = 1
        if len(layer.kernel.shape) == 4:
            side = layer.input if isinstance(layer, keras.layers.Conv2DTranspose) else layer.output
            positions = math.prod(side.shape[1:3])
        counts.append(math.prod(layer.kernel.shape) * positions)
    return counts


def step_operations(generator: keras.Model, discriminator: keras.Model, *, paired: bool, penalised: bool) -> int:
    """Floating-point operations (two for a multiply-add) for each image of a step that does nothing twice.

    With `G` and `D` the multiply-adds of a forward pass, `G1` and `D1` those of the first layer alone:

    - A forward pass costs 1, its gradient by the weights 1, by what goes in 1; nobody asks for the last in a first
      layer. So the discriminator's side takes `2 (3 D - D1)`, on real and on fake.
    - With R1 and R2 the gradient by the image takes another `D`, and its own gradient, by weights and by what came
      in, 2: `2 (6 D - D1)`.
    - The generator's side takes `2 D` (forward, and back to the image; no gradient by the discriminator's weights), a
      forward pass `D` more on real where the loss pairs them, and `3 G - G1`: one generator pass serves both sides.

    Optimizers, averages and everything elementwise are left out for all contenders alike.
    """
    generates, judges = multiply_adds(generator), multiply_adds(discriminator)
    g, d = sum(generates), sum(judges)
    discriminator_side = 2 * ((6 if penalised else 3) * d - judges[0])
    generator_side = (3 if paired else 2) * d + 3 * g - generates[0]
    return 2 * (discriminator_side + generator_side)
