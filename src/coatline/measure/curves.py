"""The calendering curves of a campaign: height, pressure and porosity of each film under load.

They come from the records of pressing. One file holds them on one fixed grid of compressions, so
that films can be averaged and compared.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import netCDF4
import numpy as np

from coatline.design.table import Design
from coatline.errors import InputError
from coatline.manufacture.record import RESULTS, read_results, read_series_of, read_status

STEP = 1.0
"""Distance of two compressions of the grid, %."""

CURVES = {
    "height": ("um", "height of the plane above the collector"),
    "pressure": ("kPa", "pressure on the plane"),
    "porosity": (
        "1",
        "porosity under load, CBD nanopores included: 1 - volume of solids / (area x height)",
    ),
}
"""What is kept over compression: units and meaning."""

SCALARS = ("thickness_dried", "density_slurry", "density_slurry_additive", "press_speed")
"""What is kept of each slurry, named as in the records."""

INPUTS = {
    "active_material": "active material / solids by mass",
    "solid_content": "solids / slurry by mass",
}


@dataclass(frozen=True)
class Curves:
    """Calendering curves of the slurries of a campaign.

    Attributes:
        slurry: ids.
        compression: (m,) 1 - height of the plane / thickness of the dried film, %.
        active_material, solid_content: (n,) of the slurries, %.
        status, cause: of pressing.
        curves: (n, m) per name in `CURVES`, NaN beyond what a film was pressed to.
        scalars: (n,) per name in `SCALARS`, NaN where a slurry never came so far.
    """

    slurry: list[str]
    compression: np.ndarray
    active_material: np.ndarray
    solid_content: np.ndarray
    status: list[str]
    cause: list[str]
    curves: dict[str, np.ndarray]
    scalars: dict[str, np.ndarray]


def grid_compressions(upper_compression: float) -> np.ndarray:
    """List the compressions of the grid: 0, 1, … up to a design's upper compression, %."""
    return STEP * np.arange(int(upper_compression / STEP + 1e-9) + 1)


def read_curve(record: Path, compression: np.ndarray) -> dict[str, np.ndarray]:
    """Read the calendering curve of one film.

    Args:
        record: of pressing, complete or failed on the way.
        compression: (m,) grid, %.

    Returns:
        Name in `CURVES` → (m,), linear between the rows of the record; NaN where it has none.
    """
    results, series = read_results(record), read_series_of(record)
    if not len(series.get("height", ())) or "thickness_dried" not in results:
        return {name: np.full(len(compression), np.nan) for name in CURVES}
    reached = 100 * (1 - series["height"] / results["thickness_dried"])
    # The plane never goes up while it presses, but a rounded height may.
    reached = np.maximum.accumulate(reached)
    at = np.where(np.abs(compression - reached[-1]) < 1e-3, reached[-1], compression)
    at = np.where(np.abs(at - reached[0]) < 1e-3, reached[0], at)

    def look_up(values: np.ndarray) -> np.ndarray:
        return np.interp(at, reached, values, left=np.nan, right=np.nan)

    height = look_up(series["height"])
    return {
        "height": height,
        "pressure": look_up(series["pressure_top"]),
        "porosity": 1 - results["solid_volume"] / (results["area"] * height),
    }


def gather_curves(
    records: Mapping[str, Path], design: Design, output: Path, upper_compression: float
) -> None:
    """Gather the calendering curves of a campaign into one file.

    Args:
        records: id of the slurry → record of its pressing.
        design: the samples and their recipes; slurries come in its order.
        output: netCDF file to write.
        upper_compression: the design's, %.

    Raises:
        InputError: a record is missing or cannot be read.
    """
    missing = [slurry for slurry in design.slurries if slurry not in records]
    if missing:
        raise InputError(f"curves: slurry {missing[0]} has no record ({len(missing)} missing)")
    compression = grid_compressions(upper_compression)
    curves: dict[str, list[np.ndarray]] = {name: [] for name in CURVES}
    scalars: dict[str, list[float]] = {name: [] for name in SCALARS}
    states = []
    for slurry in design.slurries:
        states.append(read_status(records[slurry]))
        results = read_results(records[slurry])
        for name, values in read_curve(records[slurry], compression).items():
            curves[name].append(values)
        for name in SCALARS:
            scalars[name].append(results.get(name, np.nan))
    rows = design.slurries.values()
    write_curves(
        output,
        Curves(
            slurry=list(design.slurries),
            compression=compression,
            active_material=np.array([row.active_material for row in rows]),
            solid_content=np.array([row.solid_content for row in rows]),
            status=[status for status, _ in states],
            cause=[cause for _, cause in states],
            curves={name: np.array(values) for name, values in curves.items()},
            scalars={name: np.array(values) for name, values in scalars.items()},
        ),
    )


def write_curves(path: Path, table: Curves) -> None:
    """Write curves as netCDF; equal curves are equal files."""
    with netCDF4.Dataset(path, "w") as file:
        file.title = "calendering curves of simulated electrodes"
        file.createDimension("slurry", len(table.slurry))
        file.createDimension("compression", len(table.compression))
        _add(file, "slurry", ("slurry",), table.slurry, "", "id of the slurry")
        meaning = "1 - height of the plane / thickness of the dried film"
        _add(file, "compression", ("compression",), table.compression, "%", meaning)
        for name, text in INPUTS.items():
            _add(file, name, ("slurry",), getattr(table, name), "%", text)
        _add(file, "status", ("slurry",), table.status, "", "of pressing: ok or failed")
        _add(file, "cause", ("slurry",), table.cause, "", "why it failed")
        near = " ".join(INPUTS)
        for name, values in table.scalars.items():
            _add(file, name, ("slurry",), values, *RESULTS[name], coordinates=near)
        for name, values in table.curves.items():
            axes = ("slurry", "compression")
            _add(file, name, axes, values, *CURVES[name], coordinates=near)


def _add(
    file: netCDF4.Dataset,
    name: str,
    axes: tuple[str, ...],
    values: Sequence[str] | np.ndarray,
    units: str,
    long_name: str,
    **notes: str,
) -> None:
    text = isinstance(values, list)
    variable = file.createVariable(name, str if text else "f8", axes, fill_value=None)
    variable.long_name = long_name
    variable.setncatts({"units": units} | notes if units else notes)
    if len(values):
        variable[:] = np.array(values, dtype=object) if text else values


def read_curves(path: Path) -> Curves:
    """Read curves back.

    Raises:
        InputError: the file cannot be read as calendering curves.
    """
    try:
        with netCDF4.Dataset(path) as file:
            file.set_auto_mask(False)
            known = file.variables

            def texts(name: str) -> list[str]:
                return [str(value) for value in known[name][:]]

            return Curves(
                slurry=texts("slurry"),
                compression=np.asarray(known["compression"][:]),
                active_material=np.asarray(known["active_material"][:]),
                solid_content=np.asarray(known["solid_content"][:]),
                status=texts("status"),
                cause=texts("cause"),
                curves={name: np.asarray(known[name][:]) for name in CURVES},
                scalars={name: np.asarray(known[name][:]) for name in SCALARS},
            )
    except (OSError, KeyError, RuntimeError) as error:
        raise InputError(f"{path}: cannot be read as calendering curves ({error})") from None
