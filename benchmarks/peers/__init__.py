"""Other libraries, given the same network.

A training contestant is ``TrainingStep(model, x, target)``: it translates a minicnn model layer
by layer, with the same weights, and each call does one step with Adam (learning rate
`LEARNING_RATE`) and returns the loss before it. ``reset()`` puts weights and optimizer back to
the beginning; ``weights()`` returns the weights under minicnn's names. An inference contestant is
``Inference(model, x)``: each call returns the scores. A library that cannot be imported is left
out, and said to be.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

LEARNING_RATE = 1e-3

# Name of the contestant -> module of this package, class in it.
TRAINING = {
    "torch eager": ("torch_peer", "Eager"),
    "torch channels_last": ("torch_peer", "ChannelsLast"),
    "torch.compile": ("torch_peer", "Compiled"),
    "jax": ("jax_peer", "TrainingStep"),
    "mygrad": ("mygrad_peer", "TrainingStep"),
    "smallpebble": ("smallpebble_peer", "TrainingStep"),
    "dezero": ("numpy_peers", "Dezero"),
    "numpy-ml": ("numpy_peers", "NumpyML"),
}
INFERENCE = {
    "onnxruntime": ("onnx_peer", "Inference"),
    "torch eager": ("torch_peer", "EagerInference"),
    "torch channels_last": ("torch_peer", "ChannelsLastInference"),
}
TORCH = tuple(name for name in TRAINING if name.startswith("torch"))

Factory = Callable[..., Any]


class Untranslatable(NotImplementedError):
    """The library cannot take part in this race; the message says why."""


def available(
    table: dict[str, tuple[str, str]], wanted: Callable[[str], bool]
) -> tuple[dict[str, Factory], dict[str, str]]:
    """Return the contestants whose library imports, and for the others why not."""
    found: dict[str, Factory] = {}
    missing: dict[str, str] = {}
    for name, (module, attribute) in table.items():
        if not wanted(name):
            continue
        try:
            found[name] = getattr(importlib.import_module(f"benchmarks.peers.{module}"), attribute)
        except Exception as error:  # an old library meets a new numpy in many ways
            missing[name] = f"{type(error).__name__}: {str(error).splitlines()[0]}"
    return found, missing
