"""What is learned from: recipes, slurries and properties of electrodes, of one or more datasets."""

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np

from coatline.errors import InputError
from coatline.measure.dataset import INPUTS, read_table

LEAST_SAMPLES = 8
"""Samples below which no surrogate is fitted: a plane and its cross-validation need so many."""

MEASURED = (
    "conductivity_am",
    "conductivity_cbd",
    "contact_resistance",
    "cbd_diffusivity",
    "cbd_coverage",
    "supersampling",
)
"""Attributes of a dataset that say what its electrodes were measured with."""

LEAST_SLURRIES = 3
"""Slurries below which no surrogate is fitted: two of them leave one to train on."""


@dataclass(frozen=True)
class Measurements:
    """Electrodes, made and measured or failed.

    Attributes:
        inputs: (n, 3) active material, solid content and compression rate, %.
        sample: (n,) ids.
        slurry: (n,) ids of their slurries.
        status: (n,) `ok` or `failed`.
        cause: (n,) why, empty where ok.
        values: (n,) by property, NaN where a sample has none.
        units: by property.
        titles: by property, its name in words.
    """

    inputs: np.ndarray
    sample: tuple[str, ...]
    slurry: tuple[str, ...]
    status: tuple[str, ...]
    cause: tuple[str, ...]
    values: dict[str, np.ndarray]
    units: dict[str, str]
    titles: dict[str, str]

    @property
    def ok(self) -> np.ndarray:
        """(n,) whether a sample was made and measured."""
        return np.array([one == "ok" for one in self.status], dtype=bool)

    def take(
        self, name: str, inputs: Sequence[str] = tuple(INPUTS)
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Take what one property is learned from.

        Args:
            name: of the property.
            inputs: those of the three that are wanted.

        Returns:
            (m, d) inputs in %, (m,) values, (m,) slurries of the samples that are ok and have a
            value.
        """
        rows = self.find_rows(name)
        columns = [list(INPUTS).index(one) for one in inputs]
        groups = np.array(self.slurry, dtype=object)[rows].astype(str)
        return self.inputs[rows][:, columns], self.values[name][rows], groups

    def find_rows(self, name: str) -> np.ndarray:
        """Find the samples that are ok and have a value of a property: their indices."""
        return np.flatnonzero(self.ok & np.isfinite(self.values[name]))

    def find_flaw(self, name: str) -> str:
        """Say why a property cannot be learned; nothing where it can."""
        _, values, groups = self.take(name)
        slurries = len(set(groups))
        if len(values) < LEAST_SAMPLES or slurries < LEAST_SLURRIES:
            return (
                f"{len(values)} samples of {slurries} slurries are too few, at least "
                f"{LEAST_SAMPLES} of {LEAST_SLURRIES} are needed"
            )
        if np.ptp(values) <= 1e-12 * np.abs(values).max():
            return f"it is {values[0]:g} {self.units[name]} for all samples, nothing to learn"
        return ""


def read_measurements(
    paths: Sequence[Path], properties: Sequence[str], all_may_fail: bool = False
) -> Measurements:
    """Read datasets of one material, such as that of a campaign and those of its rounds.

    Args:
        paths: netCDF files as `coatline.measure.dataset` writes them.
        properties: variables wanted; one that no sample has because all that could have it failed
            is NaN.
        all_may_fail: whether it is no error that all samples have failed.

    Returns:
        All samples, in the order of the files.

    Raises:
        InputError: a file is no dataset of electrodes, a property is in none of them, a sample is
            in two, all samples have failed, or files were not made alike, see `check_alike`; the
            line names the file.
    """
    check_alike(paths)
    parts = [_read_part(Path(path), properties) for path in paths]
    whole = Measurements(
        np.concatenate([one.inputs for one in parts]),
        *(
            tuple(text for one in parts for text in getattr(one, name))
            for name in ("sample", "slurry", "status", "cause")
        ),
        {name: np.concatenate([one.values[name] for one in parts]) for name in properties},
        {name: _first(one.units.get(name, "") for one in parts) for name in properties},
        {name: _first(one.titles.get(name, "") for one in parts) for name in properties},
    )
    twice = [name for name, count in Counter(whole.sample).items() if count > 1]
    if twice:
        raise InputError(f"{paths[-1]}: sample {twice[0]} is in another dataset as well")
    if not whole.ok.any() and not all_may_fail:
        causes = Counter(whole.cause).most_common(3)
        listed = "; ".join(f"{count} x {cause}" for cause, count in causes)
        raise InputError(
            f"{paths[0]}: all {len(whole.sample)} samples have failed, there is nothing to learn "
            f"from: {listed}"
        )
    return whole


def check_alike(paths: Sequence[Path], expected: Mapping[str, Any] | None = None) -> list[str]:
    """Check that electrodes were made alike: of one material, with equal settings.

    What a file does not say is not compared. The same settings in other code are no error: code
    changes for other reasons than physics.

    Args:
        paths: netCDF files of gathered electrodes; attributes `made_with` as of
            `coatline.campaign.settings` and `physics` as of `coatline.measure.dataset`.
        expected: `material` and settings that the configuration has, to be met as well.

    Returns:
        Notes on files made by other code.

    Raises:
        InputError: a file cannot be read, or settings differ; the line names file, key and values.
    """
    notes = []
    known = {key: (value, "the configuration") for key, value in (expected or {}).items()}
    for path in map(Path, paths):
        facts = _read_facts(path)
        for key, value in facts.items():
            other, where = known.setdefault(key, (value, str(path)))
            if other == value:
                continue
            if key.startswith("code."):
                notes.append(f"{path}: {key.partition('.')[2]} had other code than in {where}")
                continue
            raise InputError(
                f"{path}: {key} is {_show(value)}, but {_show(other)} in {where}; electrodes that "
                f"are learned from together must be made alike: give files in which {key} is the "
                f"same, or make the electrodes again with {_show(other)}"
            )
    return notes


def check_recipes(path: Path, recipes: Mapping[str, Sequence[float]], source: str) -> None:
    """Check that a dataset that a campaign starts from is of the campaign's own design.

    Args:
        path: the dataset.
        recipes: sample → active material, solid content and compression rate of the design, %.
        source: the configuration, named in errors.

    Raises:
        InputError: a sample has another recipe than in the design, is not in it, or is missing.
    """
    try:
        with netCDF4.Dataset(path) as file:
            if not {"sample", *INPUTS} <= set(file.variables):
                return  # who reads it will say that it is no dataset
            names = [str(name) for name in file.variables["sample"][:]]
            rows = np.stack([np.asarray(file.variables[name][:]) for name in INPUTS], axis=1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read as a dataset of samples ({error})") from None
    again = f"give in {source} the design that the dataset was made with"
    for name, row in zip(names, rows.tolist(), strict=True):
        if name not in recipes:
            raise InputError(f"{path}: sample {name} is not in the design; {again}")
        for key, made, wanted in zip(INPUTS, row, recipes[name], strict=True):
            if not math.isclose(made, wanted, rel_tol=1e-6):
                raise InputError(
                    f"{path}: {key} of {name} is {made:g} %, in the design {wanted:g} %; {again}"
                )
    lacking = next((name for name in recipes if name not in set(names)), None)
    if lacking:
        raise InputError(f"{path}: sample {lacking} of the design is not in it; {again}")


def _read_facts(path: Path) -> dict[str, Any]:
    """What all electrodes of a file were made with, as far as it says."""
    try:
        with netCDF4.Dataset(path) as file:
            facts = json.loads(file.__dict__.get("made_with", "{}"))
            physics = json.loads(file.__dict__.get("physics", "{}"))
            facts |= {f"code.{stage}": hashes for stage, hashes in physics.items()}
            named = file.variables["material"][:] if "material" in file.variables else ()
            materials = {str(name) for name in named}
            facts |= {name: file.getncattr(name) for name in MEASURED if name in file.ncattrs()}
    except (OSError, RuntimeError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as a dataset of samples ({error})") from None
    if len(materials) > 1:
        raise InputError(f"{path}: holds electrodes of {', '.join(sorted(materials))}, not of one")
    return ({"material": materials.pop()} if materials else {}) | {
        key: value.item() if isinstance(value, np.generic) else value
        for key, value in facts.items()
    }


def _show(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _read_part(path: Path, properties: Sequence[str]) -> Measurements:
    table = read_table(path)
    missing = [name for name in INPUTS if name not in table.values]
    if missing:
        raise InputError(f"{path}: is no dataset of electrodes, it has no {missing[0]}")
    nothing = np.full(len(table.sample), np.nan)
    for name in properties:
        if name not in table.values and "ok" in table.status:
            known = ", ".join(one for one in table.values if one not in INPUTS)
            raise InputError(f"{path}: has no variable {name}, but {known}")
    return Measurements(
        np.stack([table.values[name] for name in INPUTS], axis=1),
        tuple(table.sample),
        _read_slurries(path),
        tuple(table.status),
        tuple(table.cause),
        {name: table.values.get(name, nothing) for name in properties},
        {name: table.units[name].get("units", "") for name in properties if name in table.units},
        {
            name: table.units[name].get("long_name", "")
            for name in properties
            if name in table.units
        },
    )


def _read_slurries(path: Path) -> tuple[str, ...]:
    with netCDF4.Dataset(path) as file:
        if "slurry" not in file.variables:
            raise InputError(f"{path}: is no dataset of electrodes, it has no slurry")
        return tuple(str(name) for name in file.variables["slurry"][:])


def _first(texts: object) -> str:
    return next((text for text in texts if text), "")
