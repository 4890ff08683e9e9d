"""Findings that whiten the lung from within.

Aerated lung is three quarters air. Where fluid, cells or collapse take the
air's place the ray crosses more tissue and the film stays white: an opacity.
What tells one disease from another is the place, the outline and the texture.
Two signs need no drawing of their own. Where a solid lung touches the heart or
the diaphragm their border is lost, because both now weigh the same (the
silhouette sign); and bronchi full of air show as dark branches in it (the air
bronchogram, see `render.attenuation`).

Each function changes `chest` in place, for a batch in which every image has the
finding. A strength is the part of the lung along the ray that is filled.
"""

from __future__ import annotations

import numpy as np

from minicnn.data.phantom.anatomy import cage_edge
from minicnn.data.phantom.body import Body
from minicnn.data.phantom.chest import Chest
from minicnn.data.phantom.dice import Array, Dice
from minicnn.data.phantom.shapes import Point, Value, distance2_to_segment, ramp
from minicnn.data.phantom.texture import Noise


def place(body: Body, dice: Dice, top: float, bottom: float) -> tuple[Array, Array]:
    """Return a point in either lung.

    `top` and `bottom` bound its height: 0 is the apex, 1 the dome of the diaphragm.
    """
    side = dice.sign()
    dome = np.where(side > 0, body.dome_left, body.dome_right)
    y = body.apex + (dome - body.apex) * dice.uniform(top, bottom)
    # The heart covers the left base: there the lung begins farther out.
    inner = 0.42 + 0.16 * ((side > 0) & (y > 1.0)).astype(np.float32)
    return side * cage_edge(body, y) * dice.uniform(inner, 0.85), y


def fill(chest: Chest, part: Array) -> None:
    """Replace a part of the air that is left in the lung, 0 to 1, by fluid."""
    chest.solid = 1 - (1 - chest.solid) * (1 - np.clip(part, 0, 0.97))


def blob(
    chest: Chest, noise: Noise, centre: Point, radii: Point, ragged: Value, soft: Value
) -> Array:
    """Return a spot, 1 inside and 0 outside.

    `ragged` says how far its outline strays, `soft` how gradually it fades, both
    as parts of its radius.
    """
    x, y = chest.grid.x, chest.grid.y
    rho = np.sqrt(((x - centre[0]) / radii[0]) ** 2 + ((y - centre[1]) / radii[1]) ** 2)
    return ramp(1 - rho + ragged * (0.6 * noise.coarse + 0.6 * noise.medium), soft)


def pneumonia(chest: Chest, body: Body, dice: Dice, noise: Noise) -> None:
    """Fluid in one lobe, in scattered foci, or in streaks along the bronchi.

    One case in twelve is early, and faint enough to be missed.
    """
    kind = dice.pick(3)
    early = dice.chance(0.08)
    strength = np.where(early, dice.uniform(0.12, 0.25), dice.uniform(0.40, 0.72))
    lobar, patchy, streaky = kind == 0, kind == 1, kind == 2
    firm = lobar.astype(np.float32)
    one_lung = dice.chance(0.35)
    hilum = dice.sign()
    total = np.zeros_like(chest.solid)
    for k in range(4):
        x, y = place(body, dice, 0.2, 1.0)
        size = np.where(lobar, dice.uniform(2.6, 4.2), dice.uniform(1.3, 2.4))
        size = np.where(streaky, dice.uniform(3.5, 6.0), size)
        # Streaks spread from one hilum or both; a lobe is single.
        x = np.where(streaky, hilum * dice.uniform(4.0, 7.5), x)
        y = np.where(streaky, 0.7 * y, y)
        hilum = -hilum
        skip = lobar & (k > 0) | patchy & dice.chance(0.25)
        skip = skip | streaky & ((k > 1) | (k > 0) & one_lung)
        radii = (size * dice.uniform(0.8, 1.3), size)
        spot = blob(chest, noise, (x, y), radii, 0.28 - 0.14 * firm, 1.1 - 0.5 * firm)
        total = np.maximum(total, spot * ~skip)
    even = 1 + (0.4 - 0.25 * firm) * noise.medium
    streaks = 0.32 + 0.14 * noise.medium + 0.16 * noise.fine + 0.26 * noise.net()
    grain = np.where(streaky, streaks, even)
    fill(chest, strength * total * np.maximum(grain, 0))


def consolidation(chest: Chest, body: Body, dice: Dice, noise: Noise) -> None:
    """A lobe solid with fluid, its bronchi full of air, cut off sharply where a fissure is."""
    x, y = place(body, dice, 0.2, 1.0)
    size = dice.uniform(3.0, 5.0)
    radii = (size, size * dice.uniform(0.7, 1.0))
    spot = blob(chest, noise, (x, y), radii, 0.25, 0.5)
    slope, offset = dice.uniform(-0.3, 0.3), dice.uniform(0.1, 0.6) * size
    beyond = dice.sign() * (chest.grid.y - y - slope * (chest.grid.x - x)) + offset
    fissure = ramp(beyond, np.maximum(0.4, chest.grid.pitch))
    spot = np.where(dice.chance(0.6), spot * fissure, spot)
    fill(chest, dice.uniform(0.45, 0.8) * spot * (1 + 0.15 * noise.medium))


def infiltration(chest: Chest, body: Body, dice: Dice, noise: Noise) -> None:
    """Faint, streaky, ill-defined haze: the vaguest word in a report."""
    total = np.zeros_like(chest.solid)
    for _ in range(2):
        x, y = place(body, dice, 0.3, 1.0)
        size = dice.uniform(3.0, 5.0)
        spot = blob(chest, noise, (x, y), (size, size), 0.35, 1.6)
        total = np.maximum(total, spot * dice.uniform(0.3, 1.0))
    streaks = np.exp(-((noise.medium / 0.5) ** 2))
    fill(chest, dice.uniform(0.25, 0.5) * total * (0.4 + 0.9 * streaks))


def edema(chest: Chest, body: Body, dice: Dice, noise: Noise) -> None:
    """Fluid around both hila like the wings of a bat, swollen septa, wide vessels."""
    x, y = chest.across - 4.5, chest.grid.y - 0.5
    wings = np.exp(-((x / dice.uniform(3.5, 5.0)) ** 2) - (y / dice.uniform(4.5, 6.5)) ** 2)
    grain = 1 + 0.35 * noise.coarse + 0.25 * noise.fine
    fill(chest, dice.uniform(0.3, 0.55) * wings * np.maximum(grain, 0))
    # Kerley's lines: the septa, short and level, at the lateral bases.
    depth = chest.edge - chest.across
    rung = np.maximum(np.cos(chest.grid.y * np.float32(2 * np.pi / 1.1) + noise.coarse), 0) ** 4
    zone = ramp(1.8 - depth, 0.8) * ramp(chest.grid.y - 3.0, 3.0) * (noise.medium > 0)
    fill(chest, 0.15 * rung * zone)
    chest.vessels = chest.vessels * 1.35


def fibrosis(chest: Chest, body: Body, dice: Dice, noise: Noise) -> None:
    """A net of scars at the bases and the edge, or at the apices."""
    y = chest.grid.y
    rim = ramp(5.0 - (chest.edge - chest.across), 4.0)
    base = ramp(y - 1.0, 7.0) * (0.45 + 0.55 * rim)
    zone = np.where(dice.chance(0.35), ramp(-4.5 - y, 5.0), base)
    scars = noise.net() * (1 + 0.3 * noise.medium)
    fill(chest, dice.uniform(0.25, 0.45) * zone * np.maximum(scars, 0))


def atelectasis(chest: Chest, body: Body, dice: Dice, noise: Noise) -> None:
    """Collapsed plates above a diaphragm that has risen to take their room."""
    side = dice.sign()
    dome = np.where(side > 0, body.dome_left, body.dome_right)
    x, y = side * chest.grid.x, chest.grid.y
    for _ in range(3):
        inner, level = dice.uniform(3.0, 6.0), dome - dice.uniform(0.4, 5.0)
        end = (inner + dice.uniform(4.0, 8.0), level - dice.uniform(-1.5, 1.5))
        distance2 = distance2_to_segment(x, y, (inner, level), end)
        plate = np.exp(-distance2 / dice.uniform(0.25, 0.55) ** 2)
        fill(chest, dice.uniform(0.3, 0.55) * plate * ~dice.chance(0.3))
    haze = ramp(y - dome + 2.5, 4.0) * (x > 0)
    fill(chest, dice.uniform(0.05, 0.3) * haze)


def mass(chest: Chest, body: Body, dice: Dice, noise: Noise) -> None:
    """A solid lump more than 3 cm across, lobed."""
    centre = place(body, dice, 0.12, 0.95)
    _ball(chest, noise, centre, dice.uniform(1.6, 3.2), 0.12, 0.9)


def nodule(chest: Chest, body: Body, dice: Dice, noise: Noise) -> None:
    """One to three round spots of less than 3 cm."""
    for k in range(3):
        centre = place(body, dice, 0.12, 0.95)
        radius, density = dice.uniform(0.6, 1.4), dice.uniform(0.7, 1.5)
        absent = dice.chance(0.6) & (k > 0)
        _ball(chest, noise, centre, radius, 0.03, density * ~absent)


def _ball(
    chest: Chest, noise: Noise, centre: Point, radius: Array, ragged: float, density: Value
) -> None:
    """Add a ball of tissue inside the lung."""
    x, y = chest.grid.x - centre[0], chest.grid.y - centre[1]
    rho = np.sqrt(x * x + y * y) / radius + ragged * noise.medium
    chest.extra += density * 2 * radius * np.sqrt(np.maximum(1 - rho * rho, 0)) * chest.open
