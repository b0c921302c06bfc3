import csv

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score
from sklearn.neighbors import KNeighborsRegressor

from coatline.learn.gaussian import SlurryProcess
from coatline.learn.linear import LinearBaseline
from coatline.learn.resampling import fix_complexity
from coatline.learn.sisso import Sisso
from coatline.learn.validation import (
    find_ceiling,
    measure_replicates,
    score_r2,
    score_rmse_percent,
    split_samples,
    summarise,
    validate,
    write_rows,
)
from tests.learn.electrodes import BOX, NAMES, add_noise, conductivity, make_design, porosity

INPUTS, SLURRY = make_design()
POROSITY = add_noise(porosity(INPUTS), SLURRY, 0.005, 0.004, 1)


def mean_of(rows, part="test", metric="r2"):
    return np.mean([row[metric] for row in rows if row["set"] == part])


def test_scores_by_hand():
    true, predicted = np.array([1.0, 2.0, 4.0]), np.array([1.1, 1.8, 5.0])
    # Relative errors 0.1, 0.1 and 0.25; with predicted values below they would be others.
    assert score_rmse_percent(true, predicted) == pytest.approx(100 * np.sqrt(0.0825 / 3))
    # Squares .01 + .04 + 1; about the mean 7/3 of the true values 16/9 + 1/9 + 25/9.
    assert score_r2(true, predicted) == pytest.approx(1 - 1.05 / (42 / 9))
    assert score_r2(true, predicted) == pytest.approx(r2_score(true, predicted))
    assert score_r2(true, np.full(3, 7 / 3)) == pytest.approx(0)
    assert score_r2(true, true) == 1 and score_rmse_percent(true, true) == 0


@pytest.mark.parametrize(
    ("score", "true", "predicted", "message"),
    [
        (score_rmse_percent, [0.0, 1.0], [0.0, 1.0], "true values other than 0"),
        (score_r2, [2.0, 2.0], [1.0, 3.0], "all equal"),
        (score_r2, [1.0, 2.0], [1.0, np.nan], "must be finite"),
        (score_r2, [1.0, 2.0], [1.0], "two vectors of one length"),
        (score_rmse_percent, [], [], "two vectors of one length"),
    ],
)
def test_scores_refuse(score, true, predicted, message):
    with pytest.raises(ValueError, match=message):
        score(np.array(true), np.array(predicted))


def test_splits():
    splits = split_samples(174)
    assert len(splits) == 75
    for train, test in splits:
        assert (len(train), len(test)) == (139, 35)
        assert sorted([*train, *test]) == list(range(174))
    assert len({tuple(sorted(test)) for _, test in splits}) == 75
    for train, test in split_samples(174, SLURRY, 10):
        assert not set(SLURRY[train]) & set(SLURRY[test])
        assert len(set(SLURRY[test])) == 6
        assert len(train) + len(test) == 174


def test_validation_is_a_fit_to_each_split():
    rows = validate(LinearRegression(), INPUTS, POROSITY, SLURRY, "slurry", seeds=4)
    assert len(rows) == 8
    train, test = split_samples(174, SLURRY, 4)[3]
    model = LinearRegression().fit(INPUTS[train], POROSITY[train])
    for row, members in zip(rows[6:], (train, test), strict=True):
        predicted = model.predict(INPUTS[members])
        assert row["samples"] == len(members) and row["seed"] == 3 and row["split"] == "slurry"
        assert row["r2"] == pytest.approx(score_r2(POROSITY[members], predicted))
        expected = score_rmse_percent(POROSITY[members], predicted)
        assert row["rmse_percent"] == pytest.approx(expected)
    assert [row["set"] for row in rows] == ["train", "test"] * 4


def test_groups_reach_the_surrogate():
    model = SlurryProcess(NAMES, BOX, scale="linear")
    with_groups = validate(model, INPUTS, POROSITY, SLURRY, seeds=1)
    without = validate(model, INPUTS, POROSITY, seeds=1)
    train, test = split_samples(174)[0]
    model.fit(INPUTS[train], POROSITY[train], SLURRY[train])
    score = score_r2(POROSITY[test], model.predict(INPUTS[test]))
    assert with_groups[1]["r2"] == pytest.approx(score)
    assert without[1]["r2"] != pytest.approx(score, abs=1e-6)


def test_relative_errors_do_not_exist_at_zero():
    rows = validate(LinearRegression(), INPUTS, np.where(SLURRY == 0, 0, POROSITY), seeds=2)
    assert np.isnan(rows[0]["rmse_percent"]) and np.isfinite(rows[0]["r2"])


def test_same_again_with_any_number_of_processes():
    model = fix_complexity(
        Sisso(NAMES, BOX, rungs=(0, 1), terms=(1, 2)).fit(INPUTS, POROSITY, SLURRY)
    )
    one = validate(model, INPUTS, POROSITY, SLURRY, seeds=3)
    assert one == validate(model, INPUTS, POROSITY, SLURRY, seeds=3, jobs=2)
    assert mean_of(one) > 0.95


def test_summary_by_hand():
    scores = np.array([0.9, 0.8, 0.7, 0.95])
    rows = [
        {"property": "porosity", "split": "sample", "seed": seed, "set": part, "samples": size}
        | {"r2": score + (part == "train") * 0.01, "rmse_percent": 2.0}
        for seed, score in enumerate(scores)
        for part, size in (("train", 80), ("test", 20))
    ]
    table = summarise(rows)
    assert len(table) == 4
    (row,) = [r for r in table if r["set"] == "test" and r["metric"] == "r2"]
    assert row["property"] == "porosity" and row["seeds"] == 4
    assert row["mean"] == pytest.approx(0.8375)
    error = scores.std(ddof=1) / 2
    low, high = stats.t.interval(0.95, 3, loc=0.8375, scale=error)
    assert (row["mean_low"], row["mean_high"]) == pytest.approx((low, high))
    # Variance times 1/4 + 20/80 in place of 1/4.
    assert row["corrected_high"] - 0.8375 == pytest.approx((high - 0.8375) * np.sqrt(2))
    assert 0.8375 - row["corrected_low"] == pytest.approx((high - 0.8375) * np.sqrt(2))
    assert (row["low"], row["high"]) == pytest.approx(np.percentile(scores, [2.5, 97.5]))
    with pytest.raises(ValueError, match="2 seeds or more"):
        summarise(rows[:2])


def test_tables_keep_properties_apart():
    rows = [
        {"property": name} | row
        for name, target in (("porosity", POROSITY), ("conductivity", conductivity(INPUTS)))
        for row in validate(LinearRegression(), INPUTS, target, seeds=3)
    ]
    table = summarise(rows)
    assert len(table) == 8
    first = [row for row in rows if row["property"] == "porosity"]
    (mean,) = [
        row["mean"]
        for row in table
        if (row["property"], row["set"], row["metric"]) == ("porosity", "test", "r2")
    ]
    assert mean == pytest.approx(mean_of(first))


def test_ceiling_is_the_share_that_is_not_noise():
    inputs, slurry = make_design(4000, 1)
    truth = porosity(inputs)
    found = find_ceiling(truth, slurry, 0.03, 0.02, seeds=5)
    noise = 0.03**2 + 0.02**2
    assert found["mean"] == pytest.approx(1 - noise / (truth.var() + noise), abs=0.005)
    # One who knows the offsets is left with the noise alone.
    known = find_ceiling(truth, slurry, 0.03, 0.02, split="sample", seeds=5)
    expected = 1 - 0.02**2 / (truth.var() + noise)
    assert known["mean"] == pytest.approx(expected, abs=0.005)
    assert find_ceiling(truth, slurry, 0, 0, seeds=2)["mean"] == 1


def test_ceiling_on_a_log_scale():
    """The mean of a log-normal, at its known deviation, against other films."""
    inputs, slurry = make_design(20000, 1)
    truth = conductivity(inputs)
    found = find_ceiling(truth, slurry, 0.3, 0.4, "log", seeds=3, draws=10)["mean"]
    # Var(y) = E[t²] e^{2s²} - (E[t] e^{s²/2})², of which E[t²] e^{s²} (e^{s²} - 1) is noise.
    both = 0.3**2 + 0.4**2
    square = (truth**2).mean()
    noise = square * np.exp(both) * np.expm1(both)
    total = square * np.exp(2 * both) - truth.mean() ** 2 * np.exp(both)
    assert found == pytest.approx(1 - noise / total, abs=0.01)


def test_the_truth_scores_the_ceiling_and_no_surrogate_more():
    """Films made anew with other random numbers; splits of 35 samples as in the paper."""
    truth = porosity(INPUTS)
    ceiling = find_ceiling(truth, SLURRY, 0.02, 0.01)
    own, fitted = [], []
    for seed in range(8):
        target = add_noise(truth, SLURRY, 0.02, 0.01, 50 + seed)
        own += [score_r2(target[t], truth[t]) for _, t in split_samples(174, SLURRY)]
        fitted.append(mean_of(validate(LinearBaseline(2), INPUTS, target, SLURRY, "slurry", 10)))
    # Slurries of 8 campaigns, 29 each, with offsets of their own.
    assert np.mean(own) == pytest.approx(ceiling["mean"], abs=0.02)
    inside = (ceiling["low"] < np.array(own)) & (np.array(own) < ceiling["high"])
    assert 0.85 < np.mean(inside) < 0.99
    assert np.mean(fitted) < ceiling["mean"]


def test_a_split_by_sample_flatters_what_remembers_slurries():
    """A flexible surrogate learns offsets: above the ceiling of new slurries, below its own."""
    truth = 0.1 * porosity(INPUTS)
    target = add_noise(truth, SLURRY, 0.03, 0.0005, 3)
    near = KNeighborsRegressor(2)
    recipes = INPUTS * [100, 100, 1]
    by_sample = mean_of(validate(near, recipes, target, SLURRY, "sample", 10))
    by_slurry = mean_of(validate(near, recipes, target, SLURRY, "slurry", 10))
    ceilings = {
        split: find_ceiling(truth, SLURRY, 0.03, 0.0005, split=split)["mean"]
        for split in ("sample", "slurry")
    }
    assert by_slurry < ceilings["slurry"] < by_sample < ceilings["sample"]


def test_replicates_by_hand_and_over_seeds():
    found = measure_replicates(np.array([1.0, 3.0, 10.0, 12.0, 5.0]), np.array(list("aabbc")))
    assert found["sd"] == pytest.approx(np.sqrt(2)) and found["freedom"] == 2
    held = []
    for seed in range(400):
        values = np.random.default_rng(seed).normal(scale=0.3, size=12) + np.repeat([1, 5, 9], 4)
        found = measure_replicates(values, np.repeat([1, 5, 9], 4))
        held.append(found["low"] < 0.3 < found["high"])
    assert np.mean(held) == pytest.approx(0.95, abs=0.035)


def test_rows_are_written(tmp_path):
    rows = validate(LinearRegression(), INPUTS, POROSITY, seeds=2)
    write_rows(tmp_path / "a.csv", rows)
    with (tmp_path / "a.csv").open(newline="") as file:
        back = list(csv.DictReader(file))
    assert [float(row["r2"]) for row in back] == [row["r2"] for row in rows]
    assert list(back[0]) == ["split", "seed", "set", "samples", "r2", "rmse_percent"]
    with pytest.raises(ValueError, match="different columns"):
        write_rows(tmp_path / "b.csv", [{"a": 1}, {"b": 1}])
    with pytest.raises(ValueError, match="no rows"):
        write_rows(tmp_path / "b.csv", [])
    assert not (tmp_path / "b.csv").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"split": "film"}, "split must be sample or slurry"),
        ({"split": "slurry", "groups": None}, "needs groups"),
        ({"split": "slurry", "groups": np.zeros(174)}, "all samples are of one slurry"),
        ({"groups": SLURRY[:9]}, "one label per sample"),
        ({"y": np.where(SLURRY == 2, np.nan, POROSITY)}, "leave failed samples out"),
        ({"y": np.ones(174)}, "seed 0: .*the target is constant"),
        ({"X": INPUTS[:4], "y": POROSITY[:4], "groups": None}, "seed 0: .*samples or more"),
    ],
)
def test_refuses(change, message):
    data = {"X": INPUTS, "y": POROSITY, "groups": SLURRY} | change
    with pytest.raises(ValueError, match=message):
        validate(LinearBaseline(), **data)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"slurry": -1}, "0 or more"),
        ({"noise": np.nan}, "0 or more"),
        ({"split": "film"}, "split must be"),
        ({"scale": "log", "truth": POROSITY - 0.5}, "on a log scale positive"),
        ({"groups": SLURRY[:9]}, "one label per sample"),
    ],
)
def test_ceiling_refuses(change, message):
    data = {"truth": POROSITY, "groups": SLURRY, "slurry": 0.1, "noise": 0.1} | change
    with pytest.raises(ValueError, match=message):
        find_ceiling(**data)


def test_replicates_refuse():
    with pytest.raises(ValueError, match="no recipe was made twice"):
        measure_replicates(np.arange(3.0), np.arange(3))
    with pytest.raises(ValueError, match="must be finite"):
        measure_replicates(np.array([1, np.nan]), np.zeros(2))
