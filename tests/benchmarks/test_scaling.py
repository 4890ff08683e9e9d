"""Slopes and cliffs, from invented times."""

import numpy as np

from benchmarks import scaling
from benchmarks.scaling import AXES, along, markdown, slope

BATCH, SIDE, CHANNELS = AXES


def test_slope_leaves_out_the_fixed_costs():
    milliseconds = [1.0 + 0.5 * n for n in BATCH.sizes]
    assert abs(slope(along(BATCH, "x", milliseconds), BATCH, "x") - 1) < 0.1
    milliseconds = [0.001 * n**2 for n in SIDE.sizes]
    np.testing.assert_allclose(slope(along(SIDE, "x", milliseconds), SIDE, "x"), 2)


def test_a_cliff_is_marked():
    milliseconds = [float(n) for n in CHANNELS.sizes]
    i = CHANNELS.sizes.index(33)
    milliseconds[i] *= 2
    points = along(CHANNELS, "x", milliseconds)
    text = markdown(points, CHANNELS, {("channels", "x"): 1.0})
    marked = [line for line in text.splitlines() if "cliff" in line]
    assert len(marked) == 1
    assert marked[0].startswith("| 33 |")


def test_work_grows_as_the_axis_says():
    for axis in AXES:
        small, large = axis.sizes[2], axis.sizes[-1]
        counts = []
        for size in (small, large):
            model, x, _ = axis.build(size)
            counts.append(model.multiply_adds(x.shape))
        grown = (large / small) ** axis.slope
        assert 0.7 * grown < counts[1] / counts[0] < 1.3 * grown, axis.name


def test_the_picture_is_drawn(tmp_path):
    points = [p for axis in AXES for p in along(axis, scaling.OURS, [float(n) for n in axis.sizes])]
    slopes = {(axis.name, scaling.OURS): 1.0 for axis in AXES}
    scaling.picture(points, slopes, tmp_path / "scaling.png")
    assert (tmp_path / "scaling.png").stat().st_size > 10_000
