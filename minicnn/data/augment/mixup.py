"""Mix-up: each image shines a little through another one, and so do the labels (Zhang 2018).

Between two examples the network is asked to answer in between, which keeps it from being too
sure. H. Zhang, M. Cisse, Y. N. Dauphin, D. Lopez-Paz, mixup: Beyond empirical risk
minimization, ICLR 2018.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray


@dataclasses.dataclass(frozen=True)
class Mix:
    """Who is mixed with whom in a batch.

    Parameters
    ----------
    partner
        (N,) index of the image that shines through each image.
    share
        How much of an image is itself, from 0.5 to 1; the rest is its partner.

    Notes
    -----
    No labels in between are needed: a loss that is linear in its targets, as cross-entropy is
    in one-hot ones, is the same for a mixture as the mixture of the losses,

        share loss(scores, labels) + (1 - share) loss(scores, labels[partner])

    and that form takes any labels and any loss.
    """

    partner: NDArray[np.int64]
    share: float

    def __call__(self, x: NDArray) -> NDArray:
        """Mix the images, (N, C, H, W)."""
        y = x[self.partner]
        y *= x.dtype.type(1 - self.share)
        y += x * x.dtype.type(self.share)
        return y


def draw_mix(count: int, alpha: float, rng: np.random.Generator) -> Mix:
    """Draw partners, and a share from Beta(alpha, alpha), for a batch of ``count`` images.

    Parameters
    ----------
    count
        N, images of the batch.
    alpha
        Above 0: near 0 hardly anything is mixed, at 1 every share is as likely.
    rng
        Where the randomness comes from.
    """
    share = float(rng.beta(alpha, alpha))
    # Partners are drawn at random, so the half below 0.5 says the same the other way round;
    # above it, an image's own label is the heavier one.
    return Mix(rng.permutation(count), max(share, 1 - share))
