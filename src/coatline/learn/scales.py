"""Targets on a linear or a logarithmic scale, and how the better of the two is told."""

import numpy as np

from coatline.learn.formula import SCALES

CONSTANT = 1e-12
"""Range of a target, as a share of its size, below which it is a constant but for rounding."""


def choose_scales(owner: str, scale: str, target: np.ndarray) -> tuple[str, ...]:
    """List the scales that a target may be learned on.

    Args:
        owner: name of the estimator, for messages.
        scale: linear, log or auto, which is both where the target is positive.
        target: (n,) values.

    Raises:
        ValueError: the scale is none of these, the target is constant, or has no logarithm.
    """
    if scale not in (*SCALES, "auto"):
        raise ValueError(f"{owner}: scale must be linear, log or auto, got {scale!r}")
    if np.ptp(target) <= CONSTANT * np.abs(target).max():
        raise ValueError(f"{owner}: the target is constant, {target[0]:g}; nothing to learn")
    positive = target.min() > 0
    if scale == "log" and not positive:
        raise ValueError(
            f"{owner}: scale log needs a positive target, its least value is {target.min():g}"
        )
    if scale == "auto":
        return SCALES if positive else ("linear",)
    return (scale,)


def to_scale(target: np.ndarray, scale: str) -> np.ndarray:
    """Target, or its natural logarithm on a log scale."""
    return np.log(target) if scale == "log" else np.asarray(target, dtype=np.float64)


def from_scale(values: np.ndarray, scale: str) -> np.ndarray:
    """Undo `to_scale`."""
    return np.exp(values) if scale == "log" else values


def measure_error(target: np.ndarray, held_out: np.ndarray, scale: str) -> float:
    """Measure the error of predictions so that linear and log scale compare.

    Args:
        target: (n,) values.
        held_out: (n,) predictions of `target` for samples held out.
        scale: on which they were made.

    Returns:
        Root of the mean squared error, in units of the target. That of a logarithm is multiplied by
        the geometric mean of the target, so that errors compare as likelihoods do.

    Source: G. E. P. Box and D. R. Cox, J. R. Stat. Soc. B 26 (1964) 211-252, as in `Sisso`.
    """
    if scale == "linear":
        return float(np.sqrt(np.mean((held_out - target) ** 2)))
    logs = np.log(target)
    miss = np.log(held_out) - logs
    return float(np.exp(logs.mean()) * np.sqrt(np.mean(miss**2)))


def encode_groups(owner: str, groups: np.ndarray | None, count: int) -> np.ndarray | None:
    """Number groups, such as slurries, in the order of their labels.

    Args:
        owner: name of the estimator or function, for messages.
        groups: (n,) labels of any kind, or None.
        count: number of samples n.

    Returns:
        (n,) integers from 0, or None where there are no groups.

    Raises:
        ValueError: there is another number of labels.
    """
    if groups is None:
        return None
    labels = np.asarray(groups)
    if labels.shape != (count,):
        raise ValueError(f"{owner}: groups need one label per sample, {count}, got {labels.shape}")
    return np.unique(labels, return_inverse=True)[1].reshape(-1)
