"""A finished generator and the record of how it came to be, stored as data."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import keras
import numpy as np
import pydantic

from sparring.bundle.record import Record
from sparring.bundle.tensors import write_tensors
from sparring.errors import BundleError
from sparring.files import replace_file

SHEET, WEIGHTS, CARD = "bundle.json", "weights.safetensors", "card.md"
MAX_SHEET = 1_000_000  # Bytes of bundle.json.


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
    """A generator with the record of how it came to be; `ImageBundle`, `VideoBundle` and
    `TableBundle` draw from it, and `TranslationBundle` translates.

    Args:
        record: Recipe, options and data.
        networks: By name. A "generator" is functional: inputs `[latents]`, or `[latents, condition]`; of clips
            see `VideoBundle`.
        images_seen: Number of training images or rows, repeats counted, the weights come from.
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
    def latent_dim(self) -> int:
        return self.networks["generator"].inputs[0].shape[-1]

    def sample(self, n: int, *, seed: int = 0) -> Any:
        """`n` examples, where the kind of bundle draws any; the same seed draws the same ones."""
        raise NotImplementedError

    def look(self, n: int, *, seed: int = 0, labels: Any = None) -> Any:
        """`n` examples as the generator makes them, to be looked at while it trains: nothing is drawn anew.

        Args:
            n: Number of examples.
            seed: The same seed looks at the same latents.
            labels: Classes they should be of, for a generator that takes them; for a translator, what it translates.
        """
        raise NotImplementedError

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
