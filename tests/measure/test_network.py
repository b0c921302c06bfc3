import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coatline.errors import InputError
from coatline.manufacture.state import AM, CBD
from coatline.measure.network import contact_radius, solve_network
from coatline.measure.volume import paint
from tests.measure.films import make_particles, pack

RHO = 1.1e-3
"""Ω cm², 0.11 µm · m/S, that of the material file."""


def column(count, x=5.0, overlap=0.2, low=0.8):
    """Equal spheres of 2 µm on top of each other; their height below the second plane."""
    step = 2 - overlap
    rows = [(x, 5, low + k * step, 2, CBD) for k in range(count)]
    return rows, 2 * low + (count - 1) * step


@pytest.fixture(scope="module")
def pressed():
    """A film at the fractions of a calendered one, its binder pressed into its neighbours."""
    film = pack(1, 12.0, 12.0, (3.0, 4.0, 5.0), 0.45, 2.0, 0.16)
    bulk = np.where(film.phase == CBD, 19.0, 0.01)
    whole = replace(film, diameter=np.where(film.phase == CBD, 2.3, film.diameter))
    return whole, 12.0, bulk


def value(film, height, bulk, *rest):
    return solve_network(film, height, bulk, *rest).value


def test_contact_radius_is_that_of_the_circle():
    radius = contact_radius(
        np.array([3.0, 4.0, 1.0]), np.array([4.0, 3.0, 1.0]), np.array([5, 5, 1])
    )
    assert radius == pytest.approx([2.4, 2.4, math.sqrt(0.75)])
    assert contact_radius(1.0, 1.0, 2.0) == 0 and contact_radius(1.0, 1.0, 2.1) == 0


@given(st.floats(0.1, 5), st.floats(0.1, 5))
def test_contact_grows_with_overlap_up_to_the_smaller_sphere(first, second):
    distance = np.linspace(first + second, 0, 200)
    radius = contact_radius(np.full(200, first), np.full(200, second), distance)
    assert (np.diff(radius) >= -1e-12).all()
    assert radius[-1] == pytest.approx(min(first, second))


@pytest.mark.parametrize("count", [1, 2, 7, 300])
def test_a_column_is_its_resistances_in_series(count):
    rows, height = column(count)
    sigma, radius = 19.0, math.sqrt(1 - 0.9**2)
    contact = 1 / (2 * sigma * radius) + 0.11 / (math.pi * radius**2)
    total = 2 / (4 * sigma * 1.0) + (count - 1) * contact
    result = solve_network(make_particles(rows), height, np.full(count, sigma), RHO)
    assert result.value == pytest.approx(height / 100 / total, rel=1e-9)
    assert result.flux_mismatch < 1e-6


def test_unlike_bodies_in_contact():
    film = make_particles([(5, 5, 2, 4, AM), (5, 5, 4.5, 2, CBD)])
    radius = math.sqrt(1 - (0.5 * (2.5**2 + 1 - 4) / 2.5) ** 2)
    total = 1 / (4 * 0.01 * 2) + 1 / (4 * 19 * 1) + (1 / 0.01 + 1 / 19) / (4 * radius)
    total += 0.11 / (math.pi * radius**2)
    bulk = np.array([0.01, 19.0])
    assert value(film, 5.5, bulk, RHO, 0.1) == pytest.approx(5.5 / 100 / total, rel=1e-9)


def test_columns_side_by_side_add_up():
    one, height = column(4)
    other, _ = column(4, x=1.0)
    third, _ = column(3, x=8.5, overlap=0.05, low=1.1)  # ends below the other plane
    bulk = 19.0
    single = value(make_particles(one), height, bulk, RHO)
    assert value(make_particles(one + other), height, bulk, RHO) == pytest.approx(2 * single)
    assert value(make_particles(one + third), height, bulk, RHO, 0.5) == pytest.approx(single)


def test_clusters_that_end_inside_carry_nothing():
    rows, height = column(5)
    loose = [(1, 1, 4, 2, AM), (1, 2.5, 4, 2, AM), (8.5, 8, 0.9, 2, CBD), (8.5, 8, 2.5, 2, CBD)]
    dead_end = [(6.8, 5, 4.4, 2, AM)]
    alone = value(make_particles(rows), height, 1.0, RHO)
    assert value(make_particles(rows + loose), height, 1.0, RHO) == pytest.approx(alone)
    assert value(make_particles(rows + dead_end), height, 1.0, RHO) == pytest.approx(alone)


@pytest.mark.parametrize("edge", [{"x": 0.1}, {"x": 9.9}])
def test_chains_pass_the_lateral_edges(edge):
    # Zigzag, its second sphere across the edge or not.
    def zigzag(x):
        rows = [(x, 5, 1, 2, CBD), (x - 0.9, 5, 2.5, 2, CBD), (x, 5, 4, 2, CBD)]
        return make_particles([((row[0] % 10), *row[1:]) for row in rows])

    inside = value(zigzag(5.0), 5.0, 3.0, RHO)
    assert inside > 0 and value(zigzag(edge["x"]), 5.0, 3.0, RHO) == pytest.approx(inside)


def test_simple_cubic_array():
    """Batchelor and O'Brien 1977: contacts of radius a between equal spheres, 2 σ a / d."""
    step, count, sigma = 1.9, 12, 7.0
    side = 4 * step
    grid = [
        ((i + 0.3) * step, (j + 0.3) * step, (k + 0.5) * step, 2, AM)
        for i in range(4)
        for j in range(4)
        for k in range(count)
    ]
    film = make_particles(grid, (side, side))
    radius = math.sqrt(1 - 0.95**2)
    made = solve_network(film, count * step, sigma, 0.0)
    # The electrodes take half a sphere's resistance each; what remains is count - 1 layers.
    layers = count * step / (made.value * side**2) * 16 - 2 / (4 * sigma)
    assert (count - 1) / layers == pytest.approx(2 * sigma * radius, rel=1e-9)


def test_moved_film_is_the_same_film(pressed):
    film, height, bulk = pressed
    moved = replace(film, position=(film.position + np.array([5.3, 9.1, 0])) % [12, 12, 100])
    assert value(moved, height, bulk, RHO) == pytest.approx(value(*pressed, RHO), rel=1e-8)


def test_film_upside_down_is_the_same_film(pressed):
    film, height, bulk = pressed
    flipped = replace(
        film, position=film.position * np.array([1, 1, -1]) + np.array([0, 0, height])
    )
    assert value(flipped, height, bulk, RHO) == pytest.approx(value(*pressed, RHO), rel=1e-8)


@settings(deadline=None, max_examples=10)
@given(st.floats(0.01, 100))
def test_scaled_film_conducts_alike(pressed, scale):
    film, height, bulk = pressed
    side = (scale * film.side[0], scale * film.side[1])
    large = replace(film, position=scale * film.position, diameter=scale * film.diameter, side=side)
    plain, scaled = value(*pressed), value(large, scale * height, bulk)
    assert scaled == pytest.approx(plain, rel=1e-7)
    # With the interface it is the resistance per area over the length that counts.
    scaled = value(large, scale * height, bulk, RHO * scale)
    assert scaled == pytest.approx(value(*pressed, RHO), rel=1e-7)
    assert value(film, height, scale * bulk) == pytest.approx(scale * plain, rel=1e-7)


def test_larger_contacts_and_thinner_films_of_oxide_carry_more(pressed):
    film, height, bulk = pressed
    grown = [
        value(replace(film, diameter=film.diameter * factor), height, bulk, RHO)
        for factor in (1.0, 1.02, 1.05)
    ]
    assert 0 < grown[0] < grown[1] < grown[2]
    resisted = [value(film, height, bulk, rho) for rho in (0.0, RHO, 10 * RHO)]
    assert resisted[0] > resisted[1] > resisted[2] > 0


def test_reach_of_the_electrodes_matters_little(pressed):
    values = [value(*pressed, RHO, reach) for reach in (0.5, 1.0)]
    assert values[0] <= values[1] < 1.1 * values[0]


@pytest.mark.parametrize("factor, rho", [(1.02, 0.0), (1.1, 0.0), (1.1, RHO), (1.3, RHO)])
def test_bed_stays_below_columns_of_its_volume(bed, factor, rho):
    """The parallel bound; without an interface it is passed at deep overlaps, see the module."""
    grown = replace(bed, diameter=factor * bed.diameter)
    columns = 19.0 * paint(grown, 14.0, 0.5).fraction["am"]
    assert 0 < value(grown, 14.0, 19.0, rho) < columns


def test_nothing_joins_the_planes():
    rows, height = column(5)
    gap = solve_network(make_particles(rows[:2] + rows[3:]), height, 1.0)
    assert gap.value == 0 and not gap.percolates and math.isnan(gap.flux_mismatch)
    assert not solve_network(make_particles([]), 5.0, 1.0).percolates


@pytest.mark.parametrize("contrast", [1.0, 2e3, 1e6])
def test_a_large_bed_balances_its_fluxes(contrast):
    """1e5 particles at random, contacts of all sizes."""
    rng = np.random.default_rng(3)
    count, side = 100_000, 90.0
    rows = rng.random((count, 5)) * [side, side, side, 0, 2] + [0, 0, 0, 2.2, 1]
    film = make_particles(rows, (side, side))
    result = solve_network(film, side, np.where(film.phase == CBD, 1.0, 1 / contrast), RHO)
    assert result.percolates and result.flux_mismatch < 1e-6


@pytest.mark.parametrize(
    "bulk, rho, word",
    [(0.0, 0.0, "conductivities"), (math.nan, 0.0, "conductivities"), (1.0, -1.0, "-1.0 must")],
)
def test_bad_values_are_named(bulk, rho, word):
    with pytest.raises(InputError, match=word):
        solve_network(make_particles([(5, 5, 1, 2, CBD)]), 2.0, bulk, rho)
