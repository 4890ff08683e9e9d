"""Neighbouring stages that keep their images in blocks, recorded together.

An array comes in and is laid out in blocks, the stages follow, and an array comes out: the
last image, or the means of its channels if the section ends with a global average. All
kernel calls of a pass are recorded the first time that a shape of x is seen, and from then
on played back, with four addresses exchanged: those of x, y, dy and dx.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn.backends.compiled import tape
from minicnn.backends.compiled.blocks import FEW, Blocks
from minicnn.fusion.conv_stage import ConvStage, Memory
from minicnn.fusion.recording import Range, Tape
from minicnn.fusion.residual_stage import ResidualStage
from minicnn.layers import GlobalAvgPool2d, Layer
from minicnn.shapes import check_images

BlockStage = ConvStage | ResidualStage
SHAPES = 2  # recordings that are kept: of full batches, and of the last one


@dataclass(eq=False)
class Recording:
    """The passes of a section for one shape of x."""

    key: tuple[Any, ...]
    tape: Tape
    x: Blocks
    out: Blocks
    forward: Range
    y_shape: tuple[int, ...]
    backward: dict[bool, Range]  # by whether dx is wanted
    memories: list[tuple[ConvStage, Memory]]


class Section:
    """Stages in blocks, between two arrays.

    Parameters
    ----------
    stages
        At least one.
    average
        The layer that ends the section by averaging each channel.
    """

    def __init__(self, stages: Sequence[BlockStage], average: GlobalAvgPool2d | None) -> None:
        self.stages, self.average = list(stages), average
        self._recordings: list[Recording] = []

    def layers(self) -> list[Layer]:
        """Return the layers that this section runs."""
        layers = [layer for stage in self.stages for layer in stage.layers()]
        return layers if self.average is None else [*layers, self.average]

    def forward(self, x: NDArray, keep: bool) -> NDArray:
        """Compute y, and ``keep`` what backward needs."""
        x = np.ascontiguousarray(x)
        recording = self._recording(x, keep)
        if not keep:
            ConvStage.recall(recording.memories)
            for stage in self.stages:
                stage.refold()
        y = np.empty(recording.y_shape, x.dtype)
        begin, end = recording.forward
        recording.tape.point(begin, 9, x)
        recording.tape.point(end - 1, 2, y)
        recording.tape.play(recording.forward)
        self._last = recording
        return y

    def backward(self, dy: NDArray, wanted: bool) -> NDArray | None:
        """Fill the gradients of the layers; return dx if it is ``wanted``."""
        dy = np.ascontiguousarray(dy)
        recording = self._last
        if wanted not in recording.backward:
            recording.backward[wanted] = self._record_backward(recording, wanted)
        part = recording.backward[wanted]
        recording.tape.point(part[0], 9, dy)
        dx = np.empty(recording.x.shape, dy.dtype) if wanted else None
        if dx is not None:
            recording.tape.point(part[1] - 1, 2, dx)
        recording.tape.play(part)
        return dx

    # ---- recording ------------------------------------------------------------------

    def _recording(self, x: NDArray, keep: bool) -> Recording:
        options = tuple(stage.options() for stage in self.stages)
        live = tuple(
            id(array)
            for layer in self.layers()
            for kind in (layer._params, layer._grads, layer._buffers)
            for array in kind.values()
        )
        key = x.shape, x.dtype, keep, options, live
        for recording in self._recordings:
            if recording.key == key:
                return recording
        recording = self._record_forward(x, keep, key)
        self._recordings = [recording, *self._recordings[: SHAPES - 1]]
        return recording

    def _record_forward(self, x: NDArray, keep: bool, key: tuple[Any, ...]) -> Recording:
        tape_ = Tape(x.dtype)
        first = self.stages[0]
        check_images(x.shape)
        planes = x.shape[1] <= FEW and first.takes_planes
        blocks = Blocks.zeros(x.shape, x.dtype, first.in_margin, planes=planes)
        nothing = np.zeros(0, x.dtype)  # x and y are pointed at before each pass
        tape_.add(tape.FILL, math.prod(x.shape[:3]), blocks.flat, blocks.geometry, nothing, x.shape)
        out = blocks
        for stage in self.stages:
            out = stage.record_forward(tape_, out, keep=keep)
        if self.average is None:
            y_shape: tuple[int, ...] = out.shape
            kind, pieces = tape.TAKE, math.prod(out.shape[:3])
        else:
            y_shape = out.shape[:2]
            kind, pieces = tape.AVERAGE, out.shape[0] * out.data.shape[1]
        tape_.add(kind, pieces, nothing, out.shape, out.flat, out.geometry)
        forward = 0, len(tape_)
        memories = [memory for stage in self.stages for memory in stage.memories]
        return Recording(key, tape_, blocks, out, forward, y_shape, {}, memories)

    def _record_backward(self, recording: Recording, wanted: bool) -> Range:
        ConvStage.recall(recording.memories)
        tape_, out = recording.tape, recording.out
        begin = len(tape_)
        nothing = np.zeros(0, tape_.dtype)
        dout = Blocks.zeros(out.shape, tape_.dtype)
        kind, pieces = tape.FILL, math.prod(out.shape[:3])
        if self.average is not None:
            kind, pieces = tape.SPREAD, out.shape[0]
        tape_.add(kind, pieces, dout.flat, dout.geometry, nothing, out.shape)
        found: Blocks | None = dout
        for i, stage in reversed(list(enumerate(self.stages))):
            assert found is not None
            stage.record_gate(tape_, found)
            found = stage.record_backward(tape_, found, wanted=wanted or i > 0)
        if wanted:
            assert found is not None
            pieces = math.prod(found.shape[:3])
            tape_.add(tape.TAKE, pieces, nothing, found.shape, found.flat, found.geometry)
        return begin, len(tape_)
