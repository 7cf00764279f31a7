"""A run is a folder; giving the same command again goes on where it was."""

import contextlib
import errno
import os
import pathlib
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from types import MappingProxyType

import filelock
import keras
import pydantic

from sparring.bundle.bundle import Bundle, Snapshot
from sparring.bundle.kinds import make_bundle
from sparring.bundle.record import Record, first_fault
from sparring.data.batches import Batches
from sparring.data.lazy import Examples
from sparring.errors import Diverged, RunError
from sparring.files import replace_file
from sparring.training.callbacks import (
    Journal,
    KeepBundle,
    KeepCheckpoint,
    StopWhenAsked,
    StopWhenFlat,
    rewind_journal,
)
from sparring.training.checkpoint import Checkpoints
from sparring.training.failing import MOST_TIMES, Failure, StopOnNonFinite
from sparring.training.game import Game
from sparring.training.health import diagnose
from sparring.training.judging import Judge, Look
from sparring.training.looks import LOOKS
from sparring.training.ticks import fit_to_the_end

LENGTHS = ("images", "rows", "clips")  # The options that may change when a run goes on: how long it goes on.
# What a process leaves that was killed before it had written the record: the folder still counts as empty.
BEGINNINGS = re.compile(r"\.lock|\.recipe\.json\.\d+\.tmp")


class Run:
    """The folder of one training: `recipe.json`, `log.jsonl`, `samples/`, `state/`, `bundle/`.

    `bundle/` holds the best snapshot, and `last/` the last where that is another; without a judge, `bundle/` the last.

    Args:
        folder: Made if it is not there.
        record: What is trained on what. A folder that holds a run of another record is refused.
        defaults: What the recipe's options are where nobody gave them: so are those that the record in the folder
            does not have, as the recipe has gained them since.

    Attributes:
        stopped_by: The signal that ended the last `train` early, or None.

    Raises:
        RunError: The folder holds something else.
    """

    def __init__(self, folder: pathlib.Path, record: Record, defaults: Mapping[str, object] = MappingProxyType({})):
        self.folder, self.record, self.defaults = folder, record, defaults
        self.checkpoints = Checkpoints(folder / "state")
        self.journal = folder / "log.jsonl"
        self.samples = folder / "samples"
        self.bundle = folder / "bundle"
        self.last = folder / "last"
        self.failure = folder / "failure.json"
        self.stopped_by = None
        self._check_folder()

    def train(
        self,
        game: Game,
        batches: Batches,
        callbacks: Iterable[keras.callbacks.Callback] = (),
        say: Callable = print,
        judge: Judge | None = None,
        patience: int | None = None,
        shown: Examples | None = None,
    ):
        """Trains `game` to the end of its pace, from the newest checkpoint if there is one.

        Args:
            game: Built from the run's record.
            batches: The stream of examples; the run enters it where it left it.
            callbacks: Keras callbacks beside the run's own.
            say: Called with each sentence a user should see.
            judge: Looks at samples after every tick, to keep the best snapshot and tell what goes wrong.
            patience: Ticks without a better snapshot after which training ends; by default it goes on to the end.
            shown: Examples that samples are made of, where they are made of any; by default those trained on.

        Of several processes that train together all must call it, and one writes.

        Raises:
            Diverged: A loss or weight is not finite; the game is back at its last good state.
            RunError: Another process trains in this folder, nothing can be written, or processes that train together
                begin with different things.
        """
        with self.writing(), self._alone() if game.is_chief else contextlib.nullcontext():
            self._check_folder()  # Again: another process may have begun here since this one looked.
            if game.is_chief:
                replace_file(self.folder / "recipe.json", self.record.model_dump_json(indent=2).encode() + b"\n")
                for litter in self.folder.rglob(".*.tmp"):  # Left by a process that was killed while it wrote.
                    litter.unlink()
            self._train(game, batches, list(callbacks), say, judge, patience, shown or batches.examples)

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Makes of a failure to write into the folder a RunError that says why, and what is still good."""
        try:
            yield
        except OSError as error:
            # Errors of other files are not the run's: a callback's own, a pipe that was closed.
            if error.filename is None or not _is_about(error.filename, self.folder):
                raise
            raise RunError(self._unwritable(error)) from error

    def snapshot(self, game: Game, which: Snapshot | None = None) -> Bundle:
        """The averaged networks of `game` as they are now."""
        networks, seen = game.on_this_process(game.average.copies), game.steps_done * game.pace.batch_size
        return make_bundle(self.record, networks, seen, which)

    def _train(
        self,
        game: Game,
        batches: Batches,
        callbacks: list,
        say: Callable,
        judge: Judge | None,
        patience: int | None,
        shown: Examples,
    ):
        self.stopped_by = None
        game.compile()
        metadata = self.checkpoints.restore(game, say)
        self._check_agreement(game)
        self._check_failure(game)
        if game.is_chief:
            rewind_journal(self.journal, game.steps_done)
        unit, done = game.pace.unit.lower(), round(game.steps_done / game.pace.steps_per_tick, 2)
        if game.finished:
            say(f"The run in {self.folder} is finished: {done:g} {unit}s. Ask for more of them to go on.")
            return
        if metadata:
            say(f"Going on after {done:g} of {game.pace.num_ticks} {unit}s in {self.folder}.")
        examine = partial(diagnose, figure=judge.name, floor=judge.floor) if judge else diagnose
        journal = Journal(self.journal, float(metadata["seconds"]) if metadata else 0.0, examine, say)
        if judge and patience:
            flat = StopWhenFlat(journal, judge.name, patience, say)
            if flat.is_flat:
                return
            callbacks.append(flat)
        try:
            with StopWhenAsked() as asked:
                fit_to_the_end(game, batches, [asked, *self._own_callbacks(game, journal, judge, shown), *callbacks])
        except Diverged as error:
            raise Diverged(self._go_back(game, str(error), say)) from error
        self.stopped_by = None if game.finished else asked.asked

    def _own_callbacks(
        self, game: Game, journal: Journal, judge: Judge | None, shown: Examples
    ) -> Sequence[keras.callbacks.Callback]:
        """In this order: nothing of a tick that is not finite is stored, and the state is stored last."""
        if not game.is_chief:
            return [StopOnNonFinite()]
        return [
            StopOnNonFinite(),
            *([Look(judge, lambda: self.snapshot(game))] if judge else []),
            journal,
            LOOKS[self.record.spec.kind](self.samples, lambda: self.snapshot(game), self.record.seed, shown),
            KeepBundle(
                self.bundle, self.last, journal, lambda which: self.snapshot(game, which), judge.name if judge else ""
            ),
            KeepCheckpoint(self.checkpoints, journal),
        ]

    def _go_back(self, game: Game, words: str, say: Callable) -> str:
        """Sets the game to its last good state and keeps in mind why; returns what to tell the user."""
        before = self.checkpoints.restore(game, say) is not None
        steps = game.steps_done if before else 0
        if game.is_chief:
            Failure(words=words, steps=steps).after(Failure.read(self.failure)).write(self.failure)
        done, unit = round(steps / game.pace.steps_per_tick, 2), game.pace.unit.lower()
        good = (
            f"The last good state, after {unit} {done:g}, is kept." if before else "There is no good state before it."
        )
        return f"{words} {good} {self._advice()}"

    def _check_failure(self, game: Game):
        """Refuses to fail a third time in the same place: the same numbers would come out."""
        if (failure := Failure.read(self.failure)) is None:
            return
        if failure.steps != game.steps_done:
            if game.is_chief:
                self.failure.unlink()
        elif failure.times >= MOST_TIMES:
            raise Diverged(
                f"The run in {self.folder} has failed {failure.times} times in the same place: {failure.words} "
                f"{self._advice()} To try here all the same, remove {self.failure}."
            )

    def _advice(self) -> str:
        rate = self.record.options.get("learning_rate")
        smaller = (
            f"--set learning_rate={rate / 10:g}, a tenth" if isinstance(rate, float) else "a smaller learning rate"
        )
        return f"Begin another run (--run) with {smaller}, or look at the data for outliers."

    def _check_folder(self):
        """Refuses a folder that holds something else than this run."""
        path = self.folder / "recipe.json"
        try:
            # In this order: a process that begins here meanwhile writes the record before all else.
            names = _names_in(self.folder)
            if not path.exists():
                if any(not BEGINNINGS.fullmatch(name) for name in names):
                    raise RunError(f"{self.folder} is not empty and holds no run. Choose another folder (--run).")
                return
            there = Record.model_validate_json(path.read_bytes())
        except pydantic.ValidationError as error:
            raise RunError(
                f"{path} cannot be used: {first_fault(error)}. It is damaged, or of another version of sparring: "
                "put it back as it was, or choose another folder (--run)."
            ) from error
        except OSError as error:
            raise RunError(f"{error.filename or path} cannot be read: {error.strerror}.") from error
        options = {**self.defaults, **there.options, **_length(self.record)}
        allowed = there.model_copy(update={"options": options})
        if differences := self.record.differences(allowed):
            raise RunError(
                f"{self.folder} holds another run: {'; '.join(differences)}. Give the same options to go on with "
                "it, or another folder (--run) to begin anew."
            )

    def _check_agreement(self, game: Game):
        """Processes that train together average their gradients whatever these are of."""
        begin = f"{self.record.model_dump_json()} {game.steps_done}".encode()
        if len(game.gather(zlib.crc32(begin) >> 1)) > 1:
            raise RunError(
                "The processes that train together have different data, options, or checkpoints. Give each the same "
                f"command and data, and a folder for the run that all of them see. Here, {self.folder} is after "
                f"{game.steps_done:,} steps."
            )

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Keeps other processes from training in the folder, which is made where it is not there."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(filelock.FileLock(self.folder / ".lock", blocking=False))
            except filelock.Timeout:
                raise RunError(
                    f"Another process is training in {self.folder}. Wait, or choose another folder (--run)."
                ) from None
            yield

    def _unwritable(self, error: OSError) -> str:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        reason = "The disk is full" if full else error.strerror or str(error)
        kept = self.checkpoints.paths()
        last = f"the last checkpoint, {kept[0]}, is intact" if kept else "there is no checkpoint yet"
        again = "Give the same command again once that is mended."
        return f"{reason}: {error.filename} could not be written; {last}. {again}"


def _is_about(path: str, folder: pathlib.Path) -> bool:
    """Whether `path` lies in `folder` or on the way there."""
    here, there = pathlib.Path(path).absolute(), folder.absolute()
    return here.is_relative_to(there) or there.is_relative_to(here)


def _names_in(folder: pathlib.Path) -> list[str]:
    return os.listdir(folder) if folder.exists() else []  # noqa: PTH208 - names, not paths.


def _length(record: Record) -> dict:
    return {name: record.options[name] for name in LENGTHS if name in record.options}
