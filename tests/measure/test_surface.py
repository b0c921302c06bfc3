import numpy as np
import pytest

from coatline.manufacture.state import AM, CBD, PORE, Particles
from coatline.measure.surface import interface_areas, sample_surface
from coatline.measure.volume import paint
from tests.measure.films import make_particles


def ball(radius, seed=0, spacing=(1.0, 1.0, 1.0)):
    rng = np.random.default_rng(seed)
    count = [int((2 * radius + 10) / edge) for edge in spacing]
    grid = np.stack(np.meshgrid(*[np.arange(n) + 0.5 for n in count], indexing="ij"), -1) * spacing
    centre = np.multiply(count, spacing) / 2 + rng.random(3) - 0.5
    return (((grid - centre) ** 2).sum(-1) < radius**2).astype(np.uint8)


@pytest.mark.parametrize("radius", [8, 12, 20])
@pytest.mark.parametrize("seed", [0, 1])
def test_area_of_a_sphere_within_one_percent(radius, seed):
    area = interface_areas(ball(radius, seed))[0, 1]
    assert area == pytest.approx(4 * np.pi * radius**2, rel=0.01)


def test_counting_faces_would_fail():
    image = ball(12).astype(int)
    faces = sum(np.abs(np.diff(image, axis=axis)).sum() for axis in range(3))
    assert faces / (4 * np.pi * 144) == pytest.approx(1.5, rel=0.02)


def test_area_of_a_sphere_in_long_voxels():
    area = interface_areas(ball(12, 3, (1.0, 1.0, 0.8)), (1.0, 1.0, 0.8))[0, 1]
    assert area == pytest.approx(4 * np.pi * 144, rel=0.015)


def test_area_scales_with_the_voxel():
    image = ball(8)
    assert interface_areas(image, (0.3,) * 3)[0, 1] == pytest.approx(
        0.09 * interface_areas(image)[0, 1], rel=1e-9
    )


@pytest.mark.parametrize("tilt", [(0, 0), (0.1, 0.05), (0.3, 0.2), (0.5, 0.4), (0.0, 0.95)])
def test_area_of_a_tilted_plane(tilt):
    n = 60
    x, y, z = np.meshgrid(*[np.arange(n) + 0.5 - n / 2] * 3, indexing="ij")
    image = (z + tilt[0] * x + tilt[1] * y < 0.13).astype(np.uint8)
    inner = interface_areas(image)[0, 1]
    assert inner == pytest.approx(n * n * np.sqrt(1 + np.square(tilt).sum()), rel=0.025)


@pytest.mark.parametrize("thickness", [1, 2, 3])
def test_thin_plates_keep_their_area(thickness):
    image = np.zeros((30, 30, 30), np.uint8)
    image[:, :, 14 : 14 + thickness] = 1
    assert interface_areas(image)[0, 1] == pytest.approx(2 * 900)


def test_each_pair_has_its_own_area():
    image = np.zeros((20, 20, 30), np.uint8)
    image[:, :, 10:20] = 1
    image[:, :, 20:] = 2
    area = interface_areas(image)
    assert area == {(0, 1): pytest.approx(400), (0, 2): 0, (1, 2): pytest.approx(400)}


def test_edges_of_the_image_are_no_interface():
    assert interface_areas(np.ones((5, 5, 5), np.uint8)) == {}
    image = np.zeros((10, 10, 10), np.uint8)
    image[5:] = 1
    assert interface_areas(image)[0, 1] == pytest.approx(100)
    assert interface_areas(image, periodic=(True, False, False))[0, 1] == pytest.approx(200)


def test_periodic_area_is_translation_free(film):
    label = paint(film, 12.0, 0.4).label
    area = interface_areas(label, periodic=(True, True, False))
    moved = interface_areas(np.roll(label, (7, 11), (0, 1)), periodic=(True, True, False))
    assert moved == pytest.approx(area, rel=1e-9)


def test_sampled_area_of_a_sphere_is_exact():
    surface = sample_surface(make_particles([(5, 5, 5, 4, AM)]), 10.0)
    assert surface.pore == pytest.approx(16 * np.pi)
    assert surface.active_surface_area == 100


def test_sampled_overlaps_are_spherical_caps():
    # R = 2 and r = 1 at 2.5: the cap of each inside the other, across the periodic edge.
    spheres = make_particles([(9.5, 5, 5, 4, AM), (2.0, 5, 5, 2, CBD)])
    surface = sample_surface(spheres, 10.0, density=200)
    cap = 2 * np.pi * 2 * (2 - (2.5**2 + 4 - 1) / 5)
    assert surface.cbd == pytest.approx(cap, rel=0.02)
    assert surface.pore == pytest.approx(16 * np.pi - cap, rel=0.002)
    pair = make_particles([(9.5, 5, 5, 4, AM), (2.0, 5, 5, 4, AM)])
    surface = sample_surface(pair, 10.0, density=200)
    assert surface.buried == pytest.approx(2 * 2 * np.pi * 2 * (2 - 1.25), rel=0.01)
    assert surface.active_surface_area == 100


def test_what_lies_outside_the_film_is_in_no_share():
    surface = sample_surface(make_particles([(5, 5, 1, 4, AM)]), 10.0, density=200)
    assert surface.outside == pytest.approx(4 * np.pi, rel=0.01)
    assert surface.active_surface_area == 100


def test_without_active_material_there_is_no_share():
    assert np.isnan(sample_surface(make_particles([(5, 5, 5, 2, CBD)]), 10.0).active_surface_area)


def test_coverage_covers_more(film):
    share = [sample_surface(film, 12.0, coverage=d).active_surface_area for d in (0, 0.1, 0.4)]
    assert 100 >= share[0] > share[1] > share[2] > 0


def test_covering_beads_lower_the_active_surface(film):
    larger = np.where(film.phase == CBD, 1.15 * film.diameter, film.diameter)
    swollen = Particles(film.position, larger, film.phase, film.side)
    before, after = (sample_surface(p, 12.0).active_surface_area for p in (film, swollen))
    assert after < before


def test_sampled_surface_moves_with_the_box(film):
    moved = Particles(
        film.position + np.array([5.3, -2.1, 0]), film.diameter, film.phase, film.side
    )
    a, b = sample_surface(film, 12.0), sample_surface(moved, 12.0)
    assert b.pore == pytest.approx(a.pore, rel=1e-4)


def test_image_and_sampling_agree():
    # Spheres well apart, so that both know the same surface.
    spheres = make_particles([(2.5, 2.5, 3, 4, AM), (7.5, 7.5, 6, 4, AM), (7.5, 2.5, 3, 3, CBD)])
    sampled = sample_surface(spheres, 10.0).pore
    volume = paint(spheres, 10.0, 0.2)
    area = interface_areas(volume.label, volume.spacing, (True, True, False))
    assert area[PORE, AM] == pytest.approx(sampled, rel=0.01)
