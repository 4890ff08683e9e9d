"""Cut-out: a square of the image goes missing (DeVries and Taylor 2017).

A network that looked at one place only would be lost, so it learns to look at several.
T. DeVries, G. W. Taylor, Improved regularization of convolutional neural networks with
cutout, arXiv 1708.04552.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def cut_out(x: NDArray, side: NDArray, down: NDArray, right: NDArray) -> None:
    """Paint a square of each image (N, C, H, W) in its mean grey, in place.

    Parameters
    ----------
    x
        The batch.
    side
        (N,) from 0 to 1, the square's side as a share of the image's.
    down, right
        (N,) from 0 to 1, where in the image the square's centre lies. Near the border part
        of the square falls outside, so that the border is cut no less often than the middle.
    """
    rows = _covered(x.shape[2], side, down)  # (N, H)
    columns = _covered(x.shape[3], side, right)  # (N, W)
    square = (rows[:, :, None] & columns[:, None])[:, None]  # (N, 1, H, W)
    np.copyto(x, x.mean(axis=(2, 3), keepdims=True), where=square)


def _covered(size: int, side: NDArray, centre: NDArray) -> NDArray[np.bool_]:
    place = (np.arange(size) + 0.5) / size  # (size,)
    covered: NDArray[np.bool_] = np.abs(place - centre[:, None]) < side[:, None] / 2
    return covered
