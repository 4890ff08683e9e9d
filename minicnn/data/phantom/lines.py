"""Thin things, drawn as rows of points.

A line thinner than a sample would come and go with the resolution if the rays
had to hit it. Each point carries the volume of its piece of the line instead,
and is shared out among the four samples around it, so that a vessel holds the
right amount of blood at every size of picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from minicnn.data.phantom.body import Body
from minicnn.data.phantom.dice import Array


@dataclass
class Lines:
    """Straight pieces of round cross-section in body coordinates, each (B, n)."""

    x0: Array  # cm
    y0: Array
    x1: Array
    y1: Array
    radius: Array  # cm
    density: Array  # water = 1


def join(parts: Sequence[Lines]) -> Lines:
    """Put several sets of lines together."""
    columns = ([getattr(part, f.name) for part in parts] for f in fields(Lines))
    return Lines(*(np.concatenate(column, axis=1) for column in columns))


def draw_lines(lines: Lines, body: Body, samples: int, longest: float, widest: float) -> Array:
    """Return the thickness of a set of lines along each ray.

    Parameters
    ----------
    lines
        (B, n) pieces.
    body
        Its pose places them in the picture.
    samples
        Rays along each side of the picture, S.
    longest, widest
        Length and radius, cm, that decide how many points a line is made of.
        They are given, not measured, so that no line depends on its company.

    Returns
    -------
    Array
        (B, S, S), cm of water.
    """
    u0, v0 = _to_samples(lines.x0, lines.y0, body, samples)
    u1, v1 = _to_samples(lines.x1, lines.y1, body, samples)
    pitch = (2 * np.sqrt(body.view_x * body.view_y) / samples)[:, :, 0]  # (B, 1) cm
    width = lines.radius / pitch  # (B, n) samples
    # One point per sample, along the line and across it.
    finest = 30.0 / samples  # cm, in a close view
    steps = max(2, round(longest / finest))
    lanes = max(1, round(2 * widest / finest))
    along = (np.arange(steps, dtype=np.float32) + 0.5) / steps
    across = (np.arange(lanes, dtype=np.float32) + 0.5) * 2 / lanes - 1
    du, dv = u1 - u0, v1 - v0
    length = np.sqrt(du * du + dv * dv) + np.float32(1e-6)  # samples
    turn = (width / length)[..., None, None]
    du, dv = du[..., None, None], dv[..., None, None]
    u = u0[..., None, None] + du * along[:, None] - dv * turn * across  # (B, n, steps, lanes)
    v = v0[..., None, None] + dv * along[:, None] + du * turn * across
    # Area pi r^2 times length is the volume, here in cm times samples squared.
    # The lanes share it as the chord of a circle does.
    chord = np.sqrt(1 - across**2)
    volume = np.pi * lines.density * lines.radius * width * length / steps  # (B, n)
    weight = volume[..., None, None] * np.broadcast_to(chord / chord.sum(), (steps, lanes))
    shape = (u.shape[0], -1)
    return _share_out(u.reshape(shape), v.reshape(shape), weight.reshape(shape), samples)


def _to_samples(x: Array, y: Array, body: Body, samples: int) -> tuple[Array, Array]:
    """Map body coordinates to columns and rows of samples: the inverse of lay_grid."""
    c, s = np.cos(body.roll)[:, :, 0], np.sin(body.roll)[:, :, 0]
    u = (x + body.shift_x[:, :, 0]) / body.view_x[:, :, 0]
    v = (y + body.shift_y[:, :, 0]) / body.view_y[:, :, 0]
    half = np.float32(samples / 2)
    return (c * u + s * v + 1) * half - 0.5, (c * v - s * u + 1) * half - 0.5


def _share_out(u: Array, v: Array, weight: Array, samples: int) -> Array:
    """Add each point's weight to the four samples around it, (B, P) -> (B, S, S)."""
    batch = u.shape[0]
    u0, v0 = np.floor(u), np.floor(v)
    fu, fv = u - u0, v - v0
    inside = (u0 >= 0) & (v0 >= 0) & (u0 < samples - 1) & (v0 < samples - 1)
    weight = weight * inside
    image = np.arange(batch, dtype=np.intp)[:, None] * (samples * samples)
    corner = image + (np.where(inside, v0, 0) * samples + np.where(inside, u0, 0)).astype(np.intp)
    total = np.zeros(batch * samples * samples)
    for offset, share in (
        (0, (1 - fu) * (1 - fv)),
        (1, fu * (1 - fv)),
        (samples, (1 - fu) * fv),
        (samples + 1, fu * fv),
    ):
        points = (corner + offset).ravel()
        total += np.bincount(points, (weight * share).ravel(), minlength=total.size)
    return total.reshape(batch, samples, samples).astype(np.float32)
