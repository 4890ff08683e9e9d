"""The tree of arteries and veins in the lungs."""

from __future__ import annotations

import numpy as np

from minicnn.data.phantom.body import Body
from minicnn.data.phantom.dice import Array
from minicnn.data.phantom.lines import Lines, dot, share_out

TRUNKS = 6  # arteries and veins that leave each hilum
LEVELS = 5  # the trunks, and how often they fork
BRANCHES = 2 * TRUNKS * (2**LEVELS - 1)  # pieces in both lungs
# A picture of single vessels has room for a few of the thousands there are;
# these carry the blood of their neighbours too.
CROWD = 1.9


def grow_vessels(body: Body, jitter: Array) -> list[Lines]:
    """Grow the pulmonary vessels of both lungs.

    Parameters
    ----------
    body
        Its `vessels` scales their calibre.
    jitter
        (B, BRANCHES, 3) standard normal numbers: turn, stretch, calibre.

    Returns
    -------
    list of Lines
        One entry per level of forking, from the trunks to the twigs.
    """
    batch = jitter.shape[0]
    jitter = np.clip(jitter, -2.5, 2.5)
    # The trunks leave a hilum some 5 cm tall. Angle 0 points sideways, positive down.
    fan = np.linspace(-1.3, 1.25, TRUNKS, dtype=np.float32)
    rise = np.linspace(-1.6, 2.6, TRUNKS, dtype=np.float32)
    girth = np.linspace(0.34, 0.55, TRUNKS, dtype=np.float32)
    side = np.repeat(np.array([-1, 1], dtype=np.float32), TRUNKS)[None, :]  # (1, 2 TRUNKS)
    x = side * 2.7 + (2.0 * body.turn + body.heart_x)[:, :, 0]  # (B, 2 TRUNKS)
    y = np.tile(rise, 2) - 1.2 * (side > 0).astype(np.float32) + 0 * x
    angle = np.tile(fan, 2) + 0 * x
    taller = (body.dome_right[:, :, 0] + 13.0) / 21.5
    length = (2.0 + 0.9 * np.abs(np.sin(angle))) * taller
    radius = np.tile(girth, 2) * body.vessels[:, :, 0] + 0 * x
    levels = []
    used = 0
    for level in range(LEVELS):
        n = x.shape[1]
        noise = jitter[:, used : used + n]  # (B, n, 3)
        used += n
        angle = angle + (0.16 + 0.04 * level) * noise[..., 0]
        reach = length * (1 + 0.15 * noise[..., 1])
        x1 = x + side * np.cos(angle) * reach
        y1 = y + np.sin(angle) * reach
        calibre = radius * (1 + 0.15 * noise[..., 2])
        levels.append(Lines(x, y, x1, y1, calibre, np.full_like(x, CROWD)))
        # One branch runs on almost straight, a thinner one leaves to either side.
        turn = 1 - 2 * (noise[..., :1] > 0).astype(np.float32)
        angle = (angle[..., None] + turn * np.array([-0.1, 0.55], np.float32)).reshape(batch, -1)
        radius = (radius[..., None] * np.array([0.8, 0.6], np.float32)).reshape(batch, -1)
        x, y = x1.repeat(2, axis=1), y1.repeat(2, axis=1)
        length, side = (0.9 * length).repeat(2, axis=1), side.repeat(2, axis=1)
    return levels


def draw_vessels(levels: list[Lines], body: Body, samples: int) -> Array:
    """Return the thickness of blood in the lungs along each ray, cm, (B, S, S)."""
    parts = [
        dot(lines, body, samples, longest=4.0 * 0.9**k, widest=0.8 * 0.8**k)
        for k, lines in enumerate(levels)
    ]
    return share_out(parts, samples)
