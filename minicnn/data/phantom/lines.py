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


@dataclass
class Points:
    """Points in sample coordinates, each (B, P)."""

    u: Array  # column
    v: Array  # row
    weight: Array  # cm of water, if all of it fell on one sample


def dot(lines: Lines, body: Body, samples: int, longest: float, widest: float) -> Points:
    """Break lines into points.

    Parameters
    ----------
    lines
        (B, n) pieces.
    body
        Its pose places them in the picture.
    samples
        Rays along each side of the picture.
    longest, widest
        Length and radius, cm, that decide how many points a line is made of.
        They are given, not measured, so that no line depends on its company.
    """
    u0, v0 = _to_samples(lines.x0, lines.y0, body, samples)
    u1, v1 = _to_samples(lines.x1, lines.y1, body, samples)
    pitch = (2 * np.sqrt(body.view_x * body.view_y) / samples)[:, :, 0]  # (B, 1) cm
    width = lines.radius / pitch  # (B, n) samples
    # About one point per sample, along the line and across it.
    finest = 30.0 / samples  # cm, in a close view
    steps = max(2, round(longest / finest))
    lanes = max(1, int(2 * widest / finest))
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
    return Points(u.reshape(shape), v.reshape(shape), weight.reshape(shape))


def share_out(parts: Sequence[Points], samples: int) -> Array:
    """Return the thickness along each ray, cm, (B, S, S).

    Each point's weight goes to the four samples around it, more to the nearer;
    points outside the picture are dropped.
    """
    u, v, weight = (
        np.concatenate([getattr(part, f.name) for part in parts], axis=1) for f in fields(Points)
    )
    batch = u.shape[0]
    u0 = np.clip(np.floor(u), 0, samples - 2)
    v0 = np.clip(np.floor(v), 0, samples - 2)
    u -= u0
    v -= v0
    weight *= (u >= 0) & (u < 1) & (v >= 0) & (v < 1)
    image = np.arange(batch)[:, None] * (samples * samples)
    corner = (v0 * samples + u0).astype(np.intp) + image
    right = weight * u
    left = weight - right
    total = np.zeros(batch * samples * samples)
    for offset, upper in ((0, left), (1, right)):
        lower = upper * v
        upper -= lower
        for step, share in ((offset, upper), (offset + samples, lower)):
            points = (corner + step).ravel()
            total += np.bincount(points, share.ravel(), minlength=total.size)
    return total.reshape(batch, samples, samples).astype(np.float32)


def _to_samples(x: Array, y: Array, body: Body, samples: int) -> tuple[Array, Array]:
    """Map body coordinates to columns and rows of samples: the inverse of lay_grid."""
    c, s = np.cos(body.roll)[:, :, 0], np.sin(body.roll)[:, :, 0]
    u = (x + body.shift_x[:, :, 0]) / body.view_x[:, :, 0]
    v = (y + body.shift_y[:, :, 0]) / body.view_y[:, :, 0]
    half = np.float32(samples / 2)
    return (c * u + s * v + 1) * half - 0.5, (c * v - s * u + 1) * half - 0.5
