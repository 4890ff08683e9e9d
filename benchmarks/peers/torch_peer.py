"""PyTorch, eager."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import torch
from numpy.typing import NDArray
from torch import nn

import minicnn as m
from benchmarks.peers import LEARNING_RATE


class TorchResidual(nn.Module):
    """The sum of two paths."""

    def __init__(self, main: nn.Module, shortcut: nn.Module) -> None:
        super().__init__()
        self.main = main
        self.shortcut = shortcut

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.main(x) + self.shortcut(x)


class TorchGlobalAverage(nn.Module):
    """The mean of each channel."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean(dim=(2, 3))


@singledispatch
def translate(layer: m.Layer) -> nn.Module:
    """Return the torch module of the same name and arguments."""
    module: nn.Module = getattr(nn, type(layer).__name__)(**layer.config())
    return module


@translate.register
def _(layer: m.Sequential) -> nn.Module:
    return nn.Sequential(*(translate(inner) for inner in layer))


@translate.register
def _(layer: m.Residual) -> nn.Module:
    shortcut = nn.Identity() if layer.shortcut is None else translate(layer.shortcut)
    return TorchResidual(translate(layer.main), shortcut)


@translate.register
def _(layer: m.GlobalAvgPool2d) -> nn.Module:
    return TorchGlobalAverage()


@translate.register
def _(layer: m.Dropout) -> nn.Module:
    return nn.Dropout(layer.p)


def twin(model: m.Layer) -> nn.Module:
    """Translate a model and copy its parameters and statistics."""
    module = translate(model)
    state = {name: torch.from_numpy(array) for name, array in model.state_dict().items()}
    module.load_state_dict(state, strict=False)
    return module


class TrainingStep:
    """zero_grad, forward, loss, backward, torch.optim.Adam."""

    def __init__(self, model: m.Sequential, x: NDArray, target: NDArray) -> None:
        self.module = twin(model).train()
        self.x, self.target = torch.from_numpy(x), torch.from_numpy(target)
        self.loss = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.Adam(self.module.parameters(), LEARNING_RATE)

    def __call__(self) -> float:
        self.optimizer.zero_grad()
        loss: Any = self.loss(self.module(self.x), self.target)
        loss.backward()
        self.optimizer.step()
        return float(loss.detach())
