"""A model's structure as plain JSON, and back.

    Conv2d(1, 16, 3)        {"type": "Conv2d", "in_channels": 1, ...}
    Sequential(a, b)        {"type": "Sequential", "layers": [a, b]}

Only the layers of `minicnn.layers` and the containers of `minicnn.model` can be named,
so that reading a file never runs code of its choosing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from minicnn import layers, model
from minicnn.errors import MinicnnError, ModelFileError
from minicnn.layers import Layer

CONTAINERS: dict[str, type[Layer]] = {"Sequential": model.Sequential, "Residual": model.Residual}
DEPTH_LIMIT = 32


def describe(layer: Layer) -> dict[str, Any]:
    """Write down a layer and everything inside it.

    Raises
    ------
    ModelFileError
        If a layer is not one of the library's: its code could not be found again.
    """
    name = type(layer).__name__
    if _layer_class(name) is not type(layer):
        raise ModelFileError(
            f"{name} is not a layer of minicnn, so a file cannot name it; "
            "save its state_dict() instead and rebuild the model in code"
        )
    return {"type": name, **{k: _encode(v) for k, v in layer.config().items()}}


def rebuild(description: Any, dtype: DTypeLike = np.float32, depth: int = 0) -> Layer:
    """Build the layer that `describe` wrote down, with fresh parameters.

    Raises
    ------
    ModelFileError
        If the description names no known layer or its arguments do not fit.
    """
    if not isinstance(description, dict) or depth > DEPTH_LIMIT:
        raise ModelFileError("the architecture in the file is malformed")
    arguments = dict(description)
    name = arguments.pop("type", None)
    cls = _layer_class(name)
    if cls is None:
        raise ModelFileError(
            f"the file uses a layer {name!r} that this version does not have; "
            "a newer minicnn may have written it"
        )
    decoded = {k: _decode(v, dtype, depth) for k, v in arguments.items()}
    try:
        if cls is model.Sequential:
            return model.Sequential(*decoded["layers"])
        if "dtype" in cls.__init__.__annotations__:
            decoded["dtype"] = dtype
        return cls(**decoded)
    except (TypeError, KeyError, MinicnnError) as error:
        raise ModelFileError(f"the file describes an impossible {name}: {error}") from None


def _layer_class(name: Any) -> type[Layer] | None:
    if not isinstance(name, str):
        return None
    if name in CONTAINERS:
        return CONTAINERS[name]
    if name in layers.__all__ and name != "Layer":
        found: type[Layer] = getattr(layers, name)
        return found
    return None


def _encode(value: Any) -> Any:
    if isinstance(value, Layer):
        return describe(value)
    if isinstance(value, (list, tuple)):
        return [_encode(v) for v in value]
    return value


def _decode(value: Any, dtype: DTypeLike, depth: int) -> Any:
    if isinstance(value, dict):
        return rebuild(value, dtype, depth + 1)
    if isinstance(value, list):
        return [_decode(v, dtype, depth) for v in value]
    return value
