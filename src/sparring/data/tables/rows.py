"""What networks see of a batch of rows: the rows themselves, and what of them is told beforehand."""

from collections.abc import Mapping

import numpy as np
from keras import ops

from sparring.data.batches import AGAIN, Chances
from sparring.data.lazy import Rows
from sparring.data.tables.layout import Layout
from sparring.ops.noise import uniform

TIES, MASK = "ties", "mask"  # Names of the noise in a batch.


class MaskedRows:
    """Batches of encoded rows made into rows and conditions, on the device.

    A row is the one-hot slots of every segment and the positions in [-1, 1], see `Layout`. Numbers that many rows
    share take a random place among the quantiles that they fill.

    A condition is what of a row is told to both players: the slots of some columns of levels, zeros for the others,
    and then a 1 for each column that is told. Which those are is drawn anew for every row, as in a masked
    autoencoder: in a share of the rows every column of levels is told or not by a coin whose odds are drawn too; in
    the others the target is told alone. Alone it is told also of rows that are shown again: of them its levels are
    not as frequent as in the table, and whoever was to guess one would learn to guess the rare ones.

    Args:
        layout: Where each column stands.
        mask_share: Share of the rows in which any columns may be told.
    """

    def __init__(self, layout: Layout, mask_share: float):
        self.layout, self.mask_share = layout, mask_share
        self.target = np.array([column.name == layout.spec.target for column in layout.spec.conditions], np.float32)

    @property
    def draws(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of the noise that comes with each row."""
        shapes = {TIES: (len(self.layout.numbers),), MASK: (2 + len(self.target),)}
        return {name: shape for name, shape in shapes.items() if shape[0] and (name != MASK or len(self.target))}

    @property
    def chances(self) -> Chances | None:
        """Shows rows again whose target's level is rare, each level as often as the root of its frequency says."""
        return self._chances_of if self.target.any() else None

    def _chances_of(self, examples: Mapping[str, Rows]) -> np.ndarray:
        codes = np.asarray(examples["codes"][:, self.layout.conditions[self.target.argmax()]])
        chances = np.bincount(codes)[codes] ** -0.5
        return chances / chances.sum()

    def __call__(self, batch):
        """Adds "real" and, where there is one, "condition" to a batch of "codes", "low", "high" and noise."""
        layout, parts = self.layout, []
        if layout.num_slots:
            of_slot = ops.take(batch["codes"], layout.segment_of, axis=1)
            slots = ops.cast(ops.equal(of_slot, layout.slot_in_segment), "float32")
            parts.append(slots)
        if layout.numbers:
            place = batch["low"] + (batch["high"] - batch["low"]) * uniform(batch[TIES])
            parts.append(2.0 * place - 1.0)
        batch = batch | {"real": ops.concatenate(parts, axis=1)}
        if layout.condition_width:
            told = self._mask(batch[MASK], batch.get(AGAIN))
            known = ops.take(slots, layout.condition_slots, axis=1) * ops.take(told, layout.condition_of, axis=1)
            batch["condition"] = ops.concatenate([known, told], axis=1)
        return batch

    def _mask(self, noise, again):
        """1 for each column that is told, (rows, columns)."""
        chance = uniform(noise)
        any_columns, odds, coins = chance[:, :1], chance[:, 1:2], chance[:, 2:]
        by_coin = any_columns < self.mask_share
        if again is not None:
            by_coin = ops.logical_and(by_coin, again[:, None] == 0)
        told = ops.cast(coins < odds, "float32")
        return ops.where(by_coin, told, ops.convert_to_tensor(self.target)[None])
