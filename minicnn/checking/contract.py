"""What every layer promises, as a test that any layer can be run through.

The promises are those of `minicnn.layers.base`; a layer of your own that keeps them
works everywhere a layer of the library does. Only NumPy is used, so the layer may come
from anywhere: all it needs is ``forward``, ``backward`` and, with parameters, the dicts
``params`` and ``grads``. What has more (``astype``, ``state_dict``, ``train`` and ``eval``,
``output_shape``) is held to that as well.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn.checking.asserting import assert_gradients
from minicnn.checking.errors import CheckError


def check_layer(layer: Any, input_shape: tuple[int, ...], *, seed: int = 0) -> None:
    """Check shapes, dtypes, buffers, state, modes and every gradient of a layer.

    The layer itself is left as it was: the checks run on deep copies.

    Parameters
    ----------
    layer
        Anything with ``forward(x)`` and ``backward(dy)``.
    input_shape
        The shape of x, batch included; small, since gradients are found by differences.
    seed
        Seed of the random x and dy.

    Raises
    ------
    AssertionError
        On the first broken promise, saying which.
    CheckError
        If there is no layer to check, or it does not take an input of this shape.
    """
    _check_callable(layer)
    x = np.random.default_rng(seed).normal(size=input_shape)
    _check_fits(copy.deepcopy(layer), x)
    check_dtypes(copy.deepcopy(layer), x)
    double = _as_float64(layer)
    check_shapes(copy.deepcopy(double), x)
    check_state(copy.deepcopy(double), x)
    check_modes(copy.deepcopy(double))
    for training in _modes(double):
        subject = copy.deepcopy(double)
        if training is not None:
            (subject.train if training else subject.eval)()
        try:
            assert_gradients(subject, x, seed=seed)
        except AssertionError as error:
            mode = {True: "in training: ", False: "in evaluation: ", None: ""}[training]
            raise AssertionError(f"{mode}{error}") from None


def check_shapes(layer: Any, x: NDArray) -> None:
    """Check that y is what ``output_shape`` says, and that gradients and parameters pair up."""
    y = layer.forward(x)
    if hasattr(layer, "output_shape"):
        stated = layer.output_shape(x.shape)
        _require(y.shape == stated, f"forward returned {y.shape}, but output_shape says {stated}")
    layer.backward(np.ones_like(y))
    params, grads = _arrays(layer, "params"), _arrays(layer, "grads")
    _require(
        grads.keys() == params.keys(),
        f"grads has the keys {sorted(grads)}; params has {sorted(params)}",
    )
    _require(isinstance(repr(layer), str), "repr(layer) is not a string")


def check_dtypes(layer: Any, x: NDArray) -> None:
    """Check that float32 in gives float32 out, and that a foreign float dtype is refused."""
    if not hasattr(layer, "astype"):
        return
    for dtype, other in ((np.float32, np.float64), (np.float64, np.float32)):
        _require(layer.astype(dtype) is layer, "astype does not return the layer")
        y = layer.forward(x.astype(dtype))
        dx = layer.backward(np.ones_like(y))
        arrays = {"y": y, "dx": dx}
        for kind in ("params", "grads"):
            arrays |= {f"{kind}[{name!r}]": a for name, a in _arrays(layer, kind).items()}
        for name, array in arrays.items():
            _require(array.dtype == dtype, f"for {np.dtype(dtype)} input, {name} is {array.dtype}")
        if _arrays(layer, "params"):
            try:
                layer.forward(x.astype(other))
            except TypeError:
                pass
            else:
                raise AssertionError(
                    f"{np.dtype(other)} input to {np.dtype(dtype)} parameters raised no TypeError"
                )


def check_state(layer: Any, x: NDArray) -> None:
    """Check that a state is a copy, and brings the layer back when it is loaded."""
    if not hasattr(layer, "state_dict"):
        return
    if hasattr(layer, "eval"):
        layer.eval()
    before = layer.forward(x).copy()
    state = layer.state_dict()
    for name, array in _arrays(layer, "params").items():
        _require(name in state, f"state_dict lacks {name!r}")
        array += 1
    _require(layer.load_state_dict(state) in (layer, None), "load_state_dict returns a stranger")
    _require(
        np.array_equal(layer.forward(x), before, equal_nan=True),
        "the output differs after a state_dict round trip",
    )


def check_modes(layer: Any) -> None:
    """Check that ``train`` and ``eval`` set the mode and return the layer."""
    for method, mode in (("train", True), ("eval", False)):
        if hasattr(layer, method):
            _require(getattr(layer, method)() is layer, f"{method}() does not return the layer")
            _require(layer.training is mode, f"after {method}(), training is {layer.training}")


def check_loss(loss: Any, scores: NDArray, target: NDArray, *, seed: int = 0) -> None:
    """Check a loss: a float forward, a gradient of the scores backward, nothing modified.

    Parameters
    ----------
    loss
        Anything with ``forward(scores, target)`` and ``backward(dy=1.0)``.
    scores
        float64.
    target
        What the loss takes beside them.
    seed
        Seed of what the checker draws.

    Raises
    ------
    AssertionError
        On the first broken promise, saying which.
    """
    subject = copy.deepcopy(loss)
    value = subject.forward(scores, target)
    _require(isinstance(value, float), f"forward returned a {type(value).__name__}, not a float")
    with_default = subject.backward()
    _require(np.array_equal(with_default, subject.backward(1.0)), "backward() is not backward(1.0)")
    single = scores.astype(np.float32)
    subject.forward(single, target)
    _require(subject.backward().dtype == np.float32, "float32 scores have no float32 gradient")
    _require(isinstance(repr(loss), str), "repr(loss) is not a string")
    assert_gradients(copy.deepcopy(loss), scores, target, seed=seed)


def _check_callable(layer: Any) -> None:
    if isinstance(layer, type):
        raise CheckError(
            f"the layer is the class {layer.__name__} itself; a check needs an object; pass "
            f"{layer.__name__}(...)"
        )
    for method in ("forward", "backward"):
        if not callable(getattr(layer, method, None)):
            raise CheckError(
                f"{type(layer).__name__} has no {method}; a layer needs forward(x) and "
                f"backward(dy); write {method}, or check its name"
            )


def _check_fits(layer: Any, x: NDArray) -> None:
    if hasattr(layer, "astype"):
        layer.astype(np.float64)
    try:
        layer.forward(x)
    except Exception as error:
        text = " ".join(str(error).split())
        raise CheckError(
            f"{type(layer).__name__}.forward raised {type(error).__name__} for an input of shape "
            f"{x.shape}: {text}; give the shape of one x, batch included (for a loss there is "
            "check_loss)"
        ) from error


def _as_float64(layer: Any) -> Any:
    double = copy.deepcopy(layer)
    return double.astype(np.float64) if hasattr(double, "astype") else double


def _modes(layer: Any) -> Iterator[bool | None]:
    if hasattr(layer, "train") and hasattr(layer, "eval"):
        yield from (True, False)
    else:
        yield None


def _arrays(layer: Any, attribute: str) -> dict[str, NDArray]:
    return getattr(layer, attribute, {})


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise AssertionError(message)
