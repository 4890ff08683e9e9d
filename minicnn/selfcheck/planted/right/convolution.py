"""Convolution, plain, grouped and transposed, as sums over the taps of the kernel."""

from __future__ import annotations

import numpy as np

from minicnn.selfcheck.planted.right.windows import Array, Windows


class Conv2d(Windows):
    """y[n,o] = b[o] + sum over taps (i,j) and channels c of w[o,c,i,j] times what the tap meets."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: tuple[int, int] = (3, 3),
        stride: int = 1,
        padding: int = 0,
        dilation: int = 1,
        *,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(kernel_size, stride, padding, dilation)
        self.params["weight"] = rng.normal(size=(out_channels, in_channels, *kernel_size))
        self.params["bias"] = rng.normal(size=out_channels)

    def forward(self, x: Array) -> Array:
        """Return y of shape (N, O, H', W')."""
        weight, bias = self.params["weight"], self.params["bias"]
        self.padded = self.pad(x)
        y = bias[:, None, None] + np.zeros((len(x), len(bias), *self.output_size))
        for i, j in self.taps():
            y += np.einsum("nchw,oc->nohw", self.window(self.padded, i, j), weight[:, :, i, j])
        return y

    def backward(self, dy: Array) -> Array:
        """Set the gradients of the parameters, return that of x."""
        self.grads["weight"] = self.dw(dy)
        self.grads["bias"] = self.db(dy)
        return self.dx(dy)

    def dw(self, dy: Array) -> Array:
        """Each tap met some entries of x and passed them on to y: dy weighs them."""
        dw = np.zeros_like(self.params["weight"])
        for i, j in self.taps():
            met = self.window(self.padded, i, j)
            dw[:, :, i, j] = np.einsum("nohw,nchw->oc", dy, met)
        return dw

    def db(self, dy: Array) -> Array:
        """The bias goes into every sample and every pixel."""
        return dy.sum(axis=(0, 2, 3))

    def dx(self, dy: Array) -> Array:
        """An entry of x was met by many taps: their contributions add up."""
        weight = self.params["weight"]
        dpadded = np.zeros_like(self.padded)
        for i, j in self.taps():
            part = np.einsum("nohw,oc->nchw", dy, weight[:, :, i, j])
            self.window(dpadded, i, j)[...] += part
        return self.crop(dpadded)


class GroupedConv2d:
    """The channels fall into groups, each with a convolution of its own."""

    def __init__(self, channels: int, groups: int, *, rng: np.random.Generator) -> None:
        size = channels // groups
        self.convs = [Conv2d(size, size, (2, 2), rng=rng) for _ in range(groups)]
        self.params = {
            f"{g}.{name}": array
            for g, conv in enumerate(self.convs)
            for name, array in conv.params.items()
        }
        self.grads: dict[str, Array] = {}

    def forward(self, x: Array) -> Array:
        """Return y of shape (N, C, H', W')."""
        parts = np.split(x, len(self.convs), axis=1)
        return np.concatenate(
            [conv.forward(part) for conv, part in zip(self.convs, parts, strict=True)], axis=1
        )

    def backward(self, dy: Array) -> Array:
        """Send each group's part of dy through the convolution of that group."""
        parts = self.split(dy)
        dx = [conv.backward(part) for conv, part in zip(self.convs, parts, strict=True)]
        for g, conv in enumerate(self.convs):
            for name, grad in conv.grads.items():
                self.grads[f"{g}.{name}"] = grad
        return np.concatenate(dx, axis=1)

    def split(self, dy: Array) -> list[Array]:
        """Cut dy into the parts of the groups."""
        return np.split(dy, len(self.convs), axis=1)


class ConvTranspose2d:
    """The adjoint of a convolution: its forward is what `Conv2d.dx` is there, and back."""

    def __init__(
        self, in_channels: int, out_channels: int, stride: int = 2, *, rng: np.random.Generator
    ) -> None:
        self.stride = stride
        self.params = {
            "weight": rng.normal(size=(in_channels, out_channels, 3, 3)),
            "bias": rng.normal(size=out_channels),
        }
        self.grads: dict[str, Array] = {}

    def spread(self, y: Array, i: int, j: int) -> Array:
        """Return the view of y that tap (i, j) writes to."""
        rows, columns, s = *self.x.shape[2:], self.stride
        return y[:, :, i : i + s * (rows - 1) + 1 : s, j : j + s * (columns - 1) + 1 : s]

    def forward(self, x: Array) -> Array:
        """Return y of shape (N, O, s (H - 1) + 3, s (W - 1) + 3)."""
        self.x = x
        weight, bias = self.params["weight"], self.params["bias"]
        rows, columns = (self.stride * (size - 1) + 3 for size in x.shape[2:])
        y = bias[:, None, None] + np.zeros((len(x), len(bias), rows, columns))
        for i, j in np.ndindex(3, 3):
            self.spread(y, i, j)[...] += np.einsum("nchw,co->nohw", x, weight[:, :, i, j])
        return y

    def backward(self, dy: Array) -> Array:
        """Set the gradients of the parameters, return that of x."""
        self.grads["weight"] = self.dw(dy)
        self.grads["bias"] = dy.sum(axis=(0, 2, 3))
        return self.dx(dy)

    def dw(self, dy: Array) -> Array:
        """Each tap wrote x times the weight to some entries of y."""
        dw = np.zeros_like(self.params["weight"])
        for i, j in np.ndindex(3, 3):
            dw[:, :, i, j] = np.einsum("nchw,nohw->co", self.x, self.spread(dy, i, j))
        return dw

    def dx(self, dy: Array) -> Array:
        """Each tap reads from where it wrote."""
        weight = self.params["weight"]
        dx = np.zeros_like(self.x)
        for i, j in np.ndindex(3, 3):
            dx += np.einsum("nohw,co->nchw", self.spread(dy, i, j), weight[:, :, i, j])
        return dx
