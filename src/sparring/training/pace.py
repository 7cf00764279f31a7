"""How long a game goes on, and how often one looks."""

import dataclasses
from typing import Self


@dataclasses.dataclass(frozen=True)
class Pace:
    """Counted in images; a tick is what Keras calls an epoch of `fit`.

    Attributes:
        images: Real images to be shown in all.
        batch_size: Images in one step, over all devices.
        tick_images: Images between two looks: a line in the log, a sample grid, a checkpoint.
        unit: What a tick is called: `Epoch` when it is one pass over the data, else `Tick`.
    """

    images: int
    batch_size: int
    tick_images: int
    unit: str = "Tick"

    @classmethod
    def over(cls, num_examples: int, images: int, batch_size: int) -> Self:
        """A tick for each pass over the data, but no fewer than 10 and no more than 100 of them in all."""
        tick_images = min(max(num_examples, images // 100), max(images // 10, batch_size))
        return cls(images, batch_size, tick_images, "Epoch" if tick_images == num_examples else "Tick")

    @property
    def steps_per_tick(self) -> int:
        return max(1, round(self.tick_images / self.batch_size))

    @property
    def num_ticks(self) -> int:
        return max(1, round(self.images / self.tick_images))
