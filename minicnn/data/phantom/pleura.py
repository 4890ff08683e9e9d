"""Findings between lung and chest wall: fluid, air, scar.

Each function changes `chest` in place, for a batch in which every image has the
finding.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from minicnn.data.phantom.anatomy import cage_edge
from minicnn.data.phantom.body import Body
from minicnn.data.phantom.chest import Chest
from minicnn.data.phantom.dice import Array, Dice
from minicnn.data.phantom.opacities import fill
from minicnn.data.phantom.shapes import ramp
from minicnn.data.phantom.texture import Noise


def _on_side(chest: Chest, side: Array) -> NDArray[np.bool_]:
    """Return True on the given side (+1 the patient's left)."""
    return chest.is_left == (side > 0)


def effusion(chest: Chest, body: Body, dice: Dice, noise: Noise) -> None:
    """Fluid sinks into the lowest recess and climbs along the wall: a meniscus.

    A little of it only blunts the sharp angle between diaphragm and ribs.
    """
    here = _on_side(chest, dice.sign()) | dice.chance(0.3)
    dome = np.where(chest.is_left, body.dome_left, body.dome_right)
    q = np.minimum(chest.across / chest.edge, 1)
    surface = dome - dice.uniform(-2.8, 4.0) - dice.uniform(2.0, 4.0) * q**5
    fluid = ramp(chest.grid.y - surface, np.maximum(1.0, chest.grid.pitch))
    fill(chest, 0.95 * fluid * here)


def pneumothorax_size(dice: Dice) -> tuple[Array, Array]:
    """Return the side and the part of the lung's width that has given way."""
    return dice.sign(), dice.uniform(0.08, 0.38)


def pneumothorax(chest: Chest, body: Body, dice: Dice, noise: Noise) -> None:
    """Air between wall and lung: black, without vessels, within it the lung's thin outline."""
    side, size = pneumothorax_size(dice)
    here = _on_side(chest, side)
    # The lung keeps its shape as it shrinks away from the apex and the side.
    y, pitch = chest.grid.y, chest.grid.pitch
    apex = body.apex + 0.6 + 9.0 * size
    stretch = (body.base - body.apex) / (body.base - apex)
    outline = (1 - size) * cage_edge(body, body.base - (body.base - y) * stretch)
    beyond = chest.across - outline * (y > apex)
    air = ramp(beyond, np.maximum(0.25, pitch)) * here
    chest.empty = np.maximum(chest.empty, air)
    line = np.exp(-((beyond / np.maximum(0.14, 0.5 * pitch)) ** 2))
    chest.extra += 0.45 * line * chest.open * here
    # The lung that gave way is denser.
    fill(chest, 0.25 * size * (1 - air) * here)


def pleural_thickening(chest: Chest, body: Body, dice: Dice, noise: Noise) -> None:
    """A white rim of scar along the wall or over the apex."""
    here = _on_side(chest, dice.sign()) | dice.chance(0.25)
    apical = dice.chance(0.35)
    middle = np.where(apical, body.apex + 1.0, dice.uniform(-3.0, 7.0))
    reach = np.where(apical, np.float32(3.5), dice.uniform(4.0, 8.0))
    fade = np.maximum(1 - ((chest.grid.y - middle) / reach) ** 2, 0)
    thickness = dice.uniform(0.9, 2.2) * fade * (1 + 0.35 * noise.medium)
    depth = chest.edge - chest.across
    rim = ramp(thickness - depth, np.maximum(0.3, chest.grid.pitch))
    fill(chest, 0.75 * rim * (fade > 0) * here)
