import numpy as np
import pytest
from scipy.linalg import null_space
from scipy.stats import multivariate_normal
from sklearn.gaussian_process.kernels import RBF, Matern
from sklearn.utils.estimator_checks import check_estimator

from coatline.learn.gaussian import LENGTHS, Hyperparameters, SlurryProcess
from tests.learn.electrodes import (
    BOX,
    HIGH,
    LOW,
    NAMES,
    add_noise,
    conductivity,
    make_design,
    porosity,
    spread_points,
)

KNOWN = Hyperparameters((0.5, 0.8, 1.2), 0.06, 0.02, 0.01)
INPUTS, SLURRY = make_design()
POROSITY = add_noise(porosity(INPUTS), SLURRY, 0.005, 0.004, 1)
GRID = spread_points(400, 7)


def scale_inputs(inputs):
    return (inputs - LOW) / (HIGH - LOW)


def correlate(kernel, lengths, one, other):
    """Correlation of the smooth function, by scikit-learn."""
    known = RBF(lengths) if kernel == "rbf" else Matern(lengths, nu=2.5)
    return known(scale_inputs(one), scale_inputs(other))


def cover_samples(kernel, known, inputs, slurry):
    """Covariance of the samples, written out."""
    smooth = known.smooth**2 * correlate(kernel, known.lengths, inputs, inputs)
    same = known.slurry**2 * (slurry[:, None] == slurry)
    return smooth + same + known.noise**2 * np.eye(len(inputs))


def make_basis(trend, inputs):
    one = np.ones((len(inputs), 1))
    return one if trend == "constant" else np.hstack([one, scale_inputs(inputs)])


def draw_process(known, inputs, slurry, points, seed):
    """Samples (n,) and mean film (m,) at the points, drawn from a process."""
    every = np.vstack([inputs, points])
    smooth = correlate("matern", known.lengths, every, every) + 1e-10 * np.eye(len(every))
    random = np.random.default_rng(seed)
    film = 0.4 + known.smooth * np.linalg.cholesky(smooth) @ random.standard_normal(len(every))
    made = add_noise(film[: len(inputs)], slurry, known.slurry, known.noise, seed + 1)
    return made, film[len(inputs) :]


@pytest.mark.parametrize("kernel", ["matern", "rbf"])
@pytest.mark.parametrize("trend", ["constant", "linear"])
class TestAgainstMatrices:
    def fit(self, kernel, trend):
        inputs, slurry = make_design(9, 4, 3)
        target = add_noise(porosity(inputs), slurry, 0.02, 0.01, 4)
        model = SlurryProcess(NAMES, BOX, kernel, trend, "linear", KNOWN)
        return model.fit(inputs, target, slurry), inputs, target, slurry

    def test_likelihood_is_that_of_contrasts(self, kernel, trend):
        """REML: density of what is orthogonal to the trend, but for a constant."""
        model, inputs, target, slurry = self.fit(kernel, trend)
        basis = make_basis(trend, inputs)
        contrast = null_space(basis.T)
        covariance = contrast.T @ cover_samples(kernel, KNOWN, inputs, slurry) @ contrast
        density = multivariate_normal(cov=covariance).logpdf(contrast.T @ target)
        expected = density - 0.5 * np.linalg.slogdet(basis.T @ basis)[1]
        assert model.likelihood_ == pytest.approx(expected, rel=1e-8)

    def test_slope_of_the_likelihood(self, kernel, trend):
        model, *_ = self.fit(kernel, trend)
        at = np.log([0.5, 0.7, 1.2, 0.8, 0.3, 0.2])
        slope = model._fit.measure(at)[1]
        for index, step in enumerate(1e-5 * np.eye(6)):
            ends = [model._fit.measure(at + sign * step)[0] for sign in (-1, 1)]
            assert slope[index] == pytest.approx((ends[1] - ends[0]) / 2e-5, rel=1e-5, abs=1e-5)

    def test_predictions_are_conditional_distributions(self, kernel, trend):
        """A flat prior of the trend is the limit of a very wide one."""
        model, inputs, target, slurry = self.fit(kernel, trend)
        wide = 1e5
        basis, ahead = make_basis(trend, inputs), make_basis(trend, GRID)
        covariance = cover_samples(kernel, KNOWN, inputs, slurry) + wide * basis @ basis.T
        cross = KNOWN.smooth**2 * correlate(kernel, KNOWN.lengths, GRID, inputs)
        cross += wide * ahead @ basis.T
        own = KNOWN.smooth**2 + wide * (ahead**2).sum(axis=1)
        variance = own - (cross * np.linalg.solve(covariance, cross.T).T).sum(axis=1)
        mean, std = model.predict(GRID, return_std=True)
        assert mean == pytest.approx(cross @ np.linalg.solve(covariance, target), abs=1e-5)
        assert std**2 == pytest.approx(variance, abs=1e-7)
        _, film = model.predict(GRID, return_std=True, one_film=True)
        assert film**2 == pytest.approx(std**2 + 0.02**2 + 0.01**2, rel=1e-9)

    def test_held_out_slurries_are_those_of_a_refit(self, kernel, trend):
        model, inputs, target, slurry = self.fit(kernel, trend)
        for one in (0, 5):
            out = slurry == one
            refit = SlurryProcess(NAMES, BOX, kernel, trend, "linear", KNOWN)
            refit.fit(inputs[~out], target[~out], slurry[~out])
            mean, std = refit.predict(inputs[out], return_std=True, one_film=True)
            assert model.held_out_[out] == pytest.approx(mean, rel=1e-7)
            assert model.held_out_std_[out] == pytest.approx(std, rel=1e-7)


def test_hyperparameters_maximise_the_likelihood():
    model = SlurryProcess(NAMES, BOX, scale="linear").fit(INPUTS, POROSITY, SLURRY)
    found = model.hyperparameters_
    values = np.array([*found.lengths, found.smooth, found.slurry, found.noise])
    for index in range(6):
        for factor in (0.8, 1.25):
            moved = values.copy()
            moved[index] *= factor
            if index < 3 and not LENGTHS[0] <= moved[index] <= LENGTHS[1]:
                continue
            other = Hyperparameters(tuple(moved[:3]), *moved[3:])
            fixed = SlurryProcess(NAMES, BOX, scale="linear", hyperparameters=other)
            assert fixed.fit(INPUTS, POROSITY, SLURRY).likelihood_ < model.likelihood_
    same = SlurryProcess(NAMES, BOX, scale="linear", hyperparameters=found)
    assert same.fit(INPUTS, POROSITY, SLURRY).likelihood_ == pytest.approx(model.likelihood_)


def test_variances_are_recovered():
    """Against the offsets and the noise that were drawn, over campaigns of one known process."""
    found, drawn = [], []
    for seed in range(24):
        inputs, slurry = make_design(24, 4, seed)
        target, truth = draw_process(KNOWN, inputs, slurry, inputs, 10 * seed)
        known = SlurryProcess(NAMES, BOX, scale="linear").fit(inputs, target, slurry)
        found.append((known.hyperparameters_.slurry**2, known.hyperparameters_.noise**2))
        offset = np.bincount(slurry, target - truth) / 4
        within = np.sum((target - truth - offset[slurry]) ** 2) / 72
        drawn.append((offset.var(ddof=1) - within / 4, within))
    offset, noise = np.mean(found, axis=0) / np.mean(drawn, axis=0)
    assert offset == pytest.approx(1, abs=0.2)
    assert noise == pytest.approx(1, abs=0.15)


def test_no_random_effect_is_found_where_there_is_none():
    found = []
    for seed in range(4):
        inputs, slurry = make_design(24, 4, seed)
        target = add_noise(porosity(inputs), slurry, 0.0, 0.006, seed)
        found.append(SlurryProcess(NAMES, BOX, scale="linear").fit(inputs, target, slurry))
    assert np.mean([model.hyperparameters_.slurry for model in found]) < 0.3 * 0.006


def share_inside(interval, values):
    return np.mean((interval[0] < values) & (values < interval[1]))


def test_intervals_hold():
    """Coverage of the mean film and of one new film, over draws from a known process."""
    mean, film = [], []
    points = GRID[:150]
    for seed in range(30):
        inputs, slurry = make_design(24, 4, seed)
        target, truth = draw_process(KNOWN, inputs, slurry, points, 10 * seed)
        new = add_noise(truth, np.arange(150), KNOWN.slurry, KNOWN.noise, seed)
        model = SlurryProcess(NAMES, BOX, scale="linear").fit(inputs, target, slurry)
        mean.append(share_inside(model.predict_interval(points), truth))
        film.append(share_inside(model.predict_interval(points, one_film=True), new))
    # Hyperparameters are fitted, so that intervals hold a little less often than they say.
    assert 0.86 < np.mean(mean) < 0.97
    assert 0.89 < np.mean(film) < 0.97


def test_offsets_mislead_a_process_without_random_effect():
    known = Hyperparameters((1.5, 1.5, 1.0), 0.06, 0.04, 0.01)
    error, held = {True: [], False: []}, {True: [], False: []}
    for seed in range(10):
        inputs, slurry = make_design(20, 5, seed)
        target, truth = draw_process(known, inputs, slurry, GRID[:150], 10 * seed)
        for aware in (True, False):
            model = SlurryProcess(NAMES, BOX, scale="linear")
            model.fit(inputs, target, slurry if aware else None)
            error[aware].append(np.mean((model.predict(GRID[:150]) - truth) ** 2))
            held[aware].append(share_inside(model.predict_interval(GRID[:150]), truth))
    assert np.mean(error[False]) > 2 * np.mean(error[True])
    assert np.mean(held[False]) < np.mean(held[True])


def test_log_scale_where_errors_are_relative():
    target = add_noise(conductivity(INPUTS), SLURRY, 0.05, 0.05, 5, log=True)
    model = SlurryProcess(NAMES, BOX).fit(INPUTS, target, SLURRY)
    assert model.scale_ == "log"
    assert target.max() / target.min() > 300
    truth = conductivity(GRID)
    assert np.sqrt(np.mean(np.log(model.predict(GRID) / truth) ** 2)) < 0.1
    low, high = model.predict_interval(GRID, 0.9, one_film=True)
    assert (low > 0).all()
    assert low * high == pytest.approx(model.predict(GRID) ** 2, rel=1e-9)
    assert model.hyperparameters_.noise == pytest.approx(0.05, rel=0.2)


def test_deviation_of_a_log_scale_is_that_of_films():
    target = add_noise(conductivity(INPUTS), SLURRY, 0.3, 0.3, 5, log=True)
    model = SlurryProcess(NAMES, BOX, scale="log").fit(INPUTS, target, SLURRY)
    middle, std = model.predict(GRID[:1], return_std=True, one_film=True)
    low, high = model.predict_interval(GRID[:1], 0.6826894921370859, one_film=True)
    spread = np.log(high / low) / 2
    films = middle * np.exp(spread * np.random.default_rng(0).standard_normal(400_000))
    assert std[0] == pytest.approx(films.std(), rel=0.01)


def test_linear_scale_where_errors_are_absolute():
    target = 60 + 20 * scale_inputs(INPUTS)[:, 0] + 30 * scale_inputs(INPUTS)[:, 2] ** 2
    target = add_noise(target - 58, SLURRY, 0.3, 0.3, 2)
    assert target.min() > 0
    assert SlurryProcess(NAMES, BOX).fit(INPUTS, target, SLURRY).scale_ == "linear"


def test_same_again_and_for_any_order_of_samples():
    model = SlurryProcess(NAMES, BOX).fit(INPUTS, POROSITY, SLURRY)
    again = SlurryProcess(NAMES, BOX).fit(INPUTS, POROSITY, SLURRY)
    assert again.hyperparameters_ == model.hyperparameters_
    assert (again.predict(GRID) == model.predict(GRID)).all()
    order = np.random.default_rng(0).permutation(len(POROSITY))
    turned = SlurryProcess(NAMES, BOX).fit(INPUTS[order], POROSITY[order], SLURRY[order])
    assert turned.predict(GRID) == pytest.approx(model.predict(GRID), rel=1e-9)
    assert turned.held_out_ == pytest.approx(model.held_out_[order], rel=1e-9)


def test_one_sample_per_slurry_has_no_random_effect():
    inputs = spread_points(30, 2)
    target = add_noise(porosity(inputs), np.arange(30), 0.01, 0.01, 3)
    labelled = SlurryProcess(NAMES, BOX).fit(inputs, target, np.arange(30))
    plain = SlurryProcess(NAMES, BOX).fit(inputs, target)
    assert labelled.hyperparameters_.slurry == plain.hyperparameters_.slurry == 0
    assert labelled.predict(GRID) == pytest.approx(plain.predict(GRID), rel=1e-6)


@pytest.mark.parametrize(
    ("parameters", "change", "message"),
    [
        ({"kernel": "cubic"}, {}, "kernel must be matern or rbf"),
        ({"trend": "none"}, {}, "trend must be constant or linear"),
        ({"scale": "cubic"}, {}, "scale must be linear, log or auto"),
        ({"hyperparameters": KNOWN}, {}, "need a scale, not auto"),
        ({"box": BOX[:2]}, {}, "box"),
        ({"names": NAMES[:2]}, {}, "2 names for 3 columns"),
        ({}, {"y": np.full(174, 0.4)}, "the target is constant, 0.4"),
        ({}, {"y": np.where(SLURRY == 3, np.nan, POROSITY)}, "NaN"),
        ({"scale": "log"}, {"y": POROSITY - 0.4}, "needs a positive target"),
        ({}, {"groups": np.zeros(174)}, "all samples are of one slurry"),
        ({}, {"groups": SLURRY[:5]}, "groups need one label per sample, 174"),
        ({}, {"X": INPUTS[:3], "y": POROSITY[:3], "groups": SLURRY[:3]}, "4 samples or more"),
    ],
)
def test_refuses(parameters, change, message):
    data = {"X": INPUTS, "y": POROSITY, "groups": SLURRY} | change
    with pytest.raises(ValueError, match=message):
        SlurryProcess(**({"names": NAMES, "box": BOX} | parameters)).fit(**data)


def test_refuses_a_level_that_is_none():
    model = SlurryProcess(NAMES, BOX, scale="linear", hyperparameters=KNOWN)
    model.fit(INPUTS, POROSITY, SLURRY)
    with pytest.raises(ValueError, match="level must lie between 0 and 1"):
        model.predict_interval(GRID, 95)


def test_scikit_learn_checks():
    results = check_estimator(SlurryProcess(scale="linear"), on_fail=None, on_skip=None)
    failed = {r["check_name"]: r["exception"] for r in results if r["status"] == "failed"}
    assert failed == {}
    assert sum(result["status"] == "passed" for result in results) > 40
