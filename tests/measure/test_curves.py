"""Calendering curves gathered from the records of pressing."""

import numpy as np
import pytest

from coatline.design.table import make_design
from coatline.errors import InputError
from coatline.manufacture.record import write_record
from coatline.measure.curves import gather_curves, grid_compressions, read_curve, read_curves

DESIGN = make_design("recipes", recipes=[(96, 69, 20), (90, 55, 10)], replicates=2)
THICKNESS, SOLID, AREA = 50.0, 6000.0, 256.0


def write_press(path, reached=30.0, cause="", thickness=THICKNESS, every=0.37):
    """A press at constant speed whose pressure is the square of the compression, kPa."""
    path.parent.mkdir(parents=True, exist_ok=True)
    compression = np.append(np.arange(0, reached, every), reached)
    names = "step time height speed pressure_top pressure_bottom kinetic unbalanced coordination"
    series = path.with_suffix(".txt")
    rows = [
        f"{i} {i} {thickness * (1 - c / 100):.9g} -0.3 {c**2:.9g} {c**2:.9g} 0 0.1 4"
        for i, c in enumerate(compression)
    ]
    series.write_text("\n".join([names, *rows]) + "\n")
    facts = {
        "thickness_dried": thickness,
        "area": AREA,
        "solid_volume": SOLID,
        "density_slurry": 2.1,
        "density_slurry_additive": 2.2,
        "press_speed": 0.3,
    }
    write_record(path, facts, series, cause=cause)
    return path


def records_of(tmp_path, **changes):
    return {
        s: write_press(tmp_path / s / "press.nc", **changes.get(s, {})) for s in DESIGN.slurries
    }


def test_grid_goes_to_the_upper_compression():
    np.testing.assert_array_equal(grid_compressions(3.0), [0, 1, 2, 3])
    np.testing.assert_array_equal(grid_compressions(2.5), [0, 1, 2])
    assert len(grid_compressions(37.0)) == 38


def test_a_curve_is_that_of_the_record(tmp_path):
    grid = grid_compressions(30)
    curve = read_curve(write_press(tmp_path / "press.nc"), grid)
    np.testing.assert_allclose(curve["height"], THICKNESS * (1 - grid / 100))
    np.testing.assert_allclose(curve["porosity"], 1 - SOLID / (AREA * curve["height"]))
    # Linear between rows: the square is overestimated by at most (step / 2)².
    assert np.all(np.abs(curve["pressure"] - grid**2) <= 0.37**2 / 4 + 1e-6)


def test_a_failed_press_ends_where_it_got(tmp_path):
    record = write_press(tmp_path / "press.nc", reached=12.4, cause="press: Lost atoms")
    curve = read_curve(record, grid_compressions(30))
    for values in curve.values():
        assert np.isfinite(values[:13]).all() and np.isnan(values[13:]).all()


def test_a_film_that_was_never_pressed_has_no_curve(tmp_path):
    path = tmp_path / "press.nc"
    write_record(path, {"area": AREA}, cause="dry: not converged")
    curve = read_curve(path, grid_compressions(30))
    assert all(np.isnan(values).all() for values in curve.values())


def test_gathered_file_reads_back_and_describes_itself(tmp_path):
    import xarray as xr

    records = records_of(tmp_path, y01={"reached": 9.0, "cause": "press: Lost atoms"})
    path = tmp_path / "calendering_curves.nc"
    gather_curves(records, DESIGN, path, 30.0)
    table = read_curves(path)
    assert table.slurry == ["y00", "y00r1", "y01", "y01r1"]
    assert table.active_material.tolist() == [96, 96, 90, 90]
    assert table.solid_content.tolist() == [69, 69, 55, 55]
    assert table.status == ["ok", "ok", "failed", "ok"]
    assert table.cause[2] == "press: Lost atoms"
    assert table.scalars["density_slurry"].tolist() == [2.1] * 4
    np.testing.assert_array_equal(
        table.curves["porosity"][0], read_curve(records["y00"], grid_compressions(30))["porosity"]
    )
    with xr.open_dataset(path) as data:
        assert data["pressure"].dims == ("slurry", "compression")
        assert data["pressure"].attrs["units"] == "kPa"
        assert set(data["pressure"].coords) >= {"active_material", "solid_content"}
        one = data["pressure"].sel(slurry="y01", compression=9)
        assert float(one) == pytest.approx(81)
        assert np.isnan(float(data["pressure"].sel(slurry="y01", compression=10)))


def test_equal_records_give_equal_files(tmp_path):
    records = records_of(tmp_path)
    gather_curves(records, DESIGN, tmp_path / "first.nc", 30.0)
    gather_curves(dict(reversed(records.items())), DESIGN, tmp_path / "second.nc", 30.0)
    assert (tmp_path / "first.nc").read_bytes() == (tmp_path / "second.nc").read_bytes()


def test_a_missing_record_and_a_wrong_file_are_named(tmp_path):
    records = records_of(tmp_path)
    del records["y00r1"]
    with pytest.raises(InputError, match="y00r1"):
        gather_curves(records, DESIGN, tmp_path / "curves.nc", 30.0)
    with pytest.raises(InputError, match=r"press\.nc: cannot be read as calendering curves"):
        read_curves(records["y00"])
