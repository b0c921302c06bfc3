"""A small Gaussian process for rounds of experiments: smooth trend, slurries and noise.

y = m + f(x) + s + e: f a Gaussian process with a Matérn 5/2 kernel and a length for each input, s
an effect that all samples of a slurry share, e noise. y is the property or its logarithm, whichever
makes slurries held out more likely. Source: C. E. Rasmussen and C. K. I. Williams, Gaussian
Processes for Machine Learning, MIT Press 2006, equations 2.25, 2.26, 4.17, 5.9.

`coatline.learn.gaussian.SlurryProcess` is the same model for another end, to describe a campaign's
worth of electrodes with intervals that hold: an estimator of scikit-learn by restricted likelihood,
without priors. A proposal asks for what it does not have: covariances between recipes, samples that
are believed in without a new fit, hundreds of them, and priors, for a loop may begin with a dozen
electrodes, at which the likelihood alone gives lengths and noise at their bounds.
"""

from collections.abc import Sequence

import numpy as np
from scipy.linalg import cho_solve, cholesky, solve_triangular
from scipy.optimize import minimize
from scipy.spatial.distance import cdist

CENTRES = {"length": (0.5, 1.0), "signal": (1.0, 1.0), "slurry": (0.01, 1.5), "noise": (0.01, 1.5)}
"""Median and logarithmic width of each parameter's prior: inputs in [0, 1], y of variance 1."""

JITTER = 1e-8
"""Variance added to the diagonal for the sake of rounding, y being of variance 1."""


class Process:
    """A Gaussian process that is given samples.

    Attributes:
        parameters: (d + 3,) natural logarithms of lengths, of the variances of signal, slurry and
            noise.
        scale: mean and standard deviation of the samples, or of their logarithms.
        log: whether y is the logarithm of the property.
    """

    def __init__(
        self,
        units: np.ndarray,
        values: np.ndarray,
        slurry: np.ndarray,
        parameters: np.ndarray,
        scale: tuple[float, float] = (0.0, 1.0),
        log: bool = False,
    ) -> None:
        """Take samples.

        Args:
            units: (n, d) inputs in [0, 1].
            values: (n,) already shifted and divided by `scale`.
            slurry: (n,) number of each sample's slurry.
            parameters: (d + 3,) as of the class.
            scale: mean and standard deviation that predictions are brought back by.
            log: whether they are of logarithms.
        """
        self.units, self.values, self.slurry = units, values, slurry
        self.parameters, self.scale, self.log = parameters, scale, log
        covariance = _covariance(units, slurry, parameters)
        self._factor = cholesky(covariance, lower=True)
        ones = np.ones(len(values))
        solved = cho_solve((self._factor, True), ones)
        self._mean = float(solved @ values / solved.sum())
        self._weights = cho_solve((self._factor, True), values - self._mean)

    def predict(self, units: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Predict m + f, without effects of slurries and noise.

        Args:
            units: (k, d) inputs in [0, 1].

        Returns:
            Mean (k,) and standard deviation (k,) of y, see `restore`.
        """
        dimensions = self.units.shape[1]
        signal = np.exp(self.parameters[dimensions])
        cross = signal * _matern(_distance(units, self.units, self.parameters[:dimensions]))
        mean = self._mean + cross @ self._weights
        part = solve_triangular(self._factor, cross.T, lower=True)
        variance = np.maximum(signal - (part**2).sum(axis=0), 0.0)
        shift, width = self.scale
        return shift + width * mean, width * np.sqrt(variance)

    def covary(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        """Covariance of m + f at inputs (k, d) with that at others (l, d), of y: (k, l)."""
        dimensions = self.units.shape[1]
        lengths, signal = self.parameters[:dimensions], np.exp(self.parameters[dimensions])
        parts = [
            solve_triangular(
                self._factor,
                signal * _matern(_distance(self.units, units, lengths)),
                lower=True,
            )
            for units in (one, other)
        ]
        prior = signal * _matern(_distance(one, other, lengths))
        return self.scale[1] ** 2 * (prior - parts[0].T @ parts[1])

    @property
    def error(self) -> float:
        """Variance of a single new sample about m + f, of y: of its slurry and its noise."""
        return float(self.scale[1] ** 2 * np.exp(self.parameters[-2:]).sum())

    def restore(self, values: np.ndarray) -> np.ndarray:
        """The property of values of y, in the unit of the samples."""
        return np.exp(values) if self.log else values

    def slope(self, values: np.ndarray) -> np.ndarray:
        """Derivative of the property by y at values of y."""
        return np.exp(values) if self.log else np.ones_like(values)

    def measure_held_out(self) -> float:
        """Logarithm of the likelihood of each slurry given all others, summed.

        In closed form, at parameters that have seen all (O. Dubrule, Math. Geol. 15 (1983)
        687-699, for groups); NaN where a slurry cannot be left out. It is that of the property, so
        that y and ln y compare.
        """
        inverse = cho_solve((self._factor, True), np.eye(len(self.values)))
        column = inverse.sum(axis=1)
        projected = inverse - np.outer(column, column) / column.sum()
        total = 0.0
        for number in np.unique(self.slurry):
            members = np.flatnonzero(self.slurry == number)
            block = projected[np.ix_(members, members)]
            if np.linalg.cond(block) > 1e12:
                return float("nan")
            miss = np.linalg.solve(block, self._weights[members])
            total += 0.5 * (np.linalg.slogdet(block)[1] - miss @ block @ miss)
        shift, width = self.scale
        total -= len(self.values) * (np.log(width) + 0.5 * np.log(2 * np.pi))
        return float(total - (shift + width * self.values).sum() if self.log else total)

    def add(self, unit: np.ndarray, value: float) -> "Process":
        """Add a sample (d,) of y from a slurry of its own, with the same parameters."""
        shift, width = self.scale
        return Process(
            np.vstack([self.units, unit]),
            np.append(self.values, (value - shift) / width),
            np.append(self.slurry, self.slurry.max() + 1),
            self.parameters,
            self.scale,
            self.log,
        )


def fit_process(
    units: np.ndarray,
    values: np.ndarray,
    slurry: Sequence[object] | None = None,
    name: str = "the property",
) -> Process:
    """Fit a Gaussian process by the largest posterior of its parameters.

    Positive values are fitted as they are and by their logarithms; the fit with the larger
    likelihood of slurries held out is taken.

    Args:
        units: (n, d) inputs in [0, 1].
        values: (n,).
        slurry: (n,) slurry of each sample; default one for each.
        name: of the values, for messages.

    Raises:
        ValueError: fewer than three samples, or values that are all the same.
    """
    units, values = np.asarray(units, dtype=float), np.asarray(values, dtype=float)
    if len(values) < 3:
        raise ValueError(
            f"rounds: {len(values)} samples are too few for {name}, at least 3 are needed"
        )
    if values.std() <= 1e-12 * max(1.0, abs(values.mean())):
        raise ValueError(f"rounds: {name} is {values.mean():g} for all samples; leave it out")
    names = list(range(len(values))) if slurry is None else list(slurry)
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    groups = np.array([numbers[name] for name in names])
    plain = _fit(units, values, groups, log=False)
    if values.min() <= 0:
        return plain
    other = _fit(units, np.log(values), groups, log=True)
    return other if other.measure_held_out() > plain.measure_held_out() else plain


def _fit(units: np.ndarray, values: np.ndarray, groups: np.ndarray, log: bool) -> Process:
    """Fit to y (n,) as it is; groups number the slurries."""
    shift, width = float(values.mean()), float(values.std())
    scaled = (values - shift) / width
    dimensions = units.shape[1]
    kinds = ["length"] * dimensions + ["signal", "slurry", "noise"]
    centre = np.log([CENTRES[kind][0] for kind in kinds])
    spread = np.array([CENTRES[kind][1] for kind in kinds])
    fits = []
    for length, noise in ((0.5, 0.01), (1.5, 0.1)):
        start = centre.copy()
        start[:dimensions], start[-1] = np.log(length), np.log(noise)
        fits.append(
            minimize(
                _measure_loss,
                start,
                args=(units, scaled, groups, centre, spread),
                jac=True,
                method="L-BFGS-B",
                bounds=list(zip(centre - 4 * spread, centre + 4 * spread, strict=True)),
            )
        )
    best = min(fits, key=lambda fit: fit.fun)
    return Process(units, scaled, groups, best.x, (shift, width), log)


def _distance(one: np.ndarray, other: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Distances (k, n) in units of the lengths, given as logarithms."""
    return cdist(one / np.exp(lengths), other / np.exp(lengths))


def _matern(distance: np.ndarray) -> np.ndarray:
    root = np.sqrt(5) * distance
    return (1 + root + root**2 / 3) * np.exp(-root)


def _covariance(units: np.ndarray, slurry: np.ndarray, parameters: np.ndarray) -> np.ndarray:
    dimensions = units.shape[1]
    signal, shared, noise = np.exp(parameters[dimensions:])
    smooth = signal * _matern(_distance(units, units, parameters[:dimensions]))
    return smooth + shared * (slurry[:, None] == slurry) + (noise + JITTER) * np.eye(len(units))


def _measure_loss(
    parameters: np.ndarray,
    units: np.ndarray,
    values: np.ndarray,
    slurry: np.ndarray,
    centre: np.ndarray,
    spread: np.ndarray,
) -> tuple[float, np.ndarray]:
    """Negative logarithm of the posterior of the parameters, and its gradient.

    The mean is the best one for the parameters, so that it adds nothing to the gradient.
    """
    process = Process(units, values, slurry, parameters)
    factor, weights = process._factor, process._weights
    prior = (parameters - centre) / spread
    loss = 0.5 * (values - process._mean) @ weights + np.log(np.diag(factor)).sum()
    inverse = cho_solve((factor, True), np.eye(len(values)))
    outer = 0.5 * (inverse - np.outer(weights, weights))
    dimensions = units.shape[1]
    signal, shared, noise = np.exp(parameters[dimensions:])
    distance = _distance(units, units, parameters[:dimensions])
    root = np.sqrt(5) * distance
    # d Matérn / d log length_i = 5/3 (1 + √5 r) exp(-√5 r) (Δ_i / length_i)²
    slope = outer * signal * 5 / 3 * (1 + root) * np.exp(-root)
    steps = (units[:, None, :] - units[None, :, :]) / np.exp(parameters[:dimensions])
    gradient = np.empty(len(parameters))
    gradient[:dimensions] = np.einsum("ij,ijk->k", slope, steps**2)
    gradient[dimensions] = (outer * signal * _matern(distance)).sum()
    gradient[dimensions + 1] = shared * outer[slurry[:, None] == slurry].sum()
    gradient[dimensions + 2] = noise * np.trace(outer)
    return float(loss + 0.5 * (prior**2).sum()), gradient + prior / spread
