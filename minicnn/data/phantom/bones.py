"""The bones: ribs, spine, clavicles, shoulder blades, arms, jaw."""

from __future__ import annotations

import numpy as np

from minicnn.data.phantom.anatomy import arm_end, shoulder_x
from minicnn.data.phantom.body import Body
from minicnn.data.phantom.chest import Chest
from minicnn.data.phantom.dice import Array
from minicnn.data.phantom.shapes import capsule, distance2_to_segment, ellipsoid, ramp, tube


def add_bones(body: Body, chest: Chest) -> None:
    """Add the skeleton to the chest."""
    bone = 1.2 * ribs(body, chest)
    for part in (spine, clavicles, shoulders, jaw):
        bone += part(body, chest)
    chest.bone = body.bone * bone


def ribs(body: Body, chest: Chest) -> Array:
    """Return the thickness of the ribs, back and front.

    A rib is a hoop tilted forwards. A ray enters the cage through its back and
    leaves through its front, so it meets the row of hoops twice: once high,
    where they leave the spine, once low, where they turn towards the sternum.
    With c the cosine of the angle around the hoop, the hoop has fallen by
    drop (1 - c) / 2 where the ray meets its back and by drop (1 + c) / 2 where
    it meets its front. In each layer the ribs are a wave along y.
    """
    xi = chest.across / (chest.edge + 0.55)
    c = np.sqrt(np.maximum(1 - xi * xi, 0))
    height = chest.grid.y - (body.apex + 0.9 + 0.5 * body.rib_drop)
    fall = 0.5 * body.rib_drop * c
    behind = _hoops(body, height + fall, 11.4)
    front = _hoops(body, height - fall, 9.5)
    # Towards the sternum ribs are cartilage, which hardly shows, in a child least.
    front *= 0.6 * ramp(xi - (0.52 - 0.1 * body.age), 0.16)
    behind += front
    # Close to the outline the ray runs along the shell and crosses more of it.
    behind *= ramp((1 - xi) * chest.edge - 0.25, np.maximum(0.5, chest.grid.pitch))
    return behind / np.sqrt(c * c + np.float32(0.1))


def _hoops(body: Body, below: Array, last: float) -> Array:
    """Return the wave of ribs at a height below the first rib, measured along the hoops."""
    # Spacing grows downwards by a third.
    number = below * (1 - np.float32(0.006) * below) / body.rib_spacing
    # No two ribs lie quite parallel.
    number += np.float32(0.09) * np.sin(2.3 * number + body.rib_phase)
    offset = (number - np.rint(number)) / (0.5 * body.rib_height)
    profile = np.sqrt(np.maximum(1 - offset * offset, 0))
    profile *= (number > -0.4) & (number < last)
    return profile


def spine(body: Body, chest: Chest) -> Array:
    """Return the thickness of the vertebrae: bodies, discs, pedicles, spinous processes."""
    y = chest.grid.y
    # The spine lies behind the axis of the body, so turning the patient moves it.
    x = chest.grid.x + 6.0 * body.turn - body.spine_bend * np.sin(np.float32(0.13) * y)
    number = (y + 0.3 * body.rib_phase) / (1.08 * body.rib_spacing)
    t = number - np.rint(number)  # 0 in the middle of a vertebra, 0.5 in a disc
    t2, x2 = t * t, x * x
    # A vertebra is waisted: widest where it meets the discs.
    half = 1.64 + 0.012 * y + t2
    disc = ramp(np.abs(t) - 0.42, 0.16)
    column = 2.2 * np.sqrt(np.maximum(1 - x2 / (half * half), 0)) * (1 - 0.45 * disc)
    pedicle = np.exp(-9 * (np.abs(x) - 0.62 * half) ** 2 - 60 * (t + 0.12) ** 2)
    process = np.exp(-12 * x2 - 30 * (t - 0.25) ** 2)
    return column + 0.6 * pedicle + 0.5 * process


def clavicles(body: Body, chest: Chest) -> Array:
    """Return the thickness of the clavicles, each a flat S from sternum to shoulder."""
    a, y = np.abs(chest.grid.x - 4.0 * body.turn), chest.grid.y
    s = (a - 1.4) / (body.width - 0.3)  # 0 at the sternum, 1 at the shoulder
    curve = body.clavicle_y - body.clavicle_rise * s * (1.6 - 0.6 * s) - 0.4 * np.sin(5.5 * s)
    radius = 0.8 - 1.28 * s * (1 - s)
    slope2 = (body.clavicle_rise / 14.0) ** 2
    bone = tube((y - curve) ** 2 / (1 + slope2), np.maximum(radius, 0), 0.5)
    return 1.4 * bone * ramp(s - 0.01, 0.04) * ramp(1.0 - s, 0.04)


def shoulders(body: Body, chest: Chest) -> Array:
    """Return the thickness of the shoulder blades and the bones of the upper arms."""
    a, y = chest.across, chest.grid.y
    joint = shoulder_x(body)
    lift = 2.0 * body.arms
    # The blade is a thin triangle; what shows are its outer border and its ridge.
    socket = (joint - 2.0, -9.0 - 0.2 * lift)
    tip = (0.86 * body.width + 0.6 + 1.2 * lift, 0.6 - 0.6 * lift)
    corner = (0.58 * body.width + 1.2 * lift, -8.6 - 0.5 * lift)
    bone = 0.8 * tube(distance2_to_segment(a, y, socket, tip), 0.7, 0.5)
    bone += 0.5 * capsule(a, y, socket, corner, 0.6)
    ball = (joint - 0.4, -9.1)
    shaft = 1.2 * tube(distance2_to_segment(a, y, ball, arm_end(body)), 1.05, 0.6)
    bone += np.maximum(shaft, ellipsoid(a, y, ball, (2.0, 2.2), 1.7))
    return bone


def jaw(body: Body, chest: Chest) -> Array:
    """Return the thickness of the lower jaw, an arc along the lower edge of the head."""
    centre = body.head - 26.0
    x, y = chest.grid.x - 6.0 * body.turn, chest.grid.y - centre
    rho = np.sqrt(x * x + y * y) / 6.0
    return 1.8 * np.maximum(1 - ((rho - 1) / 0.2) ** 2, 0) * (y > 0)
