"""Measurements read from datasets, surrogates kept as JSON, and their tables."""

import json
import math

import netCDF4
import numpy as np
import pytest

from coatline.errors import InputError
from coatline.learn.formula import Formula
from coatline.learn.linear import LinearBaseline
from coatline.learn.measurements import read_measurements
from coatline.learn.resampling import fix_complexity
from coatline.learn.surrogates import (
    SYMBOLS,
    describe_surrogates,
    fit_surrogates,
    read_errors,
    read_surrogates,
    write_json,
)
from coatline.learn.tables import (
    TABLES,
    list_ceilings,
    list_indices,
    list_published,
    list_regression,
    restore_complexities,
    score_surrogates,
    write_table,
)
from coatline.learn.validation import score_r2, summarise
from coatline.report.gathered import read_rows
from tests.learn.campaigns import (
    BOX,
    PROPERTIES,
    UNITS,
    lighten,
    make_dataset,
    make_measurements,
)
from tests.learn.notations import read_latex, read_text, run_python


@pytest.fixture(scope="module", autouse=True)
def light():
    with pytest.MonkeyPatch.context() as patch:
        lighten(patch)
        yield


@pytest.fixture(scope="module")
def campaign(tmp_path_factory):
    """Electrodes, their surrogates, and the file of these."""
    folder = tmp_path_factory.mktemp("campaign")
    data = make_measurements(folder, failed=[5])
    learned = fit_surrogates(data, PROPERTIES, BOX)
    path = folder / "surrogates.json"
    write_json(path, describe_surrogates(learned, data, BOX))
    return data, learned, path


def test_only_what_was_measured_is_learned_from(tmp_path):
    path = make_dataset(tmp_path / "dataset.nc", 3, 3, failed=[0, 4])
    with netCDF4.Dataset(path, "a") as file:
        file["porosity"][8] = math.nan
    data = read_measurements([path], PROPERTIES)
    assert data.ok.tolist() == [False, True, True, True, False, True, True, True, True]
    inputs, values, groups = data.take("porosity", ["compression_rate"])
    assert inputs.shape == (6, 1) and np.isfinite(values).all()
    assert groups.tolist() == ["y00", "y00", "y01", "y01", "y02", "y02"]
    np.testing.assert_array_equal(inputs[:, 0], data.inputs[[1, 2, 3, 5, 6, 7], 2])
    assert data.find_flaw("porosity") == (
        "6 samples of 3 slurries are too few, at least 8 of 3 are needed"
    )
    assert data.units == UNITS and data.cause[0] == "lost atoms"


def test_datasets_that_cannot_be_used(tmp_path):
    failed = make_dataset(tmp_path / "failed.nc", 2, 2, failed=range(4))
    with pytest.raises(InputError, match=r"failed\.nc: all 4 samples have failed.*4 x lost atoms"):
        read_measurements([failed], PROPERTIES)
    assert not read_measurements([failed], PROPERTIES, all_may_fail=True).ok.any()
    good = make_dataset(tmp_path / "good.nc", 3, 3)
    with pytest.raises(InputError, match=r"good\.nc: has no variable density, but .*porosity"):
        read_measurements([good], ["density"])
    with pytest.raises(InputError, match=r"good\.nc: sample y00c0 is in another dataset"):
        read_measurements([good, good], PROPERTIES)
    (tmp_path / "text.nc").write_text("no dataset")
    with pytest.raises(InputError, match=r"text\.nc: cannot be read as a dataset"):
        read_measurements([tmp_path / "text.nc"], PROPERTIES)
    with netCDF4.Dataset(tmp_path / "other.nc", "w") as file:
        file.createDimension("x", 2)
    with pytest.raises(InputError, match=r"other\.nc: cannot be read as a dataset"):
        read_measurements([tmp_path / "other.nc"], PROPERTIES)


def test_another_design_than_that_of_the_dataset(tmp_path):
    data = make_measurements(tmp_path, 3, 3)
    with pytest.raises(InputError, match=r"sample y\d\dc0 .* has active_material .*out"):
        fit_surrogates(data, PROPERTIES, BOX | {"active_material": (90.0, 91.0)})


def test_surrogates_read_back_predict_the_same(campaign):
    data, learned, path = campaign
    found = read_surrogates(path, data)
    points = np.random.default_rng(1).uniform(*np.array(list(BOX.values())).T, (50, 3))
    for one in learned:
        for kind, tolerance in (("sisso", 0), ("process", 1e-9)):
            np.testing.assert_allclose(
                found[one.name][kind].predict(points),
                one.fitted[kind].predict(points),
                rtol=tolerance,
            )
    record = json.loads(path.read_text())
    assert record["samples"] == {"all": 32, "ok": 31, "slurries": 8}
    parts = record["properties"]["porosity"]
    assert parts["units"] == "1" and parts["samples"] == 31
    # Code and text are the same formula; the plane in the inputs themselves is the fitted one.
    scope = {}
    exec(parts["sisso"]["python"], scope)
    predicted = learned[0].fitted["sisso"].predict(points)
    assert [scope["predict"](*row) for row in points] == pytest.approx(predicted, rel=1e-12)
    plane = parts["linear"]
    values = plane["intercept"] + points @ np.array(plane["slopes"])
    values = np.exp(values) if plane["scale"] == "log" else values
    np.testing.assert_allclose(values, learned[0].fitted["linear"].predict(points), rtol=1e-9)


def test_all_forms_of_a_formula_agree(campaign):
    """Text, LaTeX, Python and the record in the file, to 1e-12; the short ones are for people."""
    _, learned, path = campaign
    points = np.random.default_rng(2).uniform(*np.array(list(BOX.values())).T, (50, 3))
    values = dict(zip(SYMBOLS.values(), points.T))
    properties = json.loads(path.read_text())["properties"]
    assert len(learned) == len(properties) == 2
    for one in learned:
        parts = properties[one.name]["sisso"]
        expected = one.fitted["sisso"].predict(points)
        found = {
            "formula": Formula.from_dict(parts["formula"]).evaluate(points),
            "python": run_python(parts["python"], points),
            "text": read_text(parts["text"], values),
            "latex": read_latex(parts["latex"], values),
        }
        for form, other in found.items():
            np.testing.assert_allclose(other, expected, rtol=1e-12, err_msg=form)
        assert len(parts["short_text"]) < len(parts["text"])
        assert len(parts["short_latex"]) < len(parts["latex"])
        short = read_text(parts["short_text"], values)
        np.testing.assert_allclose(read_latex(parts["short_latex"], values), short, rtol=1e-12)


def test_held_out_error_of_a_formula(campaign):
    data, learned, path = campaign
    _, values, _ = data.take("porosity")
    fitted = learned[0].fitted["sisso"]
    misses = fitted.held_out_ - values
    if fitted.formula_.scale == "log":
        misses = np.log(fitted.held_out_) - np.log(values)
    assert read_errors(path)["porosity"] == pytest.approx(np.sqrt((misses**2).mean()))


def test_complexities_are_those_that_were_chosen(campaign):
    _, learned, path = campaign
    restored, box = restore_complexities(path)
    assert box == BOX
    for one in learned:
        for kind, fitted in one.fitted.items():
            expected = fix_complexity(fitted).get_params()
            assert restored[one.name][kind].get_params() == expected


def test_scores_tables_and_regression_agree(campaign, tmp_path):
    data, _, path = campaign
    rows, notes = score_surrogates(path, data, seeds=3, share=0.25)
    assert notes == []
    assert len(rows) == 2 * 4 * 2 * 3 * 2  # properties, surrogates, splits, seeds, sets
    summary = summarise(rows)
    table = list_published(rows, summary, data.units, "test")
    assert [row["property"] for row in table] == list(PROPERTIES) and table[1]["units"] == "S/m"
    regression = list_regression(path, data, 0.25)
    for row in table:
        mine = [
            one
            for one in regression
            if one["property"] == row["property"]
            and one["surrogate"] == "sisso"
            and one["set"] == "test"
        ]
        columns = [[one[key] for one in mine] for key in ("measured", "predicted")]
        assert score_r2(*map(np.array, columns)) == pytest.approx(row["r2"])
        assert len(mine) == row["samples"] == 8
        assert row["low"] <= row["r2_mean"] <= row["ci95_high"]
    write_table(tmp_path / "table.csv", table, TABLES["table1"])
    assert (tmp_path / "table.csv").read_text().startswith("property,units,samples,rmse_percent,r2")
    for name, found in (("scores", rows), ("summary", summary), ("regression", regression)):
        write_table(tmp_path / f"{name}.csv", found, TABLES[name])
    ceilings, notes = list_ceilings(path, data, 3, 0.25)
    write_table(tmp_path / "ceilings.csv", ceilings, TABLES["ceilings"])
    assert notes == [] and {row["split"] for row in ceilings} == {"sample", "slurry"}


def test_indices_with_intervals_and_without(campaign, tmp_path):
    data, _, path = campaign
    rows, notes = list_indices(path, data, 4096, 10)
    assert notes == [] and len(rows) == 2 * 2 * 3 * 2
    write_table(tmp_path / "sobol.csv", rows, TABLES["sobol"])
    compression = next(
        row
        for row in rows
        if row["property"] == "porosity"
        and row["surrogate"] == "process"
        and row["input"] == "compression_rate"
        and row["order"] == "total"
    )
    assert compression["low"] <= compression["index"] <= compression["high"]
    assert compression["index"] > 0.5  # by far the largest term of the truth
    few = make_measurements(tmp_path, 4, 3)
    learned = fit_surrogates(few, PROPERTIES[:1], BOX)
    write_json(tmp_path / "few.json", describe_surrogates(learned, few, BOX))
    rows, notes = list_indices(tmp_path / "few.json", few, 4096, 10)
    assert rows and all(math.isnan(row["low"]) for row in rows)
    assert "needs 5 slurries, there are 4" in notes[0]


def test_tables_have_units_and_a_header_without_rows(tmp_path):
    path, columns = tmp_path / "table.csv", ("sample", *BOX, "least")
    write_table(path, [], columns)
    header = "sample,active_material (%),solid_content (%),compression_rate (%),least\n"
    assert path.read_text() == header and read_rows(path) == []
    row = dict(zip(columns, ("y00c0", 90.0, 60.5, 20.0, 0.1)))
    write_table(path, [row], columns)
    assert path.read_text() == header + "y00c0,90.0,60.5,20.0,0.1\n"
    assert read_rows(path) == [row]
    with pytest.raises(ValueError, match="columns are sample, active_material"):
        write_table(path, [row], columns[:-1])


def test_what_was_not_learned_is_said(tmp_path):
    data = make_measurements(tmp_path, 2, 2)
    learned = fit_surrogates(data, PROPERTIES, BOX)
    record = describe_surrogates(learned, data, BOX)
    write_json(tmp_path / "none.json", record)
    assert "too few" in record["properties"]["porosity"]["causes"][""]
    assert read_surrogates(tmp_path / "none.json", data) == {name: {} for name in PROPERTIES}
    rows, notes = score_surrogates(tmp_path / "none.json", data, 3, 0.2)
    assert rows == [] and len(notes) == 2 and "was not learned" in notes[0]
    (tmp_path / "none.json").write_text("[]")
    with pytest.raises(InputError, match="cannot be read as surrogates"):
        read_surrogates(tmp_path / "none.json", data)


def test_quadratic_baseline_is_kept_as_its_parts(campaign):
    data, learned, path = campaign
    kept = json.loads(path.read_text())["properties"]["porosity"]["quadratic"]
    inputs, _, _ = data.take("porosity")
    scaled = (inputs - kept["mean"]) / kept["width"]
    columns = np.stack([(scaled**powers).prod(axis=1) for powers in kept["powers"]], axis=1)
    values = kept["intercept"] + columns @ np.array(kept["slopes"])
    fitted: LinearBaseline = learned[0].fitted["quadratic"]
    values = np.exp(values) if kept["scale"] == "log" else values
    np.testing.assert_allclose(values, fitted.predict(inputs), rtol=1e-9)
