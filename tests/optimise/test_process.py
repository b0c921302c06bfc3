import numpy as np
import pytest
from scipy.stats import multivariate_normal

from coatline.optimise.process import Process, _covariance, _measure_loss, fit_process

RNG = np.random.default_rng(3)
UNITS = RNG.random((40, 3))
SMOOTH = np.sin(3 * UNITS[:, 0]) + UNITS[:, 1] ** 2
PARAMETERS = np.log([0.4, 0.7, 2.0, 1.3, 0.2, 0.1])


def test_mean_and_variance_of_two_samples_by_hand():
    # Far apart in units of the length, so that samples and new recipes know nothing of each other.
    units, far = np.array([[0.0], [1.0]]), np.array([[0.0], [0.5]])
    parameters = np.log([1e-3, 2.0, 0.3, 0.5])
    process = Process(units, np.array([1.0, 3.0]), np.array([0, 1]), parameters, (10.0, 2.0))
    mean, deviation = process.predict(far)
    # Mean 2, residuals ∓1, signal 2 of 2.8 in all.
    np.testing.assert_allclose(mean, [10 + 2 * (2 - 2 / 2.8), 10 + 2 * 2], rtol=1e-6)
    np.testing.assert_allclose(deviation, 2 * np.sqrt([2 - 4 / 2.8, 2]), rtol=1e-6)
    assert process.error == pytest.approx(4 * 0.8)


def test_covariance_agrees_with_deviation_and_with_what_a_sample_teaches():
    process = fit_process(UNITS, SMOOTH + 0.1 * RNG.normal(size=40))
    new, others = RNG.random(3), RNG.random((5, 3))
    covariance = process.covary(others, others)
    deviation = process.predict(others)[1]
    np.testing.assert_allclose(np.diag(covariance), deviation**2, rtol=1e-6)
    shared = process.covary(others, new[None])[:, 0]
    variance = process.predict(new[None])[1][0] ** 2 + process.error
    after = process.add(new, 0.7).predict(others)[1]
    np.testing.assert_allclose(deviation**2 - after**2, shared**2 / variance, rtol=1e-4, atol=1e-9)


def test_gradient():
    slurry = np.arange(40) // 3
    arguments = (UNITS, SMOOTH, slurry, np.zeros(6), np.ones(6))
    gradient = _measure_loss(PARAMETERS, *arguments)[1]
    for index in range(6):
        step = np.zeros(6)
        step[index] = 1e-5
        ends = [_measure_loss(PARAMETERS + sign * step, *arguments)[0] for sign in (1, -1)]
        assert gradient[index] == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-4, abs=1e-4)


def test_tells_slurries_from_noise():
    slurry = np.repeat(np.arange(20), 6)
    units = RNG.random((20, 3))[slurry]
    units[:, 2] = RNG.random(120)
    values = 3 * units[:, 2] + 0.5 * RNG.normal(size=20)[slurry] + 0.05 * RNG.normal(size=120)
    process = fit_process(units, values, slurry)
    shared, noise = process.scale[1] * np.exp(process.parameters[-2:] / 2)
    assert noise == pytest.approx(0.05, rel=0.3)
    lengths = np.exp(process.parameters[:3])
    assert shared == pytest.approx(0.5, rel=0.5) or lengths[:2].max() < 0.2
    line = np.array([[0.5, 0.5, 0.2], [0.5, 0.5, 0.8]])
    assert np.diff(process.predict(line)[0])[0] == pytest.approx(1.8, abs=0.15)


def test_follows_a_smooth_trend_under_noise():
    process = fit_process(UNITS, SMOOTH + 0.05 * RNG.normal(size=40))
    inside = 0.1 + 0.8 * RNG.random((200, 3))
    mean, deviation = process.predict(inside)
    error = mean - (np.sin(3 * inside[:, 0]) + inside[:, 1] ** 2)
    assert np.sqrt(np.mean(error**2)) < 0.05
    assert 0.8 < np.mean(np.abs(error) < 2 * deviation) <= 1


def test_scale_that_makes_held_out_slurries_likelier():
    wide = np.exp(2 * SMOOTH + 0.1 * RNG.normal(size=40))
    process = fit_process(UNITS, wide)
    assert process.log
    inside = 0.1 + 0.8 * RNG.random((100, 3))
    truth = np.exp(2 * (np.sin(3 * inside[:, 0]) + inside[:, 1] ** 2))
    mean = process.predict(inside)[0]
    assert np.sqrt(np.mean(np.log(process.restore(mean) / truth) ** 2)) < 0.15
    steps = process.restore(mean + 1e-6) - process.restore(mean - 1e-6)
    np.testing.assert_allclose(process.slope(mean), steps / 2e-6, rtol=1e-6)
    assert process.add(inside[0], 0.5).log
    # With noise that does not grow with the value, and where there is no logarithm.
    plain = fit_process(UNITS, np.abs(SMOOTH + 0.1 * RNG.normal(size=40)))
    shifted = fit_process(UNITS, SMOOTH - 1)
    assert not plain.log and not shifted.log
    np.testing.assert_array_equal(plain.restore(mean), mean)


@pytest.mark.parametrize("log", [False, True])
def test_held_out_likelihood_by_leaving_each_slurry_out(log):
    slurry = np.arange(12) // 3
    values = np.exp(SMOOTH[:12])
    y = np.log(values) if log else values
    shift, width = y.mean(), y.std()
    units, scaled = UNITS[:12], (y - shift) / width
    process = Process(units, scaled, slurry, PARAMETERS, (shift, width), log)
    expected = 0.0
    for number in range(4):
        out = slurry == number
        rest = Process(units[~out], scaled[~out], slurry[~out], PARAMETERS, (shift, width), log)
        mean = rest.predict(units[out])[0]
        # Covariance of new samples: of m + f with the error of m, of one slurry, of noise.
        inverse = np.linalg.inv(_covariance(units[~out], slurry[~out], PARAMETERS))
        cross = _covariance(units, slurry, PARAMETERS)[np.ix_(out, ~out)]
        left = 1 - (cross @ inverse).sum(axis=1)
        spread = _covariance(units[out], slurry[out], PARAMETERS) - cross @ inverse @ cross.T
        spread += np.outer(left, left) / inverse.sum()
        expected += multivariate_normal(mean, width**2 * spread).logpdf(y[out])
    expected -= np.log(values).sum() if log else 0.0
    assert process.measure_held_out() == pytest.approx(expected, rel=1e-6)


def test_one_slurry_cannot_be_left_out():
    process = Process(UNITS[:5], SMOOTH[:5], np.zeros(5, int), PARAMETERS)
    assert np.isnan(process.measure_held_out())


@pytest.mark.parametrize(
    ("values", "message"),
    [([1.0, 2.0], "2 samples are too few"), ([2.0] * 4, "density is 2 for all samples")],
)
def test_values_that_cannot_be_used(values, message):
    with pytest.raises(ValueError, match=message):
        fit_process(UNITS[: len(values)], values, name="density")
