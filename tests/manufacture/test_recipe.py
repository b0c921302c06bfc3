import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coatline.manufacture.recipe import Ingredients, count_particles, formulate

NMC111 = Ingredients(
    density_active_material=4.65,
    density_carbon_binder=1.81,
    density_solvent=1.03,
    diameters=(2.5, 3.5, 4.5, 5.86, 8.28, 10.35),
    number_shares=(0.178, 0.228, 0.158, 0.149, 0.208, 0.079),
    bead_diameter=2.0,
    nanoporosity=0.5,
)


@settings(max_examples=60, deadline=None)
@given(
    st.floats(85, 97), st.floats(55, 72), st.floats(0.0256, 0.5), st.sampled_from([1.3, 2.0, 3.0])
)
def test_masses_are_exact_after_rounding_to_whole_particles(am, sc, mass, bead):
    ingredients = Ingredients(**{**NMC111.__dict__, "bead_diameter": bead})
    made = formulate(am, sc, mass, 10, ingredients)
    am_mass = 4.65 * math.pi / 6 * np.sum(made.am_diameter**3)
    cbd_solid = made.bead_count * math.pi / 6 * made.bead_diameter**3 * (1 - 0.5)
    assert am_mass == pytest.approx(mass * 1e6 * am / 100, rel=1e-9)
    assert 1.81 * cbd_solid == pytest.approx(mass * 1e6 * (1 - am / 100), rel=1e-9)
    bead_mass = made.bead_density_liquid * math.pi / 6 * made.bead_diameter_liquid**3
    solvent = made.bead_count * bead_mass - 1.81 * cbd_solid
    assert solvent == pytest.approx(mass * 1e6 * (100 - sc) / sc, rel=1e-9)
    assert made.area == pytest.approx(mass / 10 * 1e5)


@settings(max_examples=60, deadline=None)
@given(st.floats(85, 97), st.floats(0.0256, 0.5))
def test_rounding_hardly_changes_the_particles(am, mass):
    made = formulate(am, 60, mass, 10, NMC111)
    largest = made.am_diameter.max() / 10.35
    assert largest == pytest.approx(1, abs=0.004)
    assert made.bead_diameter == pytest.approx(2.0, rel=0.002)


def test_additive_slurry_density():
    # 1/ρ = SC (w/4.65 + (1 - w)/1.81) + (1 - SC)/1.03, by hand
    assert formulate(96, 69, 0.1, 10, NMC111).slurry_density == pytest.approx(2.18, abs=0.005)
    assert formulate(90, 57, 0.1, 10, NMC111).slurry_density == pytest.approx(1.79, abs=0.005)


def test_the_spheres_of_a_slurry_add_up_to_its_volume():
    made = formulate(94, 60, 0.1, 10, NMC111)
    spheres = (
        math.pi / 6 * (np.sum(made.am_diameter**3) + made.bead_count * made.bead_diameter_liquid**3)
    )
    assert spheres == pytest.approx(made.slurry_volume, rel=1e-12)


def test_counts_follow_the_shares_by_number():
    diameters, shares = np.array(NMC111.diameters), np.array(NMC111.number_shares)
    counts = count_particles(1e6, diameters, shares)
    assert counts / counts.sum() == pytest.approx(shares, abs=0.001)


def test_counts_of_a_tiny_film_fill_it_to_half_of_the_smallest_particle():
    diameters, shares = np.array(NMC111.diameters), np.array(NMC111.number_shares)
    volume = 5000.0
    counts = count_particles(volume, diameters, shares)
    each = math.pi / 6 * diameters**3
    assert abs(counts @ each - volume) <= each.min() / 2 + 1e-9


@pytest.mark.parametrize("am, sc", [(0, 60), (100, 60), (90, 0), (90, 100)])
def test_shares_out_of_range_are_refused(am, sc):
    with pytest.raises(ValueError, match="must lie between 0 and 100"):
        formulate(am, sc, 0.1, 10, NMC111)
