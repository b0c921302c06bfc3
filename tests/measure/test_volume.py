import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coatline.errors import InputError
from coatline.manufacture.state import AM, CBD, PORE, Particles
from coatline.measure.profile import measure_profile
from coatline.measure.volume import fit_grid, paint, paint_whole
from tests.measure.films import make_particles


@pytest.mark.parametrize("diameter", [2.0, 3.3, 6.0])
@pytest.mark.parametrize("centre", [(5.0, 5.0, 5.0), (0.1, 9.95, 4.77), (0.0, 0.0, 5.0)])
def test_volume_of_a_single_sphere(diameter, centre):
    volume = paint(make_particles([(*centre, diameter, AM)]), 10.0, 0.25)
    assert volume.fraction["am"] * 1000 == pytest.approx(np.pi / 6 * diameter**3, rel=0.01)


def test_two_overlapping_spheres_are_counted_once():
    volume = paint(make_particles([(4, 5, 5, 4, AM), (6, 5, 5, 4, AM)]), 10.0, 0.2)
    lens = np.pi / 12 * (4 * 2 + 2) * (2 * 2 - 2) ** 2  # two spheres of R = 2, d = 2
    assert volume.fraction["am"] * 1000 == pytest.approx(2 * np.pi / 6 * 64 - lens, rel=0.005)


def test_pressed_active_material_keeps_its_volume():
    balls = [(3.5, 5, 5, 4, AM), (6.5, 5, 5, 4, AM), (5, 5, 7.5, 2, CBD)]
    union, whole = (draw(make_particles(balls), 10.0, 0.2) for draw in (paint, paint_whole))
    assert union.fraction["am"] * 1000 < 0.97 * 2 * np.pi / 6 * 64
    assert whole.fraction["am"] * 1000 == pytest.approx(2 * np.pi / 6 * 64, rel=5e-3)
    # Binder gives way to it.
    assert whole.fraction["cbd"] < union.fraction["cbd"]


def test_a_film_without_overlaps_is_painted_as_it_is():
    particles = make_particles([(3, 5, 5, 4, AM), (7.01, 5, 5, 4, AM), (5, 5, 7, 2, CBD)])
    union, whole = paint(particles, 10.0, 0.1), paint_whole(particles, 10.0, 0.1)
    assert whole.fraction["am"] == pytest.approx(union.fraction["am"], rel=1e-3)
    assert paint_whole(make_particles([(5, 5, 7, 2, CBD)]), 10.0, 0.25).fraction["am"] == 0


def test_a_film_too_thin_for_its_active_material_is_refused():
    with pytest.raises(InputError, match="active material alone fills"):
        paint_whole(make_particles([(5, 5, 2, 9, AM)]), 3.0, 0.5)


def test_active_material_takes_precedence():
    both = paint(make_particles([(5, 5, 5, 4, CBD), (5.5, 5, 5, 4, AM)]), 10.0, 0.25)
    alone = paint(make_particles([(5.5, 5, 5, 4, AM)]), 10.0, 0.25)
    np.testing.assert_array_equal(both.am, alone.am)
    assert 0 < both.fraction["cbd"] * 1000 < 0.5 * np.pi / 6 * 64


def test_parts_outside_the_film_are_not_counted():
    volume = paint(make_particles([(5, 5, 0, 4, AM), (5, 5, 10, 4, AM)]), 10.0, 0.2)
    assert volume.fraction["am"] * 1000 == pytest.approx(np.pi / 6 * 64, rel=0.01)


def test_translation_across_the_periodic_edge_changes_nothing(film):
    before = paint(film, 12.0, 0.4)
    step = before.spacing[0]
    moved = Particles(
        film.position + np.array([3 * step, -7 * step, 0]), film.diameter, film.phase, film.side
    )
    after = paint(moved, 12.0, 0.4)
    for name in ("am", "cbd", "label"):
        shifted = np.roll(getattr(before, name), (3, -7), (0, 1))
        differing = (shifted != getattr(after, name)).mean()
        assert differing < 1e-3  # sample points that sit on a surface up to rounding
    assert after.fraction["am"] == pytest.approx(before.fraction["am"], abs=1e-6)


@settings(max_examples=15, deadline=None)
@given(st.floats(-40, 40), st.floats(-40, 40))
def test_images_are_counted_once_wherever_the_box_begins(dx, dy):
    spheres = make_particles([(1, 1, 3, 5, AM), (4, 8, 5, 3, AM), (8, 4, 4, 2, CBD)])
    moved = Particles(
        spheres.position + np.array([dx, dy, 0]), spheres.diameter, spheres.phase, spheres.side
    )
    before, after = paint(spheres, 8.0, 0.2).fraction, paint(moved, 8.0, 0.2).fraction
    assert after["am"] == pytest.approx(before["am"], rel=5e-3)
    assert after["cbd"] == pytest.approx(before["cbd"], rel=2e-2)


def test_fractions_sum_to_one_in_every_voxel(film):
    volume = paint(film, 12.0, 0.5)
    np.testing.assert_allclose(volume.pore + volume.am + volume.cbd, 1, atol=1e-6)
    assert sum(volume.fraction.values()) == pytest.approx(1)
    assert volume.pore.min() >= 0


def test_labels_are_the_majority(film):
    volume = paint(film, 12.0, 0.5)
    parts = np.stack([volume.pore, volume.cbd, volume.am])
    chosen = np.take_along_axis(parts, volume.label[None].astype(int), 0)[0]
    np.testing.assert_allclose(chosen, parts.max(axis=0), atol=1e-6)
    assert set(np.unique(volume.label)) == {PORE, CBD, AM}


def test_union_porosity_exceeds_that_of_the_sum_of_spheres(film):
    total = np.pi / 6 * (film.diameter**3).sum() / 12.0**3
    assert paint(film, 12.0, 0.4).fraction["pore"] >= 1 - total - 1e-3


def test_halving_the_voxel_moves_porosity_by_less_than_half_a_point(film):
    coarse, fine = (paint(film, 12.0, size).fraction["pore"] for size in (0.4, 0.2))
    assert abs(coarse - fine) < 0.001


def test_grid_fits_the_box_exactly_and_is_even_across():
    shape, spacing = fit_grid((31.7, 20.0), 24.9, 0.4)
    assert shape == (80, 50, 62)
    np.testing.assert_allclose(np.multiply(shape, spacing), (31.7, 20.0, 24.9))


def test_profile_averages_to_the_fractions(film):
    volume = paint(film, 12.0, 0.5)
    depth, share = measure_profile(volume)
    assert depth[0] == pytest.approx(0.25) and depth[-1] == pytest.approx(11.75)
    np.testing.assert_allclose(share.sum(axis=0), 1)
    np.testing.assert_allclose(share.mean(axis=1), list(volume.fraction.values()), atol=1e-6)


def test_painting_is_fast():
    rng = np.random.default_rng(0)
    particles = Particles(
        rng.random((4000, 3)) * [32, 32, 25],
        np.full(4000, 1.9),
        np.full(4000, CBD, np.uint8),
        (32.0, 32.0),
    )
    paint(particles, 25.0, 0.8)
    start = time.perf_counter()
    paint(particles, 25.0, 0.4)  # 25 million sample points
    assert time.perf_counter() - start < 1.5


@pytest.mark.parametrize(
    "height, size, samples", [(0, 0.4, 4), (10, 0, 4), (10, -1, 4), (10, 1, 0)]
)
def test_bad_arguments(height, size, samples):
    with pytest.raises(InputError):
        paint(make_particles([(5, 5, 5, 2, AM)]), height, size, samples)
