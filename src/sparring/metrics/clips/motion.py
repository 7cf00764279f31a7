"""How clips move: how much, how fast, and whether they stand still or repeat themselves."""

from typing import NamedTuple

import numpy as np

from sparring.errors import UsageError
from sparring.metrics.recognition import Images

REACH = 8  # Pixels that frames are shifted by at most, to learn how far one has to be to differ as the next does.
STILL = 0.1  # Of the usual energy: a clip that moves less is called frozen.
REPEATED = 0.1  # Of how far a clip has got: one that comes so near again to where it was is called looping.
LATEST = 0.75  # Of a clip's frames: a loop that is no shorter cannot be told from chance.
CHANGED = 0.1  # Of the range of values: a place that changes by less over a clip stands still.
AT_ONCE = 8  # Clips in memory as floats.


class Motion(NamedTuple):
    """How each of `N` clips moves.

    Attributes:
        lags: (N, frames - 1), the mean squared difference of two frames 1, 2, ... apart, of values from 0 to 1.
        shifts: (N, reach), what the mean squared difference of a frame and the next would be if all that moves at some
            time had moved by 1, 2, ... pixels, across or down.
    """

    lags: np.ndarray
    shifts: np.ndarray

    @property
    def energy(self) -> np.ndarray:
        """The mean squared difference of one frame and the next, (N,)."""
        return self.lags[:, 0]


def motion_of(clips: Images) -> Motion:
    """The motion of uint8 clips (N, frames, H, W, C), a few at a time.

    Raises:
        UsageError: They have fewer than two frames, or there are none.
    """
    if len(clips) == 0 or np.shape(clips[:1])[1] < 2:
        raise UsageError(f"Motion takes clips of at least 2 frames. Received: shape {np.shape(clips[:1])}")
    lags, shifts = [], []
    for start in range(0, len(clips), AT_ONCE):
        part = np.asarray(clips[start : start + AT_ONCE]).astype(np.float32) / 255
        lags.append(_lags(part))
        shifts.append(_shifts(part))
    return Motion(np.concatenate(lags), np.concatenate(shifts))


def usual_energy(real: Motion) -> float:
    """The median energy of real clips: what clips are measured by that are called frozen."""
    return float(np.median(real.energy))


def are_frozen(motion: Motion, usual: float) -> np.ndarray:
    """Whether each clip moves less than a tenth of what is `usual_energy`, bool (N,)."""
    return motion.energy < STILL * usual


def are_looping(motion: Motion, usual: float) -> np.ndarray:
    """Whether each clip repeats itself, bool (N,): it moves, and after two frames or more all is as it was.

    As it was: at some distance in time the frames differ by less than a tenth of what they do at a shorter one. Only
    distances up to three quarters of the clip are looked at, so that several frames come again.
    """
    latest = max(2, int(LATEST * (motion.lags.shape[1] + 1)))
    lags = motion.lags[:, :latest]
    farthest = np.maximum.accumulate(lags, axis=1)[:, :-1]
    return np.any(lags[:, 1:] < REPEATED * farthest, axis=1) & ~are_frozen(motion, usual)


def pace(motion: Motion) -> float:
    """How far things move from one frame to the next, in pixels.

    By so many what moves would have to be shifted to differ from itself as much as from the next frame. NaN where that
    is more than the reach of `shifts`, and 0 where nothing moves that can be seen. Clips of more contrast count more.
    """
    energy, shifts = float(motion.energy.sum()), np.concatenate([[0.0], motion.shifts.sum(axis=0, dtype=np.float64)])
    if energy <= 0 or not shifts.any():
        return 0.0
    beyond = np.flatnonzero(shifts >= energy)
    if not len(beyond):
        return float("nan")
    # The difference grows with the square of a shift that is small against what is shown, and then more slowly.
    place = int(beyond[0])
    if place == 1:
        return float(np.sqrt(energy / shifts[1]))
    below, above = shifts[place - 1], shifts[place]
    return place - 1 + (energy - below) / (above - below)


def _lags(clips: np.ndarray) -> np.ndarray:
    frames = clips.shape[1]
    pixels = clips.reshape(len(clips), frames, -1)
    products = pixels @ pixels.swapaxes(1, 2)
    squares = np.diagonal(products, axis1=1, axis2=2)
    apart = np.maximum(squares[:, :, None] + squares[:, None] - 2 * products, 0) / pixels.shape[2]
    return np.stack([np.diagonal(apart, lag, 1, 2).mean(axis=1) for lag in range(1, frames)], axis=1)


def _shifts(clips: np.ndarray) -> np.ndarray:
    grey = clips.mean(axis=-1)
    # What stands still all the time says nothing of how far things move, and would outweigh them.
    moves = np.ptp(grey, axis=1) > CHANGED
    pixels, found = moves[0].size, []
    for shift in range(1, min(REACH, min(clips.shape[2:4]) - 1) + 1):
        across = np.square(clips[:, :, :, shift:] - clips[:, :, :, :-shift]).mean(axis=(1, 4))
        down = np.square(clips[:, :, shift:] - clips[:, :, :-shift]).mean(axis=(1, 4))
        across *= moves[:, :, shift:] | moves[:, :, :-shift]
        down *= moves[:, shift:] | moves[:, :-shift]
        found.append((across.sum(axis=(1, 2)) + down.sum(axis=(1, 2))) / (2 * pixels))
    return np.stack(found, axis=1)
