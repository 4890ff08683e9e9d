"""A convolution and what follows it, run as one.

    y   = conv(x) + bias
    z   = norm(y) + shortcut
    out = pool(act(z))

Norm, shortcut, activation and pooling may each be missing. The kernels are in
`minicnn.backends.compiled.stage`, `norm_stage` and `stage_backward`; here is what surrounds
them: the memory, which is kept from step to step, and the order of the calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn.backends.compiled import stage, tape
from minicnn.backends.compiled.blocks import Blocks, pack_weights, packing
from minicnn.backends.compiled.outer import BLOCKS
from minicnn.backends.compiled.simd import lanes
from minicnn.functional.norm import check_statistics
from minicnn.fusion.geometry import Geometry, lay_out, strip_numbers
from minicnn.fusion.recording import Tape
from minicnn.layers import BatchNorm2d, Conv2d, Layer, LeakyReLU, MaxPool2d, ReLU
from minicnn.shapes import Pair, window_output_size

PIECES = 12  # pieces to split the work into where there are fewer samples


@dataclass(eq=False)
class Memory:
    """What the forward pass of a stage leaves for the backward pass.

    Attributes
    ----------
    x, out
        Input and output.
    won
        (N, B, PH, PW, L), which tap of its window won; empty without pooling.
    y
        (N, B, OH, OW, L); ``out`` where there is no norm.
    affine, statistics
        Rows (mean, scale, shift), and (mean, rstd) in float64, of the norm.
    """

    geometry: Geometry
    how: tuple[int, ...]
    x: Blocks
    out: Blocks
    won: NDArray[np.uint8]
    y: NDArray
    affine: NDArray
    statistics: NDArray[np.float64]
    training: bool  # whether the norm used the statistics of the batch
    folded: tuple[NDArray, NDArray] | None = None  # weights and bias with the norm in them

    @property
    def width(self) -> int:
        """How many channels the blocks of the output have room for."""
        return self.geometry.blocks * self.out.data.shape[-1]

    @property
    def batch(self) -> int:
        """N."""
        return self.x.data.shape[0]


class ConvStage:
    """A `Conv2d` with an optional norm, activation and max-pooling.

    Parameters
    ----------
    conv, norm, activation, pool
        The layers, which keep all state.
    """

    takes_planes = True  # x may be in planes instead of blocks

    def __init__(
        self,
        conv: Conv2d,
        norm: BatchNorm2d | None = None,
        activation: ReLU | LeakyReLU | None = None,
        pool: MaxPool2d | None = None,
    ) -> None:
        self.conv, self.norm, self.activation, self.pool = conv, norm, activation, pool
        self.out_margin: Pair = (0, 0)  # what the next stage needs, see `plan`

    @property
    def in_margin(self) -> Pair:
        """How wide a margin x should have."""
        return self.conv.padding

    @property
    def slope(self) -> float:
        """The slope of the activation left of 0."""
        return float(getattr(self.activation, "negative_slope", 0.0))

    def layers(self) -> list[Layer]:
        """Return the layers that this stage runs."""
        parts = self.conv, self.norm, self.activation, self.pool
        return [part for part in parts if part is not None]

    def options(self) -> tuple[Any, ...]:
        """Return what a recording depends on, besides the shape of x."""
        norm = self.norm
        return self.slope, norm and (norm.training, norm.eps, norm.momentum)

    def check(self, shape: tuple[int, ...]) -> None:
        """Raise what the layers would raise for x of a shape."""
        for layer in self.layers():
            if layer is self.norm and self.norm.training:
                check_statistics(shape)
            shape = layer.output_shape(shape)

    @property
    def memories(self) -> list[tuple[ConvStage, Memory]]:
        """What the latest recording left, to be put back by `recall`."""
        return [(self, self._memory)]

    @staticmethod
    def recall(memories: list[tuple[ConvStage, Memory]]) -> None:
        """Let stages have the memories of an earlier recording."""
        for stage_, memory in memories:
            stage_._memory = memory

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

    # ---- forward --------------------------------------------------------------------

    def record_forward(
        self, tape_: Tape, x: Blocks, short: Blocks | None = None, *, keep: bool = True
    ) -> Blocks:
        """Record out = this stage of x, which it returns.

        ``keep`` what backward needs; otherwise the norm is folded into the weights, which
        `refold` has to bring up to date before each pass.
        """
        dtype = x.data.dtype
        self.check(x.shape)
        geometry = lay_out(self.conv, x)
        through_norm = self.norm is not None and keep
        how = (*self.ending(geometry.size), int(through_norm), int(short is not None))
        shape = x.shape[0], self.conv.out_channels, how[2], how[3]
        out = Blocks.zeros(shape, dtype, self.out_margin)
        full, batch = lanes(dtype), x.shape[0]
        planes = batch * geometry.blocks * full
        codes = planes * how[2] * how[3] if keep and self.pool is not None else 0
        numbers = planes * geometry.size[0] * geometry.size[1] if through_norm else 0
        memory = self._memory = Memory(
            geometry, how, x, out, np.zeros(codes, np.uint8), np.zeros(numbers, dtype),
            np.zeros(3 * geometry.blocks * full, dtype), np.zeros(2 * geometry.blocks * full),
            self.norm is not None and self.norm.training,
        )  # fmt: skip
        # The bias, in an array as long as the affine map that other stages have in its place.
        packed, bias = self._empty_weights(x.data.shape[-1], dtype), np.zeros_like(memory.affine)
        if keep or self.norm is None:
            self._record_packing(tape_, packed, x.data.shape[-1], turned=False)
            if self.conv.bias:
                tape_.add(tape.PAD, 1, bias, self.conv.params["bias"])
        else:
            memory.folded = packed, bias
        joined = out if short is None else short
        source = (
            x.flat, geometry.x, geometry.x_inc, self.conv.stride,
            packed, packed.size // geometry.blocks, bias, geometry.taps, geometry.blocks,
        )  # fmt: skip
        target = out.flat, out.geometry, memory.won, joined.flat, joined.geometry
        splits = max(1, min(-(-geometry.blocks // BLOCKS), PIECES // batch))
        if not through_norm:
            rows = max(1, min(how[2], PIECES // (batch * splits)))
            tape_.add(
                tape.CONVOLVE, batch * splits * rows, *target, *source, how, self.slope, splits,
                rows, scratch=strip_numbers(how, dtype),
            )  # fmt: skip
            return out
        norm = self.norm
        assert norm is not None
        means, squares = np.zeros(planes, dtype), np.zeros(planes, dtype)
        area = geometry.size[0] * geometry.size[1]
        tape_.add(
            tape.MEASURE, batch * splits, memory.y, means, squares, *source, geometry.size,
            splits, norm.training,
        )  # fmt: skip
        tape_.add(
            tape.MERGE, geometry.blocks, memory.affine, memory.statistics, means, squares,
            norm.params["weight"], norm.params["bias"], norm.buffers["running_mean"],
            norm.buffers["running_var"], batch, area, norm.eps, norm.momentum, norm.training,
        )  # fmt: skip
        tape_.add(
            tape.FINISH, batch * geometry.blocks, *target, memory.y, memory.affine,
            geometry.blocks, how, self.slope,
        )  # fmt: skip
        return out

    # ---- backward -------------------------------------------------------------------

    def record_gate(self, tape_: Tape, dout: Blocks, *, keep: bool = False) -> Blocks | None:
        """Record what must be known of the whole batch before dy: the sums for the norm.

        With ``keep``, write down g, the gradient of z, and return it.
        """
        memory, norm = self._memory, self.norm
        dtype = dout.data.dtype
        self._rows = np.zeros(4 * memory.width, dtype)
        if norm is None and not keep:
            return None
        geometry, out = memory.geometry, memory.out
        g = Blocks.zeros(out.shape, dtype) if keep else dout
        sums = np.zeros((2, memory.batch * memory.width), dtype)
        tape_.add(
            tape.GATE, memory.batch * geometry.blocks, g.flat, sums[0], sums[1], dout.flat,
            out.flat, out.geometry, memory.won, memory.y if memory.y.size else out.flat,
            memory.affine, geometry.blocks, memory.how, self.slope, keep,
        )  # fmt: skip
        if norm is not None:
            area = geometry.size[0] * geometry.size[1]
            tape_.add(
                tape.COEFFICIENTS, geometry.blocks, self._rows, norm.grads["weight"],
                norm.grads["bias"], sums[0], sums[1], memory.statistics, norm.params["weight"],
                memory.batch, memory.batch * area if memory.training else 0,
            )  # fmt: skip
        return g if keep else None

    def record_backward(
        self, tape_: Tape, dout: Blocks, *, into: Blocks | None = None, wanted: bool = True
    ) -> Blocks | None:
        """Record the gradients of the layers, and dx if it is ``wanted``, which it returns.

        Where there is memory ``into`` which to add dx, it is there. `record_gate` comes first.
        """
        memory, conv = self._memory, self.conv
        geometry, x, out = memory.geometry, memory.x, memory.out
        dtype = x.data.dtype
        full, width = lanes(dtype), x.data.shape[-1]
        planes = width == 1 != full
        weight = conv.params["weight"]
        taps = weight[0, 0].size
        if planes:
            packed, w_block = self._empty_weights(1, dtype), taps * full
            self._record_packing(tape_, packed, 1, turned=False)
        else:
            numbers = geometry.in_blocks * full * taps * memory.width
            packed, w_block = np.zeros(numbers, dtype), numbers // geometry.in_blocks
            self._record_packing(tape_, packed, full, turned=True)
        dx = into
        if dx is None and wanted:
            dx = Blocks.zeros(x.shape, dtype, planes=planes)
        size = memory.width * geometry.in_blocks * taps * width
        partial = np.zeros(geometry.chunks * size, dtype)
        db = np.zeros(geometry.chunks * memory.width, dtype)
        target = x if dx is None else dx  # if dx is not wanted, nothing is written
        tape_.add(
            tape.BACKWARD, geometry.chunks, target.flat, target.geometry, into is not None,
            geometry.phases if wanted else geometry.phases[:0], geometry.dx_taps, packed, w_block,
            partial, db, geometry.groups, geometry.pair_groups, geometry.rows,
            dout.flat, out.flat, out.geometry, memory.won,
            memory.y if memory.y.size else out.flat, self._rows, self.norm is not None,
            x.flat, geometry.x, conv.stride, geometry.x_step, np.zeros(2 * full, dtype),
            geometry.dy, geometry.blocks, geometry.in_blocks, memory.batch, geometry.chunks,
            geometry.samples, memory.how, self.slope, scratch=geometry.dy[1] * geometry.samples,
        )  # fmt: skip
        tape_.add(
            tape.UNPACK, taps * geometry.blocks, conv.grads["weight"].reshape(-1), partial,
            geometry.chunks, size, conv.out_channels, conv.in_channels, taps, width,
        )  # fmt: skip
        if conv.bias:
            tape_.add(tape.SUM_BIAS, 1, conv.grads["bias"], db, geometry.chunks, memory.width)
        return dx

    # ---- weights --------------------------------------------------------------------

    def _empty_weights(self, width: int, dtype: np.dtype) -> NDArray:
        """Return memory for the packed weights, for blocks of ``width`` channels of x."""
        full, conv = lanes(dtype), self.conv
        blocks = -(-conv.out_channels // full) * full * -(-conv.in_channels // width) * width
        return np.zeros(blocks * conv.kernel_size[0] * conv.kernel_size[1], dtype)

    def _record_packing(self, tape_: Tape, packed: NDArray, width: int, *, turned: bool) -> None:
        """Record the copy of the weights to where the kernels read them."""
        pieces, arguments = packing(self.conv.params["weight"], width, turned=turned)
        tape_.add(tape.PACK, pieces, packed, *arguments)

    def refold(self) -> None:
        """Bring the folded weights of a recording up to date."""
        if self._memory.folded is not None:
            packed, bias = self._memory.folded
            width = self._memory.x.data.shape[-1]
            folded = self.folded_weights(width)
            packed[:], bias[:] = folded

    def folded_weights(self, width: int) -> tuple[NDArray, NDArray]:
        """Return the weights as the kernels read them, with the norm made a part of them.

        norm(conv(x)) = (w * scale) x + (b - mean) scale + shift, per output channel.

        Parameters
        ----------
        width
            How many channels a block of x has.

        Returns
        -------
        packed, bias
            Flat; the bias has the length of an affine map, see `stage`.
        """
        w, b = self.conv.params["weight"], self.conv.params.get("bias")
        channels = self.conv.out_channels
        full = lanes(w.dtype)
        bias = np.zeros(3 * -(-channels // full) * full, w.dtype)
        if b is not None:
            bias[:channels] = b
        if self.norm is not None:
            norm = self.norm
            rstd = 1 / np.sqrt(norm.buffers["running_var"].astype(np.float64) + norm.eps)
            scale = norm.params["weight"] * rstd
            centred = bias[:channels] - norm.buffers["running_mean"]
            bias[:channels] = centred * scale + norm.params["bias"]
            w = (w * scale[:, None, None, None]).astype(w.dtype)
        packed = self._empty_weights(width, w.dtype)
        pieces, arguments = packing(w, width, turned=False)
        pack_weights(0, pieces, packed, *arguments)
        return packed, bias
