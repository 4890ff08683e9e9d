"""From prepared images to the batches of one epoch: shuffled, augmented, normalised."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import DTypeLike, NDArray

from minicnn.training.randomness import generator

if TYPE_CHECKING:
    from minicnn.data.augment import Augment, Mix
    from minicnn.data.dataset import Dataset
    from minicnn.data.preprocess import Preprocess


@dataclasses.dataclass(frozen=True)
class Batch:
    """What one step learns from.

    Parameters
    ----------
    x
        (B, C, H, W), the network's input.
    labels
        (B,) or (B, L).
    mix
        Who was mixed with whom, or None.
    """

    x: NDArray
    labels: NDArray
    mix: Mix | None

    def __len__(self) -> int:
        return len(self.labels)


@dataclasses.dataclass(frozen=True)
class Assembly:
    """How a batch is made.

    Parameters
    ----------
    preprocess
        Its last steps come after the augmentation; its pixel steps are done already.
    augment
        Changes the images at random, or None.
    dtype
        What the network computes in.
    """

    preprocess: Preprocess
    augment: Augment | None
    dtype: DTypeLike

    def make(
        self,
        images: NDArray,
        labels: NDArray,
        draws: np.random.Generator,
        mixing: np.random.Generator,
    ) -> Batch:
        """Turn prepared images (B, C, H, W) and their labels into a batch."""
        from minicnn.data.preprocess.pipeline import to_float

        mix = None if self.augment is None else self.augment.mix(len(images), mixing)
        x = to_float(images, self.dtype)
        if self.augment is not None:
            x = self.augment(x, draws)
        if mix is not None:
            x = mix(x)
        return Batch(self.preprocess.after_augmentation(x), labels, mix)


def epoch_batches(
    train: Dataset, assembly: Assembly, batch_size: int, seed: int, epoch: int
) -> Iterator[Batch]:
    """Yield the batches of one epoch.

    All randomness comes from generators of this epoch, so that whoever starts again at its
    beginning gets the same batches.
    """
    from minicnn.data.batches import batch_indices

    draws, mixing = generator(seed, "augment", epoch), generator(seed, "mix", epoch)
    for indices in batch_indices(len(train), batch_size, generator(seed, "shuffle", epoch)):
        yield assembly.make(train.images[indices], train.labels[indices], draws, mixing)
