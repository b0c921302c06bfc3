import numpy as np
import pytest

from coatline.optimise.process import Process, _measure_loss, fit_process

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


@pytest.mark.parametrize(
    ("values", "message"),
    [([1.0, 2.0], "2 samples are too few"), ([2.0] * 4, "density is 2 for all samples")],
)
def test_values_that_cannot_be_used(values, message):
    with pytest.raises(ValueError, match=message):
        fit_process(UNITS[: len(values)], values, name="density")
