"""JAX: the step runs inside a `keras.StatelessScope` over the whole state, gradients inside a nested one."""

import contextlib
import os
from collections.abc import Callable, Iterator

import jax
import keras
from jax.experimental import multihost_utils

from sparring.environment import count_devices


def value_and_grad(fn, variables, state, inputs=()):
    """Returns `((loss, extras), gradients)` of `fn() -> (loss, extras)`.

    With a dictionary of `inputs` it is of `fn(inputs)`, and `gradients` are a pair: by `variables` and by `inputs`.
    `state` is every variable there is: what `fn` writes to others than `variables` (batch statistics, counters) is
    carried out of the trace and assigned.
    """

    def loss_of(values, inputs):
        pure, _ = _by_values(lambda: fn(inputs) if inputs else fn(), variables, state)
        return pure(values)

    by = (0, 1) if inputs else 0
    found = jax.value_and_grad(loss_of, by, has_aux=True)([v.value for v in variables], inputs)
    (loss, (extras, written)), gradients = found
    _commit(_others(variables, state), written)
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


def at_once(fn, state):
    """Returns `(outputs, values of state after it)` of `fn() -> outputs`, and leaves `state` as it is.

    In one piece: JAX compiles every operation by itself that is not part of one.
    """

    @jax.jit
    def pure(values):
        with keras.StatelessScope(state_mapping=[*zip(state, values, strict=True)]) as scope:
            return fn(), [scope.get_current_value(v) for v in state]

    return pure([v.value for v in state])


def _by_values(fn, variables, state):
    """`fn() -> (output, extras)` as a function of the values of `variables`, and the rest of `state`.

    It returns `(output, (extras, written))`, `written` holding by place what it assigned to the rest: only that, for
    what is carried through a trace belongs to it, and could not be assigned inside of a branch.
    """
    rest = _others(variables, state)
    before = [v.value for v in rest]

    def pure(values):
        mapping = [*zip(variables, values, strict=True), *zip(rest, before, strict=True)]
        with keras.StatelessScope(state_mapping=mapping) as scope:
            output, extras = fn()
        after = [scope.get_current_value(v) for v in rest]
        written = {i: new for i, (old, new) in enumerate(zip(before, after, strict=True)) if new is not old}
        return output, (extras, written)

    return pure, rest


def _others(variables, state):
    chosen = {id(v) for v in variables}
    return [v for v in state if id(v) not in chosen]


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
    """What `fit` calls for one step, `self.move(batch)` as a pure function of the state; and how processes agree."""

    move: Callable
    state_groups: tuple[list, ...]

    def scope(self):
        """Where variables are made that belong to this model; `keras.distribution` needs none."""
        return contextlib.nullcontext()

    def feed(self, batches):
        """What Keras' `fit` takes for `batches`: each process the rows of its own devices."""
        return batches if jax.process_count() == 1 else _Share(batches)

    def train_step(self, state, batch):
        groups = self.state_groups
        mapping = [
            pair for group, values in zip(groups, state, strict=True) for pair in zip(group, values, strict=True)
        ]
        with keras.StatelessScope(state_mapping=mapping) as scope:
            logs = self.move(batch)
            written = tuple([scope.get_current_value(v) for v in group] for group in groups)
        return logs, written

    @property
    def num_processes(self) -> int:
        """How many processes train together."""
        return jax.process_count()

    @property
    def is_chief(self) -> bool:
        """Whether this process writes; of several, one does."""
        return jax.process_index() == 0

    def gather(self, number: int) -> set[int]:
        """The different numbers that the processes bring, below 2**31; all of them must call it."""
        if jax.process_count() == 1:
            return {number}
        return set(multihost_utils.process_allgather(jax.numpy.array(number)).tolist())

    def on_this_process(self, networks):
        """`networks` as one process can call them alone: copies, where the variables are those of all processes."""
        if jax.process_count() == 1:
            return networks
        distribution = keras.distribution.distribution()
        keras.distribution.set_distribution(None)
        try:
            copies = {name: keras.models.clone_model(network) for name, network in networks.items()}
            for name, copy in copies.items():
                copy.set_weights(networks[name].get_weights())
        finally:
            keras.distribution.set_distribution(distribution)
        return copies


def num_devices():
    """How many devices share a batch."""
    distribution = keras.distribution.distribution()
    return 1 if distribution is None else distribution.device_mesh.devices.size


@contextlib.contextmanager
def devices_scope(devices: int | str | None) -> Iterator[None]:
    """Where a game is built and trained that shall use several devices.

    With `KERAS_DISTRIBUTION_JOB_ADDRESSES`, `..._NUM_PROCESSES` and `..._PROCESS_ID` in the environment, these are the
    devices of all processes; nothing may have run on a device before.

    Args:
        devices: Number of accelerators of this machine, "all" of them, or None for one, which is JAX's default.

    Raises:
        UsageError: There are fewer.
    """
    if int(os.environ.get("KERAS_DISTRIBUTION_NUM_PROCESSES", 1)) > 1 and not jax.distributed.is_initialized():
        keras.distribution.initialize()
    names = keras.distribution.list_devices()
    count = count_devices(devices, names, jax.process_count() > 1)
    if count == 1:
        yield
        return
    # Each process reads its rows by itself, see `feed`; Keras can share out nothing but a `tf.data.Dataset`.
    with keras.distribution.DataParallel(devices=names[:count], auto_shard_dataset=False).scope():
        yield


class _Share(keras.utils.PyDataset):
    """The rows of every batch that belong to the devices of this process."""

    num_batches = None

    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def __getitem__(self, index):
        batch = self.batches[index]
        rows = len(next(iter(batch.values()))) // jax.process_count()
        first = jax.process_index() * rows
        return {name: array[first : first + rows] for name, array in batch.items()}
