"""Smooth shapes seen from the front: how many centimetres of them a ray crosses.

A radiograph adds up what lies along each ray, so a shape is described by its
chord: the length of the ray inside it. The chord of a rounded body falls to
zero at its outline, which leaves no jump to alias when pixels are large; where
a shape does have an edge, `ramp` makes it about as wide as a sample.

Coordinates are centimetres of an adult chest: x grows to the right of the
image (the patient's left), y grows downwards, (0, 0) lies on the midline at the
height of the hila. Arguments that say Value may be numbers, one number per
image (B, 1, 1), or maps (B, S, S).

The maps are large and the shapes many: temporary maps are overwritten in place.
"""

from __future__ import annotations

import numpy as np

from minicnn.data.phantom.dice import Array

Value = Array | float
Point = tuple[Value, Value]


def ramp(distance: Array, width: Value) -> Array:
    """Return a smooth step: 0 below -width/2, 1 above +width/2."""
    s = distance / width
    s += np.float32(0.5)
    np.clip(s, 0, 1, out=s)
    slope = 3 - 2 * s
    s *= s
    s *= slope
    return s


def ellipsoid(x: Array, y: Array, centre: Point, radii: Point, thickness: Value) -> Array:
    """Return the chord of an ellipsoid, `thickness` cm in its middle.

    Parameters
    ----------
    x, y
        Coordinates of the rays, (B, S, S), cm.
    centre, radii
        Along x and y, cm.
    thickness
        The chord through the centre, cm: twice the half axis along the ray.
    """
    u, v = x - centre[0], y - centre[1]
    u /= radii[0]
    v /= radii[1]
    u *= u
    v *= v
    u += v
    return thickness * _root(np.subtract(1, u, out=u))


def distance2_to_segment(x: Array, y: Array, start: Point, end: Point) -> Array:
    """Return the squared distance of each ray from a segment, cm^2."""
    ex, ey = end[0] - start[0], end[1] - start[1]
    length2 = ex * ex + ey * ey
    dx, dy = x - start[0], y - start[1]
    along = dx * (ex / length2)
    along += dy * (ey / length2)
    np.clip(along, 0, 1, out=along)
    dx -= along * ex
    along *= ey
    dy -= along
    dx *= dx
    dy *= dy
    dx += dy
    return dx


def capsule(x: Array, y: Array, start: Point, end: Point, radius: Value) -> Array:
    """Return the chord of a cylinder with round ends, such as a limb or an airway."""
    return cylinder(distance2_to_segment(x, y, start, end), radius)


def cylinder(distance2: Array, radius: Value) -> Array:
    """Return the chord of a cylinder at a squared distance from its axis."""
    return 2 * _root(radius * radius - distance2)


def tube(distance2: Array, radius: Value, hollow: float) -> Array:
    """Return the chord of a tube: a long bone, dense outside, marrow within.

    `hollow` is the inner radius as a fraction of the outer one.
    """
    return cylinder(distance2, radius) - cylinder(distance2, radius * hollow)


def _root(square: Array) -> Array:
    """Return the root of a fresh map, in place, 0 where it is negative."""
    np.maximum(square, 0, out=square)
    return np.sqrt(square, out=square)
