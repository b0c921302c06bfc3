import math
import re
import subprocess

import numpy as np
import pytest

from coatline.manufacture.engine import Engine
from coatline.manufacture.forcefield import (
    contact_radius,
    critical_time_step,
    write_force_field,
)
from tests.conftest import DECKS


def test_contact_radius_is_hertz_without_adhesion():
    force, radius, modulus = 300.0, 0.7, 2e5
    overlap = (3 * force / (4 * modulus * math.sqrt(radius))) ** (2 / 3)
    assert contact_radius(force, radius, modulus, 0) == pytest.approx(math.sqrt(radius * overlap))


def test_contact_radius_without_load_is_that_of_jkr():
    # a³ = 9πγR²/E* at zero load, with the work of adhesion 2γ
    energy, radius, modulus = 100.0, 0.5, 3e5
    expected = (9 * math.pi * energy * radius**2 / modulus) ** (1 / 3)
    assert contact_radius(0, radius, modulus, energy) == pytest.approx(expected)


def _contacts(**change):
    law = {"young_modulus": 1e5, "poisson_ratio": 0.3, "surface_energy": 0.0, "friction": 0.0}
    law |= {"damping": 0.0} | change
    return {"cbd_cbd": law, "am_cbd": law, "am_am": law, "wall": law, "drag": 0.0}


SIZE = {"cbd": 2.0, "am": 2.5}
MASS = {"cbd": 40.0, "am": 38.0}


def test_step_grows_with_the_root_of_mass_and_falls_with_stiffness():
    step = critical_time_step(_contacts(), SIZE, MASS, 100)
    heavier = critical_time_step(_contacts(), SIZE, {key: 4 * m for key, m in MASS.items()}, 100)
    stiffer = critical_time_step(_contacts(young_modulus=8e5), SIZE, MASS, 100)
    assert heavier == pytest.approx(2 * step)
    # Hertz at given force: k ~ E^(2/3), so 8 times the modulus halves the step.
    assert stiffer == pytest.approx(step / 2)


def test_damping_and_friction_shorten_the_step():
    step = critical_time_step(_contacts(), SIZE, MASS, 100)
    assert critical_time_step(_contacts(damping=30.0), SIZE, MASS, 100) < step
    assert critical_time_step(_contacts(friction=0.5), SIZE, MASS, 100) < step


def test_the_step_bounds_a_real_oscillator():
    """Velocity Verlet of a damped oscillator is stable below the bound and diverges above it."""
    frequency, rate = 3.0, 2.0
    share = rate / (2 * frequency)
    bound = 2 / frequency * (math.sqrt(1 + share**2) - share)

    def largest(step):
        x, v = 1.0, 0.0
        force = -(frequency**2) * x - rate * v
        for _ in range(4000):
            half = v + step / 2 * force
            x += step * half
            force = -(frequency**2) * x - rate * half
            v = half + step / 2 * force
            if abs(x) > 1e6:
                return np.inf
        return abs(x)

    assert largest(0.98 * bound) < 1
    assert largest(1.05 * bound) > 1e3


def test_plane_has_neither_dashpot_nor_cohesion(tmp_path, nmc111):
    dried = nmc111.force_field("default")["dried"]
    write_force_field(tmp_path, dried, wet=nmc111.force_field("default")["slurry"])
    plane = (tmp_path / "plane.lmp").read_text()
    assert "hertz/material 70000000 0 " in plane and "jkr" not in plane
    assert "jkr" in (tmp_path / "collector.lmp").read_text()
    ramp = (tmp_path / "ramp.lmp").read_text()
    # Modulus and damping of each, friction and surface energy where there is any; the plane has
    # neither damping nor surface energy.
    assert ramp.count("v_gone") == 4 + 4 + 3 + 4 + 2


def test_a_stiff_wall_shortens_the_step():
    soft, stiff = _contacts(), _contacts()
    stiff["wall"] = stiff["wall"] | {"young_modulus": 1e9}
    assert critical_time_step(stiff, SIZE, MASS, 100) < critical_time_step(soft, SIZE, MASS, 100)


DRAG = """
units       micro
atom_style  sphere
atom_modify map array
boundary    p p p
region      box block 0 90 0 30 0 30
create_box  3 box
create_atoms 1 single 10 5 15
create_atoms 1 single 10 25 15
create_atoms 2 single 40 15 15
create_atoms 2 single 70 15 15
set         type 1 diameter 2
set         atom 3 diameter 3
set         atom 4 diameter 8
set         group all density 4.65
group       cbd type 1
group       am type 2
velocity    all set 1.0 0.0 0.0
pair_style  zero 1.0 nocoeff
pair_coeff  * *
comm_modify cutoff 3.0
timestep    0.0001
fix         move all nve/sphere
variable    decks index DECKS
variable    slowing equal 0.5
include     ${decks}/drag.lmp
run         5000
print       "speeds $(vx[1]) $(vx[2]) $(vx[3]) $(vx[4])"
variable    slowing equal 0.25
include     ${decks}/drag.lmp
run         2500
print       "speeds $(vx[1]) $(vx[2]) $(vx[3]) $(vx[4])"
variable    slowing equal 0
include     ${decks}/drag.lmp
run         100
print       "speeds $(vx[1]) $(vx[2]) $(vx[3]) $(vx[4])"
"""


def test_drag_slows_particles_of_any_mass_alike(tmp_path):
    """Speeds fall as exp(-t / slowing) for beads and AM alike; the last drag given counts."""
    deck = tmp_path / "deck.lmp"
    deck.write_text(DRAG.replace("DECKS", str(DECKS)))
    command = [*Engine().words(), "-in", str(deck), "-log", "none", "-nocite"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-600:]
    speeds = [
        [float(word) for word in line.split()]
        for line in re.findall(r"^speeds (.*)", done.stdout, re.M)
    ]
    for row, expected in zip(speeds, (math.exp(-1), math.exp(-2), math.exp(-2)), strict=True):
        assert row == pytest.approx([expected] * 4, rel=2e-3)
