"""From thicknesses to a picture: the beam, the film, the noise.

A beam of N0 quanta per cm^2 that crosses the body leaves with

    N = N0 exp(-L),    L = sum over tissues of mu * thickness       (Beer-Lambert)

where mu, in 1/cm, is the tissue's attenuation at the beam's energy. The film
shows log N as a grey value: where little passes (bone) it stays white, where
much passes (lung, air) it turns black.

Nothing here looks at the picture as a whole, so that a finding changes the
picture only where its rays pass.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from minicnn.data.phantom.body import Body
from minicnn.data.phantom.chest import Chest, picture_axes
from minicnn.data.phantom.dice import Array
from minicnn.data.phantom.shapes import ramp

# At about 70 keV, the middle of a chest beam, 1/cm: water and soft tissue, and
# what bone (with its marrow) adds to the tissue whose place it takes.
MU_SOFT = 0.19
MU_BONE = 0.30
HEALTHY_LUNG = 0.27  # density, water = 1


def attenuation(body: Body, chest: Chest) -> Array:
    """Return L, the line integral of the attenuation along each ray, (B, S, S)."""
    tissue = (1 - chest.empty) * body.density
    lung = chest.solid + (1 - chest.solid) * tissue  # density, water = 1
    # There are no vessels in free air, and blood does not show in fluid. In solid
    # lung the bronchus beside each artery shows instead: the air bronchogram.
    blood = chest.vessels * chest.open * (1 - chest.empty) * (1 - 1.7 * chest.solid)
    soft = np.maximum(chest.soft - chest.cavity * (1 - lung) + blood + chest.extra, 0)
    return body.size * (MU_SOFT * soft + MU_BONE * chest.bone)


def expose(body: Body, integral: Array, pitch: Array, chance: Array) -> Array:
    """Return what reaches the film, as -log of the exposure relative to air.

    Parameters
    ----------
    body
        Its dose and scatter apply.
    integral
        L, (B, S, S).
    pitch
        Centimetres between rays: a ray stands for pitch^2 of film.
    chance
        (B, S, S) standard normal numbers. The number of quanta is Poisson in
        truth; at these counts the normal is a good stand-in.

    Returns
    -------
    Array
        (B, S, S).
    """
    # The automatic exposure lets a thick body have more, so that films look alike.
    gain = np.exp(body.size * MU_SOFT * body.depth)
    # Scattered quanta have forgotten the shadows they crossed: an even veil.
    received = np.exp(-integral) + body.scatter / gain
    quanta = body.dose * gain * pitch**2 * received
    received *= 1 + chance / np.sqrt(quanta)
    return -np.log(np.maximum(received, 1e-6))


def develop(body: Body, density: Array) -> Array:
    """Return grey values around 0 to 255: the film's characteristic curve.

    It is straight in the middle and bends at both ends (Hurter and Driffield).
    """
    u, v = picture_axes(density.shape[-1])
    heel = body.heel_x * u + body.heel_y * v
    # The film is exposed for a healthy body of this build: lung dark grey, abdomen
    # nearly white.
    belly = body.size * MU_SOFT * 2 * body.depth
    contrast = body.size * MU_SOFT * 2 * body.cavity * (1 - HEALTHY_LUNG)
    middle = belly + (0.775 * body.latitude - 1.5 + body.black) * contrast
    t = (density + heel - middle) / (0.775 * body.latitude * contrast)
    t2 = t * t
    grey = np.float32(0.5) + 0.55 * t / np.sqrt(np.sqrt(1 + t2 * t2))
    return 255 * np.maximum(grey, 0) ** body.gamma


def collimate(body: Body, grey: Array) -> Array:
    """Blacken what the collimator's blades kept from the beam."""
    samples = grey.shape[-1]
    u, v = picture_axes(samples)
    outside = body.blades <= 0
    across = ramp(1 - body.blades - np.abs(u), 2 / samples)  # (B, 1, S)
    down = ramp(1 - body.blades_y - np.abs(v), 2 / samples)  # (B, S, 1)
    return grey * np.where(outside, 1, across) * np.where(outside, 1, down)


def to_pixels(grey: Array, size: int) -> NDArray[np.uint8]:
    """Average blocks of samples into pixels, (B, S, S) -> (B, 1, size, size) uint8."""
    k = grey.shape[-1] // size
    blocks = grey.reshape(-1, 1, size, k, size, k)
    pixels = sum(blocks[:, :, :, i, :, j] for i in range(k) for j in range(k)) / (k * k)
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)
