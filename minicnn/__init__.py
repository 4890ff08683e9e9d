"""minicnn: convolutional networks written by hand.

The floors of the house, from the ground up:

===============  ==========================================================
``backends``     the arithmetic, as loops, in NumPy, and compiled
``functional``   the same functions behind one door, with checks
``layers``       parameters and a cache over them
``model``        layers in a row; ``zoo`` names some
``training``     the loop, callbacks, the run folder
``tuning``       the search for good hyper-parameters
``cli``          the command ``minicnn``
===============  ==========================================================

Beside them stand ``data``, ``evaluation``, ``plots`` and ``checking``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from minicnn.backends import current_backend, use_backend
    from minicnn.checking import assert_gradients, check_layer, gradcheck, numerical_gradient
    from minicnn.layers import (
        GELU,
        AvgPool2d,
        BatchNorm2d,
        Conv2d,
        ConvTranspose2d,
        Dropout,
        Flatten,
        GlobalAvgPool2d,
        GroupNorm,
        Layer,
        LayerNorm,
        LeakyReLU,
        Linear,
        MaxPool2d,
        ReLU,
        Sigmoid,
        Softmax,
        Tanh,
    )
    from minicnn.losses import BCEWithLogitsLoss, CrossEntropyLoss, HuberLoss, MSELoss
    from minicnn.model import Residual, Sequential
    from minicnn.optimizers import SGD, Adagrad, Adam, AdamW, RMSprop
    from minicnn.penalties import L1, L2, ElasticNet
    from minicnn.storage import load, read_metadata, save
    from minicnn.training import History, Trainer

__version__ = "0.1.0"

# Imported on first use, so that `import minicnn` stays quick.
_LAZY = {
    "GELU": "layers",
    "AvgPool2d": "layers",
    "BatchNorm2d": "layers",
    "Conv2d": "layers",
    "ConvTranspose2d": "layers",
    "Dropout": "layers",
    "Flatten": "layers",
    "GlobalAvgPool2d": "layers",
    "GroupNorm": "layers",
    "Layer": "layers",
    "LayerNorm": "layers",
    "LeakyReLU": "layers",
    "Linear": "layers",
    "MaxPool2d": "layers",
    "ReLU": "layers",
    "Sigmoid": "layers",
    "Softmax": "layers",
    "Tanh": "layers",
    "Residual": "model",
    "Sequential": "model",
    "current_backend": "backends",
    "use_backend": "backends",
    "BCEWithLogitsLoss": "losses",
    "CrossEntropyLoss": "losses",
    "HuberLoss": "losses",
    "MSELoss": "losses",
    "Adagrad": "optimizers",
    "Adam": "optimizers",
    "AdamW": "optimizers",
    "RMSprop": "optimizers",
    "SGD": "optimizers",
    "ElasticNet": "penalties",
    "L1": "penalties",
    "L2": "penalties",
    "History": "training",
    "Trainer": "training",
    "load": "storage",
    "read_metadata": "storage",
    "save": "storage",
    "assert_gradients": "checking",
    "check_layer": "checking",
    "gradcheck": "checking",
    "numerical_gradient": "checking",
}
_MODULES = (
    "averaging",
    "backends",
    "checking",
    "clipping",
    "data",
    "errors",
    "evaluation",
    "functional",
    "initializers",
    "layers",
    "losses",
    "model",
    "optimizers",
    "penalties",
    "plots",
    "schedules",
    "shapes",
    "storage",
    "training",
    "tuning",
    "zoo",
)

__all__ = [
    "GELU",
    "L1",
    "L2",
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "AvgPool2d",
    "BCEWithLogitsLoss",
    "BatchNorm2d",
    "Conv2d",
    "ConvTranspose2d",
    "CrossEntropyLoss",
    "Dropout",
    "ElasticNet",
    "Flatten",
    "GlobalAvgPool2d",
    "GroupNorm",
    "History",
    "HuberLoss",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "MSELoss",
    "MaxPool2d",
    "RMSprop",
    "ReLU",
    "Residual",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Tanh",
    "Trainer",
    "assert_gradients",
    "check_layer",
    "current_backend",
    "gradcheck",
    "load",
    "numerical_gradient",
    "read_metadata",
    "save",
    "use_backend",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(f"minicnn.{_LAZY[name]}"), name)
    if name in _MODULES:
        return importlib.import_module(f"minicnn.{name}")
    raise AttributeError(f"module 'minicnn' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_MODULES})
