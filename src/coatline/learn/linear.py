"""Least squares on the inputs or their squares and products: what any surrogate must beat."""

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GroupKFold, KFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.utils.validation import check_is_fitted, validate_data

from coatline.learn.scales import (
    choose_scales,
    encode_groups,
    from_scale,
    measure_error,
    to_scale,
)


class LinearBaseline(RegressorMixin, BaseEstimator):
    """Polynomial of the inputs, fitted by ordinary least squares.

    Args:
        degree: 1 for a plane, 2 with all squares and products.
        scale: linear, log for a polynomial of ln y, or auto, the one of smaller error in
            cross-validation. A polynomial of ln y predicts the median of y, as `Sisso` does.
        folds: of the cross-validation.
        seed: of folds without groups.

    Attributes:
        pipeline_: the fitted scikit-learn pipeline, on the scale.
        scale_: linear or log.
        n_features_in_, feature_names_in_: as in scikit-learn.
    """

    def __init__(self, degree: int = 1, scale: str = "auto", folds: int = 5, seed: int = 0) -> None:
        self.degree = degree
        self.scale = scale
        self.folds = folds
        self.seed = seed

    def fit(
        self, X: np.ndarray, y: np.ndarray, groups: np.ndarray | None = None
    ) -> "LinearBaseline":
        """Fit to samples.

        Args:
            X: (n, d) inputs, an array or a data frame.
            y: (n,) target.
            groups: (n,) of samples that are not independent, such as the slurries of electrodes;
                a group is held out as a whole where the scale is chosen.

        Raises:
            ValueError: parameters, inputs or target cannot be used, as too few samples, a constant
                target, or values that are not finite.
        """
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        y = y.astype(np.float64)
        if self.degree not in (1, 2):
            raise ValueError(f"LinearBaseline: degree must be 1 or 2, got {self.degree!r}")
        if self.folds < 2:
            raise ValueError(f"LinearBaseline: folds must be 2 or more, got {self.folds}")
        least = PolynomialFeatures(self.degree).fit(X[:1]).n_output_features_ + 1
        if len(y) < least:
            raise ValueError(
                f"LinearBaseline: degree {self.degree} in {X.shape[1]} inputs needs {least} "
                f"samples or more, not n_samples = {len(y)}"
            )
        groups = encode_groups("LinearBaseline", groups, len(y))
        scales = choose_scales("LinearBaseline", self.scale, y)
        self.scale_ = scales[0]
        if len(scales) > 1:
            self.scale_ = min(scales, key=lambda scale: self._cross_validate(X, y, groups, scale))
        self.pipeline_ = self._make_pipeline().fit(X, to_scale(y, self.scale_))
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Value of the polynomial.

        Args:
            X: (n, d) inputs.

        Returns:
            (n,).

        Raises:
            ValueError: the inputs are not finite or have other columns.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return from_scale(self.pipeline_.predict(X), self.scale_)

    def _make_pipeline(self) -> Pipeline:
        return make_pipeline(
            StandardScaler(),
            PolynomialFeatures(self.degree, include_bias=False),
            LinearRegression(),
        )

    def _cross_validate(
        self, X: np.ndarray, y: np.ndarray, groups: np.ndarray | None, scale: str
    ) -> float:
        """Error for samples held out, as `measure_error` has it."""
        if groups is None:
            folds = KFold(min(self.folds, len(y)), shuffle=True, random_state=self.seed)
        elif groups.max() == 0:
            raise ValueError("LinearBaseline: cross-validation needs 2 groups or more, got 1")
        else:
            folds = GroupKFold(min(self.folds, int(groups.max()) + 1))
        held_out = np.empty(len(y))
        for train, test in folds.split(X, groups=groups):
            model = self._make_pipeline().fit(X[train], to_scale(y[train], scale))
            held_out[test] = model.predict(X[test])
        if scale == "log":
            # On the scale: a polynomial of ln y may leave the range of floats.
            return float(np.exp(np.log(y).mean()) * np.sqrt(np.mean((held_out - np.log(y)) ** 2)))
        return measure_error(y, held_out, scale)
