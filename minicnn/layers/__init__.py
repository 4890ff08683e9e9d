"""Layers: parameters and a cache over the functions of `minicnn.functional`."""

from minicnn.layers.activation import GELU, LeakyReLU, ReLU, Sigmoid, Softmax, Tanh
from minicnn.layers.base import Layer
from minicnn.layers.conv import Conv2d, ConvTranspose2d
from minicnn.layers.dropout import Dropout
from minicnn.layers.linear import Linear
from minicnn.layers.norm import BatchNorm2d, GroupNorm, LayerNorm
from minicnn.layers.pooling import AvgPool2d, GlobalAvgPool2d, MaxPool2d
from minicnn.layers.reshape import Flatten

__all__ = [
    "GELU",
    "AvgPool2d",
    "BatchNorm2d",
    "Conv2d",
    "ConvTranspose2d",
    "Dropout",
    "Flatten",
    "GlobalAvgPool2d",
    "GroupNorm",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "MaxPool2d",
    "ReLU",
    "Sigmoid",
    "Softmax",
    "Tanh",
]
