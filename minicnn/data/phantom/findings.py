"""The fourteen findings of ChestX-ray14, each with the sign a radiologist looks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from minicnn.data.phantom import opacities, pleura
from minicnn.data.phantom.body import Body
from minicnn.data.phantom.chest import Chest
from minicnn.data.phantom.dice import Dice
from minicnn.data.phantom.shapes import ellipsoid, ramp
from minicnn.data.phantom.texture import Noise


@dataclass(frozen=True)
class Sign:
    """How one finding shows: first in the shape of the body, then along the rays."""

    prevalence: float
    reshape: Callable[[Body, Dice], Body] | None = None
    draw: Callable[[Chest, Body, Dice, Noise], None] | None = None


def widen_heart(body: Body, dice: Dice) -> Body:
    """Cardiomegaly: a heart wider than half the chest."""
    return replace(body, heart=body.heart * dice.uniform(1.22, 1.5))


def congest(body: Body, dice: Dice) -> Body:
    """Edema: the heart that dams up the blood is often large."""
    return replace(body, heart=body.heart * dice.uniform(1.0, 1.2))


def overinflate(body: Body, dice: Dice) -> Body:
    """Emphysema: air that cannot leave; dark, tall lungs, flat domes, a narrow heart."""
    deeper = dice.uniform(0.9, 2.6)
    return replace(
        body,
        dome_right=body.dome_right + deeper,
        dome_left=body.dome_left + deeper,
        sulcus=body.sulcus - deeper,
        density=body.density * dice.uniform(0.55, 0.85),
        vessels=body.vessels * 0.75,
        heart=body.heart * 0.88,
        rib_spacing=body.rib_spacing * 1.06,
        rib_drop=body.rib_drop * 0.8,
    )


def bullae(chest: Chest, body: Body, dice: Dice, noise: Noise) -> None:
    """Emphysema: holes in the upper lungs, black and without vessels."""
    for _ in range(3):
        centre = opacities.place(body, dice, 0.1, 0.6)
        radius = dice.uniform(1.2, 2.6)
        hole = opacities.blob(chest, noise, centre, (radius, radius), 0.08, 0.3)
        chest.empty = np.maximum(chest.empty, 0.7 * hole)


def collapse(body: Body, dice: Dice) -> Body:
    """Atelectasis: the diaphragm rises and the heart moves towards the collapsed side."""
    side = dice.sign()
    rise = dice.uniform(0.8, 3.0)
    return replace(
        body,
        dome_left=body.dome_left - rise * (side > 0),
        dome_right=body.dome_right - rise * (side < 0),
        heart_x=body.heart_x + 0.5 * side,
    )


def shrink_lungs(body: Body, dice: Dice) -> Body:
    """Fibrosis: scars pull the lungs together."""
    loss = dice.uniform(0.3, 1.4)
    return replace(
        body,
        dome_left=body.dome_left - loss,
        dome_right=body.dome_right - loss,
        density=body.density * 1.08,
    )


def push_heart(body: Body, dice: Dice) -> Body:
    """Pneumothorax: much air under pressure pushes the heart away."""
    side, size = pleura.pneumothorax_size(dice)
    return replace(body, heart_x=body.heart_x - 3.0 * side * np.maximum(size - 0.2, 0))


def hernia(chest: Chest, body: Body, dice: Dice, noise: Noise) -> None:
    """Stomach above the diaphragm: a bubble behind the heart with a level of fluid."""
    x, y = chest.grid.x, chest.grid.y
    radius = dice.uniform(2.3, 3.8)
    centre = (dice.uniform(-0.5, 3.0), body.dome_left - 0.75 * radius)
    chest.extra += ellipsoid(x, y, centre, (radius, radius), 1.1 * radius)
    level = centre[1] + dice.uniform(-0.3, 0.5) * radius
    air = ellipsoid(x, y, centre, (radius - 0.5, radius - 0.5), 2.0 * radius)
    chest.extra -= air * ramp(level - y, np.maximum(0.3, chest.grid.pitch))


# Prevalences are those of ChestX-ray14 (Wang et al., CVPR 2017: 112,120 images),
# raised to 0.02 where they are lower (Hernia 0.002, Pneumonia 0.013, Fibrosis
# 0.015) so that a thousand images hold some of each. Findings are drawn
# independently of one another, which leaves 46 % of the images without any; in
# the real set it is 54 %.
SIGNS: dict[str, Sign] = {
    "Atelectasis": Sign(0.103, collapse, opacities.atelectasis),
    "Cardiomegaly": Sign(0.025, widen_heart),
    "Consolidation": Sign(0.042, None, opacities.consolidation),
    "Edema": Sign(0.021, congest, opacities.edema),
    "Effusion": Sign(0.119, None, pleura.effusion),
    "Emphysema": Sign(0.022, overinflate, bullae),
    "Fibrosis": Sign(0.02, shrink_lungs, opacities.fibrosis),
    "Hernia": Sign(0.02, None, hernia),
    "Infiltration": Sign(0.177, None, opacities.infiltration),
    "Mass": Sign(0.052, None, opacities.mass),
    "Nodule": Sign(0.056, None, opacities.nodule),
    "Pleural_Thickening": Sign(0.030, None, pleura.pleural_thickening),
    "Pneumonia": Sign(0.02, None, opacities.pneumonia),
    "Pneumothorax": Sign(0.047, push_heart, pleura.pneumothorax),
}
FINDINGS = tuple(SIGNS)
PREVALENCE = np.array([sign.prevalence for sign in SIGNS.values()])


def reshape_bodies(body: Body, present: NDArray[np.bool_], dice: Sequence[Dice]) -> None:
    """Change the bodies of the images in which a finding is present, in place.

    Parameters
    ----------
    body
        B healthy bodies.
    present
        (B, 14), in the order of FINDINGS.
    dice
        One set for each finding.
    """
    for k, sign in enumerate(SIGNS.values()):
        rows = np.flatnonzero(present[:, k])
        if sign.reshape is not None and rows.size:
            body.put(rows, sign.reshape(body.rows(rows), dice[k].rows(rows)))


def draw_findings(
    chest: Chest, body: Body, present: NDArray[np.bool_], dice: Sequence[Dice], noise: Noise
) -> None:
    """Draw the findings that are present into the chest, in place.

    The parameters are those of `reshape_bodies`. A finding throws the same dice
    here as there, so that both stages agree on the side it is on.
    """
    for k, sign in enumerate(SIGNS.values()):
        rows = np.flatnonzero(present[:, k])
        if sign.draw is not None and rows.size:
            part = chest.rows(rows)
            sign.draw(part, body.rows(rows), dice[k].rows(rows), noise.rows(rows))
            chest.put(rows, part)
