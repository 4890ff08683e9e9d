"""The work that is timed: the same networks and batches for every contestant."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from minicnn import Dropout, Sequential, zoo

CLASSES = 2


@dataclass(frozen=True)
class Work:
    """A network of the zoo, an image size and a batch size."""

    model: str
    size: int
    batch: int
    width: float = 1.0

    def __str__(self) -> str:
        wide = "" if self.width == 1 else f" width {self.width:g}"
        return f"{self.model}{wide} 1x{self.size}x{self.size} batch {self.batch}"

    @classmethod
    def parse(cls, text: str) -> Work:
        """Read ``model:size:batch`` or ``model:size:batch:width``."""
        model, size, batch, *width = text.split(":")
        return cls(model, int(size), int(batch), *map(float, width))

    def spec(self) -> str:
        """Return what `parse` reads."""
        return f"{self.model}:{self.size}:{self.batch}:{self.width}"

    def with_batch(self, batch: int) -> Work:
        return replace(self, batch=batch)

    def build(self, *, dropout: bool = True) -> Sequential:
        """Build the network, always with the same weights.

        Parameters
        ----------
        dropout
            False makes its probability 0, so that all libraries compute the same numbers.
        """
        shape = (1, self.size, self.size)
        rng = np.random.default_rng(0)
        model = zoo.build(self.model, input_shape=shape, classes=CLASSES, width=self.width, rng=rng)
        for layer in model.modules():
            if isinstance(layer, Dropout) and not dropout:
                layer.p = 0.0
        return model

    def has_dropout(self) -> bool:
        return any(isinstance(layer, Dropout) for layer in self.build().modules())

    def data(self) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return one batch of images and classes."""
        rng = np.random.default_rng(1)
        x = rng.normal(size=(self.batch, 1, self.size, self.size)).astype(np.float32)
        return x, rng.integers(0, CLASSES, self.batch)


FIVE = (
    Work("lenet", 28, 64),
    Work("lenet", 64, 32),
    Work("lungnet", 28, 64),
    Work("vgg", 28, 64),
    Work("resnet", 64, 32),
)
