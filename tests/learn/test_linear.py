import numpy as np
import pytest
from sklearn.utils.estimator_checks import check_estimator

from coatline.learn.linear import LinearBaseline
from tests.learn.electrodes import HIGH, LOW, add_noise, conductivity, make_design, spread_points

INPUTS, SLURRY = make_design()
GRID = spread_points(200, 7)


def plane(inputs):
    return 3 + inputs @ np.array([0.5, -0.2, 0.01])


def quadratic(inputs):
    return plane(inputs) - 0.02 * inputs[:, 0] * inputs[:, 2] + 0.003 * inputs[:, 1] ** 2


@pytest.mark.parametrize("scale", ["linear", "log"])
@pytest.mark.parametrize(("degree", "make"), [(1, plane), (2, plane), (2, quadratic)])
def test_polynomials_are_found_exactly(scale, degree, make):
    def wrap(inputs):
        return np.exp(make(inputs) / 40) if scale == "log" else make(inputs)

    model = LinearBaseline(degree, scale).fit(INPUTS, wrap(INPUTS), SLURRY)
    assert model.predict(GRID) == pytest.approx(wrap(GRID), rel=1e-9)


def test_a_plane_is_no_quadratic():
    model = LinearBaseline(1, "linear").fit(INPUTS, quadratic(INPUTS), SLURRY)
    assert np.abs(model.predict(GRID) - quadratic(GRID)).max() > 0.5


@pytest.mark.parametrize("groups", [None, SLURRY])
def test_scale_is_that_of_smaller_error(groups):
    target = add_noise(conductivity(INPUTS), SLURRY, 0.1, 0.1, 0, log=True)
    assert LinearBaseline(2).fit(INPUTS, target, groups).scale_ == "log"
    shifted = (INPUTS - LOW)[:, 2] / (HIGH - LOW)[2] + 0.05
    target = np.maximum(add_noise(shifted, SLURRY, 0.005, 0.005, 0), 0.02)
    assert LinearBaseline(1).fit(INPUTS, target, groups).scale_ == "linear"


@pytest.mark.parametrize(
    ("parameters", "change", "message"),
    [
        ({"degree": 3}, {}, "degree must be 1 or 2, got 3"),
        ({"folds": 1}, {}, "folds must be 2 or more"),
        ({"scale": "other"}, {}, "scale must be linear, log or auto"),
        ({}, {"y": np.ones(174)}, "the target is constant"),
        ({}, {"groups": np.zeros(174)}, "needs 2 groups or more, got 1"),
        ({}, {"y": np.r_[np.nan, np.ones(173)]}, "NaN"),
        ({"degree": 2}, {"X": INPUTS[:10], "y": plane(INPUTS[:10]), "groups": None}, "needs 11"),
    ],
)
def test_refuses(parameters, change, message):
    data = {"X": INPUTS, "y": plane(INPUTS), "groups": SLURRY} | change
    with pytest.raises(ValueError, match=message):
        LinearBaseline(**parameters).fit(**data)


def test_scikit_learn_checks():
    results = check_estimator(LinearBaseline(), on_fail=None, on_skip=None)
    failed = {r["check_name"]: r["exception"] for r in results if r["status"] == "failed"}
    assert failed == {}
    assert sum(result["status"] == "passed" for result in results) > 40
