"""PyTorch: eager; channels_last with fused Adam; torch.compile."""

from __future__ import annotations

import copy
import os
import shutil
from functools import singledispatch
from typing import Any

import torch
from numpy.typing import NDArray
from torch import nn

import minicnn as m
from benchmarks import threads
from benchmarks.peers import LEARNING_RATE, Untranslatable
from benchmarks.peers.torch_modules import TorchGlobalAverage, TorchResidual

torch.set_num_threads(threads.count())


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
    if model.params:
        module = module.to(torch.from_numpy(next(iter(model.params.values()))).dtype)
    state = {name: torch.from_numpy(array) for name, array in model.state_dict().items()}
    module.load_state_dict(state, strict=False)
    return module


class Eager:
    """zero_grad, forward, loss, backward, torch.optim.Adam; all as torch has it by default."""

    fused: bool | None = None

    def __init__(self, model: m.Sequential, x: NDArray, target: NDArray) -> None:
        self.x, self.target = torch.from_numpy(x), torch.from_numpy(target)
        self.module = twin(model).train()
        self.loss = nn.CrossEntropyLoss()
        self.prepare()
        self.optimizer = torch.optim.Adam(self.module.parameters(), LEARNING_RATE, fused=self.fused)
        self._start = copy.deepcopy(self.module.state_dict())

    def prepare(self) -> None:
        """Change the layout or compile."""
        self.run: Any = self.module

    def __call__(self) -> float:
        self.optimizer.zero_grad()
        loss: Any = self.loss(self.run(self.x), self.target)
        loss.backward()
        self.optimizer.step()
        return float(loss.detach())

    def reset(self) -> None:
        """Put weights, statistics and Adam's means back in place, keeping every buffer."""
        self.module.load_state_dict(self._start)
        for state in self.optimizer.state.values():
            for value in state.values():
                value.zero_()

    def weights(self) -> dict[str, NDArray]:
        return {k: p.detach().numpy().copy() for k, p in self.module.named_parameters()}

    def gradients(self) -> dict[str, NDArray]:
        return {k: p.grad.numpy().copy() for k, p in self.module.named_parameters()}


class ChannelsLast(Eager):
    """Images in channels_last, Adam in one fused pass."""

    fused = True

    def prepare(self) -> None:
        self.module = self.module.to(memory_format=torch.channels_last)
        self.x = self.x.to(memory_format=torch.channels_last)
        self.run = self.module


class Compiled(Eager):
    """torch.compile of the network, and fused Adam; it needs a C++ compiler."""

    fused = True

    def prepare(self) -> None:
        names = (os.environ.get("CXX", ""), "g++", "clang++", "cl")
        if not any(name and shutil.which(name) for name in names):
            raise Untranslatable("there is no C++ compiler, which it needs on a CPU")
        self.run = torch.compile(self.module)


class EagerInference:
    """A forward pass in evaluation mode, under inference_mode."""

    layout = torch.contiguous_format

    def __init__(self, model: m.Sequential, x: NDArray) -> None:
        self.module = twin(model).eval().to(memory_format=self.layout)
        self.x = torch.from_numpy(x).to(memory_format=self.layout)

    def __call__(self) -> torch.Tensor:
        with torch.inference_mode():
            scores: torch.Tensor = self.module(self.x)
        return scores


class ChannelsLastInference(EagerInference):
    """The same in channels_last."""

    layout = torch.channels_last
