"""The torch modules that torch itself lacks, apart from anything of minicnn.

A child process that measures torch alone loads a network of these without importing minicnn.
"""

from __future__ import annotations

import torch
from torch import nn


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
