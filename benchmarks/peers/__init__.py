"""Other libraries, given the same network.

Each module has ``TrainingStep(model, x, target)``: it translates a minicnn model layer by
layer, with the same weights, and each call does one step with Adam (learning rate
`LEARNING_RATE`) and returns the loss before it. A module that cannot be imported is left
out, and said to be.
"""

from __future__ import annotations

import importlib
from types import ModuleType

LEARNING_RATE = 1e-3
NAMES = ("torch", "mygrad", "smallpebble")


class Untranslatable(NotImplementedError):
    """The library has no such layer, so it does not take part in this race."""


def available() -> tuple[dict[str, ModuleType], dict[str, str]]:
    """Return the peers that import, and for the others why not."""
    found, missing = {}, {}
    for name in NAMES:
        try:
            found[name] = importlib.import_module(f"benchmarks.peers.{name}_peer")
        except ImportError as error:
            missing[name] = str(error)
    return found, missing
