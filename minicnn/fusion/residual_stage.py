"""A residual block: the sum of two paths joins the pass of the main path's last convolution.

    out = act( norm(conv(h)) + shortcut(x) ),    h = the main path up to its last convolution

Back, g, the gradient of the sum, goes down both paths. The memory in which the shortcut
leaves its share of dx is the memory to which the first convolution of the main path adds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minicnn.backends.compiled.blocks import Blocks
from minicnn.fusion.conv_stage import ConvStage, Memory
from minicnn.fusion.recording import Tape
from minicnn.layers import Layer
from minicnn.model import check_sum
from minicnn.shapes import Pair


class ResidualStage:
    """Two paths of convolution stages, and their sum.

    Parameters
    ----------
    main
        The stages to go around; the last one ends with what follows the sum.
    shortcut
        The stages of the detour; none leave x as it is.
    """

    takes_planes = False  # the sum needs both paths in blocks

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

    def options(self) -> tuple[Any, ...]:
        """Return what a recording depends on, besides the shape of x."""
        return tuple(stage.options() for stage in (*self.main, *self.shortcut))

    @property
    def memories(self) -> list[tuple[ConvStage, Memory]]:
        """What the latest recording left, see `ConvStage.recall`."""
        return [m for stage in (*self.main, *self.shortcut) for m in stage.memories]

    def refold(self) -> None:
        """Bring the folded weights of a recording up to date."""
        for stage in (*self.main, *self.shortcut):
            stage.refold()

    def record_forward(self, tape: Tape, x: Blocks, *, keep: bool = True) -> Blocks:
        """Record out, which it returns."""
        h, short = x, x
        for stage in self.shortcut:
            short = stage.record_forward(tape, short, keep=keep)
        for stage in self.main[:-1]:
            h = stage.record_forward(tape, h, keep=keep)
        last = self.main[-1]
        last.check(h.shape)
        check_sum(last.conv.output_shape(h.shape), short.shape, x.shape)
        return last.record_forward(tape, h, short, keep=keep)

    def record_gate(self, tape: Tape, dout: Blocks) -> None:
        """Record g, the gradient of the sum."""
        self._g = self.main[-1].record_gate(tape, dout, keep=True)

    def record_backward(self, tape: Tape, dout: Blocks, *, wanted: bool = True) -> Blocks | None:
        """Record the gradients of the layers and dx, which it returns."""
        into = self._g
        for stage in reversed(self.shortcut):
            assert into is not None
            stage.record_gate(tape, into)
            into = stage.record_backward(tape, into)
        pull = dout
        for stage in reversed(self.main):
            if stage is not self.main[-1]:
                stage.record_gate(tape, pull)
            first = stage is self.main[0]
            found = stage.record_backward(tape, pull, into=into if first else None)
            assert found is not None
            pull = found
        return pull
