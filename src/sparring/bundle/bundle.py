"""A finished generator: draw samples from it, and store it as data."""

import difflib
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

import keras
import numpy as np
import pydantic

from sparring.bundle.files import replace_file
from sparring.bundle.latents import normal_latents, spherical
from sparring.bundle.record import Record
from sparring.bundle.tensors import write_tensors
from sparring.data.spec import DataSpec
from sparring.errors import BundleError, UsageError
from sparring.ops.color import to_uint8

SHEET, WEIGHTS, CARD = "bundle.json", "weights.safetensors", "card.md"
MAX_SHEET = 1_000_000  # Bytes of bundle.json.
CHUNK_VALUES = 2**21  # Pixel values generated at once: some hundred MB with 64 channels at full resolution.

Labels = int | str | Sequence[int | str] | np.ndarray | None
"""Classes by number or name, repeated in turn; None for all in turn."""


class Snapshot(pydantic.BaseModel, frozen=True, extra="forbid"):
    """Which of a run's snapshots a bundle is.

    Attributes:
        kind: The best so far by its figure, or merely the last.
        tick: After which it was taken, counted from 1.
        figure: What it was judged by, with protocol, as `fd[sketch-v1, n=1000]`; empty where nothing judged.
        value: Of that figure; lower is better.
    """

    kind: Literal["best", "last"]
    tick: Annotated[int, pydantic.Field(ge=1)]
    figure: Annotated[str, pydantic.Field(max_length=200)] = ""
    value: Annotated[float | None, pydantic.Field(allow_inf_nan=False)] = None

    def __str__(self) -> str:
        by = f", {self.figure} = {self.value:.4g}" if self.value is not None else ""
        return f"the {self.kind} snapshot, after tick {self.tick:,}{by}"


class Sheet(pydantic.BaseModel, frozen=True, extra="forbid"):
    """The content of bundle.json."""

    record: Record
    images_seen: Annotated[int, pydantic.Field(ge=0)]
    networks: Annotated[tuple[str, ...], pydantic.Field(max_length=20)]
    snapshot: Snapshot | None = None


class Bundle:
    """A generator with the record of how it came to be.

    Args:
        record: Recipe, options and data.
        networks: By name. "generator" is functional: inputs `[latents]`, or `[latents, labels]` with one-hot float32
            labels; output float32 (n, height, width, channels) in [-1, 1].
        images_seen: Number of training images, repeats counted, the weights come from.
        snapshot: Which of its run's snapshots it is; None where that is not known.
    """

    def __init__(
        self,
        record: Record,
        networks: Mapping[str, keras.Model],
        images_seen: int = 0,
        snapshot: Snapshot | None = None,
    ):
        self.record, self.networks, self.images_seen = record, dict(networks), images_seen
        self.snapshot = snapshot

    @property
    def spec(self) -> DataSpec:
        return self.record.spec

    @property
    def latent_dim(self) -> int:
        return self.networks["generator"].inputs[0].shape[-1]

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes one can ask for; none where the generator takes no labels, whatever the data has."""
        return self.spec.classes if len(self.networks["generator"].inputs) > 1 else ()

    def latents(self, n: int, seed: int = 0, truncation: float | None = None) -> np.ndarray:
        """Standard normal float32 (n, latent_dim), see `normal_latents`; the first rows are those of a smaller `n`."""
        return normal_latents(n, self.latent_dim, seed, truncation)

    def labels_for(self, n: int, labels: Labels = None) -> np.ndarray | None:
        """int32 (n,) labels, or None for a bundle without classes.

        Args:
            n: Number of labels.
            labels: A class by its number or its name, or several, repeated in turn; None takes all classes in turn.

        Raises:
            UsageError: The bundle has no such class, or none at all.
        """
        if not self.classes:
            if labels is not None:
                raise UsageError(f"`labels` must be None: this bundle has no classes. Received: labels={labels!r}")
            return None
        if labels is None:
            labels = range(len(self.classes))
        elif isinstance(labels, int | np.integer | str):
            labels = [labels]
        numbers = [self._label(label) for label in labels]
        if not numbers:
            raise UsageError("`labels` must name at least one class. Received: an empty sequence")
        return np.resize(np.array(numbers, np.int32), n)

    def generate(self, latents: np.ndarray, labels: Labels = None) -> np.ndarray:
        """float32 (n, height, width, channels) in [-1, 1] for latents (n, latent_dim) and `labels` of `labels_for`."""
        return np.concatenate(list(self._chunks(latents, labels)))

    def sample(self, n: int, *, seed: int = 0, labels: Labels = None, truncation: float | None = None) -> np.ndarray:
        """`n` images, uint8 (n, height, width, channels); arguments as in `latents` and `labels_for`."""
        return self.render(self.latents(n, seed, truncation), labels)

    def render(self, latents: np.ndarray, labels=None) -> np.ndarray:
        """`generate` as uint8, converted chunk by chunk: all of it as float32 would take four times the memory."""
        return np.concatenate([to_uint8(chunk) for chunk in self._chunks(latents, labels)])

    def interpolate(
        self, frames: int, n: int = 1, *, keypoints: int = 4, seed: int = 0, labels: Labels = None
    ) -> np.ndarray:
        """`n` walks side by side through `keypoints` random latents and back to the first.

        Between two latents the walk is spherical (arXiv:1609.04468, section 2.1): the middle is as long as the ends,
        as it would be for a random latent. The last frame leads on to the first. Each walk keeps its label.

        Returns:
            uint8 (frames, n, height, width, channels).
        """
        if frames < 1:
            raise UsageError(f"`frames` must be >= 1. Received: frames={frames}")
        points = self.latents(n * keypoints, seed).reshape(n, keypoints, -1).swapaxes(0, 1)
        place = np.arange(frames) * keypoints / frames
        start = place.astype(int)
        share = (place - start)[:, None, None]
        walk = spherical(points[start], points[(start + 1) % keypoints], share).reshape(frames * n, -1)
        chosen = self.labels_for(n, labels)
        images = self.render(walk, None if chosen is None else np.tile(chosen, frames))
        return images.reshape(frames, n, *self.spec.shape)

    def save(self, folder: str | os.PathLike, card: str) -> None:
        """Write the bundle into `folder`, which is made if it is not there; `card` becomes card.md.

        Each file takes the place of its predecessor in one step, bundle.json last: without it there is no bundle.

        Raises:
            BundleError: Weights are not finite, or the list of classes is too long; nothing is written.
            OSError: The folder cannot be written.
        """
        folder = Path(folder)
        tensors = {name: keras.ops.convert_to_numpy(variable.value) for name, variable in named_weights(self.networks)}
        check_finite(tensors, folder)
        sheet = Sheet(
            record=self.record, images_seen=self.images_seen, networks=tuple(self.networks), snapshot=self.snapshot
        )
        text = sheet.model_dump_json(indent=2).encode()
        if len(text) > MAX_SHEET:
            raise BundleError(f"{SHEET} would have {len(text):,} bytes, at most {MAX_SHEET:,}: shorten class names.")
        folder.mkdir(parents=True, exist_ok=True)
        write_tensors(folder / WEIGHTS, tensors, {})
        replace_file(folder / CARD, card.encode())
        replace_file(folder / SHEET, text)

    def _label(self, label: int | str) -> int:
        classes = self.classes
        if isinstance(label, str) and label in classes:
            return classes.index(label)
        if not isinstance(label, str) and 0 <= label < len(classes):
            return int(label)
        near = difflib.get_close_matches(str(label), classes, n=3)
        known = ", ".join(near or classes[:10]) + ("" if near or len(classes) <= 10 else ", ...")
        expected = f"a number from 0 to {len(classes) - 1} or a name" + (" such as" if near else ":")
        raise UsageError(f"`labels` must be {expected} {known}. Received: {label!r}")

    def _chunks(self, latents: np.ndarray, labels: Labels) -> Iterator[np.ndarray]:
        """Images as the generator gives them, a chunk at a time; not by `predict`, whose set-up is too slow."""
        numbers = self.labels_for(len(latents), labels)
        size = max(1, min(1024, CHUNK_VALUES // math.prod(self.spec.shape)))
        for rows in (slice(start, start + size) for start in range(0, len(latents), size)):
            inputs = [latents[rows]]
            if numbers is not None:
                inputs.append((numbers[rows, None] == np.arange(len(self.classes))).astype(np.float32))
            images = self.networks["generator"](inputs, training=False)
            yield keras.ops.convert_to_numpy(keras.ops.cast(images, "float32"))


def named_weights(networks: Mapping[str, keras.Model]) -> Iterator[tuple[str, keras.Variable]]:
    """Every weight with its name in the file."""
    for name, network in networks.items():
        for index, variable in enumerate(network.weights):
            yield f"{name}/{index:03d}.{variable.name}", variable


def check_finite(tensors: Mapping[str, np.ndarray], where: Path) -> None:
    for name, tensor in tensors.items():
        if not np.isfinite(tensor).all():
            raise BundleError(
                f"`{where}`: weight {name!r} is not finite; use a snapshot from before training diverged."
            )
