"""From dataset to optimum, front, targets and uncertainty, by the functions that the rules call."""

import json

import netCDF4
import numpy as np
import pytest
import xarray as xr

from coatline.learn.gaussian import SlurryProcess
from coatline.learn.measurements import read_measurements
from coatline.learn.surrogates import describe_surrogates, fit_surrogates, write_json
from coatline.learn.tables import score_surrogates
from coatline.optimise.study import (
    BEST_SAMPLE,
    FIRST,
    MIDDLE,
    find_targets,
    front_study,
    load_study,
    optimise_study,
    read_optimum,
    resample_optimum,
)
from tests.learn.campaigns import BOX, PROPERTIES, lighten, make_dataset
from tests.learn.electrodes import conductivity, porosity

SETTINGS = {
    "properties": list(PROPERTIES),
    "edges": BOX,
    "fixed": {},
    "goals": {"porosity": "minimise", "effective_electronic_conductivity": "maximise"},
    "weights": {"porosity": 2.0},
    "kind": "process",
}


@pytest.fixture(scope="module", autouse=True)
def light():
    with pytest.MonkeyPatch.context() as patch:
        lighten(patch)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A dataset and its surrogates."""
    path = tmp_path_factory.mktemp("study")
    make_dataset(path / "dataset.nc")
    data = read_measurements([path / "dataset.nc"], PROPERTIES)
    learned = fit_surrogates(data, PROPERTIES, BOX)
    assert all(one.causes == {} for one in learned)
    write_json(path / "surrogates.json", describe_surrogates(learned, data, BOX))
    return path


def load(folder, **settings):
    files = [folder / "dataset.nc"], folder / "surrogates.json"
    return load_study(*files, **(SETTINGS | settings))


def score(study, recipe):
    """C_f of the truth at a recipe."""
    inputs = np.array([list(recipe.values())])
    return float(study.objective.score(np.stack([porosity(inputs), conductivity(inputs)], -1))[0])


def test_optimum_front_targets_and_uncertainty(folder):
    study, surrogates = load(folder)
    record, search = optimise_study(study, calls=15, seed=1)
    write_json(folder / "optimum.json", record)
    search.to_netcdf(folder / "search.nc")
    assert record["left_out"] == {} and len(record["notes"]) == (not record["agrees"])
    both = [record["bayesian"]["objective"], record["check"]["objective"]]
    assert record["difference"] == pytest.approx(both[0] - both[1], abs=1e-12)
    assert record["agrees"] == (abs(record["difference"]) <= 1e-3)
    # The better of both is taken, and named.
    assert record["objective"] == min(both)
    better = "bayesian" if record["method"] == FIRST else "check"
    assert record["recipe"] == record[better]["recipe"]
    assert record["aims"][0]["weight"] == 2.0 and record["aims"][1]["units"] == "S/m"
    assert set(record["recipe"]) == set(BOX) and record["bayesian"]["calls"] == 15
    pairs = {"active_material_solid_content", "solid_content_compression_rate"}
    assert all(f"{kind}mean_{pair}" in search for pair in pairs for kind in ("", "objective_"))
    # Better, in truth, than nearly all of the box.
    random = np.random.default_rng(0).uniform(*np.array(list(BOX.values())).T, (400, 3))
    truths = [score(study, dict(zip(BOX, row))) for row in random]
    assert score(study, record["check"]["recipe"]) < np.quantile(truths, 0.02)

    optimum = read_optimum(folder / "optimum.json", study)
    assert study.complete(optimum.recipe) == record["recipe"]
    assert optimum.value == pytest.approx(record["objective"], abs=1e-12)
    spread = resample_optimum(study, optimum, 10, seed=1)
    assert spread.sizes["refit"] == 10 and spread.attrs["lost"] == 0
    # Where all optima lie on a face, the interval is a point.
    low, high = spread.recipe_interval.values.T
    assert ((low < high) | (spread.at_edge == 1)).all() and (low < high).any()
    inside = (spread.recipe >= spread.recipe_interval[:, 0]) & (
        spread.recipe <= spread.recipe_interval[:, 1]
    )
    assert inside.mean() > 0.8
    front = front_study(study, optimum, size=20, seed=1)
    assert list(front.unit.values) == ["1", "S/m"] and front.sizes["point"] > 3
    front.to_netcdf(folder / "front.nc")
    with xr.open_dataset(folder / "front.nc") as again:
        assert again.attrs["nearest"] >= 0

    # Targets around what is predicted at the optimum are met there; half a range beyond none is.
    value = record["properties"]["porosity"]["value"]
    met = find_targets(study, surrogates, {"porosity": (value - 0.05, value + 0.05)}, "process")
    assert met["met"] and met["regions"][0]["recipe"].keys() == BOX.keys()
    beyond = 1.5 * study.aims[0].high - 0.5 * study.aims[0].low
    none = find_targets(study, surrogates, {"porosity": (beyond, None)}, "process")
    assert none["met"] is False and none["conflict"] == ["porosity"] and not none["regions"]
    assert none["targets"]["porosity"] == {"low": beyond, "high": None, "units": "1"}
    json.dumps([met, none], allow_nan=False)
    assert find_targets(study, surrogates, {}, "process")["met"] is None
    far = find_targets(study, surrogates, {"porosity": (40.0, None)}, "process")
    assert (
        far["met"] is None
        and "cannot be judged: optimise.targets: porosity of at least 40 is far" in far["answer"]
    )


def write_columns(path, **columns):
    """The dataset with columns replaced by constants."""
    make_dataset(path)
    with netCDF4.Dataset(path, "a") as file:
        for name, value in columns.items():
            file[name][:] = value
    return path


def test_a_property_without_weight_plays_no_part(folder):
    study, _ = load(folder, weights={"porosity": 0.0})
    assert [aim.name for aim in study.asked] == ["effective_electronic_conductivity"]
    record, _ = optimise_study(study, calls=10)
    assert [aim["name"] for aim in record["aims"]] == ["effective_electronic_conductivity"]
    without, _ = load(folder, kind="none")
    assert without.asked == ()


def learn(folder):
    data = read_measurements([folder / "dataset.nc"], PROPERTIES)
    learned = fit_surrogates(data, PROPERTIES, BOX)
    write_json(folder / "surrogates.json", describe_surrogates(learned, data, BOX))
    return {one.name: one.causes.get("", "") for one in learned}


def test_a_constant_property_plays_no_part(tmp_path):
    write_columns(tmp_path / "dataset.nc", porosity=0.4)
    causes = learn(tmp_path)
    assert causes["porosity"] == "it is 0.4 1 for all samples, nothing to learn"
    assert causes["effective_electronic_conductivity"] == ""
    study, surrogates = load(tmp_path, weights={})
    assert study.objective.names == ("effective_electronic_conductivity",)
    record, _ = optimise_study(study, calls=10)
    assert list(record["left_out"]) == ["porosity"] and "porosity plays no part" in str(record)
    answer = find_targets(study, surrogates, {"porosity": (0.3, None)}, "process")
    assert answer["met"] is None and "was not learned: it is 0.4" in answer["answer"]


def test_without_anything_to_learn_the_best_electrode_stands_in(tmp_path):
    make_dataset(tmp_path / "dataset.nc", slurries=2, compressions=3)
    causes = learn(tmp_path)
    assert set(causes.values()) == {
        "6 samples of 2 slurries are too few, at least 8 of 3 are needed"
    }
    study, _ = load(tmp_path)
    record, search = optimise_study(study, calls=10)
    assert record["method"] == BEST_SAMPLE and not search.data_vars and len(record["notes"]) == 2
    assert record["recipe"] == dict(zip(BOX, study.data.inputs[best_sample(study)]))
    write_json(tmp_path / "optimum.json", record)
    optimum = read_optimum(tmp_path / "optimum.json", study)
    assert "note" in resample_optimum(study, optimum, 10).attrs
    assert "note" in front_study(study, optimum, 20).attrs


def test_without_surrogates_of_the_kind_the_best_electrode_stands_in(folder):
    study, _ = load(folder, kind="none")
    record, _ = optimise_study(study, calls=10)
    assert record["method"] == BEST_SAMPLE
    assert record["sample"] == study.data.sample[best_sample(study)]
    assert list(record["recipe"].values()) == study.data.inputs[best_sample(study)].tolist()


def best_sample(study):
    """Row of the least C_f, whose weights are 2 and 1."""
    low, high = (study.data.values[name] for name in PROPERTIES)
    worse = (low - low.min()) / np.ptp(low), (high.max() - high) / np.ptp(high)
    return int((2 * worse[0] ** 2 + worse[1] ** 2).argmin())


def test_without_any_goal_the_middle_stands_in(tmp_path):
    write_columns(tmp_path / "dataset.nc", porosity=0.4, effective_electronic_conductivity=0.1)
    learn(tmp_path)
    study, _ = load(tmp_path)
    record, _ = optimise_study(study, calls=10)
    assert record["method"] == MIDDLE and record["objective"] is None
    assert record["recipe"] == {name: sum(ends) / 2 for name, ends in BOX.items()}


def test_few_slurries_have_no_bootstrap(tmp_path):
    make_dataset(tmp_path / "dataset.nc", slurries=4)
    learn(tmp_path)
    study, _ = load(tmp_path)
    optimum = optimum_of(study)
    note = resample_optimum(study, optimum, 10).attrs["note"]
    assert note.startswith("a bootstrap needs 5 slurries, there are 4 with ")


def test_slurries_that_lack_a_property_do_not_count_for_the_bootstrap(tmp_path):
    make_dataset(tmp_path / "dataset.nc", slurries=6)
    learn(tmp_path)
    study, _ = load(tmp_path)
    optimum = optimum_of(study)
    name = study.objective.names[0]
    gone = np.isin(np.array(study.data.slurry), sorted(set(study.data.slurry))[:2])
    study.data.values[name][gone] = np.nan
    note = resample_optimum(study, optimum, 10).attrs["note"]
    assert note == f"a bootstrap needs 5 slurries, there are 4 with {name}"


def test_electrodes_without_conductivity_count_for_all_else(tmp_path, monkeypatch):
    """Where nothing percolates: from the fit to the front, every step has them."""
    make_dataset(tmp_path / "dataset.nc")
    name = "effective_electronic_conductivity"
    with netCDF4.Dataset(tmp_path / "dataset.nc", "a") as file:
        gone = np.argsort(file[name][:])[:9]
        file[name][gone] = np.nan
    learn(tmp_path)
    record = json.loads((tmp_path / "surrogates.json").read_text())["properties"]
    assert [record[one]["samples"] for one in PROPERTIES] == [32, 32 - 9]
    study, surrogates = load(tmp_path)
    assert [len(study.data.find_rows(one)) for one in PROPERTIES] == [32, 32 - 9]
    found, _ = optimise_study(study, calls=10)
    assert set(found["properties"]) == set(PROPERTIES)
    fitted = []
    fit = SlurryProcess.fit

    def watch(self, X, y, groups=None):
        fitted.append(len(y))
        return fit(self, X, y, groups)

    monkeypatch.setattr(SlurryProcess, "fit", watch)
    optimum = optimum_of(study)
    spread = resample_optimum(study, optimum, 3)
    assert spread.sizes["refit"] + spread.attrs["lost"] == 3
    # Slurries of four: of the porosity none is missing, whatever the conductivity lacks.
    assert {count % 4 for count in fitted[::2]} == {0} and min(fitted[::2]) == 32
    assert max(fitted[1::2]) < 32
    assert front_study(study, optimum, size=20).sizes["point"] > 0
    assert find_targets(study, surrogates, {name: (0.0, None)}, "process")["met"]
    scores, _ = score_surrogates(tmp_path / "surrogates.json", study.data, 2, 0.25)
    asked = {"surrogate": "process", "split": "sample", "seed": 0}
    rows = [row for row in scores if asked.items() <= row.items()]
    counts = {
        one: sum(row["samples"] for row in rows if row["property"] == one) for one in PROPERTIES
    }
    assert counts == dict(zip(PROPERTIES, (32, 32 - 9)))


def optimum_of(study):
    from coatline.optimise.search import describe_optimum

    return describe_optimum(study.objective, study.box, (90.0, 60.0, 20.0))
