"""A PyTorch twin of a layer: same state, same input, compared forward and backward."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from minicnn.layers import Layer
from minicnn.selfcheck.torch_twin import load_into_torch

torch: Any = pytest.importorskip("torch", reason="torch is the oracle here: pip install torch")


def assert_same_as_torch(layer: Layer, twin: Any, x: NDArray, rtol: float = 1e-9) -> None:
    """Compare y, dx, all gradients and all buffers of a layer and its twin, in float64."""
    layer = layer.astype(np.float64)
    twin = load_into_torch(twin.double(), layer)
    twin.train(layer.training)
    tx = torch.tensor(x, requires_grad=True)
    ty = twin(tx)
    y = layer.forward(x)
    close(y, ty.detach().numpy(), rtol)
    dy = np.random.default_rng(7).normal(size=y.shape)
    ty.backward(torch.tensor(dy))
    close(layer.backward(dy), tx.grad.numpy(), rtol)
    for name, parameter in twin.named_parameters():
        close(layer.grads[name], parameter.grad.numpy(), rtol)
    for name, buffer in twin.named_buffers():
        if not name.endswith("num_batches_tracked"):
            close(layer.buffers[name], buffer.numpy(), rtol)


def close(actual: NDArray, expected: NDArray, rtol: float) -> None:
    """Compare relative to the largest entry: cancellation makes small ones less exact."""
    assert actual.shape == expected.shape
    scale = max(1.0, float(np.abs(expected).max(initial=0)))
    np.testing.assert_allclose(actual, expected, rtol=0, atol=rtol * scale)
