"""Gathering samples into a dataset."""

import json

import netCDF4
import numpy as np
import pytest

from coatline.campaign.summary import format_summary
from coatline.design.table import Design, Sample
from coatline.errors import InputError
from coatline.measure.dataset import (
    SLABS,
    TooManyFailures,
    assemble,
    average_slabs,
    check_success,
    gather_chunk,
    list_physics,
    read_table,
)
from coatline.measure.sample import write_failure

DESIGN = Design(
    tuple(
        Sample(f"y{j:02d}c{k}", f"y{j:02d}", 90.0 + j, 60.0 + j, 5.0 + k)
        for j in range(3)
        for k in range(2)
    )
)


def write_sample(path, number, slabs=7, started="2020-01-01"):
    with netCDF4.Dataset(path, "w") as file:
        file.status, file.cause = "ok", ""
        file.nanoporosity = 0.5
        file.voxel_edges = np.array([0.4, 0.4, 0.4 + number])
        run = {"started": started, "seconds": 1.0, "host": "a", "physics": f"{number // 4:016x}"}
        file.provenance = json.dumps({"measure": run})
        file.createDimension("phase", 3)
        file.createDimension("depth", slabs)
        variable = file.createVariable("porosity", "f8")
        variable.units, variable.long_name, variable.method = "%", "porosity", "union"
        variable[...] = 40.0 + number
        variable = file.createVariable("tortuosity_factor", "f8")
        variable.units = "1"
        variable[...] = np.nan if number == 1 else 2.0
        phase = file.createVariable("phase", str, ("phase",))
        phase[:] = np.array(["am", "cbd", "pore"], dtype=object)
        profile = file.createVariable("volume_fraction", "f8", ("phase", "depth"))
        profile[:] = np.array([[0.5] * slabs, [0.2] * slabs, [0.3] * slabs])


@pytest.fixture
def made(tmp_path):
    """Chunks of six samples, the last of which has failed."""
    paths = []
    for number, row in enumerate(DESIGN):
        paths.append(tmp_path / f"{row.sample}.nc")
        if row.sample == "y02c1":
            write_failure(paths[-1], "dry: not converged")
        else:
            write_sample(paths[-1], number, slabs=5 + number)
    chunks = [tmp_path / "0000.nc", tmp_path / "0001.nc"]
    gather_chunk(paths[:4], chunks[0], tmp_path / "0000.json")
    gather_chunk(paths[4:], chunks[1], tmp_path / "0001.json")
    return chunks


def build(tmp_path, chunks, name="dataset.nc"):
    return assemble(
        chunks,
        DESIGN,
        tmp_path / name,
        campaign="test",
        material="NMC111",
        physics=list_physics([chunk.with_suffix(".json") for chunk in chunks]),
    )


def test_values_and_failures(tmp_path, made):
    table = build(tmp_path, made[::-1])  # whatever order the chunks come in
    assert table.sample == [row.sample for row in DESIGN]
    assert table.status == ["ok"] * 5 + ["failed"]
    assert table.cause[-1] == "dry: not converged"
    np.testing.assert_array_equal(table.values["porosity"], [40, 41, 42, 43, 44, np.nan])
    np.testing.assert_array_equal(table.values["tortuosity_factor"], [2, np.nan, 2, 2, 2, np.nan])


def test_file_is_self_describing(tmp_path, made):
    import xarray as xr

    build(tmp_path, made)
    with xr.open_dataset(tmp_path / "dataset.nc") as dataset:
        assert set(dataset.coords) >= {
            "sample",
            "slurry",
            "material",
            "active_material",
            "solid_content",
            "compression_rate",
        }
        assert dataset["porosity"].dims == ("sample",)
        assert dataset["porosity"].attrs["units"] == "%"
        assert dataset["porosity"].attrs["method"] == "union"
        assert dataset["compression_rate"].attrs["units"] == "%"
        assert float(dataset["porosity"].sel(sample="y01c0")) == 42
        assert dataset["active_material"].values.tolist() == [90, 90, 91, 91, 92, 92]
        assert dataset["material"].values.tolist() == ["NMC111"] * 6
        assert dataset.attrs["nanoporosity"] == 0.5
        assert json.loads(dataset.attrs["physics"]) == {"measure": [f"{0:016x}", f"{1:016x}"]}
        assert "voxel_edges" not in dataset.attrs  # differs between samples
        profile = dataset["volume_fraction"].sel(sample="y00c1")
        np.testing.assert_allclose(profile.sel(phase="am"), 0.5)
        np.testing.assert_allclose(profile.sel(phase="pore"), 0.3)


def test_nothing_in_it_depends_on_when_and_where(tmp_path, made):
    build(tmp_path, made)
    before = (tmp_path / "dataset.nc").read_bytes()
    assert b"2020" not in before
    for number, row in enumerate(list(DESIGN)[:5]):
        write_sample(tmp_path / f"{row.sample}.nc", number, 5 + number, "2021-05-05")
    paths = [tmp_path / f"{row.sample}.nc" for row in DESIGN]
    gather_chunk(paths[:4], made[0], tmp_path / "0000.json")
    gather_chunk(paths[4:], made[1], tmp_path / "0001.json")
    build(tmp_path, made)
    assert (tmp_path / "dataset.nc").read_bytes() == before
    assert "2021" in (tmp_path / "0000.json").read_text()


def test_chunks_may_all_have_failed(tmp_path):
    paths = [tmp_path / f"{row.sample}.nc" for row in DESIGN]
    for path in paths:
        write_failure(path, "slurry: Lost atoms")
    gather_chunk(paths, tmp_path / "0000.nc", tmp_path / "0000.json")
    table = build(tmp_path, [tmp_path / "0000.nc"])
    assert table.status == ["failed"] * 6
    assert np.isnan(table.profile).all()


def test_an_unreadable_sample_is_named(tmp_path):
    path = tmp_path / "y00c0.nc"
    path.write_bytes(b"")
    with pytest.raises(InputError, match=r"y00c0\.nc"):
        gather_chunk([path], tmp_path / "0000.nc", tmp_path / "0000.json")


def test_a_missing_sample_is_named(tmp_path, made):
    with pytest.raises(InputError, match="y02c0"):
        build(tmp_path, made[:1])


def test_average_slabs_keeps_mean_and_shape():
    rng = np.random.default_rng(1)
    for count in (1, 7, SLABS, 173):
        values = rng.random((3, count))
        averaged = average_slabs(values, SLABS)
        np.testing.assert_allclose(averaged.mean(axis=1), values.mean(axis=1))
    np.testing.assert_allclose(
        average_slabs(values[:, :100], 50), values[:, :100].reshape(3, 50, 2).mean(axis=2)
    )
    np.testing.assert_allclose(average_slabs(np.array([[1.0, 2.0]]), 4), [[1, 1, 2, 2]])


@pytest.mark.parametrize(
    ("minimum", "enough"), [(0.0, True), (5 / 6, True), (0.84, False), (1.0, False)]
)
def test_check_success(tmp_path, made, minimum, enough):
    table = build(tmp_path, made)
    if enough:
        check_success(table, minimum, tmp_path / "kept.nc", tmp_path / "logs")
        return
    with pytest.raises(TooManyFailures) as caught:
        check_success(table, minimum, tmp_path / "kept.nc", tmp_path / "logs")
    text = str(caught.value)
    assert "1 of 6 samples failed" in text and "dry: not converged" in text and "y02c1" in text
    assert "kept.nc" in text and "logs" in text and "\n" not in text


def test_summary_shows_every_sample(tmp_path, made):
    build(tmp_path, made)
    text = format_summary(tmp_path / "dataset.nc")
    for row in DESIGN:
        assert row.sample in text
    assert "5 of 6 samples ok" in text and "dry: not converged" in text
    assert str(tmp_path / "dataset.nc") in text


def test_dataset_reads_back(tmp_path, made):
    table = build(tmp_path, made)
    again = read_table(tmp_path / "dataset.nc")
    assert again.sample == table.sample and again.cause == table.cause
    np.testing.assert_array_equal(again.values["porosity"], table.values["porosity"])
    np.testing.assert_array_equal(again.profile, table.profile)


def test_gathering_costs_milliseconds_per_sample(tmp_path):
    import time

    paths = [tmp_path / f"y{number:02d}c0.nc" for number in range(200)]
    for number, path in enumerate(paths):
        write_sample(path, number)
    started = time.perf_counter()
    gather_chunk(paths, tmp_path / "0000.nc", tmp_path / "0000.json")
    assert time.perf_counter() - started < 200 * 0.02
