"""A run is a folder; giving the same command again goes on where it was."""

import errno
import pathlib
from collections.abc import Callable, Iterable, Sequence

import filelock
import keras

from sparring.bundle.bundle import Bundle
from sparring.bundle.card import write_card
from sparring.bundle.files import replace_file
from sparring.bundle.record import Record
from sparring.data.batches import Batches
from sparring.errors import RunError
from sparring.training.callbacks import (
    Journal,
    KeepBundle,
    KeepCheckpoint,
    SampleGrid,
    StopOnNonFinite,
    StopWhenAsked,
    rewind_journal,
)
from sparring.training.checkpoint import Checkpoints
from sparring.training.game import Game

LENGTH = "images"  # The one option that may change when a run goes on: how long it goes on.


class Run:
    """The folder of one training: `recipe.json`, `log.jsonl`, `samples/`, `state/`, `bundle/`.

    Args:
        folder: Made if it is not there.
        record: What is trained on what. A folder that holds a run of another record is refused.

    Attributes:
        stopped_by: The signal that ended the last `train` early, or None.

    Raises:
        RunError: The folder holds something else.
    """

    def __init__(self, folder: pathlib.Path, record: Record):
        self.folder, self.record = folder, record
        self.checkpoints = Checkpoints(folder / "state")
        self.journal = folder / "log.jsonl"
        self.samples = folder / "samples"
        self.bundle = folder / "bundle"
        self.stopped_by = None
        self._settle()

    def train(
        self, game: Game, batches: Batches, callbacks: Iterable[keras.callbacks.Callback] = (), say: Callable = print
    ):
        """Trains `game` to the end of its pace, from the newest checkpoint if there is one.

        Args:
            game: Built from the run's record.
            batches: The stream of examples; the run enters it where it left it.
            callbacks: Keras callbacks beside the run's own.
            say: Called with each sentence a user should see.

        Raises:
            RunError: Another process trains in this folder, a loss or weight is not finite, or nothing can be written.
        """
        lock = filelock.FileLock(self.folder / ".lock", blocking=False)
        try:
            with lock:
                for litter in self.folder.rglob(".*.tmp"):  # Left by a process that was killed while it wrote.
                    litter.unlink()
                self._train(game, batches, list(callbacks), say)
        except filelock.Timeout:
            raise RunError(f"Another process is training in {self.folder}. Wait, or choose another folder.") from None
        except OSError as error:
            raise RunError(self._unwritable(error)) from error

    def snapshot(self, game: Game) -> Bundle:
        """The averaged networks of `game` as they are now."""
        return Bundle(self.record, game.average.copies, game.steps_done * game.pace.batch_size)

    def _train(self, game: Game, batches: Batches, callbacks: list, say: Callable):
        game.compile()
        metadata = self.checkpoints.restore(game)
        rewind_journal(self.journal, game.steps_done)
        if metadata:
            unit, done = game.pace.unit.lower(), game.steps_done / game.pace.steps_per_tick
            say(f"Going on after {done:g} of {game.pace.num_ticks} {unit}s in {self.folder}.")
        journal = Journal(self.journal, float(metadata["seconds"]) if metadata else 0.0)
        with StopWhenAsked() as asked:
            _fit(game, batches, [asked, *self._own_callbacks(game, journal), *callbacks])
        self.stopped_by = asked.asked

    def _own_callbacks(self, game: Game, journal: Journal) -> Sequence[keras.callbacks.Callback]:
        """In this order: nothing of a tick that is not finite is stored, and the state is stored last."""
        return [
            StopOnNonFinite(),
            journal,
            SampleGrid(self.samples, lambda: self.snapshot(game), self.record.seed),
            KeepBundle(self.bundle, lambda: self.snapshot(game), lambda b: write_card(b.record, b.images_seen, {})),
            KeepCheckpoint(self.checkpoints, journal),
        ]

    def _settle(self):
        """Writes the record into a new folder, or compares it with the one that is there."""
        path = self.folder / "recipe.json"
        if path.exists():
            there = Record.model_validate_json(path.read_text())
            allowed = there.model_copy(update={"options": there.options | _length(self.record)})
            if differences := self.record.differences(allowed):
                raise RunError(
                    f"{self.folder} holds another run: {'; '.join(differences)}. Give the same options to go on with "
                    "it, or another folder (--run) to begin anew."
                )
        elif self.folder.exists() and any(self.folder.iterdir()):
            raise RunError(f"{self.folder} is not empty and holds no run. Choose another folder (--run).")
        self.folder.mkdir(parents=True, exist_ok=True)
        replace_file(path, self.record.model_dump_json(indent=2).encode() + b"\n")

    def _unwritable(self, error: OSError) -> str:
        reason = "The disk is full" if error.errno == errno.ENOSPC else error.strerror or str(error)
        kept = self.checkpoints.paths()
        last = f"the last checkpoint, {kept[0]}, is intact" if kept else "there was no checkpoint yet"
        return f"{reason}: {error.filename or self.folder} could not be written; {last}."


def _length(record: Record) -> dict:
    return {LENGTH: record.options[LENGTH]} if LENGTH in record.options else {}


def _fit(game: Game, batches: Batches, callbacks: list):
    """Fits tick by tick to the end of the pace; first what is left of a tick that was cut short."""
    tick, inside = divmod(game.steps_done, game.pace.steps_per_tick)
    if inside:
        rest = game.pace.steps_per_tick - inside
        game.fit(batches, initial_epoch=tick, epochs=tick + 1, steps_per_epoch=rest, callbacks=callbacks, verbose=0)
        tick += 1
        if game.stop_training:
            return
    if tick < game.pace.num_ticks:
        game.fit(batches, initial_epoch=tick, callbacks=callbacks, verbose=0)
