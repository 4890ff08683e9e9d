"""The soft parts of the chest: trunk, lungs, diaphragm, heart.

Everything is a map of thicknesses: how many centimetres of a tissue the ray
through each sample crosses.
"""

from __future__ import annotations

import numpy as np

from minicnn.data.phantom.body import Body
from minicnn.data.phantom.chest import Chest, Grid
from minicnn.data.phantom.dice import Array
from minicnn.data.phantom.shapes import Value, capsule, cylinder, ellipsoid, ramp

APEX_X = 4.7  # distance of the lungs' apices from the midline, cm


def build_chest(body: Body, grid: Grid) -> Chest:
    """Build the healthy chest, without its bones and the vessels of the lungs."""
    x, y = grid.x, grid.y
    across = np.abs(x)
    is_left = x > 0
    edge = cage_edge(body, y)
    floor = diaphragm(body, x)
    soft = trunk(body, grid)

    # The cavity: nearly a box in cross-section, shallower towards the apex.
    q = np.minimum(across / edge, 1) ** 2
    depth = body.cavity * (0.25 + (0.75 / body.width) * edge)
    cavity = 2 * depth * np.sqrt(1 - q * q) * (y > body.apex)
    # Heart and lung share it; what the heart fills the lung leaves.
    above = np.maximum(cavity - 1.35 * mediastinum(body, grid), 0)
    below = ramp(y - floor, np.maximum(0.5, grid.pitch))
    # Behind the domes the lungs reach further down than the silhouette shows.
    behind = 0.3 * np.exp(np.minimum(floor - y, 0) / 2.2) * ramp(across - 0.5 * body.width, 5.0)
    cavity = np.minimum(above * (1 - below) + cavity * behind * below, 0.92 * soft)
    open_ = (1 - below) * np.minimum(cavity / 6.0, 1)

    extra = hila(body, grid, is_left) * open_
    extra -= airways(body, grid)
    extra -= stomach(body, grid) * below
    extra += ellipsoid(across, y, (7.6, 4.8), (5.4, 4.6), body.breast)
    return Chest(
        grid=grid,
        across=across,
        is_left=is_left,
        edge=edge,
        soft=soft,
        cavity=cavity,
        open=open_,
        solid=np.zeros_like(x),
        empty=np.zeros_like(x),
        vessels=np.zeros_like(x),
        extra=extra,
        bone=np.zeros_like(x),
    )


def cage_edge(body: Body, y: Array) -> Array:
    """Return the half width of the thoracic cavity at height `y`: a dome, then a barrel."""
    flare = np.maximum(y - body.base, 0) * np.float32(0.05)
    dome = np.sqrt(1 - _climb(body, y) ** body.bell)
    return APEX_X + (body.width - APEX_X) * dome + flare


def _climb(body: Body, y: Array) -> Array:
    """Return 0 at the widest part of the cage, 1 at the apex of the lungs."""
    return np.clip((body.base - y) / (body.base - body.apex), 0, 1)


def diaphragm(body: Body, x: Array) -> Array:
    """Return the height of the diaphragm's silhouette: two domes, steep at the ribs."""
    dome = body.dome_right + (body.dome_left - body.dome_right) * ramp(x, 4.0)
    middle = 0.48 * body.width
    # Rounded at the midline, where the heart hides the dip between the domes.
    q = (np.sqrt(x * x + np.float32(6)) - middle) / (body.width - middle)
    q2 = q * q
    lateral = body.sulcus * (1 - np.sqrt(np.maximum(1 - 0.96 * q2, 0.04)))
    return dome + np.where(q > 0, lateral, np.float32(2.2) * q2)


def trunk(body: Body, grid: Grid) -> Array:
    """Return the thickness of the body: trunk, neck, shoulders, arms, head in one outline."""
    x, y = grid.x, grid.y
    a = np.abs(x)
    half = body.width + body.wall
    # Seen from above the trunk is between an ellipse and a box. It narrows
    # towards the armpits and ends at the shoulders.
    top = np.clip((-6.0 - y) / 10.5, 0, 1)
    waist = np.clip((4.0 - y) / 14.0, 0, 1)
    q = a / (half * (1 - 0.08 * waist - 0.16 * top))
    thickness = 2 * body.depth * np.sqrt(np.maximum(1 - q * q * q - top * top * top, 0))
    joint = shoulder_x(body)
    girdle = capsule(a, y, (1.0, -14.8), (joint - 2.0, -9.4), 3.8 + 0.2 * body.wall)
    # A raised arm points up and out, a hanging one down along the trunk.
    arm = capsule(a, y, (joint - 1.0, -8.6), arm_end(body), 3.2 + 0.4 * body.wall)
    neck = cylinder(x * x, body.neck) * (y < -11.0)
    head = ellipsoid(x, y, (6.0 * body.turn, -28.0 + body.head), (7.5, 10.0), 13.0)
    for factor, part in ((1.5, girdle), (1.2, arm), (1.15, neck), (1.0, head)):
        part *= np.float32(factor)
        np.maximum(thickness, part, out=thickness)
    return thickness


def shoulder_x(body: Body) -> Array:
    """Return how far from the midline the shoulder joints lie."""
    return body.width + body.wall + 2.0


def arm_end(body: Body) -> tuple[Array, Array]:
    """Return where the upper arm leads to, beyond the picture."""
    angle = 1.5 - 2.0 * body.arms
    return shoulder_x(body) + 14 * np.cos(angle), -9.0 + 24 * np.sin(angle)


def mediastinum(body: Body, grid: Grid) -> Array:
    """Return the thickness of the heart and of the column of great vessels above it."""
    shift = 3.0 * body.turn + body.heart_x
    # A large heart is wide rather than tall.
    wide, tall = body.heart, np.sqrt(body.heart)
    # It lies on the left dome of the diaphragm, its lower border hidden there.
    level = body.dome_left + 1.0 - 4.4 * tall
    x, y = (grid.x - shift) / wide, (grid.y - level) / tall

    def inside(cx: float, cy: Value, rx: Value, ry: Value) -> Array:
        u, v = (x - cx) / rx, (y - cy) / ry
        u *= u
        v *= v
        u += v
        return np.subtract(1, u, out=u)

    # Each part is positive inside its ellipse. Rounding the corners where they
    # meet gives one outline; the root turns it into a thickness.
    c, s = np.cos(body.heart_tilt), np.sin(body.heart_tilt)
    dx = x - 2.6
    ventricles = 1 - ((c * dx + s * y) / 6.3) ** 2 - ((c * y - s * dx) / 4.7) ** 2
    outline = _blend(ventricles, inside(-0.9, -1.2, 3.0, 4.8), 0.25)  # right atrium
    outline = _blend(outline, inside(1.8, -5.2, 2.5, 4.2), 0.3)  # pulmonary trunk
    arch = (-4.6 - level) / tall
    outline = _blend(outline, inside(1.6, arch, body.aorta, body.aorta), 0.12)
    heart = 10.0 * body.heart * np.sqrt(np.maximum(outline, 0))
    # The column behind and above the heart fills the space between the apices.
    climb = _climb(body, grid.y) ** 3
    half = body.mediastinum + (APEX_X - body.mediastinum) * climb * climb * climb
    q = ((grid.x - 0.5 * shift) / half) ** 2
    column = 9.0 * np.sqrt(np.maximum(1 - q * q, 0))
    return np.maximum(heart, column)


def _blend(a: Array, b: Array, width: float) -> Array:
    """Return the larger of two, with the corner between them rounded."""
    difference = a - b
    difference *= difference
    difference += np.float32(width * width)
    return 0.5 * (a + b + np.sqrt(difference))


def hila(body: Body, grid: Grid, is_left: Array) -> Array:
    """Return the roots of the lungs, the left one a little higher."""
    level = 0.4 - 1.2 * is_left.astype(np.float32)
    a = np.abs(grid.x - body.heart_x)
    return ellipsoid(a, grid.y - level, (3.9, 0.0), (1.5, 2.4), 1.6 * body.vessels)


def airways(body: Body, grid: Grid) -> Array:
    """Return the air in the trachea and the main bronchi, cm."""
    x, y = grid.x - (0.4 + body.turn), grid.y
    trachea = cylinder(x * x, 0.85) * (y < -3.2)
    bronchi = capsule(np.abs(x), y, (0.0, -3.2), (4.0, -0.8), 0.55)
    return np.maximum(trachea, bronchi)


def stomach(body: Body, grid: Grid) -> Array:
    """Return the gas under the left dome, cm; none where its radius is 0."""
    r = body.stomach
    centre = (6.2, body.dome_left + 0.9 * r + 0.8)
    return ellipsoid(grid.x, grid.y, centre, (1.5 * r + 0.1, r + 0.1), 4.0 * (r > 0))
