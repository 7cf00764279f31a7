"""The one room that knows TensorFlow and JAX: the same few names, whichever of them Keras runs on.

Names:
    value_and_grad(fn, variables, state, inputs): Value, extras and gradients of `fn() -> (scalar, extras)`.
    value_and_input_grad(fn, x, state): The same of `fn(x) -> (values, extras)` by `x`, itself differentiable.
    forward(fn, variables, state): What `fn()` returns, and how to take a gradient by it back to `variables`.
    at_once(fn, state): What `fn()` returns and would make of the state, which stays as it is.
    leaky_relu(x, slope): With one slope at 0, on which padding lies exactly.
    num_replicas(): How many devices compute a step beside each other, each with statistics of its own.
    num_devices(): How many devices share a batch.
    devices_scope(devices): Where a game is built and trained that shall use several devices.
    accelerated(): Whether a GPU or TPU is there.
    jit_compile(): Whether `fit` compiles its step with XLA.
    Adam: Keras' own, as fast as there is.
    Stepper: What `keras.Model.fit` calls for a step, and how several processes agree.
"""

import keras

from sparring.errors import SparringError

if keras.config.backend() == "tensorflow":
    from sparring.backend import tensorflow as chosen
elif keras.config.backend() == "jax":
    from sparring.backend import jax as chosen  # type: ignore[no-redef]
else:
    raise SparringError(
        f"sparring runs on the tensorflow or the jax backend of Keras. Received: {keras.config.backend()}. "
        "Set the environment variable KERAS_BACKEND to one of them."
    )

name = keras.config.backend()
value_and_grad = chosen.value_and_grad
value_and_input_grad = chosen.value_and_input_grad
forward = chosen.forward
at_once = chosen.at_once
leaky_relu = chosen.leaky_relu
num_replicas = chosen.num_replicas
num_devices = chosen.num_devices
devices_scope = chosen.devices_scope
accelerated = chosen.accelerated
jit_compile = chosen.jit_compile
Adam = chosen.Adam
Stepper = chosen.Stepper
