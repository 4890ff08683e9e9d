"""What every layer promises, as a test that any layer can be run through.

The promises are those of `minicnn.layers.base`; a layer of your own that keeps them
works everywhere a layer of the library does. Only NumPy is used, so the layer may come
from anywhere: all it needs is ``forward``, ``backward`` and, with parameters, the dicts
``params`` and ``grads``.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn.checking.numerical import numerical_gradient

# Moving every entry at once crosses many kinks (of ReLU, of max pooling); the shorter the
# step, the fewer.
SMALL_STEP = 1e-8


def check_layer(
    layer: Any, input_shape: tuple[int, ...], *, seed: int = 0, exact_up_to: int = 2000
) -> None:
    """Check shapes, dtypes, buffers, state, modes and every gradient of a layer.

    The layer itself is left as it was: the checks run on deep copies in float64 (and in
    the layer's own dtype for the dtype checks).

    Parameters
    ----------
    layer
        Anything with ``forward(x)`` and ``backward(dy)``.
    input_shape
        The shape of x, batch included; small, since the gradient is found by differences.
    seed
        Seed of the random x and dy.
    exact_up_to
        Gradients of arrays with more entries are compared along one random direction
        instead of entry by entry: two evaluations in all instead of two for each.

    Raises
    ------
    AssertionError
        On the first broken promise, saying which.
    """
    rng = np.random.default_rng(seed)
    x = rng.normal(size=input_shape)
    check_dtypes(copy.deepcopy(layer), x)
    double = _as_float64(layer)
    dy = rng.normal(size=np.shape(copy.deepcopy(double).forward(x)))
    check_shapes(copy.deepcopy(double), x, dy)
    check_buffers(copy.deepcopy(double), x, dy, rng)
    check_state(copy.deepcopy(double), x)
    check_modes(copy.deepcopy(double))
    for training in _modes(double):
        subject = copy.deepcopy(double)
        if training is not None:
            (subject.train if training else subject.eval)()
        check_gradients(subject, x, dy, exact_up_to)


def check_shapes(layer: Any, x: NDArray, dy: NDArray) -> None:
    """Check that y is what ``output_shape`` says, and each gradient as its array."""
    y = layer.forward(x)
    if hasattr(layer, "output_shape"):
        stated = layer.output_shape(x.shape)
        _require(y.shape == stated, f"forward returned {y.shape}, but output_shape says {stated}")
    dx = layer.backward(dy)
    _require(dx.shape == x.shape, f"dx has shape {dx.shape}; x has {x.shape}")
    params, grads = _arrays(layer, "params"), _arrays(layer, "grads")
    _require(
        grads.keys() == params.keys(),
        f"grads has the keys {sorted(grads)}; params has {sorted(params)}",
    )
    for name, grad in grads.items():
        _require(
            grad.shape == params[name].shape,
            f"grads[{name!r}] has shape {grad.shape}; the parameter has {params[name].shape}",
        )
        _require(
            grad.dtype == params[name].dtype,
            f"grads[{name!r}] is {grad.dtype}; the parameter is {params[name].dtype}",
        )
    _require(isinstance(repr(layer), str), "repr(layer) is not a string")


def check_dtypes(layer: Any, x: NDArray) -> None:
    """Check that float32 in gives float32 out, and that a foreign float dtype is refused."""
    if not hasattr(layer, "astype"):
        return
    for dtype, other in ((np.float32, np.float64), (np.float64, np.float32)):
        _require(layer.astype(dtype) is layer, "astype does not return the layer")
        for name, array in _arrays(layer, "params").items():
            _require(array.dtype == dtype, f"astype left params[{name!r}] as {array.dtype}")
        y = layer.forward(x.astype(dtype))
        _require(y.dtype == dtype, f"for {np.dtype(dtype)} input, y is {y.dtype}")
        dx = layer.backward(np.ones_like(y))
        _require(dx.dtype == dtype, f"for {np.dtype(dtype)} input, dx is {dx.dtype}")
        if _arrays(layer, "params"):
            try:
                layer.forward(x.astype(other))
            except TypeError:
                pass
            else:
                raise AssertionError(
                    f"{np.dtype(other)} input to {np.dtype(dtype)} parameters raised no TypeError"
                )


def check_buffers(layer: Any, x: NDArray, dy: NDArray, rng: np.random.Generator) -> None:
    """Check that nothing the caller holds is modified or overwritten by later calls."""
    x_before, dy_before = x.copy(), dy.copy()
    y = layer.forward(x)
    y_before = y.copy()
    params_before = {name: a.copy() for name, a in _arrays(layer, "params").items()}
    dx = layer.backward(dy)
    _same(x, x_before, "x was modified")
    _same(dy, dy_before, "dy was modified")
    dx_before = dx.copy()
    grads_before = {name: a.copy() for name, a in _arrays(layer, "grads").items()}
    for name, grad in _arrays(layer, "grads").items():
        for what, array in (("x", x), ("dy", dy), ("y", y), ("dx", dx)):
            _require(
                not np.shares_memory(grad, array), f"grads[{name!r}] shares memory with {what}"
            )
    _same(layer.backward(dy), dx_before, "a second backward gives another dx")
    for name, grad in _arrays(layer, "grads").items():
        _same(grad, grads_before[name], f"a second backward changes grads[{name!r}]: it adds up")
    layer.backward(rng.normal(size=dy.shape))
    layer.forward(rng.normal(size=x.shape))
    _same(y, y_before, "y was overwritten by a later call")
    _same(dx, dx_before, "dx was overwritten by a later call")
    for name, array in _arrays(layer, "params").items():
        _same(array, params_before[name], f"params[{name!r}] was modified")


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
    _same(layer.forward(x), before, "the output differs after a state_dict round trip")


def check_modes(layer: Any) -> None:
    """Check that ``train`` and ``eval`` set the mode and return the layer."""
    for method, mode in (("train", True), ("eval", False)):
        if hasattr(layer, method):
            _require(getattr(layer, method)() is layer, f"{method}() does not return the layer")
            _require(layer.training is mode, f"after {method}(), training is {layer.training}")


def check_gradients(layer: Any, x: NDArray, dy: NDArray, exact_up_to: int = 2000) -> None:
    """Compare dx and every gradient with central differences of sum(dy y).

    Each evaluation runs on a copy, so generators and running statistics start from the
    same state every time. An array of more than ``exact_up_to`` entries is compared along
    one random direction of signs instead of entry by entry.
    """

    def objective(_: NDArray) -> float:
        return float((copy.deepcopy(layer).forward(x) * dy).sum())

    arrays = {"dx": x} | {f"grads[{k!r}]": a for k, a in _arrays(layer, "params").items()}
    expected = {name: _differences(objective, array, exact_up_to) for name, array in arrays.items()}
    layer.forward(x)
    actual = {"dx": layer.backward(dy)}
    actual |= {f"grads[{name!r}]": grad for name, grad in _arrays(layer, "grads").items()}
    mode = "training" if getattr(layer, "training", True) else "evaluation"
    for name, (direction, numeric) in expected.items():
        analytic = actual[name] if direction is None else (actual[name] * direction).sum()
        _compare(analytic, numeric, 1e-6 if direction is None else 1e-4, f"{name} in {mode}")


def check_loss(loss: Any, scores: NDArray, target: NDArray) -> None:
    """Check a loss: a float forward, a gradient of the scores backward, nothing modified.

    Parameters
    ----------
    loss
        Anything with ``forward(scores, target)`` and ``backward(dy=1.0)``.
    scores
        float64.
    target
        What the loss takes beside them.

    Raises
    ------
    AssertionError
        On the first broken promise, saying which.
    """
    before, target_before = scores.copy(), target.copy()
    value = loss.forward(scores, target)
    _require(isinstance(value, float), f"forward returned a {type(value).__name__}, not a float")
    gradient = loss.backward()
    kept = gradient.copy()
    _require(gradient.shape == scores.shape, f"the gradient has shape {gradient.shape}")
    _same(loss.backward(), kept, "a second backward gives another gradient")
    _compare(loss.backward(-2.5), -2.5 * kept, 1e-12, "backward(dy) is not dy times backward();")
    _same(gradient, kept, "the gradient was overwritten by a later call")
    _same(scores, before, "the scores were modified")
    _same(target, target_before, "the target was modified")
    _require(not np.shares_memory(gradient, scores), "the gradient shares memory with the scores")
    numeric = numerical_gradient(lambda s: loss.forward(s, target), scores)
    loss.forward(scores, target)
    _compare(loss.backward(), numeric, 1e-6, "the gradient")
    single = scores.astype(np.float32)
    loss.forward(single, target)
    _require(loss.backward().dtype == np.float32, "float32 scores have no float32 gradient")
    _require(isinstance(repr(loss), str), "repr(loss) is not a string")


def _differences(
    objective: Callable[[NDArray], float], array: NDArray, exact_up_to: int
) -> tuple[NDArray | None, NDArray]:
    """Return None and the gradient, or a direction and the derivative along it."""
    if array.size <= exact_up_to:
        return None, numerical_gradient(objective, array)
    direction = np.random.default_rng(0).choice([-1.0, 1.0], array.shape)
    before, values = array.copy(), []
    try:
        for step in (SMALL_STEP, -SMALL_STEP):
            array[...] = before + step * direction
            values.append(objective(array))
    finally:
        array[...] = before
    return direction, np.asarray((values[0] - values[1]) / (2 * SMALL_STEP))


def _compare(actual: NDArray, numeric: NDArray, tolerance: float, what: str) -> None:
    scale = max(1.0, float(np.abs(numeric).max(initial=0)))
    error = float(np.abs(actual - numeric).max(initial=0)) / scale
    _require(error <= tolerance, f"{what} is wrong: it is off by {error:.1e} of its largest entry")


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


def _same(now: NDArray, before: NDArray, message: str) -> None:
    _require(np.array_equal(now, before, equal_nan=True), message)
