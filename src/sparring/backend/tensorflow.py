"""TensorFlow: gradients by nested tapes, replicas by `tf.distribute`."""

from collections.abc import Callable

import tensorflow as tf


def value_and_grad(fn, variables, state):
    """Returns `((loss, extras), gradients)` of `fn() -> (loss, extras)`; `state` is JAX's need, not TensorFlow's.

    Keras' optimizers add the gradients of all replicas up, so each replica contributes its share of the mean.
    """
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        values = [v.value for v in variables]
        tape.watch(values)
        loss, extras = fn()
        share = loss / num_replicas()
    gradients = tape.gradient(share, values, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    return (loss, extras), gradients


def scores_and_gradient(fn, x, state):
    """Returns `fn(x)` and d sum(fn(x)) / dx."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        scores = fn(x)
    return scores, tape.gradient(scores, x)


def num_replicas():
    return tf.distribute.get_strategy().num_replicas_in_sync


def accelerated():
    return bool(tf.config.list_physical_devices("GPU") or tf.config.list_physical_devices("TPU"))


def jit_compile():
    """XLA on accelerators only: its CPU convolutions are 30 times slower than TensorFlow's own."""
    return accelerated()


class Stepper:
    """What `fit` calls for one step: `self.move(batch)`, a dictionary of logs."""

    move: Callable

    def train_step(self, batch):
        return self.move(batch)
