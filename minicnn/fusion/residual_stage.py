"""A residual block: the sum of two paths joins the pass of the main path's last convolution.

    out = act( norm(conv(h)) + shortcut(x) ),    h = the main path up to its last convolution

Back, g, the gradient of the sum, goes down both paths. The memory in which the shortcut
leaves its share of dx is the memory to which the first convolution of the main path adds.
"""

from __future__ import annotations

from collections.abc import Sequence

from numpy.typing import NDArray

from minicnn.backends.compiled.blocks import Blocks, fill, take
from minicnn.backends.compiled.simd import lanes
from minicnn.fusion.conv_stage import ConvStage
from minicnn.layers import Layer
from minicnn.shapes import Pair

Value = NDArray | Blocks


class ResidualStage:
    """Two paths of convolution stages, and their sum.

    Parameters
    ----------
    main
        The stages to go around; the last one ends with what follows the sum.
    shortcut
        The stages of the detour; none leave x as it is.
    """

    def __init__(self, main: Sequence[ConvStage], shortcut: Sequence[ConvStage]) -> None:
        self.main, self.shortcut = list(main), list(shortcut)

    @property
    def in_margin(self) -> Pair:
        """The wider of the margins of the two paths."""
        firsts = [path[0].in_margin for path in (self.main, self.shortcut) if path]
        return max(m[0] for m in firsts), max(m[1] for m in firsts)

    @property
    def out_margin(self) -> Pair:
        """The margin of the last stage."""
        return self.main[-1].out_margin

    @out_margin.setter
    def out_margin(self, margin: Pair) -> None:
        self.main[-1].out_margin = margin

    def layers(self) -> list[Layer]:
        """Return the layers that this stage runs."""
        return [layer for stage in (*self.main, *self.shortcut) for layer in stage.layers()]

    def forward(self, x: Value, keep: bool) -> Value:
        """Compute out from x, in blocks."""
        self._plain = not isinstance(x, Blocks)
        blocks = self._accept(x)
        h, short = blocks, blocks
        for stage in self.shortcut:
            short = stage.run(short, keep=keep)
        for stage in self.main[:-1]:
            h = stage.run(h, keep=keep)
        return self.main[-1].run(h, short, keep=keep)

    def _accept(self, x: Value) -> Blocks:
        """Return x in blocks of L channels, whatever their number: the sum needs them."""
        if isinstance(x, Blocks):
            return x
        blocks = Blocks.zeros(
            x.shape[0], x.shape[1], (x.shape[2], x.shape[3]), self.in_margin, x.dtype
        )
        fill(blocks, x)
        return blocks

    def backward(self, dout: Value, wanted: bool) -> Value | None:
        """Send the gradient of the sum down both paths; return dx."""
        last = self.main[-1]
        pull = last.as_blocks(dout)
        g = last.gate(pull, keep=True)
        assert g is not None
        into = self._wrap(g, last)
        for stage in reversed(self.shortcut):
            found = stage.pull_back(into)
            assert found is not None
            into = found
        for stage in reversed(self.main):
            first = stage is self.main[0]
            found = stage.pull_back(pull, into=into if first else None)
            assert found is not None
            pull = found
        return take(pull) if self._plain else pull

    @staticmethod
    def _wrap(g: NDArray, last: ConvStage) -> Blocks:
        batch, channels, rows, columns = last.out_shape
        full = lanes(g.dtype)
        return Blocks(g.reshape(batch, -1, rows, columns, full), channels)
