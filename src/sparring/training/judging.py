"""A look at what is generated after every tick: how good it is, in figures."""

from collections.abc import Callable
from typing import Any, Protocol

import keras

from sparring.bundle.bundle import Bundle

SEED = 4_000_000  # Of the latents: always the same, so that ticks differ by the generator alone; nobody's own seed.


class Judge(Protocol):
    """What compares samples with the data.

    Attributes:
        name: The figure of merit with its protocol, as `fd[sketch-v1, n=1000]`; lower is better.
        num_samples: How many samples it takes.
        labels: int (num_samples,), the classes they should be of, for a generator that takes them; None for any; for a
            translator the images to translate, by domain.
        floor: The figure of merit of real images.
    """

    @property
    def name(self) -> str: ...

    @property
    def num_samples(self) -> int: ...

    @property
    def labels(self) -> Any: ...

    @property
    def floor(self) -> float: ...

    def __call__(self, samples: Any) -> dict[str, float]:
        """Figures of samples as `Bundle.look` gives them, the figure of merit by its name among them."""
        ...


class Look(keras.callbacks.Callback):
    """Adds the figures of the averaged generator's samples to the logs of every whole tick, for who comes after it."""

    def __init__(self, judge: Judge, snapshot: Callable[[], Any]):
        super().__init__()
        self.judge, self.snapshot = judge, snapshot

    def on_epoch_end(self, epoch, logs=None):
        if logs is not None and self.model.steps_done % self.model.pace.steps_per_tick == 0:
            logs |= self.judge(judged_samples(self.judge, self.snapshot()))


def judged_samples(judge: Judge, bundle: Bundle) -> Any:
    """The samples that the judge looks at."""
    return bundle.look(judge.num_samples, seed=SEED, labels=judge.labels)
