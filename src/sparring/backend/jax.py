"""JAX: the step runs inside a `keras.StatelessScope` over the whole state, gradients inside a nested one."""

import contextlib
from collections.abc import Callable

import jax
import keras


def value_and_grad(fn, variables, state):
    """Returns `((loss, extras), gradients)` of `fn() -> (loss, extras)`.

    `state` is every variable there is: what `fn` writes to others than `variables` (batch statistics, counters)
    is carried out of the trace and assigned.
    """
    pure, rest = _by_values(fn, variables, state)
    (loss, (extras, written)), gradients = jax.value_and_grad(pure, has_aux=True)([v.value for v in variables])
    _commit(rest, written)
    return (loss, extras), gradients


def forward(fn, variables, state):
    """Returns `(outputs, pull)` of `fn() -> outputs`; `pull(gradients by the outputs)` are those by `variables`."""
    pure, rest = _by_values(lambda: (fn(), None), variables, state)
    outputs, pull, (_, written) = jax.vjp(pure, [v.value for v in variables], has_aux=True)
    _commit(rest, written)
    return outputs, lambda gradients: pull(gradients)[0]


def value_and_input_grad(fn, x, state):
    """Returns `((values, extras), gradient)` of `fn(x) -> (values, extras)`: the gradient of their sum by `x`."""

    def total_of(x):
        pure, _ = _by_values(lambda: fn(x), [], state)
        values, (extras, written) = pure([])
        return values.sum(), (values, extras, written)

    gradient, (values, extras, written) = jax.grad(total_of, has_aux=True)(x)
    _commit(state, written)
    return (values, extras), gradient


def _by_values(fn, variables, state):
    """`fn() -> (output, extras)` as a function of the values of `variables`, and the rest of `state`.

    It returns `(output, (extras, written))`, `written` holding by place what it assigned to the rest: only that, for
    what is carried through a trace belongs to it, and could not be assigned inside of a branch.
    """
    chosen = {id(v) for v in variables}
    rest = [v for v in state if id(v) not in chosen]
    before = [v.value for v in rest]

    def pure(values):
        mapping = [*zip(variables, values, strict=True), *zip(rest, before, strict=True)]
        with keras.StatelessScope(state_mapping=mapping) as scope:
            output, extras = fn()
        after = [scope.get_current_value(v) for v in rest]
        written = {i: new for i, (old, new) in enumerate(zip(before, after, strict=True)) if new is not old}
        return output, (extras, written)

    return pure, rest


def _commit(variables, written):
    for place, value in written.items():
        variables[place].assign(value)


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


Adam = keras.optimizers.Adam  # XLA makes one loop of it by itself.


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
