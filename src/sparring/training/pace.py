"""How long a game goes on, and how often one looks."""

import dataclasses
from typing import Self


@dataclasses.dataclass(frozen=True)
class Pace:
    """Counted in images, or in rows of a table; a tick is what Keras calls an epoch of `fit`.

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
    def over(cls, num_examples: int, images: int, batch_size: int, tick_images: int | None = None) -> Self:
        """By default a tick for each pass over the data, but of no fewer than 2,000 images and no more than 10,000.

        It does not depend on the length of the training, so that a run can be made longer.
        """
        tick_images = min(max(num_examples, 2_000), 10_000) if tick_images is None else tick_images
        return cls(images, batch_size, tick_images, "Epoch" if tick_images == num_examples else "Tick")

    @property
    def steps_per_tick(self) -> int:
        return max(1, round(self.tick_images / self.batch_size))

    @property
    def num_ticks(self) -> int:
        return max(1, round(self.images / self.tick_images))
