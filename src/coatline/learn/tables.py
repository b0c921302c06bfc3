"""Tables of all surrogates of a campaign: scores over many splits, ceilings, Sobol indices."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sklearn.base import BaseEstimator

from coatline.learn.gaussian import SlurryProcess
from coatline.learn.measurements import Measurements
from coatline.learn.resampling import LEAST_SLURRIES, SCREENED, FormulaFit
from coatline.learn.sensitivity import bootstrap_indices, compute_indices
from coatline.learn.sisso import Sisso
from coatline.learn.surrogates import (
    Box,
    fit_to,
    make_estimators,
    read_record,
    read_surrogates,
)
from coatline.learn.validation import (
    SPLITS,
    Row,
    find_ceiling,
    split_samples,
    validate,
    write_rows,
)
from coatline.measure.dataset import INPUTS

UNITS = dict.fromkeys(INPUTS, "%")
"""Units that stand in the headers of tables, by column."""

_SPREAD = ("mean", "mean_low", "mean_high", "corrected_low", "corrected_high", "low", "high")
_SPLIT = ("property", "surrogate", "split", "set")
_PUBLISHED = (
    *("property", "units", "samples", "rmse_percent", "r2"),
    *("r2_mean", "ci95_low", "ci95_high", "low", "high", "seeds"),
)
TABLES = {
    "scores": (*_SPLIT[:3], "seed", "set", "samples", "r2", "rmse_percent"),
    "summary": (*_SPLIT, "metric", "seeds", *_SPREAD),
    "table1": _PUBLISHED,
    "tableS1": _PUBLISHED,
    "regression": (
        *("property", "units", "surrogate", "sample", "set"),
        *("measured", "predicted"),
    ),
    "ceilings": ("property", "split", "seeds", "mean", "low", "high"),
    "sobol": (
        *("property", "surrogate", "input", "order"),
        *("index", "low", "high", "matrix_error"),
    ),
}
"""Columns of all tables of learning, by name."""

PUBLISHED = ("sisso", "sample")
"""Surrogate and kind of split of the paper's tables."""


def restore_complexities(
    path: Path, seed: int = 0
) -> tuple[dict[str, dict[str, BaseEstimator]], Box]:
    """Read what was chosen for each surrogate, as estimators that find their form again.

    See `coatline.learn.resampling.fix_complexity`.

    Args:
        path: JSON of `coatline.learn.surrogates.describe_surrogates`.
        seed: as there.

    Returns:
        Estimators that are not fitted, by property and kind; and the box.

    Raises:
        InputError: the file holds no surrogates.
    """

    def restore(kind: str, name: str, record: Mapping[str, Any], box: Box) -> BaseEstimator:
        return _fix(make_estimators(box, seed)[kind], record)

    return read_record(path, restore)


def _fix(estimator: BaseEstimator, record: Mapping[str, Any]) -> BaseEstimator:
    """Give an estimator the complexity that was chosen, as `fix_complexity` does."""
    if not isinstance(estimator, Sisso):
        return estimator.set_params(scale=record["scale"])
    chosen = record["chosen"]
    kept = {"scale": chosen["scale"], "rungs": (chosen["rung"],), "terms": (chosen["terms"],)}
    return estimator.set_params(screened=min(estimator.screened, SCREENED), **kept)


def score_surrogates(
    path: Path, data: Measurements, seeds: int, share: float, seed: int = 0
) -> tuple[list[Row], list[str]]:
    """Score all surrogates on splits by sample and by slurry; see `coatline.learn.validation`.

    Args:
        path: JSON of the surrogates, whose complexities are kept.
        data: that they were fitted to.
        seeds: number of splits of each kind.
        share: of samples, or slurries, held out.
        seed: of the estimators.

    Returns:
        Rows as of `validate`, each with `property` and `surrogate`; and a line for each score that
        could not be had.
    """
    rows: list[Row] = []
    notes = []
    complexities, box = restore_complexities(path, seed)
    for name, kinds in complexities.items():
        if not kinds:
            notes.append(f"{name}: was not learned, so it has no scores")
            continue
        inputs, values, groups = data.take(name, tuple(box))
        for kind, estimator in kinds.items():
            for split in SPLITS:
                try:
                    found = validate(estimator, inputs, values, groups, split, seeds, share)
                except ValueError as error:
                    notes.append(f"{name}, {kind}, split by {split}: {error}")
                    continue
                rows += [{"property": name, "surrogate": kind} | row for row in found]
    return rows, notes


def list_published(
    rows: Sequence[Row], summary: Sequence[Row], units: Mapping[str, str], part: str
) -> list[Row]:
    """List scores as Table 1 (`test`) and Table S1 (`train`) of Duquesnoy et al. do.

    Args:
        rows: of `score_surrogates`.
        summary: of these, by `coatline.learn.validation.summarise`.
        units: of the properties.
        part: test or train.

    Returns:
        For each property its unit; `samples`, `rmse_percent` and `r2` of the split of seed 0; and
        over all seeds the mean of R², Student's interval of that mean (`ci95_low`, `ci95_high`) and
        the percentiles between which single splits lie (`low`, `high`).
    """
    surrogate, split = PUBLISHED
    wanted = {"surrogate": surrogate, "split": split, "set": part}
    table: list[Row] = []
    for row in _find(rows, wanted | {"seed": 0}):
        name = str(row["property"])
        (over,) = _find(summary, wanted | {"property": name, "metric": "r2"})
        table.append(
            {
                "property": name,
                "units": units[name],
                "samples": row["samples"],
                "rmse_percent": row["rmse_percent"],
                "r2": row["r2"],
                "r2_mean": over["mean"],
                "ci95_low": over["mean_low"],
                "ci95_high": over["mean_high"],
                "low": over["low"],
                "high": over["high"],
                "seeds": over["seeds"],
            }
        )
    return table


def _find(rows: Iterable[Row], wanted: Mapping[str, Any]) -> list[Row]:
    return [row for row in rows if all(row[key] == value for key, value in wanted.items())]


def list_regression(path: Path, data: Measurements, share: float, seed: int = 0) -> list[Row]:
    """List predicted beside measured values, for the regression plots of figure S1.

    Args:
        path: JSON of the surrogates.
        data: that they were fitted to.
        share: of the samples held out.
        seed: of the estimators.

    Returns:
        A row for each property, surrogate (formula and process) and sample of the split by sample
        of seed 0: `property`, `units`, `surrogate`, `sample`, `set`, `measured`, `predicted`.
    """
    rows: list[Row] = []
    complexities, box = restore_complexities(path, seed)
    for name, kinds in complexities.items():
        inputs, values, groups = data.take(name, tuple(box))
        ids = [data.sample[index] for index in data.find_rows(name)]
        for kind in ("sisso", "process"):
            if kind not in kinds:
                continue
            (split,) = split_samples(len(values), None, 1, share)
            try:
                model = fit_to(kinds[kind], *(part[split[0]] for part in (inputs, values, groups)))
            except ValueError:  # told by `score_surrogates`
                continue
            for part, members in zip(("train", "test"), split, strict=True):
                predicted = model.predict(inputs[members])
                rows += [
                    {
                        "property": name,
                        "units": data.units[name],
                        "surrogate": kind,
                        "sample": ids[index],
                        "set": part,
                        "measured": float(values[index]),
                        "predicted": float(value),
                    }
                    for index, value in zip(members, predicted, strict=True)
                ]
    return rows


def list_ceilings(
    path: Path, data: Measurements, seeds: int, share: float
) -> tuple[list[Row], list[str]]:
    """List the test R² that noise leaves to the best of surrogates, by property and split.

    Offsets of slurries and noise are those that the Gaussian process has found, its prediction
    stands for the mean film; see `coatline.learn.validation.find_ceiling`.

    Arguments as of `score_surrogates`.

    Returns:
        Rows as of `find_ceiling`, each with `property`; and a line for each that cannot be had.
    """
    rows: list[Row] = []
    notes = []
    for name, kinds in read_surrogates(path, data).items():
        process = kinds.get("process")
        if process is None:
            continue
        inputs, _, groups = data.take(name, process.names)
        found = process.hyperparameters_
        truth = process.predict(inputs)
        for split in SPLITS:
            try:
                row = find_ceiling(
                    truth, groups, found.slurry, found.noise, process.scale_, split, seeds, share
                )
            except ValueError as error:
                notes.append(f"{name}, ceiling of a split by {split}: {error}")
                continue
            rows.append({"property": name} | row)
    return rows, notes


def list_indices(
    path: Path, data: Measurements, points: int, resamples: int, seed: int = 0
) -> tuple[list[Row], list[str]]:
    """List the Sobol indices of all properties, by the formula and by the process.

    Args:
        path: JSON of the surrogates.
        data: that they were fitted to.
        points: base points of the matrix.
        resamples: of slurries, for the intervals.
        seed: of matrix and resamples.

    Returns:
        Rows as of `SobolIndices.to_rows`, each with `property` and `surrogate`, without intervals
        where slurries are too few; and a line for each that cannot be had.
    """
    rows: list[Row] = []
    notes = []
    for name, kinds in read_surrogates(path, data).items():
        for kind, surrogate in kinds.items():
            names, box = _name_inputs(surrogate)
            inputs, values, groups = data.take(name, names)
            try:
                if len(set(groups)) < LEAST_SLURRIES:
                    raise ValueError(
                        f"a bootstrap needs {LEAST_SLURRIES} slurries, there are {len(set(groups))}"
                    )
                found = bootstrap_indices(
                    surrogate, inputs, values, groups, names, box, points, resamples, seed=seed
                )
            except ValueError as error:  # few slurries, or a resample that cannot be fitted
                notes.append(f"{name}, {kind}: Sobol indices without intervals, {error}")
                try:
                    found = compute_indices(surrogate.predict, names, box, points, seed)
                except ValueError as without:
                    notes.append(f"{name}, {kind}: no Sobol indices, {without}")
                    continue
            rows += [{"property": name, "surrogate": kind} | row for row in found.to_rows()]
    return rows, notes


def write_table(path: Path, rows: Sequence[Row], columns: Sequence[str]) -> None:
    """Write rows as CSV by `write_rows`; the header alone where there are none.

    Args:
        path: file to write.
        rows: all of these columns, in any order.
        columns: in the order to be written. Those in `UNITS` have their unit in the header; a
            column `units` has that of the values beside it, and all else has none.

    Raises:
        ValueError: a row has other columns.
    """
    for row in rows:
        if set(row) != set(columns):
            raise ValueError(f"{path}: columns are {', '.join(row)}, not {', '.join(columns)}")
    named = {name: f"{name} ({UNITS[name]})" if name in UNITS else name for name in columns}
    write_rows(
        path,
        [{named[name]: value for name, value in row.items()} for row in rows],
        list(named.values()),
    )


def _name_inputs(
    surrogate: FormulaFit | SlurryProcess,
) -> tuple[tuple[str, ...], Sequence[Sequence[float]]]:
    """Names of a surrogate's inputs, and its box."""
    owner = surrogate if isinstance(surrogate, SlurryProcess) else surrogate.formula
    return tuple(owner.names), owner.box
