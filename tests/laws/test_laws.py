"""Laws that every electrode must obey, on small real electrodes: two recipes, several compressions.

The films are the smallest that coatline makes (16 µm wide), so their scatter is the largest: what
one jam or slip decides in them (convexity of the pressure, rise of spring-back) is a mean of three
seeds.
"""

import fcntl
import math

import numpy as np
import pytest
import xarray as xr

from coatline.design.grid import start_point
from coatline.manufacture.engine import Engine
from coatline.manufacture.record import read_results, read_series_of
from coatline.manufacture.stages import calender_film, press_film
from coatline.manufacture.state import AM, CBD
from coatline.measure.electrode import measure_electrode
from coatline.measure.sample import measure_contacts
from tests.conftest import DECKS, PRESSING, SOLID_MASS

pytestmark = pytest.mark.slow

COMPRESSIONS = (10.0, 20.0, 30.0)
SEEDS = (1, 2, 3, 4, 5)
"""Of films whose mean a law is about."""
STAGES = ("dried", *(f"calendered{rate:g}" for rate in COMPRESSIONS))


def record_of(line, stage):
    if stage.startswith("calendered"):
        return line.calendered(float(stage.removeprefix("calendered")))
    return getattr(line, stage)()


def porosity(record):
    """Of a film, all solids counted, CBD's nanopores among the pores."""
    results = read_results(record)
    return 1 - results["solid_volume"] / (results["area"] * results["thickness"])


def measure(line, stage, voxel_size=0.4):
    """Properties of a film of the line, measured once per test run."""
    results = read_results(record_of(line, stage))
    path = line.folder / f"{stage}-{voxel_size:g}.measured.nc"
    with open(path.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            transport = line.material.conductivities()
            dataset = measure_electrode(
                line.particles(stage),
                results["thickness"],
                solid_mass=results["solid_mass"],
                cbd_solid_volume=results["cbd_solid_volume"],
                bead_diameter=results["bead_diameter"],
                voxel_size=voxel_size,
                **measure_contacts(transport),
            )
            dataset.to_netcdf(path)
    return xr.load_dataset(path)


# 1. Mass and counts


@pytest.mark.parametrize("stage", ["slurry", *STAGES])
def test_no_particle_and_no_mass_is_lost(rich, stage):
    results = read_results(record_of(rich, stage))
    film, first = rich.particles(stage), rich.particles("slurry")
    assert np.array_equal(film.phase, first.phase)
    mass = film.density * film.diameter**3
    assert mass == pytest.approx(first.density * first.diameter**3, rel=1e-9)
    am = film.phase == AM
    assert film.density[am] == pytest.approx(4.65, rel=1e-12)
    am_mass = 4.65 * math.pi / 6 * np.sum(film.diameter[am] ** 3)
    assert am_mass == pytest.approx(0.96 * SOLID_MASS * 1e6, rel=1e-6)
    assert 1.81 * results["cbd_solid_volume"] == pytest.approx(0.04 * SOLID_MASS * 1e6, rel=1e-6)


# 2. Slurry density


CORNERS = ((85, 55), (85, 72), (97, 55), (97, 72))


@pytest.fixture(scope="session")
def corners(make_line):
    return {key: read_results(make_line(*key).slurry()) for key in CORNERS}


@pytest.mark.parametrize("corner", CORNERS)
def test_slurry_has_its_additive_density(corners, corner, make_line):
    results = corners[corner]
    assert results["density_slurry"] == pytest.approx(results["density_slurry_additive"], rel=0.03)
    series = read_series_of(make_line(*corner).slurry())
    assert series["density"][-1] == pytest.approx(results["density_slurry"], rel=1e-3)
    solids = results["solid_volume"] / (results["area"] * results["thickness"])
    w, sc = corner[0] / 100, corner[1] / 100
    by_recipe = results["density_slurry"] * sc * (w / 4.65 + (1 - w) / 1.81)
    assert solids == pytest.approx(by_recipe, rel=1e-6)


def test_slurry_density_rises_with_solids_and_with_active_material(corners):
    density = {key: results["density_slurry"] for key, results in corners.items()}
    for am in (85, 97):
        assert density[am, 55] < density[am, 72]
    for sc in (55, 72):
        assert density[85, sc] < density[97, sc]


@pytest.mark.parametrize("name", ["rich", "lean"])
def test_slurry_holds_a_quarter_to_a_third_of_solids(name, request):
    line = request.getfixturevalue(name)
    results = read_results(line.slurry())
    assert 0.25 <= results["solid_volume"] / (results["area"] * results["thickness"]) <= 0.37


# 3. Phases and porosities


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("name", ["rich", "lean"])
def test_phases_add_up(name, stage, request):
    line = request.getfixturevalue(name)
    film = measure(line, stage)
    bulk, cbd = float(film.porosity_without_nanopores), float(film.volume_fraction_cbd)
    assert bulk + cbd + float(film.volume_fraction_active_material) == pytest.approx(1, abs=1e-9)
    assert float(film.porosity) == pytest.approx(bulk + float(film.nanoporosity) * cbd, abs=1e-9)
    spheres = float(film.sphere_volume_fraction)
    assert bulk >= 1 - spheres - 1e-3  # the voxels of 0.1 µm, not the spheres, leave the 1e-3
    profile = film.volume_fraction.sum("phase").values
    assert profile == pytest.approx(np.ones_like(profile), abs=1e-5)


# 4. Solids are conserved


@pytest.mark.parametrize("rate", COMPRESSIONS)
@pytest.mark.parametrize("name", ["rich", "lean"])
def test_solids_are_conserved_by_calendering(name, rate, request):
    line = request.getfixturevalue(name)
    dried, pressed = measure(line, "dried"), measure(line, f"calendered{rate:g}")
    before = (1 - float(dried.porosity)) * float(dried.thickness)
    after = (1 - float(pressed.porosity)) * float(pressed.thickness)
    assert after == pytest.approx(before, rel=0.002)
    by_recipe = read_results(line.slurry())
    assert before == pytest.approx(by_recipe["solid_volume"] / by_recipe["area"], rel=0.002)
    # What measuring makes up for, the volume that spheres share where they were pressed flat.
    solids = (1 - float(pressed.porosity)) / float(pressed.volume_fraction_active_material)
    assert float(pressed.overlap_volume) / 100 < 0.015 * solids


# 5. Porosity of dried and calendered films


def test_dried_porosity_falls_with_active_material(rich, lean):
    assert 0.40 <= float(measure(rich, "dried").porosity) <= 0.60
    assert 0.40 <= float(measure(lean, "dried").porosity) <= 0.60
    assert float(measure(rich, "dried").porosity) < float(measure(lean, "dried").porosity)


def test_calendered_porosity_has_a_floor(make_line):
    """At the deepest compression of the published curve, 36 %: the lowest porosity there is.

    One film lies 0.02 to either side of the mean of its seeds.
    """
    floor = np.mean([porosity(make_line(96, 69, seed).calendered(36.0)) for seed in SEEDS])
    assert 0.20 <= floor <= 0.26


# 6. Pressing


@pytest.mark.parametrize("recipe", [(96, 69), (88, 60)])
def test_pressure_rises_convex_as_porosity_falls(make_line, recipe):
    """Means of three seeds over intervals of 6 %: a film this small takes its load in jerks."""
    curves = []
    for seed in (1, 2, 3):
        record = make_line(*recipe, seed).pressed()
        results, series = read_results(record), read_series_of(record)
        compression = 100 * (1 - series["height"] / results["thickness_dried"])
        interval = np.digitize(compression, np.arange(2, 33, 6)) - 1
        curves.append([series["pressure_top"][interval == k].mean() for k in range(5)])
    pressure = np.mean(curves, axis=0)
    # Porosity falls with pressure, and ever less: each interval costs more than the one before.
    assert np.all(np.diff(pressure) > 0)
    assert np.all(np.diff(pressure, 2) > 0)


@pytest.mark.parametrize("name", ["rich", "lean"])
def test_both_walls_carry_the_same_force(name, request):
    series = read_series_of(request.getfixturevalue(name).pressed())
    loaded = series["pressure_top"] > 0.25 * series["pressure_top"].max()
    top, bottom = series["pressure_top"][loaded], series["pressure_bottom"][loaded]
    assert np.mean(top) == pytest.approx(np.mean(bottom), rel=0.02)


@pytest.mark.parametrize("rate", COMPRESSIONS)
def test_the_walls_are_free_after_release(rich, rate):
    series = read_series_of(rich.calendered(rate))
    # Just before the plane comes down again to measure the thickness.
    rest = np.flatnonzero(series["speed"] == 0)[-1]
    assert rest > np.flatnonzero(series["speed"] > 0)[-1]
    assert abs(series["pressure_top"][rest]) < 0.5  # kPa
    assert abs(series["pressure_bottom"][rest]) < 1.0


def test_ten_times_slower_pressing_gives_the_same_film(make_line, nmc111, tmp_path):
    """Pressed to 15 % and released ten times slower, porosity is nearly the same.

    Not quite: slow films are less porous by .40 ± .14 points in the mean of eight, as
    docs/physics.md says. So the median of five seeds stays within half a point, and a single film,
    which may jam elsewhere (1.27 points were seen), within two.
    """
    common = {
        "force_field": nmc111.force_field("default"),
        "protocol": PRESSING | {"speed": PRESSING["speed"] / 10},
        "decks": DECKS,
        "engine": Engine(),
    }
    differences = []
    for seed in SEEDS:
        line, folder = make_line(96, 69, seed), tmp_path / str(seed)
        folder.mkdir()
        line.pressed()
        grid = [folder / f"grid{point:02d}.restart" for point in range(7)]
        press_film(
            dried_state=line.folder / "dried.restart",
            dried_record=line.folder / "dried.nc",
            grid=grid,
            record=folder / "pressed.nc",
            frames=None,
            upper_compression=15.0,
            log=folder / "log",
            **common,
        )
        calender_film(
            pressed_state=grid[start_point(15.0)],
            pressed_record=folder / "pressed.nc",
            record=folder / "calendered.nc",
            data=folder / "calendered.data.gz",
            compression_rate=15.0,
            log=folder / "log",
            **common,
        )
        slow = porosity(folder / "calendered.nc")
        differences.append(porosity(line.calendered(15.0)) - slow)
    assert abs(np.median(differences)) < 0.005
    assert np.abs(differences).max() < 0.02


# 7. Spring-back


@pytest.mark.parametrize("name", ["rich", "lean"])
def test_films_spring_back_by_a_part(name, request):
    line = request.getfixturevalue(name)
    for rate in COMPRESSIONS:
        results = read_results(line.calendered(rate))
        assert 0 < results["spring_back"] < 1
        assert results["thickness_lowest"] < results["thickness"] < results["thickness_dried"]


@pytest.mark.parametrize("recipe", [(96, 69), (88, 60)])
def test_spring_back_rises_with_compression(make_line, recipe):
    """Three seeds: in one film of some twenty large particles a single jam or slip outweighs it."""
    lines = [make_line(*recipe, seed) for seed in (1, 2, 3)]
    back = [
        np.mean([read_results(line.calendered(rate))["spring_back"] for line in lines])
        for rate in COMPRESSIONS
    ]
    assert back == sorted(back)


@pytest.mark.parametrize("name", ["rich", "lean"])
def test_spring_back_is_a_small_part_of_the_compression(name, request):
    """Published: between 0.3 and 18 % of the compression."""
    line = request.getfixturevalue(name)
    for rate in COMPRESSIONS:
        back = read_results(line.calendered(rate))["spring_back"]
        assert 0.003 < back < 0.18 and back < rate / 100


# 8. Ionic transport


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("name", ["rich", "lean"])
def test_tortuosity_is_above_one(name, stage, request):
    film = measure(request.getfixturevalue(name), stage)
    assert float(film.tortuosity_factor_pore) >= 1
    assert float(film.tortuosity_factor) >= 1


@pytest.mark.parametrize("name", ["rich", "lean"])
def test_tortuosity_rises_with_compression(name, request):
    line = request.getfixturevalue(name)
    factors = [float(measure(line, stage).tortuosity_factor) for stage in STAGES]
    assert factors == sorted(factors)


# 9. Bounds


@pytest.mark.parametrize("stage", STAGES)
def test_effective_diffusivity_lies_below_the_parallel_bound(lean, stage):
    film = measure(lean, stage)
    parallel = float(film.porosity_without_nanopores) + 0.05 * float(film.volume_fraction_cbd)
    assert 0 < float(film.relative_diffusivity) <= parallel
    for name in ("diffusivity", "pore", "conductivity"):
        assert float(film[f"flux_mismatch_{name}"]) < 1e-3


# 10. Electronic conductivity


@pytest.mark.parametrize("stage", STAGES)
def test_conductivity_rises_with_binder_and_stays_in_range(rich, lean, stage):
    much = float(measure(lean, stage).effective_electronic_conductivity)
    little = float(measure(rich, stage).effective_electronic_conductivity)
    assert 1e-3 <= little < much <= 1


@pytest.mark.parametrize("name", ["rich", "lean"])
def test_conductivity_rises_with_compression(name, request):
    line = request.getfixturevalue(name)
    values = [float(measure(line, stage).effective_electronic_conductivity) for stage in STAGES]
    assert values == sorted(values)


# 11. Active surface


@pytest.mark.parametrize("stage", STAGES)
def test_active_surface_falls_with_binder(rich, lean, stage):
    much = float(measure(lean, stage).active_surface_area)
    assert much < float(measure(rich, stage).active_surface_area) < 100


@pytest.mark.parametrize("name", ["rich", "lean"])
def test_active_surface_falls_with_compression(name, request):
    line = request.getfixturevalue(name)
    values = [float(measure(line, stage).active_surface_area) for stage in STAGES]
    assert values == sorted(values, reverse=True)


# 12. Resolution and seeds


def test_halving_the_voxel_changes_little(rich):
    coarse, fine = measure(rich, "calendered20"), measure(rich, "calendered20", 0.2)
    assert float(coarse.porosity) == pytest.approx(float(fine.porosity), abs=0.005)
    for name in ("tortuosity_factor", "tortuosity_factor_pore"):
        assert float(coarse[name]) == pytest.approx(float(fine[name]), rel=0.03)
    name = "effective_electronic_conductivity"  # knows no voxels
    assert float(coarse[name]) == pytest.approx(float(fine[name]), rel=1e-9)


def test_another_seed_is_another_film_of_the_same_kind(make_line):
    """Porosity of three seeds: a point or two apart in films this small, never the same."""
    seeds = [read_results(make_line(96, 69, seed).dried()) for seed in (1, 2, 3)]
    porosity = [1 - film["solid_volume"] / (film["area"] * film["thickness"]) for film in seeds]
    assert len(set(porosity)) == 3
    assert np.std(porosity, ddof=1) < 0.025


# 13. Periodic images


def test_a_translated_film_measures_the_same(rich):
    stage = "calendered20"
    results, film = read_results(record_of(rich, stage)), rich.particles(stage)
    whole = measure(rich, stage)
    cells = whole.attrs["voxel_edges"]
    moved = film.position.copy()
    moved[:, 0] = np.mod(moved[:, 0] + 11 * cells[0], film.side[0])
    moved[:, 1] = np.mod(moved[:, 1] + 23 * cells[1], film.side[1])
    again = measure_electrode(
        type(film)(moved, film.diameter, film.phase, film.side, film.density),
        results["thickness"],
        solid_mass=results["solid_mass"],
        cbd_solid_volume=results["cbd_solid_volume"],
        bead_diameter=results["bead_diameter"],
        **measure_contacts(rich.material.conductivities()),
    )
    for name in ("porosity", "tortuosity_factor", "effective_electronic_conductivity"):
        assert float(again[name]) == pytest.approx(float(whole[name]), rel=2e-3)


def test_crushed_beads_lose_nanopores_never_solid(rich):
    results, film = read_results(rich.calendered(30.0)), rich.particles("calendered30")
    beads = film.diameter[film.phase == CBD]
    solid = results["bead_diameter"] * (1 - results["nanoporosity"]) ** (1 / 3)
    assert beads.min() >= solid - 1e-9 and beads.max() <= results["bead_diameter"] + 1e-9
    assert beads.mean() < results["bead_diameter"]


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("name", ["rich", "lean"])
def test_nanopores_are_lost_never_made(name, stage, request):
    film = measure(request.getfixturevalue(name), stage)
    assert 0 <= float(film.nanoporosity) <= 0.5 + 1e-3
