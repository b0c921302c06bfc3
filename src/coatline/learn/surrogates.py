"""The surrogates of a campaign: for each property a formula, a Gaussian process and least squares.

They are kept as JSON. A formula is all in it; a process is its hyperparameters, and is conditioned
again on the dataset that it was fitted to, which gives the same process.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import has_fit_parameter

from coatline.design.write import replace_file
from coatline.errors import InputError
from coatline.learn.formula import Formula
from coatline.learn.gaussian import Hyperparameters, SlurryProcess
from coatline.learn.linear import LinearBaseline
from coatline.learn.measurements import Measurements
from coatline.learn.resampling import FormulaFit
from coatline.learn.sisso import Sisso

SYMBOLS = {
    "active_material": "AM",
    "solid_content": "SC",
    "compression_rate": "CR",
}
"""Short names of the inputs in formulas to be read."""

DIGITS = 5
"""Digits of coefficients in formulas for people, `short_text` and `short_latex`."""

Box = Mapping[str, Sequence[float]]
"""(low, high) of the inputs that vary, %."""


@dataclass(frozen=True)
class Learned:
    """The surrogates of one property.

    Attributes:
        name: of the property.
        fitted: estimators by kind: `sisso`, `process`, `linear`, `quadratic`; those that could be
            fitted.
        causes: why a kind, or all of them (""), could not be.
    """

    name: str
    fitted: dict[str, BaseEstimator] = field(default_factory=dict)
    causes: dict[str, str] = field(default_factory=dict)


def make_estimators(box: Box, seed: int = 0) -> dict[str, BaseEstimator]:
    """Make an estimator of each kind, none of them fitted.

    Args:
        box: of the inputs that vary.
        seed: of folds and of the points at which features of formulas are compared.
    """
    names, edges = tuple(box), [tuple(ends) for ends in box.values()]
    return {
        "sisso": Sisso(names, edges, seed=seed),
        "process": SlurryProcess(names, edges),
        "linear": LinearBaseline(1, seed=seed),
        "quadratic": LinearBaseline(2, seed=seed),
    }


def fit_surrogates(
    data: Measurements, properties: Sequence[str], box: Box, seed: int = 0
) -> list[Learned]:
    """Fit all surrogates; what cannot be learned says why.

    Args:
        data: the electrodes.
        properties: to be learned.
        box: of the inputs that vary.
        seed: see `make_estimators`.

    Returns:
        One entry for each property.

    Raises:
        InputError: a sample lies out of the box.
    """
    check_inputs(data, box)
    learned = []
    for name in properties:
        flaw = data.find_flaw(name)
        one = Learned(name, {}, {"": flaw} if flaw else {})
        if not flaw:
            inputs, values, groups = data.take(name, tuple(box))
            for kind, estimator in make_estimators(box, seed).items():
                try:
                    one.fitted[kind] = fit_to(estimator, inputs, values, groups)
                except ValueError as error:
                    one.causes[kind] = str(error)
        learned.append(one)
    return learned


def check_inputs(data: Measurements, box: Box) -> None:
    """Check that all recipes lie in the box; `InputError` names a sample that does not."""
    for name, (low, high) in box.items():
        values = data.inputs[:, list(SYMBOLS).index(name)]
        lost = np.flatnonzero((values < low) | (values > high))
        if len(lost):
            raise InputError(
                f"learn: sample {data.sample[lost[0]]} of the dataset has {name} "
                f"{values[lost[0]]:g} %, out of the design's range, {low:g} to {high:g} %; give "
                "the design that the dataset was made with"
            )


def fit_to(
    estimator: BaseEstimator, inputs: np.ndarray, values: np.ndarray, groups: np.ndarray
) -> BaseEstimator:
    """Fit a clone of an estimator, with the slurries where it takes them."""
    extra = {"groups": groups} if has_fit_parameter(estimator, "groups") else {}
    return clone(estimator).fit(inputs, values, **extra)


def describe_surrogates(learned: Sequence[Learned], data: Measurements, box: Box) -> dict[str, Any]:
    """Describe surrogates in lists, names and numbers, as JSON can hold them without loss.

    Args:
        learned: of `fit_surrogates`.
        data: that they were fitted to.
        box: that they hold in.

    Returns:
        `inputs` (name, unit, low, high), `samples` (asked, made, slurries) and `properties`, each
        with unit, range, what each surrogate is, and `causes` of what could not be learned.
    """
    ok = data.ok
    return {
        "inputs": [
            {"name": name, "units": "%", "symbol": SYMBOLS[name], "low": low, "high": high}
            for name, (low, high) in box.items()
        ],
        "samples": {
            "all": len(ok),
            "ok": int(ok.sum()),
            "slurries": len({data.slurry[index] for index in np.flatnonzero(ok)}),
        },
        "properties": {one.name: _describe(one, data, tuple(box)) for one in learned},
    }


def _describe(one: Learned, data: Measurements, names: tuple[str, ...]) -> dict[str, Any]:
    inputs, values, _ = data.take(one.name, names)
    found: dict[str, Any] = {
        "units": data.units[one.name],
        "long_name": data.titles[one.name],
        "samples": len(values),
        "low": float(values.min()) if len(values) else None,
        "high": float(values.max()) if len(values) else None,
        "causes": one.causes,
    }
    for kind, fitted in one.fitted.items():
        if isinstance(fitted, Sisso):
            found[kind] = _describe_formula(fitted, values)
        elif isinstance(fitted, SlurryProcess):
            found[kind] = {
                "kernel": fitted.kernel,
                "trend": fitted.trend,
                "scale": fitted.scale_,
                "hyperparameters": asdict(fitted.hyperparameters_)
                | {"lengths": list(fitted.hyperparameters_.lengths)},
                "likelihood": float(fitted.likelihood_),
                "held_out_error": _measure_held_out(values, fitted.held_out_, fitted.scale_),
            }
        else:
            found[kind] = _describe_polynomial(fitted, inputs.shape[1])
    return found


def _describe_formula(fitted: Sisso, values: np.ndarray) -> dict[str, Any]:
    formula = fitted.formula_
    return {
        "text": formula.text(symbols=SYMBOLS),
        "latex": formula.latex(symbols=SYMBOLS),
        "short_text": formula.text(DIGITS, SYMBOLS),
        "short_latex": formula.latex(DIGITS, SYMBOLS),
        "python": formula.python(),
        "javascript": formula.javascript(),
        "formula": formula.to_dict(),
        "nodes": formula.nodes,
        "chosen": None if fitted.chosen_ is None else asdict(fitted.chosen_),
        "candidates": [asdict(one) for one in fitted.candidates_],
        "held_out_error": _measure_held_out(values, fitted.held_out_, formula.scale),
    }


def _measure_held_out(values: np.ndarray, held_out: np.ndarray | None, scale: str) -> float | None:
    """Root mean squared error of held-out samples, on the scale; None where there is none."""
    if held_out is None:
        return None
    known = np.isfinite(held_out)
    misses = held_out - values if scale == "linear" else np.log(held_out) - np.log(values)
    return float(np.sqrt(np.mean(misses[known] ** 2))) if known.any() else None


def _describe_polynomial(fitted: LinearBaseline, inputs: int) -> dict[str, Any]:
    """Constant and slopes of a plane in the inputs themselves; of squares, its scaled parts."""
    scaler, powers, line = (step for _, step in fitted.pipeline_.steps)
    found: dict[str, Any] = {"degree": fitted.degree, "scale": fitted.scale_}
    if fitted.degree == 1:
        slopes = line.coef_ / scaler.scale_
        shift = float(line.intercept_ - (slopes * scaler.mean_).sum())
        return found | {"intercept": shift, "slopes": slopes.tolist()}
    return found | {
        "mean": scaler.mean_.tolist(),
        "width": scaler.scale_.tolist(),
        "powers": powers.powers_[:, :inputs].tolist(),
        "intercept": float(line.intercept_),
        "slopes": line.coef_.tolist(),
    }


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON in one step; numbers read back exactly, what is not finite becomes null."""
    text = json.dumps(_make_plain(content), indent=1, ensure_ascii=False, allow_nan=False)
    replace_file(Path(path), text + "\n")


def _make_plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _make_plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_make_plain(one) for one in value]
    if isinstance(value, np.ndarray | np.generic):
        return _make_plain(value.tolist())
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


KINDS = ("sisso", "process", "linear", "quadratic")
"""Kinds of surrogates."""

Made = TypeVar("Made")


def read_record(
    path: Path, make: Callable[[str, str, Mapping[str, Any], Box], Made | None]
) -> tuple[dict[str, dict[str, Made]], Box]:
    """Read the file of surrogates, and make something of each of them.

    Args:
        path: JSON of `describe_surrogates`.
        make: takes kind, property, what the file has on the surrogate, and the box; what it makes
            of it, or None to leave it out.

    Returns:
        What was made, by property and kind; and the box.

    Raises:
        InputError: the file holds no surrogates.
    """
    try:
        record = json.loads(Path(path).read_text(encoding="utf-8"))
        box = {one["name"]: (one["low"], one["high"]) for one in record["inputs"]}
        found: dict[str, dict[str, Made]] = {}
        for name, parts in record["properties"].items():
            made = {kind: make(kind, name, parts[kind], box) for kind in KINDS if kind in parts}
            found[name] = {kind: one for kind, one in made.items() if one is not None}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: cannot be read as surrogates ({error})") from None
    return found, box


def read_surrogates(path: Path, data: Measurements) -> dict[str, dict[str, BaseEstimator]]:
    """Read surrogates back.

    Args:
        path: JSON of `describe_surrogates`.
        data: that they were fitted to.

    Returns:
        By property, then by kind, those that there are: `sisso`, a `FormulaFit`, and `process`, a
        `SlurryProcess`; both fitted.

    Raises:
        InputError: the file holds no surrogates.
    """

    def restore(kind: str, name: str, record: Mapping, box: Box) -> BaseEstimator | None:
        if kind == "sisso":
            return FormulaFit.restore(Formula.from_dict(record["formula"]))
        return _condition(record, data, name, box) if kind == "process" else None

    return read_record(path, restore)[0]


def read_errors(path: Path) -> dict[str, float | None]:
    """Read the error of each formula for samples held out, on its scale; see `Sisso.held_out_`.

    Args:
        path: JSON of `describe_surrogates`.

    Returns:
        By property, None where it is unknown.

    Raises:
        InputError: the file holds no surrogates.
    """
    kinds, _ = read_record(path, lambda kind, name, record, box: record)
    return {name: parts.get("sisso", {}).get("held_out_error") for name, parts in kinds.items()}


def _condition(record: Mapping, data: Measurements, name: str, box: Box) -> SlurryProcess:
    given = record["hyperparameters"]
    hyperparameters = Hyperparameters(
        tuple(given["lengths"]), given["smooth"], given["slurry"], given["noise"]
    )
    process = SlurryProcess(
        tuple(box),
        [tuple(ends) for ends in box.values()],
        record["kernel"],
        record["trend"],
        record["scale"],
        hyperparameters,
    )
    return fit_to(process, *data.take(name, tuple(box)))
