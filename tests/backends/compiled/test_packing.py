from __future__ import annotations

import importlib

import numpy as np
import pytest

pytest.importorskip("numba", reason="the compiled backend needs numba")
packing = importlib.import_module("minicnn.backends.compiled.packing")

GEOMETRIES = [  # size, kernel, stride, padding, dilation
    ((6, 5), (3, 3), (1, 1), (1, 1), (1, 1)),
    ((6, 5), (1, 1), (2, 3), (0, 0), (1, 1)),
    ((9, 8), (3, 2), (2, 3), (1, 4), (1, 2)),
    ((7, 9), (2, 3), (3, 2), (5, 0), (3, 2)),
    ((1, 1), (1, 1), (3, 3), (0, 0), (1, 1)),
]


@pytest.mark.parametrize(("size", "kernel", "stride", "padding", "dilation"), GEOMETRIES)
def test_every_tap_finds_its_pixel_at_its_offset(
    size: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
) -> None:
    """What lies ``offset_k`` ahead of t = i Q + j is x[i s - p + ki d, j s - p + kj d]."""
    x = np.arange(1.0, 4 * 3 * size[0] * size[1] + 1).reshape(4, 3, *size)
    plan = packing.layout(4, size, kernel, stride, padding, dilation)
    n0, c0 = 1, 1  # from the second sample and channel on
    samples, channels = 3, 2
    packed = np.zeros(channels * len(plan.phases) * samples * plan.rows * plan.columns)
    how = (plan.phases, stride, padding)
    packing.pack(
        x.reshape(-1), x.shape, how, n0, 4, c0, 3, packed, samples, plan.rows, plan.columns
    )
    planes = packed.reshape(channels, len(plan.phases), samples, -1)
    wide = np.pad(x, ((0, 0), (0, 0), *((p, p) for p in padding)))  # (N, C, H + 2p, W + 2p)
    for i in range(plan.out_h):
        for j in range(plan.out_w):
            for tap, (ki, kj) in enumerate(np.ndindex(kernel)):
                at = i * plan.columns + j + plan.tap_offset[tap]
                found = planes[:, plan.tap_phase[tap], :, at]  # (C, N)
                row, col = i * stride[0] + ki * dilation[0], j * stride[1] + kj * dilation[1]
                assert (found == wide[n0:, c0:, row, col].T).all()


def test_small_images_share_a_buffer_and_large_ones_do_not() -> None:
    def samples(batch: int, side: int) -> int:
        return packing.layout(batch, (side, side), (3, 3), (1, 1), (1, 1), (1, 1)).samples

    assert samples(64, 28) == 1
    assert samples(64, 7) == 8  # 8 planes of 8 x 8
    assert samples(5, 7) == 4  # no more than there are
    assert samples(0, 7) == samples(1, 7) == 1
