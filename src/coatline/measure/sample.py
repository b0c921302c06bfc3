"""Measuring one sample of a campaign: its electrode, or the cause that it has none."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import netCDF4

from coatline.errors import InputError
from coatline.manufacture.record import read_results, read_status
from coatline.manufacture.state import read_state
from coatline.measure.electrode import VARIABLES, measure_electrode, write_electrode
from coatline.measure.transport import UnconvergedError

CALENDERING = {
    "thickness_dried": ("um", "thickness of the dried film", "plane lowered to 10 kPa"),
    "thickness_lowest": ("um", "lowest height of the calendering plane", "height of the plane"),
    "spring_back": (
        "1",
        "share of the compression that comes back on release",
        "(thickness - lowest height) / (dried thickness - lowest height)",
    ),
    "pressure_peak": (
        "kPa",
        "highest pressure on the calendering plane",
        "wall force over area, means over the lines of the record",
    ),
}
"""What the calendering record adds: units, long name and method."""


def measure_sample(
    record: Path,
    data: Path,
    output: Path,
    *,
    conductivities: Mapping[str, float],
    settings: dict[str, Any],
    threads: int = 1,
) -> None:
    """Measure a calendered electrode and write the result.

    A sample that failed before, or one whose transport does not converge, becomes a file with
    status `failed` and its cause.

    Args:
        record: of calendering, netCDF.
        data: its particles, LAMMPS data; empty where calendering failed.
        output: netCDF file to write.
        conductivities: see `measure_contacts`.
        settings: `voxel_size` in µm, `supersampling`, `keep_labels`.
        threads: for torch.

    Raises:
        InputError: record or data cannot be read.
    """
    status, cause = read_status(record)
    if status != "ok":
        write_failure(output, cause)
        return
    results = read_results(record)
    particles = read_state(data)
    try:
        dataset = measure_electrode(
            particles,
            results["thickness"],
            solid_mass=results["solid_mass"],
            cbd_solid_volume=results["cbd_solid_volume"],
            bead_diameter=results["bead_diameter"],
            **measure_contacts(conductivities),
            threads=threads,
            **settings,
        )
    except (UnconvergedError, InputError) as error:
        write_failure(output, f"measure: {error}")
        return
    for name, (units, long_name, method) in CALENDERING.items():
        if name in results:
            attributes = {"units": units, "long_name": long_name, "method": method}
            dataset[name] = ((), results[name], attributes)
    dataset.attrs |= {"status": "ok", "cause": ""}
    write_electrode(output, dataset)


def measure_contacts(conductivities: Mapping[str, float]) -> dict[str, Any]:
    """The arguments of `measure_electrode` that a material gives.

    Args:
        conductivities: `conductivity_active_material` and `conductivity_carbon_binder` in S/m,
            `contact_resistance` in Ω cm², `diffusivity_carbon_binder` over that of the pores,
            `coverage` in µm.
    """
    return {
        "conductivity": {
            "am": conductivities["conductivity_active_material"],
            "cbd": conductivities["conductivity_carbon_binder"],
        },
        "cbd_diffusivity": conductivities["diffusivity_carbon_binder"],
        "contact_resistance": conductivities["contact_resistance"],
        "cbd_coverage": conductivities["coverage"],
    }


def write_failure(path: Path, cause: str) -> None:
    """Write the file of a sample that could not be made or measured."""
    with netCDF4.Dataset(path, "w") as file:
        file.status = "failed"
        file.cause = cause or "unknown"


__all__ = ["CALENDERING", "VARIABLES", "measure_sample", "write_failure"]
