"""Predicted against simulated, and rounds of the closed loop in files."""

import json
import math

import numpy as np
import pytest
from scipy import stats

from coatline.errors import InputError
from coatline.learn.gaussian import Hyperparameters, SlurryProcess
from coatline.learn.measurements import read_measurements
from coatline.measure.dataset import INPUTS
from coatline.optimise.films import compare_films, label_films, read_recipe, write_recipe
from coatline.optimise.loop import COLUMNS, list_rounds, propose_recipes, take_samples
from coatline.optimise.objective import Aim, score_properties
from coatline.optimise.rounds import form_belief
from coatline.optimise.study import choose_aims, make_box
from tests.learn.campaigns import BOX, make_dataset, make_values, write_dataset

GOALS = {"porosity": "minimise", "effective_electronic_conductivity": "maximise"}


def make_films(folder, values, failed=()):
    """Films of one recipe, each from a slurry of its own."""
    inputs = np.tile([90.0, 60.0, 20.0], (len(values), 1))
    columns = {"porosity": np.array(values)}
    path = write_dataset(
        folder / "films.nc", inputs, np.arange(len(values)), columns, "o", failed=failed
    )
    return read_measurements([path], ["porosity"], all_may_fail=True)


def make_process(offset, noise):
    """A process that predicts 0.4 nearly everywhere."""
    known = Hyperparameters((1.0, 1.0, 1.0), 1e-6, offset, noise)
    inputs = np.array([[85.0, 55, 2], [97, 72, 37], [90, 60, 20], [91, 61, 30]] * 50)
    target = 0.4 + 1e-9 * np.arange(200)
    process = SlurryProcess(tuple(BOX), list(BOX.values()), scale="linear", hyperparameters=known)
    return process.fit(inputs, target, np.arange(200))


def test_predicted_against_simulated_by_hand(tmp_path):
    films = make_films(tmp_path, [0.38, 0.42, 0.46, 9.0], failed=[3])
    surrogates = {"porosity": {"process": make_process(0.03, 0.04)}}
    aims = [Aim("porosity", "minimise", 0.3, 0.5)]
    rows = compare_films(films, ["optimum"] * 4, surrogates, {}, aims, BOX)
    one, objective = rows
    assert one["recipe"] == "optimum" and one["units"] == "1" and one["active_material"] == 90.0
    assert (one["films"], one["failed"]) == (3, 1)
    assert one["simulated"] == pytest.approx(0.42) and one["most"] == 0.46
    reach = stats.t.ppf(0.975, 2) * 0.04 / math.sqrt(3)
    assert one["simulated_high"] == pytest.approx(0.42 + reach)
    assert one["process"] == pytest.approx(0.4, abs=1e-4)
    # One film: offset of its slurry and noise, 0.05 together.
    assert one["film_high"] == pytest.approx(0.4 + 1.96 * 0.05, abs=1e-3)
    assert one["inside"] == 3
    tight = {"porosity": {"process": make_process(0.003, 0.004)}}
    assert compare_films(films, ["optimum"] * 4, tight, {}, aims, BOX)[0]["inside"] == 0
    assert math.isnan(one["formula"]) and math.isnan(one["formula_low"])
    scores = score_properties(aims, np.array([[0.38], [0.42], [0.46]]))
    assert objective["property"] == "objective"
    assert objective["simulated"] == pytest.approx(scores.mean())
    assert objective["process"] == pytest.approx(score_properties(aims, [0.4]), abs=1e-3)
    # A property without weight plays no part, not even where it is unknown.
    films.values["density"] = np.full(4, np.nan)
    films.units["density"] = "g/cm3"
    more = [*aims, Aim("density", "maximise", 1.0, 2.0, 0.0)]
    again = compare_films(films, ["optimum"] * 4, surrogates, {}, more, BOX)[-1]
    assert (again["simulated"], again["process"]) == (objective["simulated"], objective["process"])


def test_all_films_failed_is_reported(tmp_path):
    films = make_films(tmp_path, [0.4, 0.4], failed=[0, 1])
    rows = compare_films(films, ["optimum"] * 2, {}, {}, [], BOX)
    assert [(row["films"], row["failed"]) for row in rows] == [(0, 2), (0, 2)]
    assert all(math.isnan(row["simulated"]) for row in rows)


def test_labels():
    samples = ["o00c0", "o00r1c0", "u00c0", "u00r2c0", "u01c0"]
    labels = label_films(samples, dict.fromkeys(samples[2:]))
    assert labels == ["optimum", "optimum", "u00c0", "u00c0", "u01c0"]


def test_recipe_read_back(tmp_path):
    recipe = dict(zip(INPUTS, (90.1234, 60.0, 20.5)))
    write_recipe(tmp_path / "recipe.json", recipe)
    assert read_recipe(tmp_path / "recipe.json") == recipe
    assert json.loads((tmp_path / "recipe.json").read_text())["units"] == "%"
    (tmp_path / "recipe.json").write_text("{}")
    with pytest.raises(InputError, match=r"recipe\.json: cannot be read as a recipe"):
        read_recipe(tmp_path / "recipe.json")


def propose(folder, base, data, round=1, size=2, **options):
    settings = {"weights": {}, "edges": BOX, "fixed": {}} | options
    return propose_recipes(folder / "ledger.csv", round, size, base, data, GOALS, **settings)


def test_rounds_in_files(tmp_path):
    base = read_measurements([make_dataset(tmp_path / "dataset.nc", 6, 2)], GOALS)
    first = propose(tmp_path, base, base)
    # More of the design, and another seed, change nothing that was proposed.
    more = read_measurements([make_dataset(tmp_path / "more.nc", 8, 2)], GOALS)
    assert propose(tmp_path, more, more, seed=5) == first
    inputs = np.array([list(recipe.values()) for recipe in first])
    values = make_values(inputs, np.arange(2), seed=7)
    path = write_dataset(tmp_path / "r1.nc", inputs, np.arange(2), values, "p", failed=[1])
    made = read_measurements([path], GOALS, True)
    both = read_measurements([tmp_path / "dataset.nc", path], GOALS)
    text = (tmp_path / "ledger.csv").read_text()
    second = propose(tmp_path, base, both, round=2)
    assert (tmp_path / "ledger.csv").read_text().startswith(text)
    assert not {tuple(one.values()) for one in first} & {tuple(one.values()) for one in second}
    rows = list_rounds(tmp_path / "ledger.csv", base, [made], GOALS, {}, BOX)
    assert [(row["round"], row["number"], row["status"]) for row in rows] == [
        (1, 1, "ok"),
        (1, 2, "failed"),
    ]
    aims_of = {name: base.values[name] for name in GOALS}
    low = aims_of["porosity"].min(), aims_of["effective_electronic_conductivity"].max()
    span = [np.ptp(aims_of[name]) for name in GOALS]
    miss = [
        (made.values["porosity"][0] - low[0]) / span[0],
        (low[1] - made.values["effective_electronic_conductivity"][0]) / span[1],
    ]
    expected = (np.clip(miss, 0, 1) ** 2).mean()
    assert rows[0]["simulated"] == pytest.approx(expected)
    assert math.isnan(rows[1]["simulated"]) and rows[1]["cause"] == "lost atoms"
    assert rows[0]["least"] <= rows[0]["simulated"] and 0 <= rows[0]["expected"] <= 1
    assert all(tuple(row) == COLUMNS for row in rows)
    # What was proposed under other aims is no measure of those of today.
    (other, _) = list_rounds(tmp_path / "ledger.csv", base, [made], GOALS, {"porosity": 2.0}, BOX)
    assert other["aims"] == rows[0]["aims"] and other["simulated"] != rows[0]["simulated"]
    assert all(math.isnan(other[name]) for name in ("expected", "deviation", "least"))
    same = list_rounds(tmp_path / "ledger.csv", base, [made], GOALS, dict.fromkeys(GOALS, 2.0), BOX)
    assert [row["expected"] for row in same] == [row["expected"] for row in rows]


def test_a_round_without_conductivity(tmp_path):
    """An electrode that does not percolate: its C_f is unknown, its porosity is learned from."""
    base = read_measurements([make_dataset(tmp_path / "dataset.nc", 6, 2)], GOALS)
    first = propose(tmp_path, base, base)
    inputs = np.array([list(recipe.values()) for recipe in first])
    values = make_values(inputs, np.arange(2), seed=7)
    values["effective_electronic_conductivity"][0] = np.nan
    path = write_dataset(tmp_path / "r1.nc", inputs, np.arange(2), values, "p")
    made = read_measurements([path], GOALS)
    rows = list_rounds(tmp_path / "ledger.csv", base, [made], GOALS, {}, BOX)
    assert math.isnan(rows[0]["simulated"]) and rows[0]["status"] == "ok"
    assert math.isfinite(rows[1]["simulated"]) and math.isfinite(rows[0]["least"])
    both = read_measurements([tmp_path / "dataset.nc", path], GOALS)
    aims, _ = choose_aims(base, GOALS, {})
    samples = take_samples(both, aims, BOX)
    assert np.isfinite(samples.properties).sum(axis=0).tolist() == [14, 13]
    belief = form_belief(samples, aims, make_box(BOX))
    assert [len(one.values) for one in belief.processes] == [14, 13]
    assert len(propose(tmp_path, base, both, round=2)) == 2


def test_inputs_that_do_not_vary_stay(tmp_path):
    base = read_measurements([make_dataset(tmp_path / "dataset.nc", 6, 2)], GOALS)
    base.inputs[:, 1] = 60.0
    edges = {name: ends for name, ends in BOX.items() if name != "solid_content"}
    found = propose(tmp_path, base, base, edges=edges, fixed={"solid_content": 60.0})
    assert all(list(one) == list(INPUTS) and one["solid_content"] == 60.0 for one in found)


def test_rounds_of_electrodes_that_teach_nothing(tmp_path):
    base = read_measurements([make_dataset(tmp_path / "dataset.nc", 2, 2)], GOALS)
    with pytest.raises(InputError, match=r"round 1: nothing can be learned .*4 samples of 2 slur"):
        propose(tmp_path, base, base)
    with pytest.raises(InputError, match="no input varies"):
        propose(tmp_path, base, base, edges={})
