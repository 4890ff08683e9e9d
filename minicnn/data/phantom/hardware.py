"""What is not the patient: the side marker, a tube, electrodes and their wires.

They have nothing to do with the label here. In real collections they often do
(the sicker patient has more wires), and a network is glad to learn that instead.
"""

from __future__ import annotations

import numpy as np

from minicnn.data.phantom.body import Body
from minicnn.data.phantom.dice import Array, Dice
from minicnn.data.phantom.lines import Lines, dot, join, share_out
from minicnn.data.phantom.shapes import Point, Value

# Strokes x0, y0, x1, y1 in a box one unit wide and two high. Both letters have
# five, so that a batch may mix them; the L draws three of its own twice.
LETTER_R = ((0, 0, 0, 2), (0, 0, 1, 0), (1, 0, 1, 1), (1, 1, 0, 1), (0.3, 1, 1, 2))
LETTER_L = ((0, 0, 0, 2), (0, 0, 0, 2), (0, 0, 0, 2), (0, 2, 1, 2), (0, 2, 1, 2))
PIECES = 6  # of a tube or wire


def draw_hardware(body: Body, dice: Dice, samples: int) -> Array:
    """Return the thickness of water that would cast the same shadow, cm, (B, S, S)."""
    lines = join([marker(body, dice), tube(dice), wires(dice)])
    return share_out([dot(lines, body, samples, longest=6.0, widest=0.4)], samples)


def marker(body: Body, dice: Dice) -> Lines:
    """Return the leaden letter that says which side is which."""
    right = dice.chance(0.75)
    size = dice.uniform(0.5, 0.9)
    margin = dice.uniform(0.82, 0.93) * body.view_x
    x = np.where(right, -margin, margin - size) - body.shift_x
    y = dice.uniform(-0.9, 0.1) * body.view_y - body.shift_y
    density = np.where(dice.chance(0.6), np.float32(40), np.float32(0))
    parts = []
    for stroke in zip(LETTER_R, LETTER_L, strict=True):
        x0, y0, x1, y1 = (
            size * np.where(right, np.float32(r), np.float32(ell))
            for r, ell in zip(*stroke, strict=True)
        )
        parts.append(_path([(x + x0, y + y0), (x + x1, y + y1)], 0.11, density))
    return join(parts)


def tube(dice: Dice) -> Lines:
    """Return a tube in the windpipe, or in the gullet on its way to the stomach."""
    density = np.where(dice.chance(0.09), np.float32(1.6), np.float32(0))
    feeding = dice.chance(0.5)
    end_x = np.where(feeding, dice.uniform(2.0, 6.0), np.float32(0.2))
    end_y = np.where(feeding, np.float32(12.0), np.float32(-5.0))
    points: list[Point] = []
    for k in range(PIECES + 1):
        s = k / PIECES
        x = 0.3 + (end_x - 0.3) * s**4 + dice.uniform(-0.3, 0.3)
        points.append((x, -20.0 + (end_y + 20.0) * s))
    return _path(points, 0.22, density)


def wires(dice: Dice) -> Lines:
    """Return two electrodes on the skin, each with a wire that leaves the picture."""
    density = np.where(dice.chance(0.13), np.float32(6), np.float32(0))
    parts = []
    for side in (-1.0, 1.0):
        x, y = side * dice.uniform(5.0, 11.0), dice.uniform(-9.0, 6.0)
        end_x, end_y = side * dice.uniform(8.0, 22.0), dice.uniform(10.0, 22.0)
        sag = dice.uniform(-4.0, 4.0)
        points: list[Point] = []
        for k in range(PIECES + 1):
            s = k / PIECES
            points.append((x + (end_x - x) * s + sag * s * (1 - s), y + (end_y - y) * s))
        parts.append(_path(points, 0.08, density))
        parts.append(_path([(x - 0.25, y), (x + 0.25, y)], 0.4, density))
    return join(parts)


def _path(points: list[Point], radius: float, density: Array) -> Lines:
    """Join points to a line of one thickness."""
    x, y = _columns([p[0] for p in points]), _columns([p[1] for p in points])
    radii = np.full_like(x[:, 1:], radius)
    return Lines(x[:, :-1], y[:, :-1], x[:, 1:], y[:, 1:], radii, 0 * radii + density[:, :, 0])


def _columns(values: list[Value]) -> Array:
    """Stack one number per image and point, (B, n)."""
    return np.concatenate([np.asarray(v, dtype=np.float32)[:, :, 0] for v in values], axis=1)
