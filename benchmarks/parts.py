"""The parts of a step of `fit`, each by the difference of two ways to train; and memory over many steps."""

import os
import statistics
import tempfile
import time
from functools import lru_cache
from pathlib import Path

import sparring

import keras
from workload import load_images

TICKS = 4  # Of which the first, with its tracing, is left out.


class StepClock(keras.callbacks.Callback):
    """Processor seconds of the calls of a `fit` but the first, up to the end of the tick, and of what follows it.

    It takes the beginnings of steps, for Keras waits for the results of every step where a callback takes their ends.
    """

    def on_epoch_begin(self, epoch, logs=None):
        self.calls = -1

    def on_train_batch_begin(self, batch, logs=None):
        self.calls += 1
        self.last = time.process_time()
        if self.calls == 1:
            self.began = self.last

    def on_epoch_end(self, epoch, logs=None):
        self.ended = time.process_time()


class Repeated(sparring.Batches):
    """The first batch of a stream for ever."""

    def __getitem__(self, index):
        return self._first()

    @lru_cache(maxsize=1)  # noqa: B019 - one object, for the length of one `fit`.
    def _first(self):
        return super().__getitem__(0)


class Parts:
    """Ways to train a recipe, each doing a little more than the one before; `ways` are functions of the steps to take
    that return processor seconds.
    """

    def __init__(self, recipe: str):
        self.source, self.recipe = sparring.open_source(load_images()), sparring.find_recipe(recipe)
        keras.utils.set_random_seed(0)
        self.game, alone, whole = (self.recipe.build(self.source.spec) for _ in range(3))
        alone.average.update = lambda: None
        alone.tally.update = lambda steps, logs: logs
        self.batch_size = self.game.pace.batch_size
        batches = self.source.batches(self.batch_size)
        batch = self.game.stream(batches)[0]
        self.ways = {
            "players' updates": _compiled(alone, batch),
            "average and tally": _compiled(whole, batch),
            "the loop of fit": lambda steps: self._fit(Repeated(batches.examples, self.batch_size), steps),
            "feeding": lambda steps: self._fit(batches, steps),
        }

    def looking_seconds(self) -> float:
        """Processor seconds of a run's own callbacks, once a tick, and of what Keras does there; the median of some.

        Ticks are of one step here; what is drawn and stored is the same.
        """
        options = {"images": TICKS * self.batch_size, "batch_size": self.batch_size}
        if "tick_images" in self.recipe.options:
            options["tick_images"] = self.batch_size
        else:  # The ticks of the article's recipe are passes over the data: as few images as make one.
            images = self.source.examples["image"][: self.batch_size]
            self.source = sparring.open_source(images)
        with tempfile.TemporaryDirectory() as folder:
            clock = _TickClock()
            sparring.train(
                self.source,
                recipe=self.recipe.name,
                options=options,
                run=Path(folder) / "run",
                callbacks=[clock],
                say=lambda _: None,
            )
        return statistics.median(clock.ticks[1:])

    def _fit(self, batches, steps: int) -> float:
        """Takes a multiple of 32 steps and one call more, so that Keras calls for as many at once as in a training."""
        clock, calls = StepClock(), -(-steps // 32) + 1
        self.game.fit(batches, epochs=1, steps_per_epoch=32 * calls, callbacks=[clock], verbose=0)
        return (clock.ended - clock.began) * steps / (clock.calls * self.game.steps_per_execution)


class _TickClock(keras.callbacks.Callback):
    """The last of the callbacks: how long it took since the end of a tick's last step until its turn came."""

    def __init__(self):
        super().__init__()
        self.ticks = []

    def on_train_batch_end(self, batch, logs=None):
        self.done = time.process_time()

    def on_epoch_end(self, epoch, logs=None):
        self.ticks.append(time.process_time() - self.done)


def _compiled(game, batch):
    """A function of a number of steps: the processor seconds of so many compiled steps on `batch`."""
    game.compile()
    batch = {name: keras.ops.convert_to_tensor(array) for name, array in batch.items()}
    if keras.backend.backend() == "jax":
        import jax

        step = jax.jit(game.train_step, donate_argnums=0)
        state = [tuple([v.value for v in group] for group in game.state_groups)]

        def train():
            logs, state[0] = step(state[0], batch)
            return logs
    else:
        import tensorflow

        train = tensorflow.function(lambda: game.move(batch))

    def run(steps: int) -> float:
        began = time.process_time()
        for _ in range(steps):
            logs = train()
        for value in logs.values():  # JAX returns before it has finished.
            keras.ops.convert_to_numpy(value)
        return time.process_time() - began

    run(1)  # Traces, outside of any measurement.
    return run


class MemoryRows(keras.callbacks.Callback):
    """Calls `say(steps, MiB)` with the resident memory of the process after every `every` steps."""

    def __init__(self, every: int, say):
        super().__init__()
        self.every, self.say, self.steps = every, say, 0

    def on_train_batch_begin(self, batch, logs=None):
        if self.steps % self.every == 0:
            self.say(self.steps, resident_mebibytes())
        self.steps += self.model.steps_per_execution


def resident_mebibytes() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def watch_memory(recipe: str, steps: int, every: int, say):
    """Trains so many steps in ticks of `every` and says how much memory is held."""
    source = sparring.open_source(load_images())
    game = sparring.find_recipe(recipe).build(source.spec)
    batches = source.batches(game.pace.batch_size)
    ticks = -(-steps // every)
    game.fit(batches, epochs=ticks, steps_per_epoch=every, callbacks=[MemoryRows(every, say)], verbose=0)
    say(ticks * every, resident_mebibytes())
