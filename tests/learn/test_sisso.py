import json
import time
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.utils.estimator_checks import check_estimator

from coatline.learn.expressions import TEXT
from coatline.learn.formula import Formula
from coatline.learn.sisso import RULES, Candidate, Sisso, _choose

NAMES = ("active_material", "solid_content", "compression_rate")
BOX = ((85, 97), (55, 72), (2, 37))
SYMBOLS = dict(zip(NAMES, ("AM", "SC", "CR"), strict=True))


def make_campaign(slurries=29, compressions=6, seed=0):
    """Inputs (n, 3) and slurry (n,) of a campaign in which electrodes share slurries."""
    rng = np.random.default_rng(seed)
    low, high = np.array(BOX, float).T
    recipes = low + (high - low) * rng.random((slurries, 3))
    slurry = np.repeat(np.arange(slurries), compressions)
    inputs = recipes[slurry]
    inputs[:, 2] = low[2] + (high - low)[2] * rng.random(len(slurry))
    return inputs, slurry


INPUTS, SLURRY = make_campaign()
AM, SC, CR = INPUTS.T
RNG = np.random.default_rng(11)
NOISE = RNG.normal(size=len(AM)) + RNG.normal(size=29)[SLURRY]


def find(target, **arguments):
    return Sisso(NAMES, BOX, **arguments).fit(INPUTS, target, SLURRY)


def parts(formula):
    """Coefficients by expression."""
    return {term.expression.write(TEXT, SYMBOLS)[0]: term.coefficient for term in formula.terms}


@pytest.mark.parametrize(
    ("target", "expected", "intercept", "scale"),
    [
        (3.2 * AM / SC - 0.7 * CR**2 + 5, {"AM/SC": 3.2, "CR^2": -0.7}, 5, "linear"),
        (2 * np.sqrt(CR) * AM + 1 / SC, {"sqrt(CR)*AM": 2, "1/SC": 1}, 0, "linear"),
        (np.exp(4 * CR / SC - AM / SC - 3), {"CR/SC": 4, "AM/SC": -1}, -3, "log"),
        (0.2 * AM, {"AM": 0.2}, 0, "linear"),
    ],
)
def test_recovers_formulas_exactly(target, expected, intercept, scale):
    model = find(target)
    formula = model.formula_
    for rule in RULES:
        assert _choose(model.candidates_, rule, target) == model.chosen_
    assert formula.scale == scale
    assert parts(formula) == pytest.approx(expected, rel=1e-9)
    assert formula.intercept == pytest.approx(intercept, abs=1e-9)


def test_recovers_a_formula_under_noise():
    target = 3.2 * AM / SC - 0.7 * CR**2 + 5
    model = find(target + 0.02 * NOISE, scale="linear", rule="one_standard_error")
    assert parts(model.formula_) == pytest.approx({"AM/SC": 3.2, "CR^2": -0.7}, rel=0.05)
    # The rule of least error may take another form, but no less accurate a one than the noise.
    model = find(target + 0.02 * NOISE, scale="linear", rungs=(1,))
    assert np.sqrt(np.mean((model.predict(INPUTS) - target) ** 2)) < 0.02


def test_log_scale_where_errors_are_relative():
    target = np.exp(8 * CR / SC - AM / SC) * np.exp(0.05 * NOISE)
    assert target.max() / target.min() > 50
    model = find(target, rungs=(0, 1))
    assert model.formula_.scale == "log"
    assert (model.predict(INPUTS) > 0).all()
    assert find(3 * SC + CR**2 + 2.0 * NOISE, rungs=(0, 1)).formula_.scale == "linear"


def test_auto_is_linear_where_logarithms_do_not_exist():
    model = find(AM / SC - 1.5, rungs=(0, 1))
    assert model.formula_.scale == "linear"
    assert {candidate.scale for candidate in model.candidates_} == {"linear"}


def test_no_pole_between_the_samples():
    # 1/(SC - 60) fits best where no sample is near 60, and is not to be found.
    away = np.abs(SC - 60) > 1.5
    model = Sisso(NAMES, BOX, scale="linear", rungs=(2,), terms=(2,))
    model.fit(INPUTS[away], 1 / (SC[away] - 60), SLURRY[away])
    grid = np.stack(np.meshgrid(*(np.linspace(*edge, 30) for edge in BOX)), axis=-1)
    value = model.formula_.evaluate(grid)
    low, high = model.formula_.bound()
    assert np.isfinite([low, high]).all()
    assert low <= value.min() and value.max() <= high


def test_no_overflow_far_from_the_samples():
    # The samples fill a corner of the box, at whose other end exp(x) has no value.
    x = np.linspace(1, 5, 40)
    model = Sisso(["x"], [(1, 1000)], scale="log", rungs=(0,), terms=(1,))
    with pytest.raises(ValueError, match="no formula of 1 independent terms that stays finite"):
        model.fit(x[:, None], np.exp(x))
    model.set_params(rungs=(0, 2)).fit(x[:, None], np.exp(x))
    assert model.chosen_.rung == 2 and len(model.candidates_) == 2
    assert min(one.error for one in model.candidates_ if one.rung == 0) < 1e-9
    assert np.isfinite(model.predict([[1000.0]])).all()


def test_same_again_and_for_any_order_of_samples():
    target = np.exp(CR / SC) + 0.05 * NOISE
    one, again = (find(target, rungs=(0, 2), terms=(1, 2)) for _ in range(2))
    assert one.formula_ == again.formula_ and one.candidates_ == again.candidates_
    order = np.random.default_rng(1).permutation(len(target))
    other = Sisso(NAMES, BOX, rungs=(0, 2), terms=(1, 2)).fit(
        INPUTS[order], target[order], SLURRY[order]
    )
    assert other.formula_ == one.formula_ and other.candidates_ == one.candidates_
    assert np.array_equal(other.held_out_, one.held_out_[order])


def test_order_does_not_matter_without_groups():
    target = np.exp(CR / SC) + 0.05 * NOISE
    order = np.random.default_rng(2).permutation(len(target))
    one = Sisso(NAMES, BOX, rungs=(0, 1)).fit(INPUTS, target)
    other = Sisso(NAMES, BOX, rungs=(0, 1)).fit(INPUTS[order], target[order])
    assert other.formula_ == one.formula_ and other.chosen_ == one.chosen_


def test_groups_are_held_out_whole():
    # A target that is one random number per slurry, and hardly depends on the recipe: samples
    # that share a slurry with training samples look predictable, new slurries are not.
    level = np.random.default_rng(3).normal(size=10)
    inputs, slurry = make_campaign(10, 12, seed=4)
    grouped = Sisso(NAMES, BOX, rungs=(1, 2), terms=(2,)).fit(inputs, level[slurry], slurry)
    alone = Sisso(NAMES, BOX, rungs=(1, 2), terms=(2,)).fit(inputs, level[slurry])
    assert min(c.error for c in grouped.candidates_) > 2 * min(c.error for c in alone.candidates_)


def test_held_out_errors_are_those_of_the_candidate():
    target = AM / SC + 0.02 * CR + 0.1 * NOISE
    model = find(target, scale="linear", rungs=(1,))
    error = np.sqrt(np.mean((model.held_out_ - target) ** 2))
    assert model.chosen_.error == pytest.approx(error, rel=1e-12)
    assert 0.08 < error < 0.3
    fit = np.sqrt(np.mean((model.predict(INPUTS) - target) ** 2))
    assert fit < error


def test_errors_of_a_log_scale_are_multiplied_by_the_geometric_mean():
    target = 1000 * np.exp(CR / SC + 0.1 * NOISE)
    model = find(target, scale="log", rungs=(1,))
    miss = np.log(model.held_out_ / target)
    mean = np.exp(np.log(target).mean())
    assert model.chosen_.error == pytest.approx(mean * np.sqrt(np.mean(miss**2)), rel=1e-9)


def test_rules():
    target = np.ones(10)
    candidates = (
        Candidate("linear", 0, 1, 3.0, 0.1),
        Candidate("linear", 1, 1, 1.1, 0.1),
        Candidate("linear", 1, 2, 1.05, 0.1),
        Candidate("linear", 2, 2, 1.0, 0.25),
        Candidate("log", 2, 2, 1.0, 0.25),
    )
    assert _choose(candidates, "minimum", target) is candidates[3]
    assert _choose(candidates, "one_standard_error", target) is candidates[1]


def test_one_choice_needs_no_cross_validation():
    model = find(AM / SC, rungs=(1,), terms=(1,), scale="linear")
    assert model.candidates_ == () and model.chosen_ is None and model.held_out_ is None
    assert parts(model.formula_) == pytest.approx({"AM/SC": 1})


def test_data_frames_give_the_names():
    frame = pd.DataFrame(INPUTS, columns=list(NAMES))
    model = Sisso(rungs=(1,), terms=(1, 2)).fit(frame, AM / SC)
    assert model.formula_.names == NAMES
    assert model.predict(frame) == pytest.approx(AM / SC)
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame[[NAMES[1], NAMES[0], NAMES[2]]])


def test_plain_arrays_have_numbered_names():
    model = Sisso(rungs=(1,), terms=(1,)).fit(INPUTS, AM / SC)
    assert model.formula_.names == ("x0", "x1", "x2")


def test_json_keeps_predictions_exactly():
    model = find(np.exp(CR / SC) + 0.05 * NOISE, rungs=(2,), terms=(1, 2))
    again = Formula.from_dict(json.loads(json.dumps(model.formula_.to_dict())))
    assert np.array_equal(again.evaluate(INPUTS), model.predict(INPUTS))


def good(**arguments):
    return {"X": INPUTS.copy(), "y": AM / SC, "groups": SLURRY} | arguments


def spoil(array, value):
    array = np.array(array, float)
    array.flat[5] = value
    return array


@pytest.mark.parametrize(
    ("parameters", "data", "message"),
    [
        ({}, good(y=np.full(len(AM), 3.0)), "target is constant, 3"),
        ({}, good(y=spoil(AM, np.nan)), "contains NaN"),
        ({}, good(y=spoil(AM, np.inf)), "contains infinity"),
        ({}, good(X=spoil(INPUTS, np.nan)), "contains NaN"),
        ({}, {"X": INPUTS[:4], "y": CR[:4]}, "3 terms need 5 samples .* not n_samples = 4"),
        # One fifth of them is held out.
        ({}, {"X": INPUTS[:5], "y": CR[:5]}, "3 terms need 5 samples .* not n_samples = 4"),
        ({}, {"X": INPUTS[:12], "y": CR[:12], "groups": SLURRY[:12] // 2}, "2 groups"),
        ({}, good(X=np.full_like(INPUTS, 60.0)), "out of its box"),
        ({"box": None}, good(X=np.full_like(INPUTS, 60.0)), "none of .* varies"),
        ({"box": ((85, 97), (55, 60), (2, 37))}, good(), "solid_content is .* out of its box"),
        ({"box": ((85, 97), (55, 72))}, good(), "expected .low, high."),
        ({"names": ("AM", "SC")}, good(), "2 names for 3 columns: AM, SC"),
        (
            {"names": ("AM", "SC", "CR")},
            good(X=pd.DataFrame(INPUTS, columns=list(NAMES))),
            "names are AM, SC, CR, columns are active_material",
        ),
        ({"scale": "log"}, good(y=AM - SC - 30), "needs a positive target"),
        ({"scale": "sqrt"}, good(), "scale must be"),
        ({"rule": "best"}, good(), "rule must be"),
        ({"rungs": ()}, good(), "rungs must be"),
        ({"rungs": (0, 4)}, good(), "rungs must be"),
        ({"terms": (0,)}, good(), "terms must be"),
        ({"terms": (7,)}, good(), "terms must be"),
        ({"screened": 0}, good(), "screened must be"),
        ({"price": -1.0}, good(), "price must be"),
        ({"folds": 1}, good(), "folds must be"),
        ({"operators": ("tan",)}, good(), "no operator 'tan'"),
        ({}, good(groups=np.zeros(len(AM))), "2 groups or more, got 1"),
        ({}, good(groups=SLURRY[:-1]), "one label per sample"),
    ],
)
def test_refuses(parameters, data, message):
    model = Sisso(**({"names": NAMES, "box": BOX} | parameters))
    with pytest.raises(ValueError, match=message):
        model.fit(**data)


def test_refuses_to_predict_where_the_formula_has_no_value():
    model = find(np.log(CR), rungs=(1,), terms=(1,), scale="linear")
    with pytest.raises(ValueError, match=r"no value at sample 1, \[90.0, 60.0, -1.0\]"):
        model.predict([[90.0, 60.0, 10.0], [90.0, 60.0, -1.0]])
    with pytest.raises(NotFittedError):
        Sisso().predict(INPUTS)


def test_clone_and_parameters():
    model = Sisso(NAMES, BOX, price=2.0)
    assert clone(model).get_params() == model.get_params()
    assert model.set_params(price=0.5).price == 0.5
    assert len(model.get_params()) == 11


def test_cross_val_score():
    target = 3.2 * AM / SC - 0.07 * CR + 0.1 * NOISE
    model = Sisso(NAMES, BOX, rungs=(1,), terms=(1, 2), scale="linear")
    score = cross_val_score(
        model, INPUTS, target, groups=SLURRY, cv=GroupKFold(4), params={"groups": None}
    )
    assert score.shape == (4,) and (score > 0.8).all()


@pytest.mark.filterwarnings("ignore")
def test_scikit_learn_checks():
    # Small complexities: the checks come with up to ten inputs.
    results = check_estimator(Sisso(rungs=(0, 1), terms=(1, 2)), on_fail=None, on_skip=None)
    failed = {r["check_name"]: r["exception"] for r in results if r["status"] == "failed"}
    assert failed == {}
    assert sum(result["status"] == "passed" for result in results) > 40


@pytest.mark.parametrize(("count", "most"), [(12, 3), (79, 3), (80, 4), (INPUTS.shape[0], None)])
def test_more_terms_with_more_samples(count, most):
    most = most or min(count // 20, 6)
    rows = np.random.default_rng(0).choice(INPUTS.shape[0], count, replace=False)
    target = np.exp(CR / SC) + 0.05 * NOISE
    model = Sisso(NAMES, BOX, rungs=(1,), scale="linear").fit(INPUTS[rows], target[rows])
    assert {one.terms for one in model.candidates_} == set(range(1, most + 1))


def test_a_campaign_takes_seconds():
    started = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        find(np.exp(CR / SC) + 0.05 * NOISE)
    assert time.process_time() - started < 40
