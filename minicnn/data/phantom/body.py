"""One patient and one exposure: the numbers that make every chest different.

Lengths are in centimetres of an adult chest. A child is drawn in the same
coordinates with a child's proportions: a bell-shaped cage, flatter ribs, a
heart that takes more of the chest. Its smaller real size enters through `size`
alone, which scales how much tissue the ray crosses.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from minicnn.data.phantom.dice import Array, Dice


@dataclass
class Body:
    """Parameters of a batch of bodies, each (B, 1, 1)."""

    age: Array  # 0 a small child, 1 an adult
    size: Array  # real size over drawn size
    # Pose
    view_x: Array  # half width of the picture
    view_y: Array  # half height
    shift_x: Array  # of the body in the picture
    shift_y: Array
    roll: Array  # rotation in the plane of the picture, radians
    turn: Array  # rotation about the body's long axis, radians
    # Soft tissue
    depth: Array  # half thickness of the trunk from front to back
    wall: Array  # thickness of the chest wall at the sides
    neck: Array  # half width
    arms: Array  # 0 hanging, 1 raised
    breast: Array  # extra thickness, 0 for most
    stomach: Array  # radius of the gas bubble under the left dome, 0 for none
    head: Array  # how low the chin hangs
    # Thorax
    width: Array  # largest half width of the cavity
    apex: Array  # height of its top
    base: Array  # height of its largest width
    bell: Array  # exponent of its outline: low is a bell, high a barrel
    cavity: Array  # half depth inside the ribs
    dome_right: Array  # height of the diaphragm's domes
    dome_left: Array
    sulcus: Array  # how far the diaphragm falls towards the costophrenic angle
    density: Array  # density of aerated lung, water = 1
    vessels: Array  # calibre of the pulmonary vessels
    # Mediastinum
    heart: Array  # scale, 1 for an adult's
    heart_x: Array  # shift to the patient's left
    heart_tilt: Array  # of its long axis, radians
    mediastinum: Array  # half width above the heart
    aorta: Array  # radius of the aortic knob
    spine_bend: Array  # to either side
    # Bones
    rib_spacing: Array
    rib_drop: Array  # how much lower a rib ends in front than it began behind
    rib_height: Array  # part of the spacing that is bone
    rib_phase: Array  # radians, of their irregularity
    bone: Array  # mineral content, 1 for a strong adult
    clavicle_y: Array  # height of the end at the sternum
    clavicle_rise: Array  # how much higher the other end is
    # Exposure
    black: Array  # how dark the lungs come out, 0 on average
    latitude: Array  # range of attenuation the film renders, 1 on average
    gamma: Array  # bend of the grey scale
    scatter: Array  # scattered quanta as a part of those in air
    dose: Array  # quanta per square centimetre of the film, in air
    heel_x: Array  # uneven beam, in units of attenuation at the picture's edge
    heel_y: Array
    blades: Array  # how far the collimator stands inside the picture, 0 for outside
    blades_y: Array

    def rows(self, index: NDArray[np.intp]) -> Body:
        """Return some of the bodies."""
        return Body(**{f.name: getattr(self, f.name)[index] for f in fields(self)})

    def put(self, index: NDArray[np.intp], part: Body) -> None:
        """Write some of the bodies back."""
        for f in fields(self):
            getattr(self, f.name)[index] = getattr(part, f.name)


def draw_bodies(dice: Dice) -> Body:
    """Draw a batch of bodies, healthy ones."""
    age = np.where(dice.chance(0.45), dice.uniform(0.0, 0.5), dice.uniform(0.6, 1.0))
    adult = age > 0.55

    def grow(child: float, grown: float) -> Array:
        return child + (grown - child) * age

    none = np.zeros_like(age)
    # A film taken in bed: a shallow breath, a heart enlarged by the near tube, and
    # more scatter.
    portable = dice.chance(0.2).astype(np.float32)
    inspiration = dice.bell(0.0, 1.0) - 1.2 * portable  # a deep breath lowers the domes
    dome = grow(7.3, 8.8) + 0.8 * inspiration
    width = dice.bell(grow(12.6, 13.0), 0.6)
    zoom = dice.uniform(0.86, 1.12)
    stout = dice.uniform(0.0, 1.0)
    raised = dice.uniform(0.0, 1.0)
    return Body(
        age=age,
        size=grow(0.55, 1.0),
        view_x=17.0 * zoom * dice.bell(1.0, 0.035),
        view_y=17.0 * zoom * dice.bell(1.0, 0.035),
        shift_x=dice.bell(0.0, 0.8),
        shift_y=dice.bell(0.6, 0.9),
        roll=dice.bell(0.0, 0.045),
        turn=dice.bell(0.0, 0.06),
        depth=10.0 + 3.0 * stout,
        wall=grow(1.1, 1.8) + grow(1.2, 2.6) * stout,
        neck=dice.uniform(4.2, 5.6),
        arms=np.where(adult, 0.3 * raised, 0.2 + 0.8 * raised),
        breast=np.where(adult & dice.chance(0.4), dice.uniform(1.0, 4.0), none),
        stomach=np.where(dice.chance(0.5), dice.uniform(1.0, 2.6), none),
        head=dice.uniform(0.0, 4.5) - 4.0 * age,
        width=width,
        apex=dice.bell(-12.6, 0.6),
        base=grow(11.5, 9.0),
        bell=grow(1.5, 2.5) + dice.bell(0.0, 0.12),
        cavity=dice.uniform(7.4, 8.8),
        dome_right=dome + dice.bell(0.0, 0.3),
        dome_left=dome + dice.bell(1.0, 0.4),
        sulcus=grow(4.0, 5.0) + dice.bell(0.0, 0.4),
        density=np.clip(0.27 - 0.02 * inspiration + dice.bell(0.0, 0.025), 0.18, 0.4),
        vessels=dice.uniform(0.9, 1.3),
        heart=grow(1.12, 0.98) * (1 - 0.02 * inspiration + 0.05 * portable) * dice.bell(1.0, 0.04),
        heart_x=dice.bell(0.0, 0.4),
        heart_tilt=dice.bell(grow(0.85, 0.7), 0.08),
        # In some children the thymus widens it.
        mediastinum=dice.bell(2.5, 0.2) + 1.2 * (~adult & dice.chance(0.3)).astype(np.float32),
        aorta=grow(0.9, 2.0) * dice.bell(1.0, 0.08),
        spine_bend=dice.bell(0.0, 0.35),
        rib_spacing=dice.bell(2.2, 0.08),
        rib_drop=grow(6.5, 8.5) + dice.bell(0.0, 0.6),
        rib_height=dice.uniform(0.42, 0.54),
        rib_phase=dice.uniform(0.0, 6.28),
        bone=dice.uniform(0.75, 1.15) * grow(0.9, 1.0),
        clavicle_y=dice.bell(-9.4, 0.4),
        clavicle_rise=dice.uniform(0.6, 2.6) + raised * grow(3.5, 0.0),
        black=dice.uniform(-0.2, 0.25),
        latitude=dice.uniform(0.98, 1.4),
        gamma=dice.uniform(0.85, 1.2),
        scatter=dice.uniform(0.01, 0.05) + 0.05 * portable,
        dose=np.exp(dice.uniform(11.5, 14.5)),
        heel_x=dice.bell(0.0, 0.12),
        heel_y=dice.bell(0.0, 0.12),
        blades=np.where(dice.chance(0.15), dice.uniform(0.02, 0.14), none),
        blades_y=np.where(dice.chance(0.5), dice.uniform(0.0, 0.1), none),
    )
