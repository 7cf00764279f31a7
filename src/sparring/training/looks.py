"""What a run keeps to look at after every tick, by the kind of what is made."""

import pathlib
from collections.abc import Callable

from sparring.bundle.bundle import Bundle
from sparring.bundle.tables import save_table
from sparring.training.callbacks import SampleGrid, TickCallback

ROWS = 100


class SampleRows(TickCallback):
    """Draws rows of the averaged generator from the same latents after every tick."""

    def __init__(self, folder: pathlib.Path, snapshot: Callable[[], Bundle], seed: int):
        super().__init__()
        self.folder, self.snapshot, self.seed = folder, snapshot, seed

    def on_tick(self, tick, logs):
        self.folder.mkdir(parents=True, exist_ok=True)
        save_table(self.snapshot().look(ROWS, seed=self.seed), self.folder / f"tick-{tick:05d}.csv")


LOOKS = {"image": SampleGrid, "table": SampleRows}
