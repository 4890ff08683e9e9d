"""A convolution and what follows it, run as one.

    y   = conv(x) + bias
    z   = norm(y) + shortcut
    out = pool(act(z))

Norm, shortcut, activation and pooling may each be missing. The kernels are in
`minicnn.backends.compiled.stage` and `stage_backward`; here is what surrounds them: the
memory, which is kept from step to step, the layout of the weights, and the statistics of
the norm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn.backends.compiled import blocks as layout
from minicnn.backends.compiled import stage, stage_backward
from minicnn.backends.compiled.blocks import Blocks, fill, take
from minicnn.backends.compiled.simd import lanes
from minicnn.backends.compiled.threads import run, scratch
from minicnn.fusion.geometry import Geometry, lay_out, strip_numbers
from minicnn.layers import BatchNorm2d, Conv2d, LeakyReLU, MaxPool2d, ReLU
from minicnn.shapes import Pair, window_output_size

COST = 0.015  # nanoseconds per multiply-add, on one thread
PIECES = 12  # pieces to split the work into where there are fewer samples
Value = NDArray | Blocks


@dataclass(eq=False)
class Memory:
    """What a stage keeps for one shape of x."""

    shape: tuple[int, ...]
    dtype: np.dtype
    geometry: Geometry
    how: tuple[int, ...]
    out: Blocks
    won: NDArray[np.uint8]  # (N, B, PH, PW, L), which tap of its window won
    y: NDArray  # (N, B, OH, OW, L), where there is a norm
    planes: tuple[NDArray, NDArray]  # (N, B, L) twice: means, sums of squares
    dx: Blocks | None = None
    partial: tuple[NDArray, NDArray] | None = None  # of dw, of db
    g: NDArray | None = None
    dout: Blocks | None = None


class ConvStage:
    """A `Conv2d` with an optional norm, activation and max-pooling.

    Parameters
    ----------
    conv, norm, activation, pool
        The layers. The stage has no state of its own but memory.
    """

    def __init__(
        self,
        conv: Conv2d,
        norm: BatchNorm2d | None = None,
        activation: ReLU | LeakyReLU | None = None,
        pool: MaxPool2d | None = None,
    ) -> None:
        self.conv, self.norm, self.activation, self.pool = conv, norm, activation, pool
        self.out_margin: Pair = (0, 0)  # what the next stage needs, see `plan`
        self.slope = getattr(activation, "negative_slope", 0.0)
        self._memory: list[Memory] = []
        self._inputs: list[Blocks] = []
        self._packed: dict[tuple[Any, ...], NDArray] = {}

    @property
    def in_margin(self) -> Pair:
        """How wide a margin x should have."""
        return self.conv.padding

    def layers(self) -> list[Any]:
        """Return the layers that this stage runs."""
        return [p for p in (self.conv, self.norm, self.activation, self.pool) if p is not None]

    # ---- forward --------------------------------------------------------------------

    def accept(self, x: NDArray | Blocks, planes: bool = True) -> Blocks:
        """Return x in blocks, with a margin that is wide enough."""
        if isinstance(x, Blocks):
            return x
        planes = planes and x.shape[1] <= layout.FEW
        for memory in self._inputs:
            if memory.shape == x.shape and memory.data.dtype == x.dtype:
                break
        else:
            memory = Blocks.zeros(
                x.shape[0], x.shape[1], (x.shape[2], x.shape[3]), self.conv.padding, x.dtype,
                planes=planes,
            )  # fmt: skip
            self._inputs = [memory, *self._inputs[:1]]
        layout.fill(memory, x)
        return memory

    def forward(self, x: Value, keep: bool) -> Value:
        """Compute out, in blocks, from x in blocks or as an array."""
        self._plain = not isinstance(x, Blocks)
        return self.run(self.accept(x), keep=keep)

    def run(self, x: Blocks, short: Blocks | None = None, *, keep: bool = True) -> Blocks:
        """Compute out; ``keep`` what backward needs, or fold the norm into the weights."""
        memory = self._remember(x, short, keep)
        if self.norm is None or not keep:
            self._straight(memory, x, short, keep)
        else:
            self._through_norm(memory, x, short)
        if keep:
            self._cache = memory, x
        return memory.out

    def _straight(self, memory: Memory, x: Blocks, short: Blocks | None, keep: bool) -> None:
        """Conv, shortcut, activation and pooling without a stop."""
        geometry, out = memory.geometry, memory.out
        batch = x.shape[0]
        packed, bias = self.weights(x.data.shape[-1], folded=not keep)
        splits = max(1, min(-(-geometry.blocks // 2), PIECES // batch))
        rows = max(1, min(memory.how[2], PIECES // (batch * splits)))
        added = out if short is None else short
        run(
            stage.convolve_and_finish, batch * splits * rows, self._cost(memory, batch),
            out.flat, out.geometry, memory.won, added.flat, added.geometry,
            x.flat, geometry.x, geometry.x_inc, self.conv.stride,
            packed, packed.size // geometry.blocks, bias, geometry.taps, geometry.blocks,
            memory.how, self.slope, splits, rows,
            scratch=scratch(strip_numbers(memory.how, memory.dtype), memory.dtype),
        )  # fmt: skip

    def _through_norm(self, memory: Memory, x: Blocks, short: Blocks | None) -> None:
        """Conv and the planes' statistics; the norm's; and from the norm on."""
        norm, geometry, out = self.norm, memory.geometry, memory.out
        assert norm is not None
        batch = x.shape[0]
        packed, bias = self.weights(x.data.shape[-1], folded=False)
        splits = max(1, min(-(-geometry.blocks // 2), PIECES // batch))
        run(
            stage.convolve_and_measure, batch * splits, self._cost(memory, batch),
            memory.y, *memory.planes, x.flat, geometry.x, geometry.x_inc, self.conv.stride,
            packed, packed.size // geometry.blocks, bias, geometry.taps, geometry.blocks,
            geometry.size, splits, norm.training,
        )  # fmt: skip
        mean, var = self._statistics(memory, batch)
        # z = (y - mean) scale + shift, one row each, (3, channels)
        affine = np.zeros((3, geometry.blocks * lanes(memory.dtype)), memory.dtype)
        rstd = 1 / np.sqrt(var + norm.eps)
        affine[:, : norm.num_features] = mean, norm.params["weight"] * rstd, norm.params["bias"]
        self._norm = mean, rstd
        added = out if short is None else short
        run(
            stage.finish_planes, batch * geometry.blocks, memory.y.size * 0.2,
            out.flat, out.geometry, memory.won, added.flat, added.geometry, memory.y,
            affine.reshape(-1), geometry.blocks, memory.how, self.slope,
        )  # fmt: skip

    def _statistics(self, memory: Memory, batch: int) -> tuple[NDArray, NDArray]:
        """Return mean and variance, (C,) in float64, of the batch or the running ones."""
        norm = self.norm
        assert norm is not None
        channels = norm.num_features
        if not norm.training:
            found = (norm.buffers["running_mean"], norm.buffers["running_var"])
            return found[0].astype(np.float64), found[1].astype(np.float64)
        area = memory.geometry.size[0] * memory.geometry.size[1]
        means, squares = (
            a.reshape(batch, -1)[:, :channels].astype(np.float64) for a in memory.planes
        )  # (N, C)
        mean = means.mean(axis=0)  # (C,)
        # Chan, Golub and LeVeque 1983: squares about the planes' means, and theirs about the whole
        var = (squares.sum(axis=0) + area * ((means - mean) ** 2).sum(axis=0)) / (batch * area)
        norm.follow(mean, var, batch * area)
        return mean, var

    def _cost(self, memory: Memory, batch: int) -> float:
        size = memory.geometry.size
        return batch * size[0] * size[1] * self.conv.params["weight"].size * COST

    # ---- backward -------------------------------------------------------------------

    def gate(self, dout: Blocks, keep: bool) -> NDArray | None:
        """Take the sums of g that the norm needs; return g, (N, B, PH, PW, L), if ``keep``."""
        memory, _ = self._cache
        self._gated = True
        if self.norm is None and not keep:
            return None
        geometry, out, dtype = memory.geometry, memory.out, memory.dtype
        batch = out.shape[0]
        width = geometry.blocks * lanes(dtype)
        if keep and memory.g is None:
            memory.g = np.empty(out.shape[0] * width * memory.how[2] * memory.how[3], dtype)
        centre = np.zeros(width, dtype)
        if self.norm is not None:
            centre[: self.conv.out_channels] = self._norm[0]
        sums = np.empty((2, batch, width), dtype)
        y = memory.y if memory.y.size else out.flat
        run(
            stage_backward.gate_and_sum, batch * geometry.blocks, dout.data.size * 0.3,
            memory.g if keep else dout.flat, *sums.reshape(2, -1), dout.flat,
            out.flat, out.geometry, memory.won, y, centre, geometry.blocks,
            memory.how, self.slope, keep,
        )  # fmt: skip
        self._sums = sums.astype(np.float64).sum(axis=1)[:, : self.conv.out_channels]  # (2, C)
        return memory.g

    def backward(self, dout: Value, wanted: bool) -> Value | None:
        """Fill the gradients of the layers; return dx in the form in which x came."""
        dx = self.pull_back(self.as_blocks(dout), wanted=wanted)
        return take(dx) if self._plain and dx is not None and wanted else dx

    @property
    def out_shape(self) -> tuple[int, int, int, int]:
        """(N, O, PH, PW) of the last forward pass."""
        memory, _ = self._cache
        return memory.out.shape

    def as_blocks(self, dout: Value) -> Blocks:
        """Return dout in blocks without a margin."""
        if isinstance(dout, Blocks):
            return dout
        memory, _ = self._cache
        if memory.dout is None:
            shape = dout.shape
            memory.dout = Blocks.zeros(*shape[:2], (shape[2], shape[3]), (0, 0), dout.dtype)
        fill(memory.dout, dout)
        return memory.dout

    def pull_back(
        self, dout: Blocks, *, into: Blocks | None = None, wanted: bool = True
    ) -> Blocks | None:
        """Fill the gradients of the layers; return dx, or add it to ``into``."""
        memory, x = self._cache
        geometry, out, dtype = memory.geometry, memory.out, memory.dtype
        if not self._gated:
            self.gate(dout, keep=False)
        self._gated = False
        width = geometry.blocks * lanes(dtype)
        norm = self._norm_coefficients(memory, width)
        planes = x.data.shape[-1] == 1 != lanes(dtype)
        weight = self.conv.params["weight"]
        if planes:
            packed = self._pack(1, turned=False)
            w_block = weight[0, 0].size * lanes(dtype)
        else:
            packed = self._pack(lanes(dtype), turned=True)
            w_block = packed.size // geometry.in_blocks
        dx = into
        if dx is None:
            if memory.dx is None and wanted:
                memory.dx = Blocks.zeros(
                    *x.shape[:2], (x.shape[2], x.shape[3]), (0, 0), dtype, planes=planes
                )
            dx = memory.dx if wanted else x
        assert dx is not None
        if memory.partial is None:
            full = lanes(dtype)
            numbers = width * geometry.in_blocks * weight[0, 0].size * (1 if planes else full)
            memory.partial = (
                np.empty((geometry.chunks, numbers), dtype),
                np.empty((geometry.chunks, width), dtype),
            )
        partial, db = memory.partial
        run(
            stage_backward.convolve_backward, geometry.chunks,
            2 * self._cost(memory, x.shape[0]),
            dx.flat, dx.geometry, into is not None,
            geometry.phases if wanted else geometry.phases[:0], geometry.dx_taps, packed, w_block,
            partial.reshape(-1), db.reshape(-1), geometry.groups, geometry.pair_groups, geometry.rows,
            dout.flat, out.flat, out.geometry, memory.won,
            memory.y if memory.y.size else out.flat, norm, self.norm is not None,
            x.flat, geometry.x, self.conv.stride, geometry.x_step,
            np.zeros(2 * lanes(dtype), dtype), geometry.dy, geometry.blocks, geometry.in_blocks,
            x.shape[0], geometry.chunks, geometry.samples, memory.how, self.slope,
            scratch=scratch(geometry.dy[1] * geometry.samples, dtype),
        )  # fmt: skip
        layout.unpack_weights(self.conv.grads["weight"], partial, 1 if planes else lanes(dtype))
        self.conv.set_grads(bias=db.sum(axis=0)[: self.conv.out_channels])
        return dx

    def _norm_coefficients(self, memory: Memory, width: int) -> NDArray:
        """Fill the norm's gradients; return the four rows that `spread` needs, flat."""
        rows = np.zeros((4, width), memory.dtype)
        norm = self.norm
        if norm is None:
            return rows.reshape(-1)
        mean, rstd = self._norm
        sum_g, sum_gy = self._sums
        norm.set_grads(weight=sum_gy * rstd, bias=sum_g)
        channels = norm.num_features
        rows[0, :channels] = mean
        rows[1, :channels] = norm.params["weight"] * rstd
        if self._batch_statistics:
            values = memory.y.size // width
            rows[2, :channels] = sum_g / values
            rows[3, :channels] = sum_gy * rstd**2 / values
        return rows.reshape(-1)

    # ---- memory ---------------------------------------------------------------------

    def _remember(self, x: Blocks, short: Blocks | None, keep: bool) -> Memory:
        """Return the memory for this shape; the last two shapes are kept."""
        self._gated = False
        self._batch_statistics = self.norm is not None and self.norm.training
        key = x.data.shape, x.channels, x.margin
        for memory in self._memory:
            if memory.shape == key and memory.dtype == x.data.dtype:
                break
        else:
            memory = self._allocate(x)
            memory.shape = key
            self._memory = [memory, *self._memory[:1]]
        normed = self.norm is not None and keep
        memory.how = (*memory.how[:11], int(normed), int(short is not None))
        if normed and not memory.y.size:
            geometry, full = memory.geometry, lanes(memory.dtype)
            shape = x.shape[0], geometry.blocks, *geometry.size, full
            memory.y = np.empty(int(np.prod(shape)), memory.dtype)
            memory.planes = (
                np.empty(x.shape[0] * geometry.blocks * full, memory.dtype),
                np.empty(x.shape[0] * geometry.blocks * full, memory.dtype),
            )
        return memory

    def ending(self, size: Pair) -> tuple[int, ...]:
        """Say how the stage ends for y of a size: ``how`` of `stage`, up to the activation."""
        window: tuple[Pair, Pair, Pair] = ((1, 1), (1, 1), (0, 0))
        if self.pool is not None:
            window = self.pool.kernel_size, self.pool.stride, self.pool.padding
        activation = stage.LINEAR
        if self.activation is not None:
            activation = stage.LEAKY if isinstance(self.activation, LeakyReLU) else stage.RELU
        pooled = window_output_size(size, *window)
        return (*size, *pooled, *window[0], *window[1], *window[2], activation)

    def _allocate(self, x: Blocks) -> Memory:
        geometry = lay_out(self.conv, x)
        dtype = x.data.dtype
        how = self.ending(geometry.size)
        pooled = how[2], how[3]
        out = Blocks.zeros(x.shape[0], self.conv.out_channels, pooled, self.out_margin, dtype)
        codes = x.shape[0] * geometry.blocks * pooled[0] * pooled[1] * lanes(dtype)
        return Memory(
            shape=(), dtype=dtype, geometry=geometry, out=out,
            how=(*how, 0, 0),
            won=np.empty(codes if self.pool is not None else 0, np.uint8),
            y=np.empty(0, dtype), planes=(np.empty(0, dtype), np.empty(0, dtype)),
        )  # fmt: skip

    # ---- weights --------------------------------------------------------------------

    def _pack(self, width: int, turned: bool, w: NDArray | None = None) -> NDArray:
        """Lay out the weights for the kernels, in memory that is used again."""
        w = self.conv.params["weight"] if w is None else w
        full = lanes(w.dtype)
        outputs, inputs = w.shape[:2][::-1] if turned else w.shape[:2]
        shape = -(-outputs // full), -(-inputs // width), w[0, 0].size, width, full
        key = turned, shape, w.dtype
        packed = self._packed.get(key)
        if packed is None:
            packed = self._packed[key] = np.zeros(int(np.prod(shape)), w.dtype)
        layout.pack_weights(packed, w, turned, width)
        return packed

    def weights(self, width: int, folded: bool) -> tuple[NDArray, NDArray]:
        """Return the weights as the kernels read them, and the bias.

        Folding: norm(conv(x)) = (w * scale) x + (b - mean) scale + shift, per output channel.

        Parameters
        ----------
        width
            How many channels a block of x has.
        folded
            Whether to make the norm, with its running statistics, a part of both.

        Returns
        -------
        packed, bias
            Flat; the bias is padded to three times the channels in blocks, the length of the
            affine map that other stages have in its place.
        """
        w, b = self.conv.params["weight"], self.conv.params.get("bias")
        channels = self.conv.out_channels
        bias = np.zeros(3 * -(-channels // lanes(w.dtype)) * lanes(w.dtype), w.dtype)
        if b is not None:
            bias[:channels] = b
        if folded and self.norm is not None:
            norm = self.norm
            rstd = 1 / np.sqrt(norm.buffers["running_var"].astype(np.float64) + norm.eps)
            scale = norm.params["weight"] * rstd
            centred = bias[:channels] - norm.buffers["running_mean"]
            bias[:channels] = centred * scale + norm.params["bias"]
            w = (w * scale[:, None, None, None]).astype(w.dtype)
        return self._pack(width, turned=False, w=w), bias

    def state(self) -> list[NDArray]:
        """Return the live arrays on which `weights` depends."""
        norm = [] if self.norm is None else [*self.norm.params.values(), *self.norm.buffers.values()]
        return [*self.conv.params.values(), *norm]
