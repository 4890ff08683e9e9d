"""The same network in PyTorch, where it is installed: another's opinion on every gradient."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn import layers as m
from minicnn.layers import Layer
from minicnn.losses import BCEWithLogitsLoss, CrossEntropyLoss, HuberLoss, Loss, MSELoss
from minicnn.model import Residual, Sequential


def torch_is_here() -> bool:
    """Whether torch is installed; nothing is imported to find out."""
    return importlib.util.find_spec("torch") is not None


def load_into_torch(twin: Any, layer: Layer) -> Any:
    """Copy the state of a layer into a torch module under the same names, and return it.

    Raises
    ------
    ValueError
        If one has a parameter or buffer that the other lacks.
    """
    import torch

    state = {name: torch.tensor(array) for name, array in layer.state_dict().items()}
    missing, unexpected = twin.load_state_dict(state, strict=False)
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing or unexpected:
        raise ValueError(f"the twin of {layer!r} lacks {unexpected} and has {missing} besides")
    return twin


def torch_twin(layer: Layer) -> Any:
    """Build the twin of a layer or model in float64: same options, same state, same mode.

    The twin of a `Dropout` in training uses the mask of the layer's last forward pass.

    Parameters
    ----------
    layer
        Of this library.

    Returns
    -------
    torch.nn.Module
    """
    twin = load_into_torch(_module(layer).double(), layer)
    twin.train(layer.training)
    return twin


def _module(layer: Layer) -> Any:
    """Translate one layer and, in a container, all below it."""
    import torch

    nn: Any = torch.nn
    if isinstance(layer, Sequential):
        return nn.Sequential(*(_module(part) for part in layer.layers))
    if isinstance(layer, Residual):
        return _residual(layer)
    if isinstance(layer, m.GlobalAvgPool2d):
        return _function(lambda x: x.mean(dim=(2, 3)))
    if isinstance(layer, m.Dropout):
        return _dropout(layer)
    options = layer.config()
    if isinstance(layer, m.Conv2d | m.ConvTranspose2d | m.Linear):
        options["bias"] = "bias" in layer.params
    return getattr(nn, type(layer).__name__)(**options)


def _function(function: Any) -> Any:
    import torch

    class Function(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            return function(x)

    return Function()


def _dropout(layer: m.Dropout) -> Any:
    import torch

    def silence(x: Any) -> Any:
        _, keep = layer.cached()
        if keep is None:
            return x
        scale = 0.0 if layer.p == 1 else 1 / (1 - layer.p)
        return x * torch.tensor(keep) * scale

    return _function(silence)


def _residual(layer: Residual) -> Any:
    import torch

    class Block(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.main = _module(layer.main)
            self.shortcut = None if layer.shortcut is None else _module(layer.shortcut)

        def forward(self, x: Any) -> Any:
            return self.main(x) + (x if self.shortcut is None else self.shortcut(x))

    return Block()


def torch_loss(loss: Loss, scores: Any, target: NDArray) -> Any:
    """Compute a loss in torch, as a tensor that can be differentiated."""
    import torch

    functional: Any = torch.nn.functional

    def tensor(array: Any) -> Any:
        return None if array is None else torch.tensor(np.asarray(array, np.float64))

    if isinstance(loss, CrossEntropyLoss):
        return functional.cross_entropy(
            scores,
            torch.tensor(target),
            tensor(loss.weight),
            ignore_index=loss.ignore_index,
            label_smoothing=loss.label_smoothing,
        )
    if isinstance(loss, BCEWithLogitsLoss):
        return functional.binary_cross_entropy_with_logits(
            scores, tensor(target), tensor(loss.weight), pos_weight=tensor(loss.pos_weight)
        )
    if isinstance(loss, MSELoss):
        return functional.mse_loss(scores, tensor(target))
    if isinstance(loss, HuberLoss):
        return functional.huber_loss(scores, tensor(target), delta=loss.delta)
    raise ValueError(f"there is no twin of {loss!r}")


def differences_from_torch(
    model: Layer, x: NDArray, loss: Loss | None = None, target: NDArray | None = None, seed: int = 0
) -> dict[str, float]:
    """Run a model and its twin forward and backward, and compare everything they compute.

    Parameters
    ----------
    model
        In float64; its running statistics move by one step, as in any forward pass in training.
    x
        Its input.
    loss, target
        What follows the model, if anything; otherwise the cotangent is random.
    seed
        Of that cotangent.

    Returns
    -------
    dict of str to float
        For ``y`` (or ``loss``), ``dx``, each gradient and each buffer, the largest difference
        relative to the largest entry (or to 1, if that is larger); infinite where shapes differ.
    """
    import torch

    twin = torch_twin(model)
    y = model.forward(x)
    tx = torch.tensor(x, requires_grad=True)
    ty = twin(tx)
    pairs: dict[str, tuple[Any, Any]] = {"y": (y, ty.detach())}
    if loss is None or target is None:
        dy = np.random.default_rng(seed).normal(size=y.shape)
        ty.backward(torch.tensor(dy))
    else:
        value = torch_loss(loss, ty, target)
        pairs["loss"] = (loss.forward(y, target), value.detach())
        value.backward()
        dy = loss.backward()
    pairs["dx"] = (model.backward(dy), tx.grad)
    grads, buffers = model.grads, model.buffers
    for name, parameter in twin.named_parameters():
        pairs[f"grads[{name!r}]"] = (grads[name], parameter.grad)
    for name, buffer in twin.named_buffers():
        if name in buffers:
            pairs[f"buffers[{name!r}]"] = (buffers[name], buffer)
    return {name: _distance(ours, theirs.numpy()) for name, (ours, theirs) in pairs.items()}


def _distance(ours: Any, theirs: NDArray) -> float:
    """Compare relative to the largest entry: cancellation makes small ones less exact."""
    if np.shape(ours) != np.shape(theirs):
        return float("inf")
    scale = max(1.0, float(np.abs(theirs).max(initial=0)))
    distance = float(np.abs(np.asarray(ours) - theirs).max(initial=0)) / scale
    return distance if np.isfinite(distance) else float("inf")
