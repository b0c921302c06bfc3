"""The record of a stage: time series and results as netCDF, or why it failed."""

from collections.abc import Mapping
from pathlib import Path

import netCDF4
import numpy as np

from coatline.errors import InputError

SERIES = {
    "step": ("1", "time step"),
    "time": ("us", "simulated time"),
    "height": ("um", "height of the plane above the collector"),
    "speed": ("um/us", "speed of the plane, upwards"),
    "pressure_top": ("kPa", "pressure on the plane"),
    "pressure_bottom": ("kPa", "pressure on the collector"),
    "kinetic": ("fJ", "kinetic energy of the particles"),
    "unbalanced": ("1", "rms net force on a particle / rms force in a contact"),
    "coordination": ("1", "contacts per particle"),
    "density": ("g/cm3", "mass between collector and plane over area times height"),
}
"""Time series: units and meaning. `film.lmp` writes all but the density, which follows."""

RESULTS = {
    "area": ("µm2", "film area"),
    "side": ("um", "lateral size of the film"),
    "solid_mass": ("pg", "solid mass of the film"),
    "solid_volume": ("um3", "volume of the solids without any pores"),
    "cbd_solid_volume": ("um3", "volume of the carbon-binder solid without nanopores"),
    "cbd_mass": ("pg", "mass of the carbon-binder domain"),
    "solvent_mass": ("pg", "mass of the solvent"),
    "nanoporosity": ("1", "pore share inside a dried, uncrushed CBD bead"),
    "am_density": ("g/cm3", "density of active material"),
    "marker": ("1", "atom id of the plane's marker"),
    "am_diameter_mean": ("um", "mean AM diameter by volume; smaller particles are made heavier"),
    "am_diameter": ("um", "diameter of each class of AM particles, smallest first"),
    "am_diameter_smallest": ("um", "smallest AM particle"),
    "am_mass_smallest": ("pg", "its mass"),
    "bead_diameter": ("um", "dried CBD bead"),
    "bead_diameter_liquid": ("um", "CBD bead with its solvent"),
    "bead_mass_liquid": ("pg", "its mass"),
    "active_material": ("%", "AM mass / solid mass"),
    "solid_content": ("%", "solid mass / slurry mass"),
    "compression_rate": ("%", "1 - lowest plane height / thickness of the dried film"),
    "density_slurry": ("g/cm3", "slurry mass / (area x height under the slurry pressure)"),
    "density_slurry_additive": ("g/cm3", "slurry density by additive volumes"),
    "time_step": ("us", "time step"),
    "attempts": ("1", "runs needed, each with half the time step of the one before"),
    "press_speed": ("um/us", "speed of the plane while pressing"),
    "thickness_dried": ("um", "thickness of the dried film"),
    "thickness_lowest": ("um", "lowest height of the plane"),
    "thickness": ("um", "height at which a slowly lowered plane first carries 10 kPa"),
    "spring_back": ("1", "(thickness - lowest height) / (dried thickness - lowest height)"),
    "pressure_peak": ("kPa", "highest pressure on the plane"),
    "pressure_collector": ("kPa", "pressure on the collector at the lowest height"),
}
"""Results that a record may hold: units and meaning."""

CLASSES = "am_class"
"""Dimension of the one result that is an array, `am_diameter`."""


def write_record(
    path: Path,
    results: Mapping[str, float | np.ndarray],
    series: Path | None = None,
    *,
    mass: float | None = None,
    cause: str = "",
    attributes: Mapping[str, str] | None = None,
) -> None:
    """Write a stage's record.

    Args:
        path: netCDF file to write.
        results: values by the names in `RESULTS`.
        series: the text table that `film.lmp` wrote, or None.
        mass: of what lies between the walls, pg, for the density over time: the slurry with its
            solvent, or the solids of a film.
        cause: why the stage failed; empty if it did not.
        attributes: further global attributes.
    """
    with netCDF4.Dataset(path, "w") as file:
        file.status = "failed" if cause else "ok"
        file.cause = cause
        for name, text in (attributes or {}).items():
            file.setncattr(name, text)
        for name, value in results.items():
            units, long_name = RESULTS[name]
            if np.ndim(value):
                file.createDimension(CLASSES, len(value))
            variable = file.createVariable(name, "f8", (CLASSES,) if np.ndim(value) else ())
            variable.units, variable.long_name = units, long_name
            variable[...] = value
        if series is not None and series.exists():
            table = read_series(series)
            if mass is not None:
                table["density"] = mass / (results["area"] * table["height"])
            file.createDimension("row", len(table["step"]))
            for name, values in table.items():
                units, long_name = SERIES[name]
                variable = file.createVariable(f"series_{name}", "f8", ("row",), zlib=True)
                variable.units, variable.long_name = units, long_name
                variable[:] = values


def read_series(path: Path) -> dict[str, np.ndarray]:
    """Read the time series of a run, one array per column; a row cut off by a kill is left out."""
    lines = path.read_text(encoding="ascii").splitlines()
    names = lines[0].split()
    rows = [line.split() for line in lines[1:]]
    table = np.array([row for row in rows if len(row) == len(names)], dtype=float)
    return dict(zip(names, table.reshape(-1, len(names)).T))


def read_status(path: Path) -> tuple[str, str]:
    """Status (`ok` or `failed`) and cause of a record.

    Raises:
        InputError: the file is missing or is no record.
    """
    try:
        with netCDF4.Dataset(path) as file:
            return str(file.status), str(file.cause)
    except (OSError, AttributeError) as error:
        raise InputError(f"{path}: cannot be read as a stage record ({error})") from None


def read_results(path: Path) -> dict[str, float | np.ndarray]:
    """All results of a record, by name: numbers, and one array by class of AM particles."""
    with netCDF4.Dataset(path) as file:
        return {
            name: float(variable[...]) if variable.ndim == 0 else np.asarray(variable[:])
            for name, variable in file.variables.items()
            if not name.startswith("series_")
        }


def read_series_of(path: Path) -> dict[str, np.ndarray]:
    """The time series of a record, one array per column of `SERIES`."""
    with netCDF4.Dataset(path) as file:
        return {
            name.removeprefix("series_"): np.asarray(variable[:])
            for name, variable in file.variables.items()
            if name.startswith("series_")
        }
