"""TensorFlow: gradients by nested tapes, replicas by `tf.distribute`."""

from collections.abc import Callable

import keras
import tensorflow as tf

ZERO = tf.UnconnectedGradients.ZERO

# Grappler's remapper would fuse a convolution with the leaky ReLU behind it, fails where the gradient needs what lies
# between them, and says so on the terminal at every first step. Nothing is slower without it.
tf.config.optimizer.set_experimental_options({"remapping": False})


def value_and_grad(fn, variables, state):
    """Returns `((loss, extras), gradients)` of `fn() -> (loss, extras)`; `state` is JAX's need, not TensorFlow's.

    Keras' optimizers add the gradients of all replicas up, so each replica contributes its share of the mean.
    """
    values = [v.value for v in variables]
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(values)
        loss, extras = fn()
        share = loss / num_replicas()
    return (loss, extras), tape.gradient(share, values, unconnected_gradients=ZERO)


def forward(fn, variables, state):
    """Returns `(outputs, pull)` of `fn() -> outputs`; `pull(gradients by the outputs)` are those by `variables`.

    As `value_and_grad` does, `pull` returns the share that this replica has in the mean.
    """
    values = [v.value for v in variables]
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(values)
        outputs = fn()

    def pull(gradients):
        shares = tf.nest.map_structure(lambda gradient: gradient / num_replicas(), gradients)
        return tape.gradient(outputs, values, shares, unconnected_gradients=ZERO)

    return outputs, pull


def value_and_input_grad(fn, x, state):
    """Returns `((values, extras), gradient)` of `fn(x) -> (values, extras)`: the gradient of their sum by `x`."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(x)
        values, extras = fn(x)
    return (values, extras), tape.gradient(values, x, unconnected_gradients=ZERO)


def leaky_relu(x, slope):
    """`x` where it is positive, else `slope * x`."""
    return tf.nn.leaky_relu(x, slope)


def num_replicas():
    return tf.distribute.get_strategy().num_replicas_in_sync


def accelerated():
    return bool(tf.config.list_physical_devices("GPU") or tf.config.list_physical_devices("TPU"))


def jit_compile():
    """XLA on accelerators only: on a CPU its convolutions are far slower than TensorFlow's own."""
    return accelerated()


class Adam(keras.optimizers.Adam):
    """Keras' Adam in one operation for each variable instead of a dozen, which on a CPU takes a third of the time."""

    def update_step(self, gradient, variable, learning_rate):
        place, step = self._get_variable_index(variable), tf.cast(self.iterations + 1, "float32")
        value, momentum, velocity = (
            x.value if isinstance(x, keras.Variable) else x
            for x in (variable, self._momentums[place], self._velocities[place])
        )
        first, second = (tf.cast(beta, "float32") for beta in (self.beta_1, self.beta_2))
        tf.raw_ops.ResourceApplyAdam(
            var=value.handle,
            m=momentum.handle,
            v=velocity.handle,
            beta1_power=first**step,
            beta2_power=second**step,
            lr=tf.cast(learning_rate, "float32"),
            beta1=first,
            beta2=second,
            epsilon=self.epsilon,
            grad=gradient,
        )


class Stepper:
    """What `fit` calls for one step: `self.move(batch)`, a dictionary of logs."""

    move: Callable
    distribute_strategy: tf.distribute.Strategy

    def scope(self):
        """Where variables are made that belong to this model: those of its optimizers live where its weights do.

        An optimizer made outside of it counts the step of every replica as a step of its own.
        """
        return self.distribute_strategy.scope()

    def train_step(self, batch):
        return self.move(batch)
