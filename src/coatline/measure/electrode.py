"""All properties of one film: from particles to one dataset with units and methods in it."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import xarray as xr

from coatline.errors import InputError
from coatline.manufacture.state import AM, CBD, PORE, Particles
from coatline.measure.contacts import find_pairs, mean_overlap
from coatline.measure.network import solve_network
from coatline.measure.profile import measure_profile
from coatline.measure.surface import sample_surface
from coatline.measure.taufactor import run_taufactor
from coatline.measure.transport import Effective, solve_transport, tortuosity_factor
from coatline.measure.volume import Volume, paint_whole

PERIODIC = (True, True, False)
BLOCKED = "blocked: no connected path from the collector to the surface"

_FLUX = "|inlet - outlet| over the mean flux of the solution"
_SPHERES = "union of spheres, AM enlarged by a common factor to its full volume"
VARIABLES = {
    "thickness": ("um", "thickness", "height above the collector, as given by the pressing plane"),
    "density": ("g/cm3", "density", "solid mass over area times thickness"),
    "porosity": (
        "1",
        "porosity, CBD nanopores included",
        "1 - phi_AM - (1 - n) phi_CBD: all solids, by their volume, are in the film",
    ),
    "porosity_without_nanopores": ("1", "porosity outside AM and CBD beads", _SPHERES),
    "nanoporosity": (
        "1",
        "mean pore share n inside CBD beads",
        "1 - volume of CBD solid over volume of the union of beads: crushed and overlapped beads "
        "have lost pores, never solid; below 0, overlaps ask for more than there were",
    ),
    "volume_fraction_active_material": ("1", "volume fraction of AM", _SPHERES),
    "volume_fraction_cbd": (
        "1",
        "volume fraction of CBD beads, their nanopores included",
        f"{_SPHERES}, outside AM",
    ),
    "active_surface_area": (
        "%",
        "share of the AM surface that faces pores",
        "Fibonacci points on AM spheres tested against their neighbours; parts outside the film "
        "in no share",
    ),
    "specific_surface_area_am_pore": (
        "1/um",
        "AM surface that faces pores per volume of film",
        "Fibonacci points on AM spheres",
    ),
    "specific_surface_area_am_cbd": (
        "1/um",
        "AM surface covered by CBD per volume of film",
        "Fibonacci points on AM spheres",
    ),
    "tortuosity_factor": (
        "1",
        "tortuosity factor of pores and nanoporous CBD through the thickness",
        "sum of phi_i D_i over D_eff; finite volumes on partial-volume voxels",
    ),
    "tortuosity_factor_pore": (
        "1",
        "tortuosity factor of the pores, CBD blocked, through the thickness",
        "porosity without nanopores over D_eff / D_0; finite volumes on partial-volume voxels",
    ),
    "relative_diffusivity": (
        "1",
        "D_eff / D_0 of pores and nanoporous CBD through the thickness",
        "finite volumes on partial-volume voxels",
    ),
    "tortuosity_factor_taufactor": (
        "1",
        "tortuosity factor of the pores by TauFactor",
        "TauFactor PeriodicSolver on the majority labels, taken as cubes",
    ),
    "effective_electronic_conductivity": (
        "S/m",
        "effective electronic conductivity through the thickness",
        "network of the contacts between whole spheres: constriction and interface in series",
    ),
    "flux_mismatch_diffusivity": ("1", "flux mismatch of the diffusivity", _FLUX),
    "flux_mismatch_pore": ("1", "flux mismatch of the diffusivity of pores alone", _FLUX),
    "flux_mismatch_conductivity": ("1", "flux mismatch of the conductivity", _FLUX),
    "overlap_volume": (
        "%",
        "AM volume that spheres pressed together share with each other",
        "1 - union over sum of the spheres, before AM is enlarged to its full volume",
    ),
    "mean_overlap": (
        "%",
        "mean overlap of touching spheres over the smaller one's diameter",
        "all touching pairs, periodic in x and y",
    ),
    "sphere_volume_fraction": (
        "1",
        "sum of whole sphere volumes over the volume of the film",
        "overlaps counted twice; the union is smaller",
    ),
}
"""Units, long name and method of every scalar."""


def diffusivity_field(volume: Volume, cbd_diffusivity: float) -> np.ndarray:
    """Local diffusivity over D_0: pores 1, CBD as given, mixed by volume in shared voxels."""
    return volume.pore + np.float32(cbd_diffusivity) * volume.cbd


def measure_electrode(
    particles: Particles,
    height: float,
    *,
    solid_mass: float,
    cbd_solid_volume: float,
    conductivity: dict[str, float],
    cbd_diffusivity: float = 0.05,
    voxel_size: float = 0.4,
    supersampling: int = 4,
    contact_resistance: float = 0.0,
    cbd_coverage: float = 0.0,
    bead_diameter: float = 0.0,
    threads: int = 1,
    keep_labels: bool = False,
    solve: bool = True,
) -> xr.Dataset:
    """Structure and effective properties of a film.

    Args:
        particles: the film on its collector at z = 0, periodic in x and y, in µm.
        height: thickness of the film in µm.
        solid_mass: mass of all solids in pg.
        cbd_solid_volume: volume of the CBD's solid without nanopores in µm³.
        conductivity: bulk electronic conductivity of `am` and `cbd` (as a nanoporous bead) in S/m.
        cbd_diffusivity: diffusivity within CBD over that of the pores.
        voxel_size: in µm.
        supersampling: sample points per voxel edge.
        contact_resistance: of the interface where two particles touch, Ω cm².
        cbd_coverage: distance in µm from CBD beads within which AM counts as covered by them.
        bead_diameter: of a CBD bead before it was crushed, in µm. Binder reaches as far as it did:
            crushing takes nanopores, not the strands that bind a bead to its neighbours. Electric
            contacts and coverage go by this diameter where a bead is smaller now; 0 takes beads as
            they are.
        threads: for torch; the rest runs on one.
        keep_labels: also keep `label(x, y, z)`.
        solve: False leaves out all transport (structure only: a fraction of the time).

    Returns:
        Dataset of the scalars in `VARIABLES`, `volume_fraction(phase, depth)` and, if asked,
        `label`. A value that does not exist because nothing percolates is NaN, and its attribute
        `note` says so.

    Raises:
        InputError: an argument is out of range, or no AM or CBD sphere is given.
        UnconvergedError: a solver failed; no dataset is made.
    """
    _check(particles, height, solid_mass, cbd_solid_volume, conductivity, cbd_diffusivity)
    box = particles.side[0] * particles.side[1] * height
    pairs = find_pairs(particles)
    whole = _extend_beads(particles, bead_diameter)
    volume = paint_whole(particles, height, voxel_size, supersampling)
    share = volume.fraction
    surface = sample_surface(whole, height, coverage=cbd_coverage)
    nanoporosity = 1 - cbd_solid_volume / (share["cbd"] * box) if share["cbd"] else 0.0
    values = {
        "thickness": float(height),
        "density": solid_mass / box,
        "porosity": 1 - share["am"] - cbd_solid_volume / box,
        "porosity_without_nanopores": share["pore"],
        "nanoporosity": nanoporosity,
        "volume_fraction_active_material": share["am"],
        "volume_fraction_cbd": share["cbd"],
        "active_surface_area": surface.active_surface_area,
        "specific_surface_area_am_pore": surface.pore / box,
        "specific_surface_area_am_cbd": surface.cbd / box,
        "overlap_volume": 100 * volume.overlap,
        "mean_overlap": mean_overlap(particles, pairs),
        "sphere_volume_fraction": float(np.pi / 6 * (particles.diameter**3).sum() / box),
    }
    if solve:
        values |= _solve_pores(volume, cbd_diffusivity, threads)
        bulk = np.where(whole.phase == CBD, conductivity["cbd"], conductivity["am"])
        current = solve_network(whole, height, bulk, contact_resistance)
        values["effective_electronic_conductivity"] = _or_nan(current)
        values["flux_mismatch_conductivity"] = current.flux_mismatch
    dataset = _describe(values)
    depth, profile = measure_profile(volume)
    dataset["volume_fraction"] = (
        ("phase", "depth"),
        profile,
        _attributes("1", "volume fraction over depth", f"voxel slabs; {_SPHERES}"),
    )
    dataset = dataset.assign_coords(
        phase=("phase", ["pore", "cbd", "am"], _attributes("", "phase", "order of the labels")),
        depth=("depth", depth, _attributes("um", "height above the collector", "middle of slab")),
    )
    dataset.attrs = {
        "conductivity_am": float(conductivity["am"]),
        "conductivity_cbd": float(conductivity["cbd"]),
        "cbd_diffusivity": float(cbd_diffusivity),
        "contact_resistance": float(contact_resistance),
        "voxel_edges": [float(edge) for edge in volume.spacing],
        "cbd_coverage": float(cbd_coverage),
        "bead_diameter": float(bead_diameter),
        "supersampling": int(supersampling),
    }
    return _add_labels(dataset, volume) if keep_labels else dataset


def write_electrode(path: Path, dataset: xr.Dataset) -> None:
    """Write a measured electrode as netCDF; labels are chunked and compressed."""
    encoding = {}
    if "label" in dataset:
        chunk = tuple(min(64, count) for count in dataset["label"].shape)
        encoding["label"] = {"zlib": True, "complevel": 4, "chunksizes": chunk, "dtype": "u1"}
    for name in dataset.variables:
        encoding.setdefault(name, {})
        if dataset[name].dtype.kind == "f" or name == "label":
            encoding[name]["_FillValue"] = None
    dataset.to_netcdf(path, engine="netcdf4", encoding=encoding)


def _extend_beads(particles: Particles, bead_diameter: float) -> Particles:
    """The film with each bead as large as it was before it was crushed."""
    extended = np.where(
        particles.phase == CBD, np.maximum(particles.diameter, bead_diameter), particles.diameter
    )
    return replace(particles, diameter=extended)


def _solve_pores(volume: Volume, cbd_diffusivity: float, threads: int) -> dict[str, float]:
    def through(field: np.ndarray, share: np.ndarray | None = None) -> Effective:
        return solve_transport(field, volume.spacing, 2, PERIODIC, share)

    field = diffusivity_field(volume, cbd_diffusivity)
    both = through(field, volume.pore + volume.cbd)
    pore = through(volume.pore, volume.pore)
    taufactor = run_taufactor(volume.label == PORE, 2, True, threads)
    return {
        "tortuosity_factor": tortuosity_factor(float(field.mean(dtype=np.float64)), both),
        "tortuosity_factor_pore": tortuosity_factor(volume.fraction["pore"], pore),
        "relative_diffusivity": _or_nan(both),
        "tortuosity_factor_taufactor": taufactor,
        "flux_mismatch_diffusivity": both.flux_mismatch,
        "flux_mismatch_pore": pore.flux_mismatch,
    }


def _or_nan(effective: Effective) -> float:
    return effective.value if effective.percolates else math.nan


def _attributes(units: str, long_name: str, method: str) -> dict[str, str]:
    return {"units": units, "long_name": long_name, "method": method}


def _describe(values: dict[str, float]) -> xr.Dataset:
    dataset = xr.Dataset()
    for name, text in VARIABLES.items():
        if name not in values:
            continue
        attributes = _attributes(*text)
        if math.isnan(values[name]):
            known = name == "active_surface_area"
            attributes["note"] = "no AM surface within the film" if known else BLOCKED
        dataset[name] = ((), values[name], attributes)
    return dataset


def _add_labels(dataset: xr.Dataset, volume: Volume) -> xr.Dataset:
    axes = {
        name: (name, (np.arange(count) + 0.5) * edge, _attributes("um", name, "voxel middle"))
        for name, count, edge in zip("xyz", volume.label.shape, volume.spacing)
    }
    attributes = _attributes("", "phase label", "phase that fills most of the voxel")
    attributes |= {
        "flag_values": np.array([PORE, CBD, AM], np.uint8),
        "flag_meanings": "pore cbd am",
    }
    dataset["label"] = (("x", "y", "z"), volume.label, attributes)
    return dataset.assign_coords(axes)


def _check(
    particles: Particles,
    height: float,
    solid_mass: float,
    cbd_solid_volume: float,
    conductivity: dict[str, float],
    cbd_diffusivity: float,
) -> None:
    if len(particles) == 0:
        raise InputError("electrode: holds no particles")
    for name, array in (("position", particles.position), ("diameter", particles.diameter)):
        if not np.isfinite(array).all():
            raise InputError(f"electrode: a {name} is not a finite number")
    if particles.diameter.min() <= 0:
        raise InputError("electrode: a diameter is not positive")
    largest = float(particles.diameter.max())
    if largest > min(particles.side):
        raise InputError(
            f"electrode: lateral size {min(particles.side):g} µm is below the largest particle's "
            f"diameter, {largest:g} µm"
        )
    for name, value in (
        ("height", height),
        ("solid_mass", solid_mass),
        ("cbd_solid_volume", cbd_solid_volume),
    ):
        if not (math.isfinite(value) and value > 0):
            raise InputError(f"electrode: {name} {value} must be positive")
    if not 0 <= cbd_diffusivity <= 1:
        raise InputError(f"electrode: cbd_diffusivity {cbd_diffusivity} must lie within 0 and 1")
    for phase in ("am", "cbd"):
        value = conductivity.get(phase)
        if value is None or not (math.isfinite(value) and value > 0):
            raise InputError(f"electrode: conductivity of {phase}, {value}, must be positive (S/m)")
