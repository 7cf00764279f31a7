"""Everything a game is, on disk: written whole or not at all, checked when it is read."""

import dataclasses
import pathlib
import re
import warnings

import keras
import numpy as np
from keras import ops

from sparring.bundle.tensors import read_tensors, write_tensors
from sparring.errors import BundleError, RunError
from sparring.training.game import Game

KEPT = 2
NAME = re.compile(r"step-(\d{9})\.safetensors")


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
        tensors = {key: ops.convert_to_numpy(v) for key, v in _named(game)}
        for key, value in tensors.items():
            if np.issubdtype(value.dtype, np.floating) and not np.isfinite(value).all():
                raise RunError(f"The variable {key} is not finite after {game.steps_done} steps.")
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"step-{game.steps_done:09d}.safetensors"
        write_tensors(path, tensors, metadata or {})
        for old in self.paths()[KEPT:]:
            old.unlink()
        return path

    def restore(self, game: Game) -> dict[str, str] | None:
        """Sets the game to the newest checkpoint that can be read; returns its metadata, None where there is none.

        A damaged file is named in a warning and the one before it taken.

        Raises:
            RunError: There are checkpoints but none can be read, or they are of another game.
        """
        for path in self.paths():
            try:
                tensors, metadata = read_tensors(path)
            except BundleError as error:
                warnings.warn(f"{error} It is passed over for the one before it.", stacklevel=2)
                continue
            _assign(game, tensors, path)
            return metadata
        if self.paths():
            raise RunError(
                f"No checkpoint in {self.folder} can be read. Copy one back, or remove the folder to begin anew."
            )
        return None


def _named(game: Game) -> list[tuple[str, keras.Variable]]:
    """The state in order, under names that sort in that order and tell a reader what they are."""
    return [(f"{place:05d}.{v.name}", v) for place, v in enumerate(game.state)]


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
