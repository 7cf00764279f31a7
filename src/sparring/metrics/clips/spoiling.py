"""Real clips made wrong in known ways: what a network learns to tell from clips as they are."""

import numpy as np

SPOILED = ("shuffled", "reversed", "frozen", "cut")
"""Frames in any order; in the opposite one; one frame for all; and two clips, each with half of its frames."""


def spoil(clips: np.ndarray, others: np.ndarray, ways: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Clips (N, frames, ...) of which each is spoiled in its way.

    Args:
        clips: Of any type.
        others: The same of other clips, whose frames follow in one that is cut.
        ways: int (N,), the place in `SPOILED` of each one's way; -1 leaves a clip as it is.
        random: Chooses orders, frames that stay and where a clip is cut.
    """
    frames = clips.shape[1]
    found = np.array(clips)
    for place, way in enumerate(ways):
        clip = clips[place]
        if way == SPOILED.index("shuffled"):
            found[place] = clip[_shuffle(frames, random)]
        elif way == SPOILED.index("reversed"):
            found[place] = clip[::-1]
        elif way == SPOILED.index("frozen"):
            found[place] = clip[random.integers(frames)]
        elif way == SPOILED.index("cut"):
            middle = frames // 2
            found[place, middle:] = others[place, middle:]
    return found


def _shuffle(frames: int, random: np.random.Generator) -> np.ndarray:
    """An order that is neither the right nor the opposite one, where there are frames enough for a third."""
    right = np.arange(frames)
    while True:
        order = random.permutation(frames)
        if frames < 3 or not (np.array_equal(order, right) or np.array_equal(order, right[::-1])):
            return order
