"""Draw, build, expose: the synthetic radiographs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from minicnn.data.phantom.anatomy import build_chest
from minicnn.data.phantom.body import draw_bodies
from minicnn.data.phantom.bones import add_bones
from minicnn.data.phantom.chest import lay_grid
from minicnn.data.phantom.dice import Array, Dice
from minicnn.data.phantom.findings import FINDINGS, PREVALENCE, draw_findings, reshape_bodies
from minicnn.data.phantom.hardware import draw_hardware
from minicnn.data.phantom.render import attenuation, collimate, develop, expose, to_pixels
from minicnn.data.phantom.texture import GRAINS, MARGIN, make_noise
from minicnn.data.phantom.vessels import BRANCHES, draw_vessels, grow_vessels
from minicnn.errors import ArgumentError

CLASSES = ("normal", "pneumonia")
TASKS = ("binary", "multilabel")
SMALLEST = 28  # pixels; below, the ribs are gone
# More questions than anybody asks of one image's dice: see Dice.
BODY_DICE, HARDWARE_DICE, FINDING_DICE = 128, 40, 48
# Rays in one batch: enough to keep NumPy busy, few enough to stay in its cache.
RAYS_AT_ONCE = 100_000


@dataclass
class Draws:
    """Every random number a batch of images needs; row i belongs to image i alone."""

    labels: NDArray[np.float64]  # (B, 14)
    body: NDArray[np.float64]  # (B, BODY_DICE)
    hardware: NDArray[np.float64]  # (B, HARDWARE_DICE)
    findings: NDArray[np.float64]  # (B, 14, FINDING_DICE)
    branches: Array  # (B, BRANCHES, 3)
    lattices: list[Array]  # each (B, cells + 3, cells + 3)
    chance: Array  # (B, S, S), the only one that depends on the size


def make_phantoms(
    count: int,
    size: int = 28,
    *,
    task: str = "binary",
    rng: np.random.Generator,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[NDArray[np.uint8], NDArray[np.int64] | NDArray[np.uint8]]:
    """Make synthetic frontal chest radiographs with labels.

    Image i of a generator is the same whatever `count` is. At another size it
    shows the same patient, with another draw of the quantum noise.

    Parameters
    ----------
    count
        How many, 0 or more.
    size
        Height and width in pixels, at least 28.
    task
        ``"binary"``: half of the images show pneumonia and nothing else, half
        are normal. ``"multilabel"``: each of the 14 findings of ChestX-ray14 is
        present with its own prevalence.
    rng
        Draws one number, the seed of this call's images.
    progress
        Called as ``progress(done, count)`` while the images are made.

    Returns
    -------
    images
        (count, 1, size, size) uint8, bone white.
    labels
        (count,) int64, the index in CLASSES; or (count, 14) uint8, 1 where the
        finding of FINDINGS is present.

    Raises
    ------
    ArgumentError
        If `count` or `size` is too small or not a whole number, `task` is
        unknown, or `rng` is not a generator.
    """
    _check(count, size, task, rng)
    samples = size * _oversampling(size)
    root = int(rng.integers(2**63))
    batch = max(1, RAYS_AT_ONCE // samples**2)
    images = np.empty((count, 1, size, size), dtype=np.uint8)
    present = np.empty((count, len(FINDINGS)), dtype=bool)
    for start in range(0, count, batch):
        stop = min(start + batch, count)
        draws = draw_numbers(root, range(start, stop), samples)
        present[start:stop] = draw_labels(draws, task)
        images[start:stop] = render(draws, present[start:stop], size)
        if progress is not None:
            progress(stop, count)
    if task == "binary":
        return images, present[:, FINDINGS.index("Pneumonia")].astype(np.int64)
    return images, present.astype(np.uint8)


def _check(count: int, size: int, task: str, rng: np.random.Generator) -> None:
    """Raise ArgumentError unless the arguments of make_phantoms make sense."""
    for name, value, least in (("count", count, 0), ("size", size, SMALLEST)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
            raise ArgumentError(
                f"{name} is {value!r}; phantoms need a whole number of at least {least}"
            )
    if task not in TASKS:
        raise ArgumentError(f"task is {task!r}; choose one of {', '.join(map(repr, TASKS))}")
    if not isinstance(rng, np.random.Generator):
        raise ArgumentError(
            f"rng is of type {type(rng).__name__}; give a np.random.Generator, such as "
            "np.random.default_rng(0)"
        )


def _oversampling(size: int) -> int:
    """Return how many rays, along each side, a pixel averages."""
    return 2 if size < 112 else 1


def draw_numbers(root: int, images: range, samples: int) -> Draws:
    """Draw the random numbers of the images with the given indices."""
    rows = []
    for i in images:
        rng = np.random.default_rng((root, i))
        rows.append(
            (
                rng.random(len(FINDINGS)),
                rng.random(BODY_DICE),
                rng.random(HARDWARE_DICE),
                rng.random((len(FINDINGS), FINDING_DICE)),
                rng.standard_normal((BRANCHES, 3), dtype=np.float32),
                *(_lattice(rng, cells) for cells in GRAINS),
                rng.standard_normal((samples, samples), dtype=np.float32),
            )
        )
    labels, body, hardware, findings, branches, *lattices, chance = map(
        np.stack, zip(*rows, strict=True)
    )
    return Draws(labels, body, hardware, findings, branches, lattices, chance)


def _lattice(rng: np.random.Generator, cells: int) -> Array:
    """Draw the numbers under one texture."""
    return rng.standard_normal((cells + MARGIN, cells + MARGIN), dtype=np.float32)


def draw_labels(draws: Draws, task: str) -> NDArray[np.bool_]:
    """Return which findings are present, (B, 14)."""
    if task == "multilabel":
        return draws.labels < PREVALENCE
    pneumonia = np.arange(len(FINDINGS)) == FINDINGS.index("Pneumonia")
    return pneumonia & (draws.labels[:, :1] < 0.5)


def render(draws: Draws, present: NDArray[np.bool_], size: int) -> NDArray[np.uint8]:
    """Make the radiographs of one batch.

    Parameters
    ----------
    draws
        The random numbers of B images.
    present
        (B, 14), the findings they show.
    size
        Pixels along each side.

    Returns
    -------
    NDArray[np.uint8]
        (B, 1, size, size).
    """
    samples = draws.chance.shape[-1]
    dice = [Dice(draws.findings[:, k]) for k in range(len(FINDINGS))]
    body = draw_bodies(Dice(draws.body))
    reshape_bodies(body, present, dice)

    grid = lay_grid(body, samples)
    chest = build_chest(body, grid)
    add_bones(body, chest)
    chest.vessels = draw_vessels(grow_vessels(body, draws.branches), body, samples)
    chest.extra += draw_hardware(body, Dice(draws.hardware), samples)
    draw_findings(chest, body, present, dice, make_noise(draws.lattices, samples))

    film = expose(body, attenuation(body, chest), grid.pitch, draws.chance)
    return to_pixels(collimate(body, develop(body, film)), size)
