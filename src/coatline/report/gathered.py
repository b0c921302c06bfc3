"""Gathered files of a campaign as figures, tables and the page take them."""

import csv
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from coatline.errors import InputError
from coatline.measure.dataset import INPUTS, Table, read_table

Row = dict[str, Any]

SAME = 1e-3
"""Largest difference of an input, %, between recipes that are one but for rounding."""
TEXTS = ("units", "sample", "slurry", "cause")
"""Columns that stay text whatever they look like."""


def read_rows(path: Path | str) -> list[Row]:
    """Read CSV: a mapping for each row, numbers as floats, units in headers left out.

    Raises:
        InputError: the file cannot be read.
    """
    try:
        with open(path, newline="", encoding="utf-8") as file:
            lines = csv.reader(file)
            names = [cell.partition(" (")[0] for cell in next(lines, [])]
            return [
                {
                    name: text if name in TEXTS else _read_cell(text)
                    for name, text in zip(names, row, strict=True)
                }
                for row in lines
            ]
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None


def _read_cell(text: str) -> str | float:
    try:
        return float(text)
    except ValueError:
        return text


def read_json(path: Path | str) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        InputError: the file is missing or holds none.
    """
    try:
        record = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as JSON ({error})") from None
    if not isinstance(record, dict):
        raise InputError(f"{path}: holds no JSON object")
    return record


def read_arrays(path: Path | str) -> xr.Dataset:
    """Read netCDF whole, and close it.

    Raises:
        InputError: the file cannot be read.
    """
    try:
        with xr.open_dataset(path, engine="netcdf4") as file:
            return file.load()
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as netCDF ({error})") from None


def find_rows(rows: Sequence[Row], **wanted: Any) -> list[Row]:
    """Find the rows that have these values."""
    return [row for row in rows if all(row[key] == value for key, value in wanted.items())]


@dataclass(frozen=True)
class Property:
    """A property of all electrodes that are ok.

    Attributes:
        name: variable of the dataset.
        unit: of the values.
        goal: minimise or maximise.
        values: (n,), NaN where an electrode has none.
    """

    name: str
    unit: str
    goal: str
    values: np.ndarray

    @property
    def low(self) -> float:
        """Least of the dataset."""
        return float(np.nanmin(self.values))

    @property
    def high(self) -> float:
        """Most of the dataset."""
        return float(np.nanmax(self.values))

    def scale(self, value: float) -> float:
        """Scale a value to [0, 1] over the dataset, clipped."""
        if self.high == self.low:
            return 0.5
        return float(np.clip((value - self.low) / (self.high - self.low), 0, 1))

    def find_best(self) -> int:
        """Find the electrode that is best in this property: its index among those that are ok."""
        find = np.nanargmin if self.goal == "minimise" else np.nanargmax
        return int(find(self.values))


@dataclass(frozen=True)
class Electrodes:
    """Electrodes of a dataset that are ok.

    Attributes:
        sample: (n,) ids.
        recipe: (n, 3) active material, solid content, compression rate, %.
        values: (n,) by variable.
        units: by variable.
    """

    sample: tuple[str, ...]
    recipe: np.ndarray
    values: dict[str, np.ndarray]
    units: dict[str, str]

    def take(self, name: str, goal: str = "maximise") -> Property:
        """Take one property."""
        return Property(name, self.units.get(name, "1"), goal, self.values[name])

    def take_goals(self, goals: Sequence[tuple[str, str]]) -> list[Property]:
        """Take the properties of goals (name, goal) that some electrode has a value of."""
        return [
            self.take(name, goal)
            for name, goal in goals
            if name in self.values and np.isfinite(self.values[name]).any()
        ]


def pick_electrodes(table: Table) -> Electrodes:
    """Pick the electrodes of a table that are ok."""
    ok = np.array([one == "ok" for one in table.status], dtype=bool)
    return Electrodes(
        tuple(name for name, good in zip(table.sample, ok, strict=True) if good),
        np.stack([table.values[name][ok] for name in INPUTS], axis=1),
        {name: values[ok] for name, values in table.values.items()},
        {name: known.get("units", "1") for name, known in table.units.items()},
    )


def read_electrodes(path: Path | str) -> Electrodes:
    """Read those electrodes of a dataset that are ok.

    Raises:
        InputError: the file is no dataset.
    """
    return pick_electrodes(read_table(Path(path)))


@dataclass(frozen=True)
class Best:
    """The best recipe, and what is known of it.

    Attributes:
        recipe: (3,) %.
        predicted: by property.
        simulated: mean of the electrodes made, by property; empty where none was.
        intervals: (low, high) of the mean simulated, by property, where there are two or more.
        films: number of electrodes made well.
        record: as `optimum.json` has it.
    """

    recipe: tuple[float, float, float]
    predicted: dict[str, float]
    simulated: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    films: int
    record: dict[str, Any]

    def look_up(self, name: str) -> float:
        """Simulated value of a property where there is one, else predicted; NaN for none."""
        return self.simulated.get(name, self.predicted.get(name, math.nan))


def is_at(recipe: Sequence[float], best: Sequence[float]) -> bool:
    """Whether two recipes are one, as designs round them."""
    return all(abs(one - other) <= SAME for one, other in zip(recipe, best, strict=True))


def read_made(path: Path | str, best: Sequence[float]) -> list[Row]:
    """Read `made.csv`; what was made at another optimum goes by its recipe, not as the optimum.

    Args:
        path: of the table.
        best: recipe of the optimum, %.

    Raises:
        InputError: the file cannot be read.
    """
    rows = read_rows(path)
    for row in rows:
        recipe = [row[name] for name in INPUTS]
        if row["recipe"] == "optimum" and not is_at(recipe, best):
            row["recipe"] = f"earlier optimum {' / '.join(f'{value:.1f}' for value in recipe)}"
    return rows


def read_best(optimum: Path | str, made: Path | str | None = None) -> Best:
    """Read the best recipe.

    Args:
        optimum: `optimum.json`.
        made: `made.csv`, or None where no electrode was made of it.

    Raises:
        InputError: a file cannot be read.
    """
    record = read_json(optimum)
    try:
        recipe = tuple(float(record["recipe"][name]) for name in INPUTS)
        predicted = {name: float(one["value"]) for name, one in record["properties"].items()}
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{optimum}: cannot be read as an optimum ({error!r})") from None
    rows = [row for row in read_made(made, recipe) if row["recipe"] == "optimum"] if made else []
    simulated = {row["property"]: row["simulated"] for row in rows if _known(row["simulated"])}
    intervals = {
        row["property"]: (row["simulated_low"], row["simulated_high"])
        for row in rows
        if _known(row["simulated_low"])
    }
    films = int(rows[0]["films"]) if rows else 0
    return Best(recipe, predicted, simulated, intervals, films, record)


def _known(value: Any) -> bool:
    return isinstance(value, float) and math.isfinite(value)
