from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from minicnn.data.phantom.anatomy import build_chest
from minicnn.data.phantom.body import Body, draw_bodies
from minicnn.data.phantom.chest import Chest, lay_grid
from minicnn.data.phantom.dice import Dice
from minicnn.data.phantom.render import (
    MU_BONE,
    MU_SOFT,
    attenuation,
    collimate,
    develop,
    expose,
    to_pixels,
)

SAMPLES = 56


@pytest.fixture
def body() -> Body:
    return draw_bodies(Dice(np.random.default_rng(4).random((3, 160))))


@pytest.fixture
def chest(body: Body) -> Chest:
    return build_chest(body, lay_grid(body, SAMPLES))


def test_a_centimetre_costs_its_attenuation(body: Body, chest: Chest) -> None:
    before = attenuation(body, chest)
    chest.bone = chest.bone + 1
    assert attenuation(body, chest) - before == pytest.approx(
        MU_BONE * body.size + 0 * before, abs=1e-5
    )
    chest.bone = chest.bone - 1
    thick = replace(chest, soft=chest.soft + 50)
    thicker = replace(chest, soft=chest.soft + 52)
    assert attenuation(body, thicker) - attenuation(body, thick) == pytest.approx(
        2 * MU_SOFT * body.size + 0 * before, abs=1e-4
    )


def test_fluid_weighs_as_much_as_the_body_and_air_nothing(body: Body, chest: Chest) -> None:
    chest.extra = np.zeros_like(chest.extra)
    full = replace(chest, solid=np.ones_like(chest.solid))
    assert attenuation(body, full) == pytest.approx(body.size * MU_SOFT * chest.soft, abs=1e-4)
    # Air outside the lung has no vessels either.
    chest.vessels = np.ones_like(chest.vessels)
    empty = replace(chest, empty=np.ones_like(chest.empty))
    assert attenuation(body, empty) == pytest.approx(
        body.size * MU_SOFT * (chest.soft - chest.cavity), abs=1e-4
    )


def test_noise_falls_with_the_dose(body: Body) -> None:
    flat = np.full((3, SAMPLES, SAMPLES), 2.0, dtype=np.float32)
    pitch = np.full((3, 1, 1), 0.5, dtype=np.float32)
    chance = np.random.default_rng(0).standard_normal(flat.shape).astype(np.float32)
    spread = expose(body, flat, pitch, chance).std(axis=(1, 2))
    four = replace(body, dose=4 * body.dose)
    assert expose(four, flat, pitch, chance).std(axis=(1, 2)) == pytest.approx(spread / 2, rel=0.05)
    # Poisson: the relative spread of N quanta is 1 / sqrt(N).
    silent = replace(body, scatter=0 * body.scatter, dose=0 * body.dose + 4e4)
    quanta = 4e4 * np.exp(silent.size * MU_SOFT * silent.depth)[:, 0, 0] * 0.5**2 * np.exp(-2.0)
    measured = expose(silent, flat, pitch, chance).std(axis=(1, 2))
    assert measured == pytest.approx(1 / np.sqrt(quanta), rel=0.05)


def test_more_attenuation_is_whiter(body: Body) -> None:
    ladder = np.linspace(0, 8, SAMPLES, dtype=np.float32)
    level = replace(body, heel_x=0 * body.heel_x, heel_y=0 * body.heel_y)
    grey = develop(level, np.broadcast_to(ladder, (3, SAMPLES, SAMPLES)))
    assert (np.diff(grey, axis=2) >= 0).all()
    assert (grey[:, :, 0] < 40).all()
    assert (grey[:, :, -1] > 230).all()


def test_blades(body: Body) -> None:
    white = np.full((3, SAMPLES, SAMPLES), 200, dtype=np.float32)
    shut = replace(body, blades=0 * body.blades + 0.2, blades_y=0 * body.blades + 0.1)
    film = collimate(shut, white)
    assert (film[:, :, :5] == 0).all() and (film[:, :2] == 0).all()
    assert (film[:, 10:-10, 10:-10] == 200).all()
    assert (collimate(replace(body, blades=0 * body.blades), white) == 200).all()


def test_pixels_are_means_of_rays() -> None:
    rays = np.arange(2 * 6 * 6, dtype=np.float32).reshape(2, 6, 6)
    pixels = to_pixels(rays, 3)
    assert pixels.shape == (2, 1, 3, 3)
    assert pixels.dtype == np.uint8
    assert pixels[0, 0, 0, 0] == round((0 + 1 + 6 + 7) / 4)
    assert to_pixels(np.array([[[-4.0, 300.0], [1.4, 1.6]]]), 2).ravel().tolist() == [0, 255, 1, 2]
