"""TensorFlow: gradients by nested tapes, replicas by `tf.distribute`."""

import contextlib
import itertools
from collections.abc import Callable, Iterator

import keras
import tensorflow as tf

from sparring.environment import count_devices, keep_freed_memory

ZERO = tf.UnconnectedGradients.ZERO

# Grappler's remapper would fuse a convolution with the leaky ReLU behind it, fails where the gradient needs what lies
# between them, and says so on the terminal at every first step. Nothing is slower without it.
tf.config.optimizer.set_experimental_options({"remapping": False})
keep_freed_memory()  # Of XLA's programs, on the other backend, memory is laid out in advance.


def value_and_grad(fn, variables, state, inputs=()):
    """Returns `((loss, extras), gradients)` of `fn() -> (loss, extras)`; `state` is JAX's need, not TensorFlow's.

    With a dictionary of `inputs` it is of `fn(inputs)`, and `gradients` are a pair: by `variables`, None for those that
    it reads through the inputs alone, and by `inputs`. Keras' optimizers add the gradients of all replicas up, so each
    replica contributes its share of the mean.
    """
    values = [v.value for v in variables]
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch((values, inputs))
        loss, extras = fn(inputs) if inputs else fn()
        share = loss / num_replicas()
    if not inputs:
        return (loss, extras), tape.gradient(share, values, unconnected_gradients=ZERO)
    own, slopes = tape.gradient(share, (values, inputs))
    slopes = {name: tf.zeros_like(inputs[name]) if slope is None else slope for name, slope in slopes.items()}
    return (loss, extras), (own, slopes)


def forward(fn, variables, state):
    """Returns `(outputs, pull)` of `fn() -> outputs`; `pull(gradients by the outputs)` are those by `variables`."""
    values = [v.value for v in variables]
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(values)
        outputs = fn()
    return outputs, lambda gradients: tape.gradient(outputs, values, gradients, unconnected_gradients=ZERO)


def value_and_input_grad(fn, x, state):
    """Returns `((values, extras), gradient)` of `fn(x) -> (values, extras)`: the gradient of their sum by `x`."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(x)
        values, extras = fn(x)
    return (values, extras), tape.gradient(values, x, unconnected_gradients=ZERO)


def at_once(fn, state):
    """Returns `(outputs, values of state after it)` of `fn() -> outputs`, and leaves `state` as it is."""
    before = [tf.identity(v.value) for v in state]
    outputs = fn()
    after = [tf.identity(v.value) for v in state]
    for variable, value in zip(state, before, strict=True):
        variable.assign(value)
    return outputs, after


def leaky_relu(x, slope):
    """`x` where it is positive, else `slope * x`."""
    return tf.nn.leaky_relu(x, slope)


def num_replicas():
    return tf.distribute.get_strategy().num_replicas_in_sync


def accelerated():
    return bool(tf.config.list_physical_devices("GPU") or tf.config.list_physical_devices("TPU"))


def jit_compile():
    """XLA on one accelerator only.

    On a CPU its convolutions are far slower than TensorFlow's own, and what it compiles cannot use several devices.
    """
    return accelerated() and num_replicas() == 1


class Adam(keras.optimizers.Adam):
    """Keras' Adam in one operation for each variable instead of a dozen, which on a CPU takes a third of the time."""

    def apply(self, grads, trainable_variables=None):
        """As Keras has it; what is the same for all variables is computed once."""
        step = tf.cast(self.iterations + 1, "float32")
        first, second = (tf.cast(beta, "float32") for beta in (self.beta_1, self.beta_2))
        self._alike = {"beta1": first, "beta2": second, "beta1_power": first**step, "beta2_power": second**step}
        super().apply(grads, trainable_variables)

    def _all_reduce_sum_gradients(self, grads_and_vars):
        """Keras' own, but on one device, where TensorFlow would remember the graph of every training for ever."""
        return grads_and_vars if num_replicas() == 1 else super()._all_reduce_sum_gradients(grads_and_vars)

    def update_step(self, gradient, variable, learning_rate):
        place = self._get_variable_index(variable)
        value, momentum, velocity = (
            x.value if isinstance(x, keras.Variable) else x
            for x in (variable, self._momentums[place], self._velocities[place])
        )
        tf.raw_ops.ResourceApplyAdam(
            var=value.handle,
            m=momentum.handle,
            v=velocity.handle,
            lr=tf.cast(learning_rate, "float32"),
            epsilon=self.epsilon,
            grad=gradient,
            **self._alike,
        )


class Stepper:
    """What `fit` calls for one step: `self.move(batch)`, a dictionary of logs; and how several processes agree."""

    move: Callable
    distribute_strategy: tf.distribute.Strategy
    train_function: Callable | None
    _gather: Callable | None = None

    def scope(self):
        """Where variables are made that belong to this model: those of its optimizers live where its weights do.

        An optimizer made outside of it counts the step of every replica as a step of its own.
        """
        return self.distribute_strategy.scope()

    def feed(self, batches):
        """What Keras' `fit` takes for `batches`: every replica gets its rows of every batch.

        Left to Keras, each of several workers would take every other batch whole.
        """
        if self.distribute_strategy.num_replicas_in_sync == 1:
            return batches
        return self.distribute_strategy.distribute_datasets_from_function(lambda context: _shares(batches, context))

    def train_step(self, batch):
        return self.move(batch)

    def make_train_function(self, force=False):
        """Keras' own, but for several workers: there it would reduce logs over an axis that scalars have not.

        The tally has reduced them already, so that any replica's will do (keras issue 20585).
        """
        strategy = self.distribute_strategy
        if self.num_processes == 1:
            super().make_train_function(force)  # type: ignore[misc]
        elif force or self.train_function is None:

            @tf.function(autograph=False)
            def step(iterator):
                logs = strategy.run(self.train_step, args=(next(iterator),))
                return {name: strategy.experimental_local_results(value)[0] for name, value in logs.items()}

            self.train_function = step

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Nothing is left to build; Keras would take the mean of a batch over all workers, which fails for images."""

    @property
    def num_processes(self) -> int:
        """How many processes train together."""
        resolver = getattr(self.distribute_strategy, "cluster_resolver", None)
        return _num_tasks(resolver) if resolver else 1

    @property
    def is_chief(self) -> bool:
        """Whether this process writes; of several, one does."""
        return self.distribute_strategy.extended.should_checkpoint

    def gather(self, number: int) -> set[int]:
        """The different numbers that the processes bring, below 2**31; all of them must call it."""
        strategy = self.distribute_strategy
        if self.num_processes == 1:
            return {number}
        if self._gather is None:  # Traced once: eagerly it would be traced at every call.
            self._gather = tf.function(lambda n: strategy.gather(strategy.run(lambda: n), axis=0), autograph=False)
        return set(self._gather(tf.constant([number])).numpy().tolist())

    def on_this_process(self, networks):
        """`networks` as one process can call them alone: as they are, TensorFlow mirrors variables."""
        return networks


def num_devices():
    """How many devices share a batch."""
    return num_replicas()


@contextlib.contextmanager
def devices_scope(devices: int | str | None) -> Iterator[None]:
    """Where a game is built and trained that shall use several devices.

    With a cluster in the environment variable TF_CONFIG these are the devices of all its processes; nothing may have
    run on a device before.

    Args:
        devices: Number of accelerators of this machine, "all" of them, or None for one, which is TensorFlow's default.

    Raises:
        UsageError: There are fewer.
    """
    several = _num_tasks(tf.distribute.cluster_resolver.TFConfigClusterResolver()) > 1
    strategy = tf.distribute.MultiWorkerMirroredStrategy() if several else None  # Before any device is looked at.
    names = [device.name for device in tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")]
    count = count_devices(devices, names, several)
    if count > 1 and not several:
        strategy = tf.distribute.MirroredStrategy(names[:count])
    with strategy.scope() if strategy else contextlib.nullcontext():
        yield


def _num_tasks(resolver):
    cluster = resolver.cluster_spec()
    return max(1, sum(map(cluster.num_tasks, cluster.jobs)))


def _shares(batches, context):
    """The stream of one worker: for each of its replicas in turn its rows of the batch."""
    rows = len(next(iter(batches[0].values()))) // context.num_replicas_in_sync
    replicas = context.num_replicas_in_sync // context.num_input_pipelines
    first = context.input_pipeline_id * replicas

    def parts():
        for batch in map(batches.__getitem__, itertools.count()):
            for replica in range(first, first + replicas):
                yield {name: array[replica * rows : (replica + 1) * rows] for name, array in batch.items()}

    like = {name: tf.TensorSpec((rows, *array.shape[1:]), array.dtype) for name, array in batches[0].items()}
    dataset = tf.data.Dataset.from_generator(parts, output_signature=like)
    # Of a stream that may end, the workers would have to ask each other before every step.
    endless = tf.data.experimental.assert_cardinality(tf.data.experimental.INFINITE_CARDINALITY)
    return dataset.apply(endless).prefetch(tf.data.AUTOTUNE)
