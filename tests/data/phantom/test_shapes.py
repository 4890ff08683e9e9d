from __future__ import annotations

import numpy as np
import pytest

from minicnn.data.phantom.shapes import capsule, cylinder, ellipsoid, ramp, tube


def plane(samples: int = 200, half: float = 5.0) -> tuple[np.ndarray, np.ndarray, float]:
    """Rays at the centres of square samples; the last number is a sample's area."""
    pitch = 2 * half / samples
    steps = (np.arange(samples, dtype=np.float32) + 0.5) * pitch - half
    x, y = np.meshgrid(steps, steps)
    return x[None], y[None], pitch**2


def test_an_ellipsoid_has_its_volume() -> None:
    x, y, area = plane()
    chords = ellipsoid(x, y, (0.5, -0.3), (3.0, 2.0), 2.4)
    assert chords.sum() * area == pytest.approx(4 / 3 * np.pi * 3.0 * 2.0 * 1.2, rel=1e-3)
    assert chords.max() == pytest.approx(2.4, rel=1e-3)


def test_a_capsule_is_a_cylinder_with_round_ends() -> None:
    x, y, area = plane()
    chords = capsule(x, y, (-2.0, -1.0), (1.0, 3.0), 0.7)
    expected = np.pi * 0.7**2 * 5.0
    ends = chords.sum() * area - expected
    assert ends == pytest.approx(4 / 3 * np.pi * 0.7**3, rel=0.02)


def test_a_tube_is_hollow() -> None:
    distance2 = np.array([0.0, 0.36, 1.0, 4.0], dtype=np.float32)
    assert cylinder(distance2, 1.0) == pytest.approx([2.0, 1.6, 0.0, 0.0])
    assert tube(distance2, 1.0, 0.6) == pytest.approx([0.8, 1.6, 0.0, 0.0])


def test_ramp() -> None:
    at = np.array([-3.0, -0.5, 0.0, 0.5, 3.0], dtype=np.float32)
    assert ramp(at, 2.0) == pytest.approx([0, 0.15625, 0.5, 0.84375, 1])


def test_arguments_are_left_alone() -> None:
    x, y, _ = plane(20)
    before = x.copy(), y.copy()
    ellipsoid(x, y, (0.0, 0.0), (1.0, 1.0), 1.0)
    capsule(x, y, (0.0, 0.0), (1.0, 1.0), 1.0)
    ramp(x, 1.0)
    cylinder(x, 1.0)
    assert np.array_equal(x, before[0])
    assert np.array_equal(y, before[1])
