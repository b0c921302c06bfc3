"""Electrodes that are learned from together were made alike."""

import json

import netCDF4
import pytest

from coatline.campaign.settings import flatten
from coatline.errors import InputError
from coatline.learn.measurements import check_alike, check_recipes, read_measurements
from tests.learn.campaigns import PROPERTIES, make_dataset

SETTINGS = flatten(
    {
        "electrode": {"solid_mass": 0.1, "solid_loading": 10.0},
        "measure": {"voxel_size": 0.4},
        "manufacture": {"drying": {"pressure": 22.0}},
        "code": {"dry": "0123", "measure": "4567"},
    }
)


def write_pair(folder, **changed):
    """A dataset, and a round that differs from it."""
    made_with = SETTINGS | changed.pop("made_with", {})
    first = make_dataset(folder / "first.nc", 3, 3, made_with=SETTINGS)
    return [
        first,
        make_dataset(folder / "round.nc", 2, 1, letter="p", made_with=made_with, **changed),
    ]


def test_settings_are_flat():
    assert SETTINGS["electrode.solid_mass"] == 0.1
    assert SETTINGS["manufacture.drying.pressure"] == 22.0


def test_electrodes_made_alike(tmp_path):
    pair = write_pair(tmp_path)
    assert check_alike(pair) == check_alike(pair, {"material": "NMC111"} | SETTINGS) == []
    assert len(read_measurements(pair, PROPERTIES).sample) == 9 + 2
    # What a file does not say is not compared.
    silent = make_dataset(tmp_path / "silent.nc", 2, 1, letter="q")
    assert check_alike([*pair, silent]) == []


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("electrode.solid_mass", 0.2, "is 0.2, but 0.1 in"),
        ("electrode.solid_loading", 12.0, "is 12, but 10 in"),
        ("measure.voxel_size", 0.8, "is 0.8, but 0.4 in"),
        ("manufacture.drying.pressure", 90.0, "is 90, but 22 in"),
    ],
)
def test_other_settings_are_refused(tmp_path, key, value, shown):
    first, second = write_pair(tmp_path, made_with={key: value})
    with pytest.raises(InputError) as error:
        read_measurements([first, second], PROPERTIES)
    line = str(error.value)
    assert line.startswith(f"{second}: {key} {shown} {first};") and "\n" not in line
    assert f"give files in which {key} is the same, or make the electrodes again" in line
    with pytest.raises(InputError, match=r"but .* in the configuration"):
        check_alike([first], SETTINGS | {key: value})


def test_other_material_is_refused(tmp_path):
    first, second = write_pair(tmp_path, material="LFP")
    with pytest.raises(InputError, match=r"round\.nc: material is LFP, but NMC111 in .*first\.nc"):
        read_measurements([first, second], PROPERTIES)
    with pytest.raises(InputError, match=r"material is NMC111, but LFP in the configuration"):
        check_alike([first], {"material": "LFP"})


def test_other_conductivities_are_refused(tmp_path):
    pair = write_pair(tmp_path)
    for path, value in zip(pair, (19.0, 20.0)):
        with netCDF4.Dataset(path, "a") as file:
            file.conductivity_cbd = value
    with pytest.raises(InputError, match="conductivity_cbd is 20, but 19 in"):
        read_measurements(pair, PROPERTIES)


def test_other_code_is_noted(tmp_path):
    first, second = write_pair(tmp_path)
    for path, code in ((first, "aaaa"), (second, "ffff")):
        with netCDF4.Dataset(path, "a") as file:
            file.physics = json.dumps({"dry": [code], "press": ["0000"]})
    assert check_alike([first, second]) == [f"{second}: dry had other code than in {first}"]


def test_dataset_of_another_design_is_refused(tmp_path):
    path = make_dataset(tmp_path / "dataset.nc", 2, 2)
    data = read_measurements([path], PROPERTIES)
    recipes = {name: tuple(row) for name, row in zip(data.sample, data.inputs.tolist())}
    check_recipes(path, recipes, "own.yaml")
    am, sc, cr = recipes["y01c1"]
    with pytest.raises(InputError, match=r"rate of y01c1 is .* in the design .*own.yaml"):
        check_recipes(path, recipes | {"y01c1": (am, sc, cr + 1)}, "own.yaml")
    with pytest.raises(InputError, match="y02c0 of the design is not in it"):
        check_recipes(path, recipes | {"y02c0": (am, sc, cr)}, "own.yaml")
    del recipes["y00c0"]
    with pytest.raises(InputError, match="y00c0 is not in the design"):
        check_recipes(path, recipes, "own.yaml")
