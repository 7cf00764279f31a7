"""Dense networks of encoded rows: slots, of which each segment has one, and positions."""

from collections.abc import Sequence
from typing import Any, Protocol

import keras
from keras import layers

from sparring.layers.activation import LeakyReLU
from sparring.layers.minibatch import MinibatchDeviation
from sparring.layers.rows import RowOrder, SoftRow


class RowLayout(Protocol):
    """What a network needs to know of encoded rows; `sparring.data.tables.layout.Layout` is one.

    Attributes:
        widths: Slots of each segment.
        conditions: Numbers of the segments that can be told.
        condition_width: Numbers of a condition: the slots of these and how many they are.
        continuous_slots: For each position the slot it belongs to; -1 for none.
        order: (width, k): `row @ order` is the order of what slots stand for.
        num_slots: Slots in all.
        width: Slots and positions.
    """

    @property
    def widths(self) -> Any: ...

    @property
    def conditions(self) -> Any: ...

    @property
    def condition_width(self) -> int: ...

    @property
    def continuous_slots(self) -> Sequence[int]: ...

    @property
    def order(self) -> Any: ...

    @property
    def num_slots(self) -> int: ...

    @property
    def width(self) -> int: ...


def tabular_generator(
    layout: RowLayout, *, latent_dim: int, width: int, blocks: int, temperature: float
) -> keras.Model:
    """Latents and what is told to encoded rows; each dense layer reads all before it, as in CTGAN (arXiv:1907.00503).

    The latents are `latent_dim` numbers and one for each slot, which decides between slots; `temperature` is that of
    the Gumbel softmax. Layer normalisation, unlike that of a batch, is the same for one row and many, and in the
    averaged network. Latents alone are taken where nothing can be told.
    """
    inputs = [keras.Input((latent_dim + layout.num_slots,), name="latents"), *_condition_inputs(layout)]
    noise = inputs[0][:, latent_dim:]
    x = layers.Concatenate()([inputs[0][:, :latent_dim], *inputs[1:]])
    for _ in range(blocks):
        block = layers.ReLU()(layers.LayerNormalization()(layers.Dense(width)(x)))
        x = layers.Concatenate()([block, x])
    row = SoftRow(layout.widths, layout.conditions, layout.continuous_slots, temperature)
    return keras.Model(inputs, row([layers.Dense(layout.width)(x), noise, *inputs[1:]]), name="generator")


def tabular_discriminator(layout: RowLayout, *, width: int, blocks: int, group_size: int) -> keras.Model:
    """Encoded rows to one logit; of what is told it sees which columns that are: their values stand in the row.

    Args:
        layout: Of the rows.
        width: Of a dense layer.
        blocks: Dense layers.
        group_size: Rows whose deviation it sees; 1 for none.
    """
    inputs = [keras.Input((layout.width,), name="rows"), *_condition_inputs(layout)]
    told = [x[:, -len(layout.conditions) :] for x in inputs[1:]]
    x = layers.Concatenate()([inputs[0], RowOrder(layout.order)(inputs[0]), *told])
    for _ in range(blocks):
        x = LeakyReLU()(layers.Dense(width)(x))
    if group_size > 1:
        x = MinibatchDeviation(group_size)(x)
    # Without a bias: a loss of differences of logits would never move it.
    return keras.Model(inputs, layers.Dense(1, use_bias=False)(x), name="discriminator")


def _condition_inputs(layout: RowLayout) -> list:
    return [keras.Input((layout.condition_width,), name="condition")] if layout.condition_width else []
