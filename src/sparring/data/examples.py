"""Examples and what is known of them, whatever their kind."""

import contextlib
import dataclasses
import hashlib
from collections.abc import Iterator
from functools import cached_property
from typing import Generic, TypeVar

import numpy as np

from sparring.data.batches import Batches
from sparring.data.lazy import LazyRows, Rows
from sparring.data.spec import DomainsSpec, ImageSpec, TableSpec, VideoSpec
from sparring.errors import SparringError, UsageError

Spec = TypeVar("Spec", ImageSpec, DomainsSpec, VideoSpec, TableSpec)


@dataclasses.dataclass(frozen=True, eq=False)
class Source(Generic[Spec]):
    """Examples, in memory or on disk, and what is known of them.

    Attributes:
        name: Short name for folders and pages.
        spec: What one example looks like.
        examples: Of images "image", uint8 (N, H, W, C), and where there are classes "label", int32 (N,). Images that
            would not fit into memory are no array, but `images[rows]` is one. Of domains "0/image", "1/image" and so
            on, each with a length of its own where they are not paired. Of videos "clip", uint8
            (N, frames, H, W, C), a row for every stretch of frames that can be cut, and "label" as of images. Of
            tables what `encode` makes of the rows: "codes", "low" and "high".
        held_out: The same of examples that are never trained on; empty where nothing is held out.
        notes: What was done to the data, one plain sentence each.
        aligned: Whether a row of all arrays in `examples` is one example, see `Batches`.
    """

    name: str
    spec: Spec
    examples: dict[str, Rows]
    held_out: dict[str, Rows]
    notes: tuple[str, ...] = ()
    aligned: bool = True

    @cached_property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that change with any name, shape, type or value in `examples`.

        Of rows that are no array their digests count: of files their content, which takes no decoding.
        """
        digest = hashlib.sha256()
        for name in sorted(self.examples):
            rows = self.examples[name]
            digest.update(f"{name} {rows.shape} {rows.dtype.str};".encode())
            digest.update(np.ascontiguousarray(rows.digests if isinstance(rows, LazyRows) else rows).data)
        return digest.hexdigest()[:16]

    @contextlib.contextmanager
    def naming_failures(self) -> Iterator[None]:
        """Raises the DataError of a file that could not be decoded, where TensorFlow has made another error of it."""
        try:
            yield
        except SparringError:
            raise
        except Exception as error:
            for rows in self.examples.values():
                if isinstance(rows, LazyRows) and rows.failure is not None:
                    raise rows.failure from error
            raise

    def batches(self, batch_size: int, seed: int = 0) -> Batches:
        """The endless stream of shuffled batches of `examples`."""
        if batch_size < 1:
            raise UsageError(f"`batch_size` must be at least 1. Received: batch_size={batch_size}")
        return Batches(self.examples, batch_size, seed, aligned=self.aligned)
