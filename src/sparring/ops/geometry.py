"""How an image of any size is reached by doubling."""

from typing import NamedTuple


class Canvas(NamedTuple):
    """`doublings` steps from `(base_height, base_width)` reach at least the image; `spare` pixels are cut off."""

    doublings: int
    base_height: int
    base_width: int
    spare_height: int
    spare_width: int


def canvas(height: int, width: int, smallest: int = 4) -> Canvas:
    """The most doublings that leave a base of at least `smallest` pixels on the shorter side (none below that).

    28x28 is reached from 7x7 in two, 30x30 from 8x8 in two with two spare pixels, 64x64 from 4x4 in four.
    """
    doublings = max(0, (min(height, width) // smallest).bit_length() - 1)
    scale = 2**doublings
    base_height, base_width = -(-height // scale), -(-width // scale)
    return Canvas(doublings, base_height, base_width, base_height * scale - height, base_width * scale - width)
