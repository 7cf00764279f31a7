"""An endless, deterministic stream of batches that can be entered anywhere."""

from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache
from typing import Self

import keras
import numpy as np

from sparring.data.lazy import Rows

ORDER, DRAWS = 0, 1  # Purposes of random numbers: each has a stream of its own.
AGAIN = "again"  # Name, in a batch, of what tells rows that are shown once more.

Chances = Callable[[Mapping[str, Rows]], np.ndarray]
"""How likely each row of some examples is to be shown again: float64 (N,), of sum 1."""


def generator(seed: int, purpose: int, index: int, place: int = 0) -> np.random.Generator:
    """A random generator that depends on nothing but its arguments (Philox, arXiv 2011 SC'11: counter based)."""
    return np.random.Generator(np.random.Philox(key=[seed, purpose], counter=[0, 0, place, index]))


class Batches(keras.utils.PyDataset):
    """Batches of `examples`, shuffled anew in every pass; batch `k` is a pure function of `(seed, k)`.

    Each batch is a dictionary with a row per example of every array in `examples` and, for every name in `draws`,
    standard normal float32 noise of that shape per example. The noise comes with the batch, so replicas and workers
    that share a batch never share noise, and TensorFlow and JAX see the same numbers.

    Args:
        examples: Arrays with one row per example.
        batch_size: Rows of one batch; larger than the data is allowed, a pass then ends inside the batch.
        seed: Chooses the order and the noise.
        draws: Name and shape of the noise each example comes with.
        start: Number of the batch that index 0 stands for.
        aligned: Whether a row of all arrays is one example. Where it is not, each array has a length and an order of
            its own, and what stands beside each other in a batch came there by chance.
        chances: Where given, a pass shows every row and as many besides, drawn by these chances. A batch then holds
            "again" too, float32 (N,): 1 for a row that was drawn. Of aligned examples only.
    """

    def __init__(
        self,
        examples: Mapping[str, Rows],
        batch_size: int,
        seed: int = 0,
        draws: Mapping[str, tuple[int, ...]] | None = None,
        start: int = 0,
        aligned: bool = True,
        chances: Chances | None = None,
    ):
        super().__init__()
        self.examples, self.batch_size, self.seed = dict(examples), batch_size, seed
        self.draws, self.start, self.aligned, self.chances = dict(draws or {}), start, aligned, chances
        num_orders = 1 if aligned else len(self.examples)
        self._order = lru_cache(maxsize=2 * num_orders)(self._shuffle)  # A batch may lie in two passes.

    @property
    def num_batches(self) -> None:
        """The stream has no end."""
        return None

    @cached_property
    def _chances(self) -> np.ndarray | None:
        return None if self.chances is None else self.chances(self.examples)

    def starting_at(self, step: int, draws: Mapping[str, tuple[int, ...]], chances: Chances | None = None) -> Self:
        """The same stream, entered at batch `step`, with `draws` as its noise and rows shown again by `chances`."""
        return type(self)(self.examples, self.batch_size, self.seed, draws, step, self.aligned, chances)

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        step = self.start + index
        batch = {}
        for place, (name, array) in enumerate(self.examples.items()):
            if place == 0 or not self.aligned:
                rows, again = self._rows(step, place, len(array))
            batch[name] = array[rows]
        if self._chances is not None:
            batch[AGAIN] = again.astype(np.float32)
        noise = generator(self.seed, DRAWS, step)
        for name, shape in self.draws.items():
            batch[name] = noise.standard_normal((self.batch_size, *shape), dtype=np.float32)
        return batch

    def _rows(self, step: int, place: int, count: int) -> tuple[np.ndarray, np.ndarray]:
        """The numbers of the rows in a batch, and whether each is shown again."""
        length = count if self._chances is None else 2 * count
        positions = np.arange(step * self.batch_size, (step + 1) * self.batch_size)
        passes, places = np.divmod(positions, length)
        shown = np.empty(self.batch_size, np.int64)
        for number in np.unique(passes):
            shown[passes == number] = self._order(int(number), place, count)[places[passes == number]]
        return shown % count, shown >= count

    def _shuffle(self, number: int, place: int, count: int) -> np.ndarray:
        """The rows of a pass in their order; `count` is added to the numbers of those that are shown again."""
        random = generator(self.seed, ORDER, number, place)
        if self._chances is None:
            return random.permutation(count)
        again = random.choice(count, count, p=self._chances)
        return random.permutation(np.concatenate([np.arange(count), count + again]))
