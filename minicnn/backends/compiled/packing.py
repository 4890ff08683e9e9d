"""Images as flat rows of numbers, so that a convolution is a weighted sum of shifts.

Write a zero-padded image row after row into one flat array, Q numbers per row.
The tap (ki, kj) of a kernel then reads, for every output pixel, the same fixed
distance ahead:

    y[i, j] = sum_k w[k] x[i + ki, j + kj]   becomes   y[t] = sum_k w[k] x[t + offset_k],
    t = i Q + j,                                       offset_k = ki Q + kj

for all t in one long loop. At the end of each row, where the window hangs over
into the next one, the loop computes a few numbers nobody asked for; they are
dropped when the result is copied out. The zeros before a row serve the row above as
the zeros behind it, so they are stored once (Q = W + p); likewise the rows of zeros
between one image and the next.

*Dilation* only changes the table: offset_k = ki dilation Q + kj dilation.

*Stride* s > 1 splits the padded image into s x s phases, phase (a, b) holding the pixels
(r s + a, q s + b). A tap stays in one phase for all outputs, and within its phase
it is again at a fixed distance, offset_k = (ki dilation // s) Q + (kj dilation // s).
Nothing is computed in vain.

*Channels* are further taps: channel c begins c planes further on. Small images of
several samples are laid side by side, so that the loop stays long.

*The gradient of the input* is the same sum read backwards, dx[t] = sum_k w[k] dy[t - offset_k],
when dy is written with the same Q numbers per row and zeros where there is no output.

A packed buffer has the layout (C, phases, samples, R, Q).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from minicnn.backends.compiled.jit import kernel
from minicnn.shapes import Pair, output_size

# Samples share a buffer until the loop is about this long: its start and end no longer count then.
LONG = 768

# How to pack an image as it is: one phase, stride 1, no padding.
PLAINLY = (np.zeros((1, 2), np.intp), (1, 1), (0, 0))


@dataclass(frozen=True, eq=False)
class Layout:
    """Where everything lies in the packed buffers of one convolution.

    Attributes
    ----------
    out_h, out_w
        Size of the output image.
    rows, columns
        R and Q, the size of one phase of the padded input.
    phases
        (P, 2): the phases (a, b) that some tap reads.
    tap_phase, tap_offset
        (KH KW,): which phase a tap reads, and how far ahead in its plane.
    samples
        How many samples share a buffer.
    """

    out_h: int
    out_w: int
    rows: int
    columns: int
    phases: NDArray[np.intp]
    tap_phase: NDArray[np.intp]
    tap_offset: NDArray[np.intp]
    samples: int

    @property
    def reach(self) -> int:
        """The largest offset of a tap: so many zeros must stand before dy, and behind x."""
        return int(self.tap_offset.max())

    def offsets(self, channels: int) -> NDArray[np.intp]:
        """Where the taps of all channels lie in a packed x, (channels KH KW,)."""
        size = self.samples * self.rows * self.columns
        channel = np.arange(channels)[:, None] * (len(self.phases) * size)  # (C, 1)
        return (channel + self.tap_phase * size + self.tap_offset).ravel()


@functools.lru_cache(maxsize=512)
def layout(
    batch: int, size: Pair, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair
) -> Layout:
    """Lay out a convolution of a batch of images of one size."""
    out, grid, taps, phase = [], [], [], []
    for axis in (0, 1):
        positions = np.arange(kernel_size[axis]) * dilation[axis]  # where the taps of an axis lie
        ahead = positions // stride[axis]
        n = output_size(size[axis], kernel_size[axis], stride[axis], padding[axis], dilation[axis])
        out.append(n)
        grid.append(n + int(ahead[-1]))
        taps.append(ahead)
        phase.append(positions % stride[axis])
    tap_offset = (taps[0][:, None] * grid[1] + taps[1]).ravel()  # (KH KW,)
    tap_phase = (phase[0][:, None] * stride[1] + phase[1]).ravel()  # (KH KW,)
    used, tap_phase = np.unique(tap_phase, return_inverse=True)
    samples = 1
    while samples * 2 <= batch and samples * 2 * grid[0] * grid[1] <= LONG:
        samples *= 2
    return Layout(
        out_h=out[0],
        out_w=out[1],
        rows=grid[0],
        columns=grid[1],
        phases=np.stack([used // stride[1], used % stride[1]], axis=1).astype(np.intp),
        tap_phase=tap_phase.astype(np.intp).reshape(-1),
        tap_offset=tap_offset.astype(np.intp),
        samples=samples,
    )


@kernel
def pack(  # type: ignore[no-untyped-def]
    image, shape, how, n0, n1, c0, c1, packed, samples, rows, columns
):
    """Copy samples n0..n1 and channels c0..c1 of an image into a buffer that is zero around them.

    packed[c - c0, p, n - n0, r, q] =
        image[n, c, r stride_h + a_p - padding_h, q stride_w + b_p - padding_w]

    wherever that pixel exists. ``image`` and ``packed`` are flat, ``shape`` is the image's
    (N, C, H, W) and ``how`` holds the phases (a_p, b_p), the stride and the padding.
    """
    height, width = shape[2], shape[3]
    phases, stride, padding = how
    for c in range(c0, c1):
        for p in range(phases.shape[0]):
            a = phases[p, 0] - padding[0]
            b = phases[p, 1] - padding[1]
            # the first column of the packed row that lies inside the image, and how many do
            q0 = max(0, -(b // stride[1]))
            inside = min(columns, (width - 1 - b) // stride[1] + 1) - q0
            for n in range(n0, n1):
                for r in range(rows):
                    i = r * stride[0] + a
                    if 0 <= i < height:
                        plane = ((c - c0) * phases.shape[0] + p) * samples + n - n0
                        to = (plane * rows + r) * columns + q0
                        at = ((n * shape[1] + c) * height + i) * width + q0 * stride[1] + b
                        # Slices, since an index that might be negative (as far as the
                        # compiler knows) forbids vector instructions.
                        line, pixels = packed[to : to + inside], image[at:]
                        if stride[1] == 1:
                            for q in range(line.size):
                                line[q] = pixels[q]
                        else:
                            for q in range(line.size):
                                line[q] = pixels[q * stride[1]]
