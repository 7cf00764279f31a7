"""How alike two images are, position by position: for translations whose truth is known."""

import numpy as np
from scipy.ndimage import gaussian_filter

SIGMA, REACH = 1.5, 5  # Of the Gaussian window, 11x11 pixels in all.
SMALL = (0.01 * 255) ** 2, (0.03 * 255) ** 2  # What keeps quotients of flat patches finite.


def structural_similarity(images: np.ndarray, others: np.ndarray) -> np.ndarray:
    """SSIM of each pair of images (Wang et al. 2004, IEEE Transactions on Image Processing 13(4), equation 13).

    Args:
        images: uint8 (N, H, W, C).
        others: The same.

    Returns:
        float64 (N,), 1 where both are the same; the mean over positions and channels.
    """
    first, second = images.astype(np.float64), others.astype(np.float64)

    def smooth(x):
        return gaussian_filter(x, (0, SIGMA, SIGMA, 0), radius=(0, REACH, REACH, 0))

    mean, other_mean = smooth(first), smooth(second)
    variance, other_variance = smooth(first**2) - mean**2, smooth(second**2) - other_mean**2
    covariance = smooth(first * second) - mean * other_mean
    low, high = SMALL
    alike = (2 * mean * other_mean + low) * (2 * covariance + high)
    scale = (mean**2 + other_mean**2 + low) * (variance + other_variance + high)
    return (alike / scale).mean(axis=(1, 2, 3))


def absolute_difference(images: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The mean absolute difference of each pair of images, of values in [-1, 1]; float64 (N,).

    Args:
        images: uint8 (N, H, W, C).
        others: The same.
    """
    return np.abs(images.astype(np.float64) - others).mean(axis=(1, 2, 3)) / 127.5
