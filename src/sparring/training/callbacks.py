"""What happens now and then: ordinary Keras callbacks, once a tick."""

import json
import math
import pathlib
import signal
import time
from collections.abc import Callable

import keras
import numpy as np

from sparring.bundle.bundle import Bundle
from sparring.bundle.files import append_line, replace_file
from sparring.bundle.images import ImageBundle
from sparring.bundle.pictures import save_grid
from sparring.errors import RunError
from sparring.training.checkpoint import Checkpoints, arrays, first_not_finite

SIGNALS = (signal.SIGINT, signal.SIGTERM)
AGREEING = 16  # Steps between two times that processes ask each other: it makes each wait for the others' devices.


class TickCallback(keras.callbacks.Callback):
    """Calls `on_tick(tick, logs)` after every whole tick, counted from 1; a tick that was cut short is passed over."""

    def on_epoch_end(self, epoch, logs=None):
        if self.model.steps_done % self.model.pace.steps_per_tick == 0:
            self.on_tick(epoch + 1, {name: float(value) for name, value in (logs or {}).items()})

    def on_tick(self, tick: int, logs: dict[str, float]):
        raise NotImplementedError


class StopWhenAsked(keras.callbacks.Callback):
    """Ctrl-C or a polite kill ends training after the step that is under way; a second Ctrl-C ends it at once.

    Of several processes that train together a signal to any ends all, after the same step: every
    `AGREEING` steps they ask each other.

    Attributes:
        asked: The signal that came, here or to another of the processes, or None.
    """

    def __init__(self):
        super().__init__()
        self.asked: signal.Signals | None = None
        self._handlers: dict = {}

    def __enter__(self):
        # Handlers can be set in the main thread alone; elsewhere whoever runs the thread decides when it ends.
        try:
            self._handlers = {number: signal.signal(number, self._ask) for number in SIGNALS}
        except ValueError:
            self._handlers = {}
        return self

    def __exit__(self, *_):
        self._restore()

    def on_train_batch_begin(self, batch, logs=None):
        if self.model.num_processes > 1 and batch % AGREEING:
            return
        if number := max(self.model.gather(self.asked or 0)):
            self.asked = signal.Signals(number)
            self.model.stop_training = True

    def _ask(self, number, _frame):
        self.asked = signal.Signals(number)
        self._restore()

    def _restore(self):
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers = {}


class StopOnNonFinite(TickCallback):
    """Ends the run when a loss or a weight is not finite, before anything of that tick is stored."""

    def on_tick(self, tick, logs):
        # A weight can be infinite while the losses are not: hinge losses, say, do not see by how much they are won.
        bad = next((f"{name} became {value}" for name, value in logs.items() if not math.isfinite(value)), None)
        if bad is None and (name := first_not_finite(arrays(self.model))):
            bad = f"The variable {name} is not finite any more"
        if bad:
            raise RunError(
                f"{bad} in {self.model.pace.unit.lower()} {tick}. The last good state is kept. "
                "Try a smaller learning rate, or look at the data for outliers."
            )


class Journal(TickCallback):
    """Appends a line of JSON for every tick to `log.jsonl`.

    A line holds `tick`, `steps`, `images`, `seconds` (of training, over all sittings), `images_per_second` (of this
    tick) and the means of what the players report.
    """

    def __init__(self, path: pathlib.Path, seconds: float = 0.0):
        super().__init__()
        self.path, self.seconds = path, seconds

    def on_epoch_begin(self, epoch, logs=None):
        self._began, self._steps = time.monotonic(), self.model.steps_done

    def on_epoch_end(self, epoch, logs=None):
        self._tick_seconds = time.monotonic() - self._began
        self.seconds += self._tick_seconds
        super().on_epoch_end(epoch, logs)

    def on_tick(self, tick, logs):
        steps, batch_size = self.model.steps_done, self.model.pace.batch_size
        line = {
            "tick": tick,
            "steps": steps,
            "images": steps * batch_size,
            "seconds": round(self.seconds, 3),
            "images_per_second": round((steps - self._steps) * batch_size / self._tick_seconds, 1),
            **logs,
        }
        append_line(self.path, json.dumps(line))


def read_journal(path: pathlib.Path) -> list[dict]:
    """The lines of a `log.jsonl`, up to one that was cut off while it was written or is damaged."""
    lines: list[dict] = []
    for text in path.read_text(errors="replace").splitlines() if path.exists() else []:
        try:
            line = json.loads(text)
        except json.JSONDecodeError:
            break
        if not isinstance(line, dict) or not isinstance(line.get("steps"), int):
            break
        lines.append(line)
    return lines


def rewind_journal(path: pathlib.Path, steps: int):
    """Removes the lines of ticks that a run going on from `steps` will make again."""
    if path.exists():
        kept = [json.dumps(line) + "\n" for line in read_journal(path) if line["steps"] <= steps]
        replace_file(path, "".join(kept).encode())


class SampleGrid(TickCallback):
    """Draws the averaged generator's pictures of the same latents after every tick, a row for each class."""

    def __init__(self, folder: pathlib.Path, snapshot: Callable[[], Bundle], seed: int):
        super().__init__()
        self.folder, self.snapshot, self.seed = folder, snapshot, seed

    def on_tick(self, tick, logs):
        self.folder.mkdir(parents=True, exist_ok=True)
        bundle = self.snapshot()
        assert isinstance(bundle, ImageBundle)
        save_grid(fixed_samples(bundle, self.seed), self.folder / f"tick-{tick:05d}.png", COLUMNS)


COLUMNS, ROWS = 10, 10


def fixed_samples(bundle: ImageBundle, seed: int) -> np.ndarray:
    """Ten samples of each of up to ten classes, all with the same latents, or a hundred where there are no classes."""
    if not bundle.classes:
        return bundle.sample(COLUMNS * ROWS, seed=seed)
    rows = min(ROWS, len(bundle.classes))
    latents = np.tile(bundle.latents(COLUMNS, seed), (rows, 1))
    return bundle.render(latents, np.repeat(np.arange(rows), COLUMNS))


class KeepBundle(TickCallback):
    """Stores the averaged networks as a bundle after every tick."""

    def __init__(self, folder: pathlib.Path, snapshot: Callable[[], Bundle], card: Callable[[Bundle], str]):
        super().__init__()
        self.folder, self.snapshot, self.card = folder, snapshot, card

    def on_tick(self, tick, logs):
        bundle = self.snapshot()
        bundle.save(self.folder, self.card(bundle))


class KeepCheckpoint(keras.callbacks.Callback):
    """Stores the whole state after every tick, and where a tick was cut short. The last of the callbacks."""

    def __init__(self, checkpoints: Checkpoints, journal: Journal):
        super().__init__()
        self.checkpoints, self.journal = checkpoints, journal

    def on_epoch_end(self, epoch, logs=None):
        self.checkpoints.save(self.model, {"seconds": repr(self.journal.seconds)})
