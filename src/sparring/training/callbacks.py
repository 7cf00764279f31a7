"""What happens now and then: ordinary Keras callbacks, once a tick."""

import json
import pathlib
import shutil
import signal
import time
from collections.abc import Callable
from typing import Any, Literal

import keras
import numpy as np

from sparring.bundle.bundle import Bundle, Snapshot
from sparring.bundle.card import write_card
from sparring.bundle.images import ImageBundle
from sparring.bundle.pictures import save_grid
from sparring.data.lazy import Examples
from sparring.files import append_line, replace_file
from sparring.training.checkpoint import Checkpoints
from sparring.training.health import HEALTH

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


class Journal(TickCallback):
    """Appends a line of JSON for every tick to `log.jsonl`.

    A line holds `tick`, `steps`, `images`, `seconds` (of training, over all sittings), `images_per_second` (of this
    tick), the means of what the players report, the figures of the samples where they are judged, and under `health`
    what is wrong, by name, where something is.

    Args:
        path: Of the file; its lines up to now are taken as they are.
        seconds: Of training so far.
        examine: Told all lines, what is wrong after the last, by name.
        say: Called with a sentence when something begins to be wrong, and when it ends.

    Attributes:
        lines: All of them.
    """

    def __init__(
        self,
        path: pathlib.Path,
        seconds: float = 0.0,
        examine: Callable[[list[dict]], dict[str, str]] = lambda lines: {},
        say: Callable[[str], None] = print,
    ):
        super().__init__()
        self.path, self.seconds, self.examine, self.say = path, seconds, examine, say
        self.lines = read_journal(path)

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
        before = self.lines[-1].get(HEALTH, {}) if self.lines else {}
        self.lines.append(line)
        if found := self.examine(self.lines):
            line[HEALTH] = found
        append_line(self.path, json.dumps(line))
        where = f"{self.model.pace.unit} {tick}"
        for name in found.keys() - before.keys():
            self.say(f"{where}: {found[name]}")
        for name in before.keys() - found.keys():
            self.say(f"{where}: no more sign of {name.replace('_', ' ')}.")


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


class Samples(TickCallback):
    """Keeps something to look at of the averaged networks after every tick: of the same, so that ticks compare.

    Args:
        folder: Where it is kept, as `tick-00001` and so on.
        snapshot: Makes a bundle of the networks as they are now.
        seed: Of the run.
        shown: Examples by name, as of a source, for what is not made of latents alone.
    """

    def __init__(self, folder: pathlib.Path, snapshot: Callable[[], Bundle], seed: int, shown: Examples | None = None):
        super().__init__()
        self.folder, self.snapshot, self.seed, self.shown = folder, snapshot, seed, dict(shown or {})

    def on_tick(self, tick, logs):
        self.folder.mkdir(parents=True, exist_ok=True)
        self.keep(self.snapshot(), self.folder / f"tick-{tick:05d}")

    def keep(self, bundle: Any, path: pathlib.Path):
        """Writes what there is to see to `path` with an ending of its own."""
        raise NotImplementedError


class SampleGrid(Samples):
    """The averaged generator's pictures of the same latents, a row for each class."""

    def keep(self, bundle, path):
        save_grid(fixed_samples(bundle, self.seed), path.with_suffix(".png"), COLUMNS)


COLUMNS, ROWS = 10, 10


def fixed_samples(bundle: ImageBundle, seed: int) -> np.ndarray:
    """Ten samples of each of up to ten classes, all with the same latents, or a hundred where there are no classes."""
    if not bundle.classes:
        return bundle.sample(COLUMNS * ROWS, seed=seed)
    rows = min(ROWS, len(bundle.classes))
    latents = np.tile(bundle.latents(COLUMNS, seed), (rows, 1))
    return bundle.render(latents, np.repeat(np.arange(rows), COLUMNS))


class KeepBundle(TickCallback):
    """Stores the averaged networks as a bundle after every tick, and keeps the best.

    Where samples are judged, what is best so far goes to `folder`; what is not, to `last`, which is removed when the
    last is the best again. Where they are not judged, all goes to `folder`.

    Args:
        folder: Of the bundle to use.
        last: Of the last, where it is not the best.
        journal: Told of the tick before this.
        snapshot: Makes the bundle.
        figure: What the best has least of, a name in the journal's lines; empty where samples are not judged.
    """

    def __init__(
        self,
        folder: pathlib.Path,
        last: pathlib.Path,
        journal: Journal,
        snapshot: Callable[[Snapshot], Bundle],
        figure: str = "",
    ):
        super().__init__()
        self.folder, self.last, self.journal, self.snapshot, self.figure = folder, last, journal, snapshot, figure

    def on_tick(self, tick, logs):
        # All of it follows from the journal, which a run that goes on rewinds: there is no best to be restored.
        best = best_line(self.journal.lines, self.figure) if self.figure else None
        is_best = best is not None and best["tick"] == tick
        kind: Literal["best", "last"] = "best" if is_best else "last"
        found = Snapshot(kind=kind, tick=tick, figure=self.figure, value=logs.get(self.figure))
        bundle = self.snapshot(found)
        card = write_card(bundle.record, bundle.images_seen, {}, bundle.snapshot)
        if best is None or is_best:
            bundle.save(self.folder, card)
            shutil.rmtree(self.last, ignore_errors=True)
        else:
            bundle.save(self.last, card)


def best_line(lines: list[dict], figure: str) -> dict | None:
    """The first of the lines that have the least of a figure; None where none has it."""
    return min((line for line in lines if figure in line), key=lambda line: line[figure], default=None)


class StopWhenFlat(TickCallback):
    """Ends the training when the best snapshot has been the best for so many ticks.

    Args:
        journal: Told of the tick before this.
        figure: What the best has least of.
        patience: Ticks without a better one.
        say: Told when it ends.
    """

    def __init__(self, journal: Journal, figure: str, patience: int, say: Callable[[str], None]):
        super().__init__()
        self.journal, self.figure, self.patience, self.say = journal, figure, patience, say

    @property
    def is_flat(self) -> bool:
        """Whether it is time to end; told then. It follows from the journal alone, also for a run that goes on."""
        best = best_line(self.journal.lines, self.figure)
        since = 0 if best is None else self.journal.lines[-1]["tick"] - best["tick"]
        if best is not None and since >= self.patience:
            self.say(f"Nothing better for {since} ticks than after tick {best['tick']}: the training ends here.")
        return since >= self.patience

    def on_tick(self, tick, logs):
        self.model.stop_training = self.model.stop_training or self.is_flat


class KeepCheckpoint(keras.callbacks.Callback):
    """Stores the whole state after every tick, and where a tick was cut short. The last of the callbacks."""

    def __init__(self, checkpoints: Checkpoints, journal: Journal):
        super().__init__()
        self.checkpoints, self.journal = checkpoints, journal

    def on_epoch_end(self, epoch, logs=None):
        self.checkpoints.save(self.model, {"seconds": repr(self.journal.seconds)})
