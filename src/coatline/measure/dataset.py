"""The dataset of a campaign: the rows of all samples, gathered in chunks, then put together.

A chunk holds the samples of fixed slurries, so that a new slurry touches its own chunk alone. Each
sample's file is read once, and of it just scalars and one short profile. Nothing that differs
between two equal campaigns is kept: no times, no hosts.
"""

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np

from coatline.design.table import Design
from coatline.errors import CoatlineError, InputError

SLABS = 50
"""Slabs of equal share of the thickness that profiles are brought to."""

PHASES = ("pore", "cbd", "am")
INPUTS = {
    "active_material": "active material / solids by mass",
    "solid_content": "solids / slurry by mass",
    "compression_rate": "1 - lowest height of the plane / thickness of the dried film",
}
_PROFILE = {
    "units": "1",
    "long_name": "volume fraction over depth",
    "method": "slabs of voxels, averaged over 50 slabs of equal share of the thickness",
}
_KEPT = ("units", "long_name", "method")
_OWN = ("status", "cause", "provenance")


class TooManyFailures(CoatlineError):
    """Fewer samples than the campaign asks for have succeeded."""


@dataclass
class Table:
    """Rows of samples.

    Attributes:
        sample: ids.
        status: `ok` or `failed`, one per sample.
        cause: why, empty where ok.
        values: (n,) per variable, NaN where there is none.
        units: attributes of each variable.
        profile: (n, phases, `SLABS`) volume fractions.
        constants: what is the same for all samples measured.
    """

    sample: list[str] = field(default_factory=list)
    status: list[str] = field(default_factory=list)
    cause: list[str] = field(default_factory=list)
    values: dict[str, np.ndarray] = field(default_factory=dict)
    units: dict[str, dict[str, str]] = field(default_factory=dict)
    profile: np.ndarray = field(default_factory=lambda: np.empty((0, len(PHASES), SLABS)))
    constants: dict[str, Any] = field(default_factory=dict)


def gather_chunk(paths: Sequence[Path], chunk: Path, provenance: Path) -> None:
    """Gather samples into one file, and what made them into another.

    Args:
        paths: files of samples, named by their ids.
        chunk: netCDF file to write.
        provenance: JSON file to write, sample → stage → run.

    Raises:
        InputError: a file cannot be read; the line names it.
    """
    table, made = Table(), {}
    rows, profiles = [], []
    constants: list[dict[str, Any]] = []
    for path in map(Path, paths):
        try:
            with netCDF4.Dataset(path) as file:
                attributes = dict(file.__dict__)
                row, profile = _read_sample(file, table.units)
                status, cause = attributes["status"], attributes["cause"]
        except (OSError, KeyError, RuntimeError) as error:
            raise InputError(
                f"{path}: cannot be read as a measured sample ({error}); remove it to have it "
                "made again"
            ) from None
        table.sample.append(path.stem)
        table.status.append(str(status))
        table.cause.append(str(cause))
        rows.append(row)
        profiles.append(profile)
        made[path.stem] = json.loads(attributes.get("provenance", "{}"))
        if status == "ok":
            constants.append({k: _plain(v) for k, v in attributes.items() if k not in _OWN})
    table.values = {
        name: np.array([row.get(name, np.nan) for row in rows]) for name in sorted(table.units)
    }
    table.profile = np.array(profiles).reshape(-1, len(PHASES), SLABS)
    table.constants = _keep_equal(constants)
    write_table(chunk, table)
    Path(provenance).write_text(json.dumps(made) + "\n", encoding="utf-8")


def _read_sample(
    file: netCDF4.Dataset, units: dict[str, dict[str, str]]
) -> tuple[dict[str, float], np.ndarray]:
    """Read scalars and profile; attributes of variables not seen before are noted."""
    file.set_auto_mask(False)
    row = {}
    for name, variable in file.variables.items():
        if variable.ndim == 0 and variable.dtype.kind == "f":
            row[name] = float(variable[...])
            if name not in units:
                known = variable.__dict__
                units[name] = {key: str(known[key]) for key in _KEPT if key in known}
    if "volume_fraction" not in file.variables:
        return row, np.full((len(PHASES), SLABS), np.nan)
    order = [str(name) for name in file.variables["phase"][:]]
    values = np.asarray(file.variables["volume_fraction"][:], dtype=float)
    return row, average_slabs(values[[order.index(name) for name in PHASES]], SLABS)


def average_slabs(values: np.ndarray, count: int) -> np.ndarray:
    """Average a profile of equal slabs over another number of equal slabs; its mean is kept.

    Args:
        values: (phases, n) means of n slabs of equal thickness.
        count: slabs wanted.

    Returns:
        (phases, `count`) means.
    """
    edges = np.linspace(0, 1, values.shape[1] + 1)
    wanted = np.linspace(0, 1, count + 1)
    total = np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)
    at = np.array([np.interp(wanted, edges, row) for row in total])
    return np.diff(at, axis=1) * count / values.shape[1]


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def _keep_equal(many: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Keep what all mappings agree on."""
    if not many:
        return {}
    first = many[0]
    return {k: v for k, v in first.items() if all(k in one and one[k] == v for one in many[1:])}


def write_table(
    path: Path, table: Table, coordinates: Mapping[str, Any] | None = None, **attributes: Any
) -> None:
    """Write a table as netCDF; equal tables are equal files.

    Args:
        path: file to write.
        table: the rows.
        coordinates: further coordinates over the samples: name → (values, units, long name).
        attributes: further global attributes.
    """
    extra = coordinates or {}
    with netCDF4.Dataset(path, "w") as file:
        for name, value in {**attributes, **table.constants}.items():
            file.setncattr(name, value)
        file.createDimension("sample", len(table.sample))
        file.createDimension("phase", len(PHASES))
        file.createDimension("relative_depth", SLABS)
        _add(file, "sample", ("sample",), table.sample, long_name="id of the sample")
        _add(file, "phase", ("phase",), list(PHASES), long_name="phase")
        middle = (np.arange(SLABS) + 0.5) / SLABS
        text = "height above the collector / thickness, middle of slab"
        _add(file, "relative_depth", ("relative_depth",), middle, units="1", long_name=text)
        for name, (values, units, long_name) in extra.items():
            notes = {"units": units} if units else {}
            _add(file, name, ("sample",), values, **notes, long_name=long_name)
        near = {"coordinates": " ".join(extra)} if extra else {}
        _add(file, "status", ("sample",), table.status, long_name="ok or failed", **near)
        _add(file, "cause", ("sample",), table.cause, long_name="why it failed", **near)
        for name, values in table.values.items():
            _add(file, name, ("sample",), values, **table.units[name], **near)
        axes = ("sample", "phase", "relative_depth")
        _add(file, "volume_fraction", axes, table.profile, **_PROFILE, **near)


def _add(
    file: netCDF4.Dataset, name: str, axes: tuple[str, ...], values: Any, **notes: str
) -> None:
    text = isinstance(values, list)
    variable = file.createVariable(name, str if text else "f8", axes, fill_value=None)
    variable.setncatts(notes)
    if len(values):
        variable[:] = np.array(values, dtype=object) if text else np.asarray(values, dtype=float)


def read_table(path: Path) -> Table:
    """Read a chunk or a dataset back.

    Raises:
        InputError: the file cannot be read as one.
    """
    table = Table()
    try:
        with netCDF4.Dataset(path) as file:
            file.set_auto_mask(False)
            table.constants = {k: _plain(v) for k, v in file.__dict__.items()}
            table.sample = [str(v) for v in file.variables["sample"][:]]
            table.status = [str(v) for v in file.variables["status"][:]]
            table.cause = [str(v) for v in file.variables["cause"][:]]
            table.profile = np.asarray(file.variables["volume_fraction"][:])
            for name, variable in file.variables.items():
                if variable.dimensions == ("sample",) and variable.dtype != str:
                    known = variable.__dict__
                    table.values[name] = np.asarray(variable[:])
                    table.units[name] = {key: str(known[key]) for key in _KEPT if key in known}
    except (OSError, KeyError, RuntimeError) as error:
        raise InputError(f"{path}: cannot be read as a dataset of samples ({error})") from None
    return table


def join_tables(tables: Iterable[Table], order: Sequence[str]) -> Table:
    """Join tables and bring their rows into an order.

    Args:
        tables: of disjoint samples.
        order: ids of all samples wanted.

    Raises:
        InputError: a sample is in none of the tables.
    """
    parts = list(tables)
    samples = [name for part in parts for name in part.sample]
    place = {name: index for index, name in enumerate(samples)}
    missing = [name for name in order if name not in place]
    if missing:
        raise InputError(f"dataset: sample {missing[0]} is in no chunk ({len(missing)} missing)")
    index = [place[name] for name in order]
    units: dict[str, dict[str, str]] = {}
    for part in parts:
        units = part.units | units
    values = {}
    for name in sorted(units):
        columns = [part.values.get(name, np.full(len(part.sample), np.nan)) for part in parts]
        values[name] = np.concatenate(columns)[index]
    status = [one for part in parts for one in part.status]
    cause = [one for part in parts for one in part.cause]
    return Table(
        sample=list(order),
        status=[status[i] for i in index],
        cause=[cause[i] for i in index],
        values=values,
        units=units,
        profile=np.concatenate([part.profile for part in parts])[index],
        constants=_keep_equal([part.constants for part in parts if "ok" in part.status]),
    )


def assemble(
    chunks: Sequence[Path],
    design: Design,
    output: Path,
    *,
    campaign: str,
    material: str,
    physics: Mapping[str, Sequence[str]],
) -> Table:
    """Put chunks together to the dataset of a campaign.

    Args:
        chunks: files of `gather_chunk`.
        design: the samples and their recipes; rows come in its order.
        output: netCDF file to write.
        campaign: its name.
        material: name of the active material.
        physics: stage → hashes of the code and decks that made the samples; one if all were made
            by the same.

    Returns:
        What was written.

    Raises:
        InputError: a chunk cannot be read, or a sample of the design is in none.
    """
    table = join_tables(map(read_table, chunks), [row.sample for row in design])
    coordinates: dict[str, tuple[Any, str, str]] = {
        name: (np.array([getattr(row, name) for row in design]), "%", text)
        for name, text in INPUTS.items()
    }
    coordinates["slurry"] = ([row.slurry for row in design], "", "id of the slurry")
    coordinates["material"] = ([material] * len(design), "", "active material")
    write_table(
        output,
        table,
        coordinates,
        title="simulated electrodes",
        campaign=campaign,
        physics=json.dumps(physics),
    )
    return table


def list_physics(chunks: Iterable[Path | str]) -> dict[str, list[str]]:
    """List the code that made samples: stage → hashes of code and decks, each once.

    Args:
        chunks: files with sample → stage → run, as gathering leaves them.
    """
    found: dict[str, set[str]] = {}
    for chunk in chunks:
        for runs in json.loads(Path(chunk).read_text(encoding="utf-8")).values():
            for stage, run in runs.items():
                if "physics" in run:
                    found.setdefault(stage, set()).add(run["physics"])
    return {stage: sorted(found[stage]) for stage in sorted(found)}


def check_success(table: Table, minimum: float, kept: Path, logs: Path) -> None:
    """Check that enough samples have succeeded.

    Args:
        table: all samples.
        minimum: share that must succeed, 0 to 1.
        kept: file that holds the results so far, for the message.
        logs: folder of the logs, for the message.

    Raises:
        TooManyFailures: fewer have; the line gives counts, causes, and where to look.
    """
    count, failed = len(table.sample), len(table.sample) - table.status.count("ok")
    if count - failed >= minimum * count - 1e-9:
        return
    causes = Counter(c for c, s in zip(table.cause, table.status) if s != "ok")
    shown = "; ".join(f"{number} x {text}" for text, number in causes.most_common(3))
    more = f"; and {len(causes) - 3} other causes" if len(causes) > 3 else ""
    first = table.sample[next(i for i, s in enumerate(table.status) if s != "ok")]
    raise TooManyFailures(
        f"{failed} of {count} samples failed, campaign.minimum_success = {minimum:g} allows "
        f"{math.floor(count * (1 - minimum) + 1e-9)}: {shown}{more}; first {first}; logs in "
        f"{logs}, all results in {kept}"
    )
