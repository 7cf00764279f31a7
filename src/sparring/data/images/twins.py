"""Images that are the same or nearly so, found without comparing each with every other."""

from collections.abc import Iterable, Sequence

import numpy as np

HASH_SHAPE = (8, 9)  # Rows and columns of a small grey image: each row has eight steps from one pixel to the next.
THUMB_SHAPE = (16, 16)
MAX_BITS = 2  # Of 64 that may differ between near-duplicates.
# Mean absolute difference of two thumbs over the standard deviation of the flatter one. Photographs that are compressed
# again stay below; at 0.05, hundreds of MNIST's ones would count as near-duplicates.
MAX_DIFFERENCE = 0.03
BANDS = ((0, 22), (22, 43), (43, 64))  # Where at most two of 64 bits differ, one of three bands is equal.
NEIGHBOURS = 64  # Each image is compared with so many of equal band that follow it in brightness.


def same(digests: Sequence[bytes]) -> list[list[int]]:
    """Groups of rows with equal digests, each in order, those of one row left out."""
    groups: dict[bytes, list[int]] = {}
    for row, digest in enumerate(digests):
        groups.setdefault(digest, []).append(row)
    return [group for group in groups.values() if len(group) > 1]


def nearly_same(steps: np.ndarray, thumbs: np.ndarray, digests: Sequence[bytes]) -> list[list[int]]:
    """Groups of images that look alike but are not the same, by their first rows.

    Two are near-duplicates if their difference hashes (of 64 bits: is a pixel brighter than its left neighbour?)
    differ in at most `MAX_BITS` bits and their thumbs by at most `MAX_DIFFERENCE` of their contrast. The work is
    bounded: of images that share a band of the hash, each is compared with the `NEIGHBOURS` next brighter ones alone,
    so in a heap of very many look-alikes some pairs may be missed; every pair found is one.

    Args:
        steps: uint8 (N, 8, 9).
        thumbs: uint8 (N, 16, 16).
        digests: Of the pixels; of images of one digest the first stands for all.

    Returns:
        Groups of rows, each in order.
    """
    first: dict[bytes, int] = {}
    for row, digest in enumerate(digests):
        first.setdefault(digest, row)
    rows = np.array(list(first.values()), np.int64)
    if len(rows) < 2:
        return []
    thumbs, hashes = thumbs[rows], _hashes(steps[rows])
    pairs: set[tuple[int, int]] = set()
    for start, end in BANDS:
        pairs.update(_pairs(hashes, (hashes >> np.uint64(start)) & np.uint64(2 ** (end - start) - 1), thumbs))
    return [[int(rows[member]) for member in group] for group in _connected(pairs)]


def _hashes(steps: np.ndarray) -> np.ndarray:
    bits = (steps[:, :, 1:] > steps[:, :, :-1]).reshape(len(steps), 64)
    return np.packbits(bits, axis=1).view(np.uint64)[:, 0]


def _pairs(hashes: np.ndarray, band: np.ndarray, thumbs: np.ndarray) -> Iterable[tuple[int, int]]:
    """Near-duplicates among the images of equal `band`."""
    order = np.lexsort((thumbs.mean(axis=(1, 2)), band))
    allowed = MAX_DIFFERENCE * thumbs.std(axis=(1, 2))
    for distance in range(1, min(NEIGHBOURS, len(order) - 1) + 1):
        left, right = order[:-distance], order[distance:]
        near = (band[left] == band[right]) & (np.bitwise_count(hashes[left] ^ hashes[right]) <= MAX_BITS)
        left, right = left[near], right[near]
        difference = np.abs(thumbs[left].astype(np.int16) - thumbs[right]).mean(axis=(1, 2))
        near = difference <= np.minimum(allowed[left], allowed[right])
        for pair in zip(left[near].tolist(), right[near].tolist(), strict=True):
            yield min(pair), max(pair)


def _connected(pairs: set[tuple[int, int]]) -> list[list[int]]:
    """Groups that `pairs` connect."""
    group_of: dict[int, list[int]] = {}
    for left, right in sorted(pairs):
        ours, theirs = group_of.setdefault(left, [left]), group_of.setdefault(right, [right])
        if ours is not theirs:
            small, large = sorted((ours, theirs), key=len)
            large.extend(small)
            group_of.update(dict.fromkeys(small, large))
    groups = {id(group): sorted(group) for group in group_of.values()}
    return sorted(groups.values())
