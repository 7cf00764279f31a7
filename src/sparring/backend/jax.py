"""JAX: the step runs inside a `keras.StatelessScope` over the whole state, gradients inside a nested one."""

import contextlib
from collections.abc import Callable

import jax
import keras


def _commit(state, values):
    for variable, value in zip(state, values, strict=True):
        variable.assign(value)


def value_and_grad(fn, variables, state):
    """Returns `((loss, extras), gradients)` of `fn() -> (loss, extras)`.

    `state` is every variable there is: what `fn` writes to others than `variables` (batch statistics, counters)
    is carried out of the trace and assigned.
    """
    chosen = {id(v) for v in variables}
    rest = [v for v in state if id(v) not in chosen]
    rest_values = [v.value for v in rest]

    def loss_of(values):
        mapping = [*zip(variables, values, strict=True), *zip(rest, rest_values, strict=True)]
        with keras.StatelessScope(state_mapping=mapping) as scope:
            loss, extras = fn()
        return loss, (extras, [scope.get_current_value(v) for v in rest])

    (loss, (extras, written)), gradients = jax.value_and_grad(loss_of, has_aux=True)([v.value for v in variables])
    _commit(rest, written)
    return (loss, extras), gradients


def scores_and_gradient(fn, x, state):
    """Returns `fn(x)` and d sum(fn(x)) / dx."""
    values = [v.value for v in state]

    def total_of(x):
        with keras.StatelessScope(state_mapping=list(zip(state, values, strict=True))) as scope:
            scores = fn(x)
        return scores.sum(), (scores, [scope.get_current_value(v) for v in state])

    gradient, (scores, written) = jax.grad(total_of, has_aux=True)(x)
    _commit(state, written)
    return scores, gradient


def leaky_relu(x, slope):
    """`x` where it is positive, else `slope * x`; `jax.nn.leaky_relu` has another gradient at exactly 0."""
    return jax.numpy.where(x > 0, x, slope * x)


def num_replicas():
    """One: JAX splits the arrays of a step over devices, not the step."""
    return 1


def accelerated():
    return jax.default_backend() != "cpu"


def jit_compile():
    """Always: without it JAX runs operation by operation."""
    return True


class Stepper:
    """What `fit` calls for one step: `self.move(batch)` as a pure function of the state."""

    move: Callable
    state_groups: tuple[list, ...]

    def scope(self):
        """Where variables are made that belong to this model; `keras.distribution` needs none."""
        return contextlib.nullcontext()

    def train_step(self, state, batch):
        groups = self.state_groups
        mapping = [
            pair for group, values in zip(groups, state, strict=True) for pair in zip(group, values, strict=True)
        ]
        with keras.StatelessScope(state_mapping=mapping) as scope:
            logs = self.move(batch)
            written = tuple([scope.get_current_value(v) for v in group] for group in groups)
        return logs, written
