"""Surrogates fitted again to other samples, with what was chosen once kept as it was.

To choose a formula or a process anew for each of many resamples takes hours. Two things can be
kept: the complexity, that is the scale, rung and number of terms of a formula or the scale of a
process, while its form is found again; or the form itself, while only coefficients are.
"""

from collections.abc import Iterator

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.utils.validation import check_is_fitted, validate_data

from coatline.learn.formula import Formula, Term
from coatline.learn.gaussian import SlurryProcess
from coatline.learn.linear import LinearBaseline
from coatline.learn.scales import encode_groups, to_scale
from coatline.learn.sisso import Sisso

SCREENED = 40
"""Features that join the pool of `Sisso` for each term of a refit. Three terms take less than half
the time that they do with the 100 of a single fit; on two synthetic properties the test R² of 15
splits was 0.001 higher, not lower."""

LEAST_SLURRIES = 5
"""Slurries below which a bootstrap over them means nothing."""


class FormulaFit(RegressorMixin, BaseEstimator):
    """Least squares for the coefficients of a formula whose terms are known.

    Args:
        formula: gives the inputs, the box, the terms and the scale.

    Attributes:
        formula_: the `Formula` with coefficients of its own.
        n_features_in_, feature_names_in_: as in scikit-learn.
    """

    def __init__(self, formula: Formula) -> None:
        self.formula = formula

    def fit(self, X: np.ndarray, y: np.ndarray, groups: np.ndarray | None = None) -> "FormulaFit":
        """Fit to samples.

        Args:
            X: (n, d) inputs.
            y: (n,) target.
            groups: not used.

        Raises:
            ValueError: the inputs or the target cannot be used, the samples are too few or do not
                tell the terms apart.
        """
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        formula = self.formula
        if formula.scale == "log" and y.min() <= 0:
            raise ValueError(
                f"FormulaFit: scale log needs a positive target, its least value is {y.min():g}"
            )
        values = {name: X[:, index] for index, name in enumerate(formula.names)}
        columns = [term.expression.evaluate(values) * np.ones(len(y)) for term in formula.terms]
        features = np.stack([np.ones(len(y)), *columns], axis=1)
        size = np.linalg.norm(features, axis=0)
        slopes, _, rank, _ = np.linalg.lstsq(features / size, to_scale(y, formula.scale))
        if rank < features.shape[1]:
            raise ValueError(
                f"FormulaFit: {len(y)} samples do not tell {len(formula.terms)} terms apart"
            )
        intercept, *coefficients = (slopes / size).tolist()
        terms = tuple(
            Term(coefficient, term.expression)
            for coefficient, term in zip(coefficients, formula.terms, strict=True)
        )
        self.formula_ = Formula(formula.names, formula.box, intercept, terms, formula.scale)
        return self

    @classmethod
    def restore(cls, formula: Formula) -> "FormulaFit":
        """Make one that is fitted already, with the coefficients of the given formula."""
        fitted = cls(formula)
        fitted.formula_ = formula
        fitted.n_features_in_ = len(formula.names)
        return fitted

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Value of the formula.

        Args:
            X: (n, d) inputs.

        Returns:
            (n,).
        """
        check_is_fitted(self)
        return self.formula_.evaluate(validate_data(self, X, dtype=np.float64, reset=False))


def fix_complexity(fitted: BaseEstimator) -> BaseEstimator:
    """Make an estimator that finds its form again, at the complexity that was chosen.

    Args:
        fitted: a fitted `Sisso`, whose scale, rung and number of terms are kept, `SlurryProcess` or
            `LinearBaseline`, whose scale is; any other estimator is cloned.

    Returns:
        An estimator that is not fitted. A `Sisso` screens `SCREENED` features for each term.
    """
    check_is_fitted(fitted)
    if isinstance(fitted, Sisso):
        chosen = fitted.chosen_
        if chosen is None:
            return clone(fitted).set_params(screened=min(fitted.screened, SCREENED))
        return clone(fitted).set_params(
            scale=chosen.scale,
            rungs=(chosen.rung,),
            terms=(chosen.terms,),
            screened=min(fitted.screened, SCREENED),
        )
    if isinstance(fitted, SlurryProcess | LinearBaseline):
        return clone(fitted).set_params(scale=fitted.scale_)
    return clone(fitted)


def fix_form(fitted: BaseEstimator) -> BaseEstimator:
    """Make an estimator that keeps its form and fits coefficients alone, in milliseconds.

    Args:
        fitted: a fitted `Sisso`, whose terms are kept, `SlurryProcess`, whose hyperparameters are,
            or `LinearBaseline`; any other estimator is cloned.

    Returns:
        An estimator that is not fitted.
    """
    check_is_fitted(fitted)
    if isinstance(fitted, Sisso):
        return FormulaFit(fitted.formula_)
    if isinstance(fitted, SlurryProcess):
        return clone(fitted).set_params(
            scale=fitted.scale_, hyperparameters=fitted.hyperparameters_
        )
    return fix_complexity(fitted)


def draw_slurries(
    groups: np.ndarray, count: int, seed: int = 0
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Draw bootstrap resamples of whole slurries, with replacement.

    Samples of one slurry are not independent, so that a bootstrap of samples would give intervals
    too narrow (A. C. Davison and D. V. Hinkley, Bootstrap Methods and their Application, Cambridge
    1997, section 3.8).

    Args:
        groups: (n,) slurry of each sample.
        count: number of resamples.
        seed: of the draws.

    Yields:
        Rows of the samples drawn, and a slurry for each of them: one drawn twice counts as two.

    Raises:
        ValueError: there are fewer slurries than `LEAST_SLURRIES`.
    """
    numbers = encode_groups("draw_slurries", groups, len(groups))
    members = [np.flatnonzero(numbers == number) for number in range(int(numbers.max()) + 1)]
    if len(members) < LEAST_SLURRIES:
        raise ValueError(
            f"draw_slurries: a bootstrap needs {LEAST_SLURRIES} slurries or more, "
            f"got {len(members)}"
        )
    random = np.random.default_rng(seed)
    for _ in range(count):
        drawn = random.integers(len(members), size=len(members))
        rows = np.concatenate([members[one] for one in drawn])
        labels = np.repeat(np.arange(len(drawn)), [len(members[one]) for one in drawn])
        yield rows, labels
