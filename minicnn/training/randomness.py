"""Every random number of a training, from one seed.

The generator of an epoch is derived from (seed, purpose, epoch) and not passed on from
epoch to epoch. A resumed training therefore shuffles and augments epoch 7 as the
uninterrupted one did, without knowing what happened before.
"""

from __future__ import annotations

import numpy as np

from minicnn.errors import ArgumentError

PURPOSES = ("weights", "shuffle", "augment", "mix")


def generator(seed: int, purpose: str, epoch: int = 0) -> np.random.Generator:
    """Return the generator for one purpose in one epoch.

    Parameters
    ----------
    seed : int
        The seed of the run, from 0 up.
    purpose : {"weights", "shuffle", "augment", "mix"}
        What the numbers are for; different purposes get independent streams.
    epoch : int
        The epoch, from 1 up; 0 for what happens once.
    """
    if seed < 0:
        raise ArgumentError(f"seed is {seed}; expected a whole number from 0 up")
    key = (PURPOSES.index(purpose), epoch)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
