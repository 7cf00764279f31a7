"""What networks of rows begin and end with: the order of slots, and one slot of every segment."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from sparring.ops.noise import uniform

STEEPEST = 40.0  # Of a logit over the temperature: the exponential of more would leave float32.


class SoftRow(keras.layers.Layer):
    """Makes encoded rows, soft where slots are chosen, of unbounded numbers.

    Of each segment a slot is drawn by the Gumbel softmax (Jang et al. 2016, arXiv:1611.01144, equation 2), all segments
    at once: what is largest is an exact draw from the softmax. A segment that is told takes the slot it is told. A
    position is a tanh, times the mass of the slot it belongs to: where a row takes another one it is 0.

    The inputs are a list: numbers (N, slots + positions), standard normal noise (N, slots), and, where segments can be
    told, a condition (N, slots of these + how many these are). The output is (N, slots + positions).

    Args:
        widths: Slots of each segment.
        told: Numbers of the segments that can be told.
        continuous: For each position the slot it belongs to; -1 for none, where it always counts.
        temperature: Of the softmax.
    """

    def __init__(
        self, widths: Sequence[int], told: Sequence[int], continuous: Sequence[int], temperature: float, **kwargs
    ):
        super().__init__(**kwargs)
        self.widths, self.told, self.continuous = (list(map(int, x)) for x in (widths, told, continuous))
        self.temperature = temperature
        self.num_slots = sum(self.widths)
        segment_of = np.repeat(np.arange(len(self.widths)), self.widths)
        self.members = (segment_of[:, None] == np.arange(len(self.widths))).astype(np.float32)
        # A condition is the slots of what can be told, and then what of it is told.
        can_be_told = np.isin(segment_of, self.told)
        self.place = np.where(can_be_told, np.cumsum(can_be_told) - 1, 0).astype(np.int32)
        self.num_told_slots = int(can_be_told.sum())
        self.covered = (segment_of == np.array(self.told, int)[:, None]).astype(np.float32)
        self.owners = np.zeros((self.num_slots, len(self.continuous)), np.float32)
        for number, slot in enumerate(self.continuous):
            if slot >= 0:
                self.owners[slot, number] = 1
        self.always = (np.array(self.continuous, int) < 0).astype(np.float32)

    def call(self, inputs):
        numbers, noise, *condition = inputs
        parts = []
        if self.num_slots:
            chance = ops.clip(uniform(noise), 1e-9, 1.0 - 1e-7)
            logits = (numbers[:, : self.num_slots] - ops.log(-ops.log(chance))) / self.temperature
            mass = ops.exp(ops.clip(logits, -STEEPEST, STEEPEST))
            slots = mass / ops.matmul(ops.matmul(mass, self.members), self.members.T)
            if condition:
                told = ops.matmul(condition[0][:, self.num_told_slots :], self.covered)
                # Taken, not multiplied by a matrix of ones: of hundreds of slots that costs as much as the network.
                slots = slots * (1.0 - told) + ops.take(condition[0], self.place, axis=1) * told
            parts.append(slots)
        if self.continuous:
            positions = ops.tanh(numbers[:, self.num_slots :])
            if self.num_slots:
                positions = positions * (ops.matmul(slots, self.owners) + self.always)
            parts.append(positions)
        return ops.concatenate(parts, axis=1)

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def get_config(self):
        return super().get_config() | {
            "widths": self.widths,
            "told": self.told,
            "continuous": self.continuous,
            "temperature": self.temperature,
        }


class RowOrder(keras.layers.Layer):
    """Fixed linear features of a row, (N, width) to (N, k): the order of what slots stand for, which one-hot hides.

    Args:
        order: (width, k).
    """

    def __init__(self, order: np.ndarray | Sequence[Sequence[float]], **kwargs):
        super().__init__(**kwargs)
        self.order = np.asarray(order, np.float32)

    def call(self, x):
        return ops.matmul(x, self.order)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.order.shape[1])

    def get_config(self):
        return super().get_config() | {"order": self.order.tolist()}
