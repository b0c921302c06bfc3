import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coatline.manufacture.state import AM
from coatline.measure import transport
from coatline.measure.electrode import PERIODIC, diffusivity_field
from coatline.measure.transport import (
    UnconvergedError,
    find_percolating,
    solve_transport,
    tortuosity_factor,
)
from coatline.measure.volume import paint
from tests.measure.films import make_particles


def test_whole_voxels_know_no_walls():
    field = np.random.default_rng(1).random((6, 7, 8))
    plain, whole = solve_transport(field), solve_transport(field, share=np.ones_like(field))
    assert whole.value == pytest.approx(plain.value, rel=1e-9)


@pytest.mark.parametrize("place", [0.25, 0.5, 0.9])
def test_a_channel_may_end_within_a_voxel(place):
    field = np.ones((8, 3, 5))
    field[4] = place
    field[5:] = 0
    result = solve_transport(field, share=field)
    assert result.value == pytest.approx((4 + place) / 8, rel=1e-6)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("values", [(1, 1e6), (1e6, 1), (1, 1e-3, 1e3)])
def test_layers_in_series(axis, values):
    n = 6
    field = np.repeat(np.array(values, float), n)
    field = np.moveaxis(np.broadcast_to(field, (5, 7, len(field))), 2, axis)
    expected = 1 / np.mean(1 / np.array(values, float))
    result = solve_transport(field, axis=axis)
    assert result.value == pytest.approx(expected, rel=1e-6)
    assert result.percolates and result.flux_mismatch < 1e-5


@pytest.mark.parametrize("periodic", [(False,) * 3, (True, True, False)])
@pytest.mark.parametrize("values", [(1, 1e6), (1e6, 1), (1, 0)])
def test_layers_in_parallel(values, periodic):
    field = np.broadcast_to(np.repeat(np.array(values, float), 6)[:, None, None], (12, 5, 9))
    result = solve_transport(field, periodic=periodic)
    assert result.value == pytest.approx(np.mean(values), rel=1e-6)


@pytest.mark.parametrize("spacing", [(1, 1, 1), (0.4, 0.4, 0.4), (0.5, 1.0, 0.25)])
def test_open_space_is_itself(spacing):
    result = solve_transport(np.full((6, 5, 8), 3.5), spacing)
    assert result.value == pytest.approx(3.5, rel=1e-9)
    assert tortuosity_factor(3.5, result) == pytest.approx(1)


def test_slanted_channel():
    # A channel along (1, 0, 1) in a box periodic in x: length √2 times, so D_eff = ε / 2.
    n, fine = 24, 8
    z, x = np.meshgrid(*[(np.arange(n * fine) + 0.5) / fine] * 2)
    wide = ((x - z) % n < n / 2).astype(float)
    share = wide.reshape(n, fine, n, fine).mean(axis=(1, 3))
    field = np.repeat(share[:, None, :], 3, axis=1)
    # One period of a channel this wide is cut by level end faces, which shortens it; eight are not.
    tall = np.concatenate([field] * 8, axis=2)
    result = solve_transport(tall, (1, 1, 1), 2, PERIODIC, tall)
    assert tortuosity_factor(0.5, result) == pytest.approx(2.0, rel=0.05)


def obstructed(fraction):
    """Simple cubic array of impermeable spheres: A. S. Sangani and A. Acrivos, Proc. R. Soc. A 386
    (1983) 263-275, after Lord Rayleigh (1892); Maxwell's formula is its first two terms."""
    blocked = [-(2 * n - 1) / (2 * n) for n in range(1, 5)]
    high = 1.305 * blocked[1] * fraction ** (10 / 3)
    high *= 1 + 0.231 * blocked[2] * fraction ** (11 / 3)
    high /= 1 - 0.405 * blocked[1] * fraction ** (7 / 3)
    tail = 0.0723 * blocked[2] * fraction ** (14 / 3) + 0.153 * blocked[3] * fraction**6
    return 1 - 3 * fraction / (-1 / blocked[0] + fraction + high + tail)


@pytest.mark.parametrize("fraction", [0.05, 0.1, 0.2, 0.3, 0.4])
@pytest.mark.parametrize("voxels", [12, 24])
def test_cubic_array_of_spheres(fraction, voxels):
    diameter = 2 * (3 * fraction / 4 / np.pi) ** (1 / 3)
    cell = make_particles([(0.5, 0.5, 0.5, diameter, AM)], (1.0, 1.0))
    pore = paint(cell, 1.0, 1 / voxels, 8).pore
    result = solve_transport(pore, (1, 1, 1), 2, PERIODIC, pore)
    assert result.value == pytest.approx(obstructed(fraction), rel=0.01)


def test_blocked_image_carries_nothing():
    field = np.ones((6, 6, 8))
    field[:, :, 4] = 0
    result = solve_transport(field)
    assert not result.percolates and result.value == 0 and np.isnan(result.flux_mismatch)
    assert np.isnan(tortuosity_factor(0.9, result))
    assert solve_transport(field, axis=0).value == pytest.approx(7 / 8)


def test_percolation_passes_faces_not_edges():
    mask = np.zeros((2, 1, 2), bool)
    mask[0, 0, 0] = mask[1, 0, 1] = True
    assert not find_percolating(mask).any()
    mask[1, 0, 0] = True
    assert find_percolating(mask).sum() == 3


def test_percolation_over_the_periodic_edge():
    mask = np.zeros((5, 3, 4), bool)
    mask[0, 1, :2] = mask[4, 1, 2:] = True
    mask[4, 1, 1] = True
    assert not find_percolating(mask).any()
    assert find_percolating(mask, periodic=PERIODIC).sum() == 5


def test_pockets_are_left_out():
    field = np.ones((7, 7, 7))
    field[3, 3, 3] = 1e3
    shell = [(2, 3, 3), (4, 3, 3), (3, 2, 3), (3, 4, 3), (3, 3, 2), (3, 3, 4)]
    for place in shell:
        field[place] = 0
    empty = field.copy()
    empty[3, 3, 3] = 0
    assert solve_transport(field).value == pytest.approx(solve_transport(empty).value, rel=1e-9)


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([1.0, 1e3, 1e6]))
def test_laws_of_any_field(seed, contrast):
    """Bounds, flip, transpose, scale, translation."""
    rng = np.random.default_rng(seed)
    field = contrast ** rng.random((6, 7, 8))
    result = solve_transport(field, periodic=PERIODIC)
    value = pytest.approx(result.value, rel=1e-4)
    layers, columns = field.mean(axis=(0, 1)), 1 / (1 / field).mean(axis=2)
    assert columns.mean() * (1 - 1e-6) <= result.value <= (1 + 1e-6) / (1 / layers).mean()
    assert result.flux_mismatch < 1e-5
    assert solve_transport(field[:, :, ::-1], periodic=PERIODIC).value == value
    assert solve_transport(field[::-1, ::-1], periodic=PERIODIC).value == value
    assert solve_transport(field, (0.3, 0.3, 0.3), periodic=PERIODIC).value == value
    assert solve_transport(np.roll(field, (2, 3), (0, 1)), periodic=PERIODIC).value == value
    assert solve_transport(7 * field, periodic=PERIODIC).value == pytest.approx(7 * result.value)
    turned = np.moveaxis(field, 2, 0)
    assert solve_transport(turned, axis=0, periodic=(False, True, True)).value == value


def test_unconverged_is_an_error(monkeypatch):
    rng = np.random.default_rng(0)
    field = 10 ** (6 * rng.random((12, 12, 12)))
    with pytest.raises(UnconvergedError):
        solve_transport(field, max_iterations=1)
    monkeypatch.setattr(transport, "solve_matrix", lambda *rest, **_: (rest[2] * 0.9, 3))
    with pytest.raises(UnconvergedError, match="differ"):
        solve_transport(field)


@pytest.mark.parametrize(
    "field", [np.ones((3, 3)), -np.ones((3, 3, 3)), np.full((2, 2, 2), np.nan)]
)
def test_bad_fields(field):
    with pytest.raises(ValueError):
        solve_transport(field)


def test_random_bed_follows_bruggeman(bed):
    volume = paint(bed, 14.0, 0.25)
    porosity = volume.fraction["pore"]
    result = solve_transport(volume.pore, volume.spacing, 2, PERIODIC, volume.pore)
    assert tortuosity_factor(porosity, result) == pytest.approx(porosity**-0.5, rel=0.05)


def test_more_open_binder_lets_more_through(film):
    volume = paint(film, 12.0, 0.4)
    both = volume.pore + volume.cbd
    blocked, porous, free = (
        solve_transport(
            diffusivity_field(volume, d), volume.spacing, 2, PERIODIC, both if d else volume.pore
        ).value
        for d in (0.0, 0.05, 1.0)
    )
    assert blocked <= porous <= free <= 1
    assert volume.fraction["pore"] / blocked >= 1


def test_halving_the_voxel_moves_tortuosity_by_less_than_three_percent(film):
    factors = []
    for size in (0.4, 0.2):
        volume = paint(film, 12.0, size)
        field = diffusivity_field(volume, 0.05)
        result = solve_transport(field, volume.spacing, 2, PERIODIC, volume.pore + volume.cbd)
        factors.append(tortuosity_factor(float(field.mean()), result))
    assert factors[1] == pytest.approx(factors[0], rel=0.03)
