"""Sobol indices: what share of a property's variance over the box each input makes.

On the rows of a campaign, whose slurries are shared, the estimators of Saltelli's scheme mean
nothing; they are taken of a surrogate on a fresh full matrix instead, and what the surrogate does
not know is found by a bootstrap over slurries.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import has_fit_parameter

from coatline.learn.features import check_box
from coatline.learn.resampling import draw_slurries, fix_form
from coatline.learn.scales import CONSTANT, encode_groups

BASE = 4096
"""Base points of Saltelli's matrix, a power of two."""

RESAMPLES = 200
"""Bootstrap resamples; their 2.5 and 97.5 percentiles are the 5th values from either end."""


@dataclass(frozen=True)
class SobolIndices:
    """Sobol indices of a property, one for each input.

    Attributes:
        names: (d,) of the inputs.
        first: (d,) share of the variance that an input makes by itself.
        total: (d,) the same with all its interactions.
        first_error, total_error: (d,) half-widths of the 95 % intervals that the finite matrix
            gives, by SALib's bootstrap over its points. Too wide: it does not know that they are
            spread evenly.
        first_interval, total_interval: (d, 2) intervals from resampled slurries, or None.
    """

    names: tuple[str, ...]
    first: np.ndarray
    total: np.ndarray
    first_error: np.ndarray
    total_error: np.ndarray
    first_interval: np.ndarray | None = None
    total_interval: np.ndarray | None = None

    def to_rows(self) -> list[dict[str, str | float]]:
        """List one row for each input and order, for `coatline.learn.validation.write_rows`."""
        rows = []
        for order in ("first", "total"):
            interval = getattr(self, f"{order}_interval")
            for index, name in enumerate(self.names):
                low, high = (np.nan, np.nan) if interval is None else interval[index]
                rows.append(
                    {
                        "input": name,
                        "order": order,
                        "index": float(getattr(self, order)[index]),
                        "low": float(low),
                        "high": float(high),
                        "matrix_error": float(getattr(self, f"{order}_error")[index]),
                    }
                )
        return rows


def compute_indices(
    predict: Callable[[np.ndarray], np.ndarray],
    names: Sequence[str],
    box: Sequence[tuple[float, float]],
    base: int = BASE,
    seed: int = 0,
) -> SobolIndices:
    """Compute first and total Sobol indices of a function over a box.

    The inputs are independent and uniform in the box. Estimators of `SALib.analyze.sobol`: for the
    first order that of A. Saltelli et al., Comput. Phys. Commun. 181 (2010) 259-270, table 2 (b);
    for the total one M. J. W. Jansen's, Comput. Phys. Commun. 117 (1999) 35-43, (f) there.

    Args:
        predict: takes (n, d) inputs, gives (n,) values.
        names: of the d inputs.
        box: (low, high) of each.
        base: points N of the matrix of N (d + 2) rows, a power of two, `BASE` or more.
        seed: of its scrambling, and of the errors' bootstrap; 0 or more.

    Raises:
        ValueError: box or base cannot be used, or the function is constant or not finite there.
    """
    problem, points = _make_matrix(names, box, base, seed)
    first, total, first_error, total_error = _analyse(problem, predict(points), seed, 100)
    return SobolIndices(tuple(names), first, total, first_error, total_error)


def bootstrap_indices(
    fitted: BaseEstimator,
    X: np.ndarray,
    y: np.ndarray,
    groups: np.ndarray,
    names: Sequence[str],
    box: Sequence[tuple[float, float]],
    base: int = BASE,
    resamples: int = RESAMPLES,
    level: float = 0.95,
    seed: int = 0,
) -> SobolIndices:
    """Compute Sobol indices of a surrogate, with intervals from a bootstrap over slurries.

    Each resample fits the surrogate again, its form kept (`fix_form`: the terms of a formula, the
    hyperparameters of a process); what a wrong form does is not in the intervals, and shows in the
    difference between surrogates. All resamples are seen on the same matrix. The surrogate of a log
    scale is that of the median; the indices are of the property, not of its logarithm.

    Args:
        fitted: a surrogate fitted to the samples.
        X: (n, d) inputs.
        y: (n,) target.
        groups: (n,) slurry of each sample. Ten are too few for indices to be trusted.
        names: of the inputs.
        box: (low, high) of each input.
        base: as in `compute_indices`.
        resamples: number of them.
        level: of the intervals, percentiles of the resamples.
        seed: of matrix and resamples.

    Raises:
        ValueError: slurries are fewer than 5, or a resample cannot be fitted; as `compute_indices`.
    """
    X, y = np.asarray(X, dtype=np.float64), np.asarray(y, dtype=np.float64)
    labels = encode_groups("bootstrap_indices", groups, len(y))
    problem, points = _make_matrix(names, box, base, seed)
    first, total, first_error, total_error = _analyse(problem, fitted.predict(points), seed, 100)
    refit = fix_form(fitted)
    takes_groups = has_fit_parameter(refit, "groups")
    found = []
    for rows, drawn in draw_slurries(labels, resamples, seed):
        extra = {"groups": drawn} if takes_groups else {}
        model = clone(refit).fit(X[rows], y[rows], **extra)
        found.append(_analyse(problem, model.predict(points), seed, 2)[:2])
    ends = [100 * (1 - level) / 2, 100 * (1 + level) / 2]
    first_interval, total_interval = np.percentile(found, ends, axis=0).transpose(1, 2, 0)
    return SobolIndices(
        tuple(names), first, total, first_error, total_error, first_interval, total_interval
    )


def _make_matrix(
    names: Sequence[str], box: Sequence[tuple[float, float]], base: int, seed: int
) -> tuple[dict, np.ndarray]:
    """Problem for SALib, and the rows of Saltelli's matrix in the box."""
    from SALib.sample import sobol

    if base < BASE or base & (base - 1):
        raise ValueError(f"sensitivity: base must be a power of two, {BASE} or more, got {base}")
    bounds = [list(ends) for ends in check_box(tuple(names), box)]
    problem = {"num_vars": len(bounds), "names": list(names), "bounds": bounds}
    rows = sobol.sample(problem, base, calc_second_order=False, scramble=True, seed=seed)
    return problem, rows


def _analyse(
    problem: dict, values: np.ndarray, seed: int, resamples: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """First and total indices with the errors of the matrix."""
    from SALib.analyze import sobol

    values = np.asarray(values, dtype=np.float64)
    if not np.isfinite(values).all():
        raise ValueError("sensitivity: the surrogate is not finite in all of the box")
    if np.ptp(values) <= CONSTANT * np.abs(values).max():
        raise ValueError("sensitivity: the surrogate is constant in the box; nothing to share out")
    # SALib 1.6 takes a seed of 0 for none.
    found = sobol.analyze(
        problem, values, calc_second_order=False, num_resamples=resamples, seed=seed + 1
    )
    return tuple(np.asarray(found[key]) for key in ("S1", "ST", "S1_conf", "ST_conf"))
