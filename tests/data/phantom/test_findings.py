"""The same body with and without a finding: what changes, and where."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import pytest

from minicnn.data.phantom import FINDINGS, generate
from minicnn.data.phantom.anatomy import build_chest
from minicnn.data.phantom.body import draw_bodies
from minicnn.data.phantom.chest import lay_grid
from minicnn.data.phantom.dice import Dice
from minicnn.data.phantom.findings import SIGNS

SIZE = 112  # one ray per pixel
COUNT = 12


@dataclass
class Bodies:
    """Healthy bodies, where each of their pixels lies, and their films."""

    draws: generate.Draws
    films: np.ndarray  # (B, S, S)
    y: np.ndarray  # cm, (B, S, S)
    across: np.ndarray  # cm from the midline
    depth: np.ndarray  # cm inside the cage's edge
    dome: np.ndarray  # height of the diaphragm on this side
    apex: np.ndarray
    lung: np.ndarray  # True where there is a lung

    def with_(self, name: str) -> np.ndarray:
        """Return the change of each pixel that a finding makes."""
        present = np.tile(np.array(FINDINGS) == name, (COUNT, 1))
        return generate.render(self.draws, present, SIZE)[:, 0].astype(float) - self.films


@pytest.fixture(scope="module")
def bodies() -> Bodies:
    draws = generate.draw_numbers(1, range(COUNT), SIZE)
    films = generate.render(draws, np.zeros((COUNT, 14), dtype=bool), SIZE)[:, 0].astype(float)
    body = draw_bodies(Dice(draws.body))
    chest = build_chest(body, lay_grid(body, SIZE))
    return Bodies(
        draws,
        films,
        chest.grid.y,
        chest.across,
        chest.edge - chest.across,
        np.where(chest.is_left, body.dome_left, body.dome_right),
        body.apex,
        chest.open > 0.1,
    )


@pytest.mark.parametrize("name", FINDINGS)
def test_every_finding_shows_and_only_in_the_chest(bodies: Bodies, name: str) -> None:
    change = bodies.with_(name)
    assert (np.abs(change).max(axis=(1, 2)) > 8).all(), "some image does not show it"
    if name != "Emphysema":  # which spreads the ribs
        outside = (bodies.depth < -1.2) | (bodies.y < bodies.apex - 1)
        assert np.abs(change[outside]).max() == 0
        # Behind the abdomen a little lung still shows.
        assert np.abs(change[bodies.y > 16]).max() < 8


@pytest.mark.parametrize(
    "name",
    [
        "Consolidation",
        "Edema",
        "Effusion",
        "Infiltration",
        "Mass",
        "Nodule",
        "Pleural_Thickening",
        "Pneumonia",
    ],
)
def test_opacities_whiten(bodies: Bodies, name: str) -> None:
    change = bodies.with_(name)
    assert (change.sum(axis=(1, 2)) > 0).all()
    # Air bronchograms darken a little, inside.
    assert change[change < 0].sum() > -0.05 * change[change > 0].sum()


def test_drawn_findings_change_nothing_but_the_lung(bodies: Bodies) -> None:
    for name in ("Consolidation", "Infiltration", "Mass", "Nodule", "Pneumonia"):
        change = np.abs(bodies.with_(name))
        most = 0.002 if name in ("Mass", "Nodule") else 0.05
        assert change[~bodies.lung].sum() < most * change.sum(), name


def test_nodules_are_small_and_masses_larger(bodies: Bodies) -> None:
    def area(name: str) -> float:
        return float((bodies.with_(name) > 3).mean())

    assert area("Nodule") < 0.03
    assert 1.5 * area("Nodule") < area("Mass") < 0.08
    assert area("Mass") < area("Pneumonia")


def test_effusion_collects_at_the_bottom(bodies: Bodies) -> None:
    change = np.abs(bodies.with_("Effusion"))
    high = bodies.y < bodies.dome - 9.5
    assert change[high].max() == 0
    angle = (bodies.depth > 0.3) & (bodies.depth < 2) & (np.abs(bodies.y - bodies.dome) < 2)
    assert change[angle].mean() > 5 * change.mean()


def test_pneumothorax_blackens_a_rim(bodies: Bodies) -> None:
    change = bodies.with_("Pneumothorax")
    rim = (bodies.depth > 0.2) & (bodies.depth < 1) & bodies.lung & (bodies.y < 5)
    assert change[rim].mean() < -2
    assert change.min() < -15


def test_emphysema_blackens_and_lowers_the_domes(bodies: Bodies) -> None:
    change = bodies.with_("Emphysema")
    assert change[bodies.lung].mean() < -3
    under = (bodies.y > bodies.dome + 0.3) & (bodies.y < bodies.dome + 1.2)
    under &= (bodies.across > 4) & (bodies.across < 9)
    left = np.arange(SIZE) >= SIZE // 2
    assert change[under & left].mean() < -20
    assert change[under & ~left].mean() < -20


def test_atelectasis_raises_a_dome(bodies: Bodies) -> None:
    change = bodies.with_("Atelectasis")
    above = (bodies.y < bodies.dome - 0.2) & (bodies.y > bodies.dome - 0.8)
    assert change[above & (bodies.across > 4) & (bodies.across < 9)].mean() > 20


def test_atelectasis_has_its_plates_on_the_side_of_the_raised_dome(bodies: Bodies) -> None:
    change = bodies.with_("Atelectasis")
    lateral = (bodies.across > 6) & (bodies.depth > 1)
    at_dome = lateral & (bodies.y < bodies.dome) & (bodies.y > bodies.dome - 0.8)
    higher = lateral & (bodies.y < bodies.dome - 3) & (bodies.y > bodies.dome - 8)
    middle = SIZE // 2

    def lean(mask: np.ndarray) -> np.ndarray:
        whiter = change * mask
        return whiter[:, :, middle:].sum(axis=(1, 2)) - whiter[:, :, :middle].sum(axis=(1, 2))

    plates = lean(higher)
    assert (np.sign(lean(at_dome)) == np.sign(plates))[np.abs(plates) > 50].all()


def test_cardiomegaly_widens_the_heart(bodies: Bodies) -> None:
    change = bodies.with_("Cardiomegaly")
    assert (change.sum(axis=(1, 2)) > 0).all()
    beside = (bodies.across > 5) & (bodies.across < 11) & (np.abs(bodies.y - 5) < 3)
    assert change[beside].mean() > 15
    assert np.abs(change[bodies.across > 15]).max() == 0


def test_hernia_is_a_bubble_behind_the_heart(bodies: Bodies) -> None:
    change = bodies.with_("Hernia")
    assert np.abs(change[bodies.across > 7]).max() == 0
    assert np.abs(change[bodies.y < bodies.dome - 9]).max() == 0
    assert change.min() < -8 and change.max() > 3


def test_pleural_thickening_stays_at_the_edge(bodies: Bodies) -> None:
    change = bodies.with_("Pleural_Thickening")
    assert np.abs(change[bodies.depth > 6]).max() == 0


def test_edema_is_on_both_sides(bodies: Bodies) -> None:
    change = bodies.with_("Edema")
    middle = SIZE // 2
    for half in (change[:, :, :middle], change[:, :, middle:]):
        assert (half.sum(axis=(1, 2)) > 0).all()


@pytest.mark.parametrize("name", ["Effusion", "Pleural_Thickening", "Pneumothorax", "Pneumonia"])
def test_either_side_may_be_ill(bodies: Bodies, name: str) -> None:
    change = np.abs(bodies.with_(name))
    right = change[:, :, : SIZE // 2].sum(axis=(1, 2))
    left = change[:, :, SIZE // 2 :].sum(axis=(1, 2))
    assert (right > 2 * left).any()
    assert (left > 2 * right).any()


def test_findings_may_meet(bodies: Bodies) -> None:
    everything = np.ones((COUNT, 14), dtype=bool)
    films = generate.render(bodies.draws, everything, SIZE)
    assert films.std() > 20


def test_numbers_stay_single_precision() -> None:
    # A stray float64 doubles the time of everything after it.
    draws = generate.draw_numbers(2, range(3), 56)
    body = draw_bodies(Dice(draws.body))
    noise = generate.make_noise(draws.lattices, 56)
    everything = np.ones((3, 14), dtype=bool)
    dice = [Dice(draws.findings[:, k]) for k in range(14)]
    generate.reshape_bodies(body, everything, dice)
    for f in fields(body):
        assert getattr(body, f.name).dtype == np.float32, f.name
    chest = build_chest(body, lay_grid(body, 56))
    generate.add_bones(body, chest)
    every = np.arange(3)
    for (name, sign), own in zip(SIGNS.items(), dice, strict=True):
        part = chest.rows(every)
        if sign.draw is not None:
            sign.draw(part, body, own.rows(every), noise)
        for f in fields(chest)[1:]:
            assert getattr(part, f.name).dtype in (np.float32, np.bool_), (name, f.name)
