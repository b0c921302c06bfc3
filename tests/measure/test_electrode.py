from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from coatline.errors import InputError
from coatline.manufacture.state import AM, CBD, Particles
from coatline.measure.electrode import (
    VARIABLES,
    measure_electrode,
    write_electrode,
)
from coatline.measure.export import write_tiff, write_vtk
from tests.measure.films import make_particles

ARGUMENTS = {
    "solid_mass": 5000.0,
    "cbd_solid_volume": 100.0,
    "conductivity": {"am": 0.01, "cbd": 18.8},
    "contact_resistance": 1.2e-3,
    "voxel_size": 0.5,
}


@pytest.fixture(scope="module")
def measured(film):
    return measure_electrode(film, 12.0, keep_labels=True, **ARGUMENTS)


def test_every_variable_says_what_it_is(measured):
    assert set(VARIABLES) <= set(measured.data_vars)
    for name in measured.variables:
        for key in ("units", "long_name", "method"):
            assert key in measured[name].attrs, f"{name} has no {key}"


def test_values_close_with_each_other(measured):
    v = {name: float(measured[name]) for name in VARIABLES}
    pore = v["porosity_without_nanopores"]
    assert v["density"] == pytest.approx(5000 / 12**3)
    assert pore + v["volume_fraction_active_material"] + v["volume_fraction_cbd"] == pytest.approx(
        1
    )
    assert v["porosity"] == pytest.approx(pore + v["nanoporosity"] * v["volume_fraction_cbd"])
    solid = (1 - v["nanoporosity"]) * v["volume_fraction_cbd"] * 12**3
    assert solid == pytest.approx(ARGUMENTS["cbd_solid_volume"])
    capacity = pore + 0.05 * v["volume_fraction_cbd"]
    assert v["tortuosity_factor"] * v["relative_diffusivity"] == pytest.approx(capacity, rel=1e-5)
    assert v["tortuosity_factor_pore"] >= 1 and v["tortuosity_factor"] >= 1
    assert 0 < v["effective_electronic_conductivity"] < 18.8
    assert max(v[name] for name in v if name.startswith("flux_mismatch")) < 1e-3
    assert measured["volume_fraction"].sum("phase").values == pytest.approx(1)


def test_same_film_same_bytes(film, measured, tmp_path):
    again = measure_electrode(film, 12.0, keep_labels=True, **ARGUMENTS)
    for number, dataset in enumerate((measured, again)):
        write_electrode(tmp_path / f"{number}.nc", dataset)
    assert (tmp_path / "0.nc").read_bytes() == (tmp_path / "1.nc").read_bytes()


def test_translated_film_is_the_same_electrode(film, measured):
    step = np.array([5, 17, 0]) * 0.5
    moved = Particles(film.position + step, film.diameter, film.phase, film.side)
    other = measure_electrode(moved, 12.0, **ARGUMENTS)
    for name in VARIABLES:
        if "mismatch" not in name:
            assert float(other[name]) == pytest.approx(float(measured[name]), rel=2e-3), name


def test_labels_are_kept_compressed(measured, tmp_path):
    path = tmp_path / "e.nc"
    write_electrode(path, measured)
    with xr.open_dataset(path) as dataset:
        label = dataset["label"]
        assert label.dims == ("x", "y", "z") and label.dtype == np.uint8
        assert label.encoding["zlib"] and label.encoding["chunksizes"] == (24, 24, 24)
        np.testing.assert_array_equal(label, measured["label"])
        assert "tortuosity_factor" in dataset


def test_labels_are_left_out_unless_asked_for(film):
    assert "label" not in measure_electrode(film, 12.0, solve=False, **ARGUMENTS)


def test_blocked_film_has_no_numbers():
    # A wall of beads across the film, no path for pores and none for the current.
    grid = np.arange(0.5, 10, 1.0)
    wall = [(x, y, 5, 2.0, AM) for x in grid for y in grid]
    film = make_particles(wall)
    arguments = ARGUMENTS | {"cbd_diffusivity": 0.05}
    dataset = measure_electrode(film, 10.0, **arguments)
    blocked = (
        "tortuosity_factor",
        "tortuosity_factor_pore",
        "relative_diffusivity",
        "tortuosity_factor_taufactor",
        "effective_electronic_conductivity",
    )
    for name in blocked:
        assert np.isnan(dataset[name]), name
        assert "blocked" in dataset[name].attrs["note"]
    assert float(dataset["porosity"]) > 0


def test_contacts_go_by_the_uncrushed_bead(film):
    crushed = replace(film, diameter=np.where(film.phase == CBD, 1.7, film.diameter))
    whole = measure_electrode(film, 12.0, **ARGUMENTS)
    name = "effective_electronic_conductivity"
    same = measure_electrode(crushed, 12.0, bead_diameter=2.0, **ARGUMENTS)
    assert float(same[name]) == float(whole[name])
    less = measure_electrode(crushed, 12.0, **ARGUMENTS)
    assert float(less[name]) < 0.9 * float(whole[name])


@pytest.mark.parametrize(
    "change, word",
    [
        ({"solid_mass": 0.0}, "solid_mass"),
        ({"solid_mass": float("nan")}, "solid_mass"),
        ({"cbd_solid_volume": 0.0}, "cbd_solid_volume"),
        ({"conductivity": {"am": 1.0}}, "cbd"),
        ({"conductivity": {"am": -1.0, "cbd": 1.0}}, "am"),
        ({"cbd_diffusivity": 2.0}, "cbd_diffusivity"),
        ({"contact_resistance": -1.0}, "contact_resistance"),
        ({"voxel_size": 0.0}, "voxels"),
    ],
)
def test_bad_arguments_are_named(film, change, word):
    with pytest.raises(InputError, match=word):
        measure_electrode(film, 12.0, **(ARGUMENTS | change))


def test_bad_films_are_named():
    with pytest.raises(InputError, match="no particles"):
        measure_electrode(make_particles([]), 10.0, **ARGUMENTS)
    with pytest.raises(InputError, match="largest particle"):
        measure_electrode(make_particles([(5, 5, 5, 11, AM)]), 10.0, **ARGUMENTS)
    with pytest.raises(InputError, match="height"):
        measure_electrode(make_particles([(5, 5, 5, 2, CBD)]), -1.0, **ARGUMENTS)
    with pytest.raises(InputError, match="diameter"):
        measure_electrode(make_particles([(5, 5, 5, 0, CBD)]), 10.0, **ARGUMENTS)


def test_exports(tmp_path):
    import tifffile

    label = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4) % 3
    write_tiff(tmp_path / "a.tif", label, (0.4, 0.4, 0.5))
    pages = tifffile.imread(tmp_path / "a.tif")
    assert pages.shape == (4, 3, 2)
    np.testing.assert_array_equal(pages.transpose(2, 1, 0), label)
    write_vtk(tmp_path / "a.vtk", label, (0.4, 0.4, 0.5))
    head, body = (tmp_path / "a.vtk").read_bytes().split(b"LOOKUP_TABLE default\n")
    assert b"DIMENSIONS 3 4 5" in head and b"SPACING 0.4 0.4 0.5" in head
    np.testing.assert_array_equal(np.frombuffer(body, np.uint8), label.ravel(order="F"))
