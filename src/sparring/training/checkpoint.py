"""Everything a game is, on disk: written whole or not at all, checked when it is read."""

import dataclasses
import pathlib
import re
from collections.abc import Callable, Iterable, Iterator

import keras
import numpy as np
from keras import ops

from sparring.bundle.tensors import read_tensors, write_tensors
from sparring.errors import BundleError, RunError
from sparring.training.game import Game

KEPT = 2
NAME = re.compile(r"step-(\d{9})\.safetensors")
NUMBER = re.compile(r"_\d+(?=_|$)")


@dataclasses.dataclass(frozen=True)
class Checkpoints:
    """The checkpoints of one run, the newest two of them.

    A checkpoint is one file with every variable of `game.state` in order; the position in the data is the step
    counter among them. The file carries a digest of itself.
    """

    folder: pathlib.Path

    def paths(self) -> list[pathlib.Path]:
        """The files there are, newest first."""
        return sorted((p for p in self.folder.glob("*") if NAME.fullmatch(p.name)), reverse=True)

    def save(self, game: Game, metadata: dict[str, str] | None = None) -> pathlib.Path:
        """Writes the game's state and then removes what is older than the newest two.

        Raises:
            RunError: A variable is not finite; nothing is written and the checkpoints before stay.
            OSError: The disk is full or cannot be written; likewise.
        """
        tensors = dict(arrays(game))
        if bad := first_not_finite(tensors.items()):
            raise RunError(f"{bad} is not finite after {game.steps_done:,} steps. The last good state is kept.")
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"step-{game.steps_done:09d}.safetensors"
        write_tensors(path, tensors, metadata or {})
        for old in self.paths()[KEPT:]:
            old.unlink()
        return path

    def restore(self, game: Game, say: Callable[[str], None] = print) -> dict[str, str] | None:
        """Sets the game to the newest checkpoint that can be read; returns its metadata, None where there is none.

        A damaged file is named to `say` and removed, and the one before it taken.

        Raises:
            RunError: There are checkpoints but none can be read, or they are of another game.
        """
        damaged: dict[pathlib.Path, BundleError] = {}
        for path in self.paths():
            try:
                tensors, metadata = read_tensors(path)
            except BundleError as error:
                damaged[path] = error
                continue
            _assign(game, tensors, path)
            for other, reason in damaged.items():
                say(f"Warning: {reason} It is removed, and the checkpoint before it is taken.")
                # Else it would count as one of the newest two, and a good one would go for it.
                other.unlink(missing_ok=True)  # Processes that train together all do this.
            return metadata
        if damaged:
            raise RunError(
                f"No checkpoint in {self.folder} can be read: {' '.join(map(str, damaged.values()))} "
                "Copy one back, or remove that folder to begin anew."
            )
        return None


def arrays(game: Game) -> Iterator[tuple[str, np.ndarray]]:
    """The state by name, one variable at a time."""
    return ((key, ops.convert_to_numpy(variable)) for key, variable in _named(game))


def first_not_finite(arrays: Iterable[tuple[str, np.ndarray]]) -> str | None:
    """The first name whose numbers are not all finite."""
    bad = (key for key, value in arrays if np.issubdtype(value.dtype, np.floating) and not np.isfinite(value).all())
    return next(bad, None)


def _named(game: Game) -> list[tuple[str, keras.Variable]]:
    """The state in order, under names that sort in that order and tell a reader what they are.

    Keras numbers layers of a kind through the whole process, `dense_4_kernel_momentum`: the numbers are left out, or
    a game that is built a second time, in a notebook, would not be the same.
    """
    return [(f"{place:05d}.{NUMBER.sub('', v.name)}", v) for place, v in enumerate(game.state)]


def _assign(game: Game, tensors: dict[str, np.ndarray], path: pathlib.Path):
    wanted = {key: tuple(v.shape) for key, v in _named(game)}
    found = {key: tensor.shape for key, tensor in tensors.items()}
    if wanted != found:
        first = next(key for key in [*wanted, *found] if wanted.get(key) != found.get(key))
        raise RunError(
            f"{path} is not of this game: {first} has the shape {found.get(first)}, expected {wanted.get(first)}."
        )
    for key, variable in _named(game):
        variable.assign(tensors[key])
