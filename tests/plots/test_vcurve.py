"""The picture of the V-curve."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from minicnn.checking.vcurve import VCurve, v_curve
from minicnn.plots import style
from minicnn.plots.vcurve import _cutting_off, _rounding, plot_v_curve

Draw = Callable[..., np.ndarray]


def curve(cut: float, noise: float) -> VCurve:
    steps = 10.0 ** np.arange(-12, 0.1, 0.25)
    return VCurve(np.dtype(np.float64), steps, cut * steps**2 + noise / steps)


def test_the_slopes_lie_on_the_branches() -> None:
    known = curve(0.3, 1e-16)
    assert _cutting_off(known) == pytest.approx(0.3, rel=0.1)
    assert _rounding(known) == pytest.approx(1e-16, rel=0.1)


def test_both_precisions_are_drawn(draw: Draw, share_of: Any) -> None:
    curves = v_curve(lambda x: np.sin(x).sum(), [0.4, 1.0], np.cos([0.4, 1.0]))
    pixels = draw(lambda file: plot_v_curve(file, curves))
    assert share_of(pixels, style.VAL) > 0.001 and share_of(pixels, style.TRAIN) > 0.001
    alone = draw(lambda file: plot_v_curve(file, curves[1:], title="float64 $x$ alone"))
    assert share_of(alone, style.TRAIN) == 0


def test_few_steps_and_nan_break_nothing(draw: Draw) -> None:
    steps = np.array([1e-3])
    draw(lambda file: plot_v_curve(file, [VCurve(np.dtype(np.float32), steps, np.array([0.1]))]))
    errors = np.array([0.5, np.nan, 0.1])
    steps = np.array([1e-5, 1e-3, 0.1])
    draw(lambda file: plot_v_curve(file, [VCurve(np.dtype(np.float64), steps, errors)]))
