"""The random numbers a generator starts from, and the way between two of them."""

import numpy as np
from scipy.special import ndtr, ndtri

from sparring.errors import UsageError

STREAM, PATHS = 100, 101  # Of random numbers, apart from those of training (data/batches.py).


def normal_latents(n: int, latent_dim: int, seed: int, truncation: float | None = None) -> np.ndarray:
    """Standard normal float32 (n, latent_dim); row `i` depends on `seed` and `i` only.

    `truncation` t > 0 draws from the normal distribution cut to [-t, t] (arXiv:1809.11096, section 3.1) by moving each
    value to the same quantile of the cut distribution: the same seed gives a more typical image, not another one.

    Raises:
        UsageError: `n` < 1, `seed` is not in [0, 2**64) or `truncation` <= 0.
    """
    _check(n, seed)
    if truncation is not None and not truncation > 0:
        raise UsageError(f"`truncation` must be > 0 or None. Received: truncation={truncation}")
    key = np.array([seed, STREAM], np.uint64)
    # One stream, row after row: a larger `n` only reads on.
    normal = np.random.Generator(np.random.Philox(key=key)).standard_normal((n, latent_dim))
    if truncation is not None:
        low, high = ndtr([-truncation, truncation])
        normal = ndtri(low + ndtr(normal) * (high - low))
    return normal.astype(np.float32)


def normal_paths(n: int, frames: int, dim: int, seed: int) -> np.ndarray:
    """Standard normal float32 (n, frames, dim); frame `t` of row `i` depends on `seed`, `i` and `t` only."""
    _check(n, seed)
    found = np.empty((n, frames, dim), np.float32)
    for row in range(n):  # A stream for each: more frames only read on.
        random = np.random.Generator(np.random.Philox(key=np.array([seed, PATHS], np.uint64), counter=[0, 0, 0, row]))
        found[row] = random.standard_normal((frames, dim))
    return found


def spherical(start: np.ndarray, end: np.ndarray, share: np.ndarray) -> np.ndarray:
    """The point at `share` in [0, 1] of the way from `start` to `end` along a sphere (arXiv:1609.04468, section 2.1).

    Where the two point the same or the opposite way there is no such arc, and the way is straight.

    Args:
        start: (..., dim).
        end: (..., dim).
        share: Broadcasts against (..., 1).

    Returns:
        float32 (..., dim).
    """
    lengths = np.linalg.norm(start, axis=-1, keepdims=True) * np.linalg.norm(end, axis=-1, keepdims=True)
    angle = np.arccos(np.clip((start * end).sum(-1, keepdims=True) / lengths, -1, 1))
    arc = np.sin(angle)
    straight = arc < 1e-3  # Below that the quotients lose their digits in float32.
    arc = np.where(straight, 1, arc)
    first = np.where(straight, 1 - share, np.sin((1 - share) * angle) / arc)
    last = np.where(straight, share, np.sin(share * angle) / arc)
    return (first * start + last * end).astype(np.float32)


def _check(n: int, seed: int) -> None:
    if n < 1 or not 0 <= seed < 2**64:
        raise UsageError(f"`n` must be >= 1, `seed` >= 0 and below 2**64. Received: n={n}, seed={seed}")
