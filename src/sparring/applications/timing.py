"""How long training takes on this machine, as busy as it is now: some steps are trained and timed."""

from time import monotonic
from typing import NamedTuple

import keras

from sparring.data.batches import Batches
from sparring.training.game import Game

TRIED_SECONDS = 5.0  # Of training, after the call that compiles the others.


class Timed(NamedTuple):
    """What training costs, in seconds by the clock.

    Attributes:
        start: Once, above what its steps take: compiling, mostly.
        step: Each step.
    """

    start: float
    step: float


def time_steps(game: Game, batches: Batches, seconds: float = TRIED_SECONDS) -> Timed:
    """Trains `game` for `seconds` after the first call, or to its end where that comes sooner.

    Where there is no call but the first, what it compiles counts as a part of its steps.
    """
    watch = _Watch(seconds)
    game.fit(batches, callbacks=[watch], verbose=0)
    return watch.timed()


class _Watch(keras.callbacks.Callback):
    """Notes when how many steps were done, and ends training after some seconds."""

    def __init__(self, seconds: float):
        super().__init__()
        self._seconds = seconds
        self._marks: list[tuple[float, int]] = []

    def timed(self) -> Timed:
        begin, *_ = self._marks
        steady, end = self._marks[1 if len(self._marks) > 2 else 0], self._marks[-1]
        step = (end[0] - steady[0]) / (end[1] - steady[1])
        return Timed(start=end[0] - begin[0] - (end[1] - begin[1]) * step, step=step)

    def on_train_begin(self, logs=None):
        self._mark()

    def on_train_batch_end(self, batch, logs=None):
        self._mark()
        if len(self._marks) > 2 and self._marks[-1][0] - self._marks[1][0] >= self._seconds:
            self.model.stop_training = True

    def _mark(self):
        done = self.model.steps_done  # Waits for the device.
        self._marks.append((monotonic(), done))
