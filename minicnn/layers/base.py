"""What a layer is: parameters, a forward pass, and a backward pass.

    y  = layer.forward(x)      keeps what the backward pass will need
    dx = layer.backward(dy)    fills layer.grads and returns the gradient of x

The arithmetic lives in `minicnn.functional`; a layer holds parameters, buffers
(running statistics) and a cache, nothing else.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from minicnn.errors import ArgumentError, DtypeError, ShapeError, StateError
from minicnn.functional.checks import FLOATS

if TYPE_CHECKING:
    from minicnn.fusion import FusedModel
    from minicnn.summary import Summary

# PyTorch counts the batches a norm has seen; nothing here needs the count.
IGNORED_STATE = "num_batches_tracked"


class Layer:
    """Base class of every layer and model.

    A subclass stores each constructor argument under its own name (that is what ``repr``
    and saving read), registers its arrays with `add_parameter` and `add_buffer`, and
    writes `forward`, `backward` and, where the shape changes, `output_shape`.

    Parameters
    ----------
    dtype, rng
        Every layer takes these two, so that all can be built alike; one without parameters
        has no use for ``dtype``, and one that draws no numbers has none for ``rng``.

    Attributes
    ----------
    params, grads : dict of str to NDArray
        The live parameters and their gradients, under the same names.
        `backward` overwrites the gradients, it never adds to them.
    buffers : dict of str to NDArray
        Arrays that belong to the state but are not trained.
    training : bool
        True after construction and `train`, False after `eval`.
    rng : numpy.random.Generator or None
        The only source of randomness of a layer that has any.
    """

    rng: np.random.Generator | None = None

    def __init__(
        self, *, dtype: DTypeLike = np.float32, rng: np.random.Generator | None = None
    ) -> None:
        self._params: dict[str, NDArray] = {}
        self._grads: dict[str, NDArray] = {}
        self._buffers: dict[str, NDArray] = {}
        self._cache: Any = None
        self.training = True

    # ---- the two passes -------------------------------------------------------------

    def forward(self, x: NDArray) -> NDArray:
        """Compute y from x and keep what `backward` needs."""
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def backward(self, dy: NDArray) -> NDArray:
        """Turn the gradient of y into the gradient of x; overwrite ``grads``."""
        raise NotImplementedError(f"{type(self).__name__} has no backward")

    def __call__(self, x: NDArray) -> NDArray:
        """Do the same as `forward`."""
        return self.forward(x)

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of y for an x of ``input_shape``, batch included."""
        return input_shape

    def multiply_adds(self, input_shape: tuple[int, ...]) -> int:
        """Count the products of a weight and an input in one forward pass."""
        return 0

    def summary(self, input_shape: tuple[int, ...]) -> Summary:
        """Return a table of the layers with shapes, parameters and multiply-adds.

        Parameters
        ----------
        input_shape
            The shape of x, batch included: ``(64, 1, 28, 28)``.

        Raises
        ------
        ShapeError
            If a layer does not fit what comes before it.
        """
        from minicnn.summary import summarize  # it imports this file

        return summarize(self, input_shape)

    def compile(self) -> FusedModel:
        """Return the same model with layers that run several at a time.

        It works for any batch size, shares parameters, gradients, buffers, mode and generators
        with this one, and gives the same numbers to rounding. ``plan()`` tells which
        layers were fused.
        """
        from minicnn.fusion import FusedModel  # it imports this file

        return FusedModel(self)

    # ---- for subclasses -------------------------------------------------------------

    def add_parameter(self, name: str, value: NDArray) -> None:
        """Register a trainable array, with a gradient of zeros beside it.

        Raises
        ------
        DtypeError
            If it is neither float32 nor float64.
        """
        if value.dtype not in FLOATS:
            raise DtypeError(f"{name} would be {value.dtype}; choose float32 or float64 as dtype")
        self._params[name] = value
        self._grads[name] = np.zeros_like(value)

    def add_buffer(self, name: str, value: NDArray) -> None:
        """Register an array that is saved with the layer but not trained."""
        self._buffers[name] = value

    def set_grads(self, **grads: NDArray) -> None:
        """Overwrite the gradients in place, so that references to them stay valid.

        A gradient of a parameter the layer was built without (``bias=False``) is dropped.
        """
        for name, grad in grads.items():
            if name in self._grads:
                np.copyto(self._grads[name], grad)

    def cached(self) -> Any:
        """Return what the last `forward` kept."""
        if self._cache is None:
            raise StateError(
                f"{type(self).__name__}.backward was called before forward; "
                "run forward(x) first, so that there is something to differentiate"
            )
        return self._cache

    # ---- the tree of layers ---------------------------------------------------------

    def children(self) -> Iterator[tuple[str, Layer]]:
        """Yield the layers directly inside this one with their names."""
        return iter(())

    def modules(self) -> Iterator[Layer]:
        """Yield this layer and every layer below it, parents first."""
        yield self
        for _, child in self.children():
            yield from child.modules()

    @property
    def params(self) -> dict[str, NDArray]:
        """Live parameters by name; inside a model, by path (``"3.main.0.weight"``)."""
        return self._collect("_params")

    @property
    def grads(self) -> dict[str, NDArray]:
        """Live gradients, under the same names as ``params``."""
        return self._collect("_grads")

    @property
    def buffers(self) -> dict[str, NDArray]:
        """Live buffers by name."""
        return self._collect("_buffers")

    def _collect(self, *kinds: str) -> dict[str, NDArray]:
        children = list(self.children())
        if not children and len(kinds) == 1:
            own: dict[str, NDArray] = getattr(self, kinds[0])
            return own
        found = {name: a for kind in kinds for name, a in getattr(self, kind).items()}
        for path, child in children:
            for name, array in child._collect(*kinds).items():
                found[f"{path}.{name}"] = array
        return found

    # ---- mode, dtype, state ---------------------------------------------------------

    def train(self) -> Self:
        """Switch to training mode (batch statistics, dropout) and return self."""
        for module in self.modules():
            module.training = True
        return self

    def eval(self) -> Self:
        """Switch to evaluation mode (running statistics, no dropout) and return self."""
        for module in self.modules():
            module.training = False
        return self

    def astype(self, dtype: DTypeLike) -> Self:
        """Convert parameters, gradients and buffers and return self.

        Arrays that have the dtype already stay the same arrays. The caches are dropped: the
        next backward pass needs a forward pass of the new dtype first.
        """
        dtype = np.dtype(dtype)
        if dtype not in FLOATS:
            raise DtypeError(f"a layer cannot be {dtype}; choose float32 or float64")
        for module in self.modules():
            for arrays in (module._params, module._grads, module._buffers):
                for name, array in arrays.items():
                    arrays[name] = array.astype(dtype, copy=False)
            module._cache = None
        return self

    def state_dict(self) -> dict[str, NDArray]:
        """Return copies of all parameters and buffers, under PyTorch's names."""
        return {name: a.copy() for name, a in self._collect("_params", "_buffers").items()}

    def load_state_dict(self, state: Mapping[str, ArrayLike]) -> Self:
        """Copy a state into the existing arrays, casting to their dtype, and return self.

        Parameters
        ----------
        state
            What `state_dict` returned, or a PyTorch state dict converted to NumPy.
            PyTorch's ``num_batches_tracked`` is ignored.

        Raises
        ------
        ArgumentError
            If names are missing or unknown.
        ShapeError, DtypeError
            If an array has another shape or holds no real numbers. Nothing has been copied then.
        """
        own = self._collect("_params", "_buffers")
        given = {
            name: np.asarray(value)
            for name, value in state.items()
            if name.rpartition(".")[2] != IGNORED_STATE
        }
        missing, unknown = sorted(own.keys() - given.keys()), sorted(given.keys() - own.keys())
        if missing or unknown:
            raise ArgumentError(
                f"the state does not fit this {type(self).__name__}: "
                f"missing {missing or 'nothing'}, unknown {unknown or 'nothing'}"
            )
        for name, value in given.items():
            if value.shape != own[name].shape:
                raise ShapeError(
                    f"{name} has shape {value.shape} in the state but {own[name].shape} here"
                )
            if value.dtype.kind not in "biuf":
                raise DtypeError(f"{name} is {value.dtype} in the state; expected real numbers")
        for name, value in given.items():
            np.copyto(own[name], value, casting="same_kind")
        return self

    # ---- description ----------------------------------------------------------------

    def config(self) -> dict[str, Any]:
        """Return the constructor arguments by name (not ``dtype`` and ``rng``)."""
        return {
            name: getattr(self, name)
            for name in inspect.signature(type(self)).parameters
            if name not in ("dtype", "rng")
        }

    def __repr__(self) -> str:
        shown = []
        for name, parameter in inspect.signature(type(self)).parameters.items():
            if name in ("dtype", "rng"):
                continue
            value = getattr(self, name)
            if parameter.default is parameter.empty:
                shown.append(repr(value))
            elif value not in (parameter.default, (parameter.default,) * 2):
                shown.append(f"{name}={value!r}")
        return f"{type(self).__name__}({', '.join(shown)})"
