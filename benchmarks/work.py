"""The work that is timed: the same networks and batches for every contestant."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from minicnn import Sequential, zoo

CLASSES = 2


@dataclass(frozen=True)
class Work:
    """A network of the zoo, an image size and a batch size."""

    model: str
    size: int
    batch: int

    def __str__(self) -> str:
        return f"{self.model} 1x{self.size}x{self.size} batch {self.batch}"

    def build(self) -> Sequential:
        """Build the network, always with the same weights."""
        shape = (1, self.size, self.size)
        rng = np.random.default_rng(0)
        return zoo.build(self.model, input_shape=shape, classes=CLASSES, rng=rng)

    def data(self) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return one batch of images and classes."""
        rng = np.random.default_rng(1)
        x = rng.normal(size=(self.batch, 1, self.size, self.size)).astype(np.float32)
        return x, rng.integers(0, CLASSES, self.batch)


TRAINING = (
    Work("lenet", 28, 64),
    Work("lenet", 64, 32),
    Work("lungnet", 28, 64),
    Work("vgg", 28, 64),
    Work("resnet", 64, 32),
)
