"""Interval arithmetic: between which bounds an operation stays while its arguments vary.

An interval is a pair (low, high) of arrays of one shape. Every function encloses its exact result
(R. E. Moore, R. B. Kearfott and M. J. Cloud, Introduction to Interval Analysis, SIAM 2009, ch. 2):
bounds are moved outward by a few units in the last place, more than any operation here rounds by.
Where an operation is not defined on the whole interval, as 1/x across 0, both bounds are NaN, and
NaN stays NaN. Arguments that vary together are treated as if they did not, so bounds may be too
wide, never too narrow.
"""

import numpy as np

Interval = tuple[np.ndarray, np.ndarray]

SLACK = 4 * np.finfo(np.float64).eps
"""Relative step outward. A bound of 0 stays 0: it is met exactly, and no sign is lost."""


def add(first: Interval, second: Interval) -> Interval:
    """Bounds of a + b."""
    return _widen(first[0] + second[0], first[1] + second[1])


def subtract(first: Interval, second: Interval) -> Interval:
    """Bounds of a - b."""
    return _widen(first[0] - second[1], first[1] - second[0])


def multiply(first: Interval, second: Interval) -> Interval:
    """Bounds of a b."""
    products = [a * b for a in first for b in second]
    return _widen(np.minimum.reduce(products), np.maximum.reduce(products))


def divide(first: Interval, second: Interval) -> Interval:
    """Bounds of a / b; NaN where b may be 0."""
    return multiply(first, inverse(second))


def inverse(argument: Interval) -> Interval:
    """Bounds of 1 / x; NaN where x may be 0."""
    low, high = argument
    low, high = _where((low > 0) | (high < 0), low, high)
    return _widen(1 / high, 1 / low)


def square(argument: Interval) -> Interval:
    """Bounds of x²."""
    low, high = argument
    ends = low**2, high**2
    least = np.where((low < 0) & (high > 0), 0.0, np.minimum(*ends))
    return _widen(least, np.maximum(*ends))


def cube(argument: Interval) -> Interval:
    """Bounds of x³."""
    return _widen(argument[0] ** 3, argument[1] ** 3)


def sqrt(argument: Interval) -> Interval:
    """Bounds of √x; NaN where x may be negative."""
    low, high = _where(argument[0] >= 0, *argument)
    return _widen(np.sqrt(low), np.sqrt(high))


def cbrt(argument: Interval) -> Interval:
    """Bounds of the cube root, of negative numbers too."""
    return _widen(np.cbrt(argument[0]), np.cbrt(argument[1]))


def exp(argument: Interval) -> Interval:
    """Bounds of exp(x)."""
    return _widen(np.exp(argument[0]), np.exp(argument[1]))


def exp_negative(argument: Interval) -> Interval:
    """Bounds of exp(-x)."""
    return _widen(np.exp(-argument[1]), np.exp(-argument[0]))


def log(argument: Interval) -> Interval:
    """Bounds of ln x; NaN where x may be 0 or negative."""
    low, high = _where(argument[0] > 0, *argument)
    return _widen(np.log(low), np.log(high))


def abs_difference(first: Interval, second: Interval) -> Interval:
    """Bounds of |a - b|."""
    low, high = subtract(first, second)
    ends = np.abs(low), np.abs(high)
    return np.where((low < 0) & (high > 0), 0.0, np.minimum(*ends)), np.maximum(*ends)


def _widen(low: np.ndarray, high: np.ndarray) -> Interval:
    return low - SLACK * np.abs(low), high + SLACK * np.abs(high)


def _where(defined: np.ndarray, low: np.ndarray, high: np.ndarray) -> Interval:
    return np.where(defined, low, np.nan), np.where(defined, high, np.nan)
