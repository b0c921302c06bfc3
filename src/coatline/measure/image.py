"""Measure a labelled image of anyone's: the file formats, the checks and the numbers.

TIFF pages are z, their rows y and columns x, so that a stack is transposed to [x, y, z]. NPY
files and netCDF variables are [x, y, z] as they are; a netCDF variable whose dimensions are named
x, y and z in another order is put into that order. The sides of an image are closed (no flux),
unlike those of a simulated film, which are periodic.
"""

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from coatline.errors import InputError
from coatline.manufacture.state import AM, CBD, PORE

AXES = "xyz"
PHASES = {"pore": PORE, "am": AM, "cbd": CBD}
SUFFIXES = {
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".npy": "NPY",
    ".nc": "netCDF",
    ".nc4": "netCDF",
    ".cdf": "netCDF",
}
BYTES_PER_VOXEL = 900
"""Peak memory of the solver, measured on fully open fields (multigrid levels included)."""


@dataclass(frozen=True)
class _Source:
    """A volume not yet loaded: its shape [x, y, z], type, and how to get it."""

    shape: tuple[int, ...]
    dtype: np.dtype
    load: Callable[[], np.ndarray]


def parse_labels(text: str) -> dict[str, int]:
    """Read `pore=0,am=1,cbd=2` into phase → label; pore and am are needed, cbd may be absent.

    Raises:
        InputError: unknown, doubled or missing phase; a label that is no whole number or doubled.
    """
    labels: dict[str, int] = {}
    for item in text.split(","):
        name, equals, value = (part.strip() for part in item.partition("="))
        if name not in PHASES or not equals:
            raise InputError(f"--labels: '{item}' is not one of pore=N, am=N, cbd=N")
        if name in labels:
            raise InputError(f"--labels: {name} is given twice")
        try:
            labels[name] = int(value)
        except ValueError:
            raise InputError(f"--labels: {name}={value} is not a whole number") from None
    for name in ("pore", "am"):
        if name not in labels:
            raise InputError(f"--labels: {name} is missing; expected such as pore=0,am=1,cbd=2")
    for name, value in labels.items():
        twin = next(other for other, number in labels.items() if number == value)
        if twin != name:
            raise InputError(f"--labels: {twin} and {name} both have the label {value}")
    return labels


def parse_conductivity(text: str) -> dict[str, float]:
    """Read `am=0.01,cbd=18.8` into positive numbers for both phases.

    Raises:
        InputError: anything else.
    """
    values: dict[str, float] = {}
    for item in text.split(","):
        name, _, value = (part.strip() for part in item.partition("="))
        try:
            values[name] = float(value)
        except ValueError:
            values[name] = math.nan
        if name not in ("am", "cbd") or not 1e-12 <= values[name] <= 1e12:
            raise InputError(f"--conductivity: '{item}' is not am=S or cbd=S with S above 0 (S/m)")
    if len(values) != 2 or text.count("=") != 2:
        raise InputError("--conductivity: give both once, such as am=0.01,cbd=18.8")
    return values


def read_labels(path: Path, labels: dict[str, int]) -> np.ndarray:
    """Read a labelled volume and translate its labels.

    Args:
        path: .tif, .tiff, .npy, .nc, .nc4 or .cdf file.
        labels: phase → label in the file, see `parse_labels`.

    Returns:
        (nx, ny, nz) uint8 with pore 0, CBD 1, AM 2.

    Raises:
        InputError: no such file, format or volume; a label not named; too large to measure.
    """
    path = Path(path)
    source = _open(path)
    if 0 in source.shape or not source.shape:
        raise InputError(f"{path}: is empty (shape {_show(source.shape)})")
    if len(source.shape) != 3:
        raise InputError(
            f"{path}: has {len(source.shape)} dimensions ({_show(source.shape)}); expected three"
        )
    if source.dtype.kind not in "iub":
        raise InputError(f"{path}: holds {source.dtype} values; labels must be whole numbers")
    _check_memory(path, source.shape)
    try:
        raw = source.load()
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{path}: cannot be read ({_first_line(error)})") from None
    return _translate(path, raw, labels)


def measure_image(
    label: np.ndarray,
    voxel_size: float,
    axes: str = "z",
    *,
    conductivity: dict[str, float],
    cbd_diffusivity: float = 0.05,
) -> dict:
    """Structure and effective transport of a labelled image with closed sides.

    Args:
        label: (nx, ny, nz) uint8, pore 0, CBD 1, AM 2.
        voxel_size: edge of the cubic voxels in µm.
        axes: directions of transport, out of x, y and z.
        conductivity: of `am` and `cbd`; only their ratio matters.
        cbd_diffusivity: diffusivity within CBD over that of the pores.

    Returns:
        The object that `coatline extract --json` prints. Values that do not exist because nothing
        percolates are None. `percolates` is about the pores. `relative_conductivity` is the solid's
        effective conductivity over that of CBD, or of AM in an image without CBD.

    Raises:
        InputError: an argument is out of range, or an axis is shorter than two voxels.
    """
    from coatline.measure.surface import interface_areas
    from coatline.measure.transport import solve_transport

    if not 1e-6 <= voxel_size <= 1e6:
        raise InputError(f"--voxel-size {voxel_size:g}: must be positive (µm), from 1e-6 to 1e6")
    if not (math.isfinite(cbd_diffusivity) and 0 <= cbd_diffusivity <= 1):
        raise InputError(f"--diffusivity-cbd {cbd_diffusivity:g}: must lie within 0 and 1")
    for axis in axes:
        if label.shape[AXES.index(axis)] < 2:
            raise InputError(f"--axis {axis}: the image is a single voxel long there; needs two")
    share = {name: float((label == value).mean()) for name, value in PHASES.items()}
    area = interface_areas(label)
    volume = label.size * voxel_size
    has_cbd = share["cbd"] > 0
    diffusivity = np.zeros(3, np.float32)
    diffusivity[[PORE, CBD]] = 1.0, cbd_diffusivity
    solid = np.zeros(3)
    solid[AM] = conductivity["am"] / conductivity["cbd"] if has_cbd else 1.0
    solid[CBD] = 1.0
    capacity = share["pore"] + float(diffusivity[CBD]) * share["cbd"]
    result = {
        "shape": list(label.shape),
        "voxel_size": voxel_size,
        "volume_fraction": share,
        "porosity_without_nanopores": share["pore"],
        "specific_surface_area": {
            "am_pore": area.get((PORE, AM), 0.0) / volume,
            "am_cbd": area.get((CBD, AM), 0.0) / volume,
        },
    }
    names = (
        "tortuosity_factor_pore",
        "tortuosity_factor",
        "relative_diffusivity",
        "relative_conductivity",
        "percolates",
    )
    result |= {name: {} for name in names}
    for axis in axes:
        number = AXES.index(axis)
        pore = solve_transport((label == PORE).astype(np.float32), axis=number)
        both = solve_transport(diffusivity[label], axis=number) if has_cbd else pore
        current = solve_transport(solid[label], axis=number)
        row = (
            share["pore"] / pore.value if pore.percolates else None,
            capacity / both.value if both.percolates else None,
            both.value if both.percolates else None,
            current.value if current.percolates else None,
            pore.percolates,
        )
        for name, value in zip(names, row):
            result[name][axis] = value
    return result


def format_table(result: dict, path: str) -> str:
    """The result of `measure_image` as lines for people."""
    shape = " x ".join(str(count) for count in result["shape"])
    lines = [f"{path}: {shape} voxels of {result['voxel_size']:g} µm", ""]
    for name, value in result["volume_fraction"].items():
        lines.append(f"{'volume fraction, ' + name:<42}{100 * value:10.2f} %")
    for name, value in result["specific_surface_area"].items():
        text = "interface area, " + name.replace("_", "-")
        lines.append(f"{text:<42}{value:10.4f} 1/µm")
    axes = list(result["percolates"])
    lines += ["", f"{'along':<42}" + "".join(f"{axis:>10}" for axis in axes)]
    rows = {
        "pores percolate": "percolates",
        "tortuosity factor, pores": "tortuosity_factor_pore",
        "tortuosity factor, pores and CBD": "tortuosity_factor",
        "relative diffusivity": "relative_diffusivity",
        "relative conductivity of the solid": "relative_conductivity",
    }
    for text, name in rows.items():
        cells = (_format_cell(result[name][axis]) for axis in axes)
        lines.append(f"{text:<42}" + "".join(f"{cell:>10}" for cell in cells))
    return "\n".join(lines)


def _format_cell(value: float | bool | None) -> str:
    if value is None:
        return "blocked"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}"


def _show(shape: tuple[int, ...]) -> str:
    return " x ".join(str(count) for count in shape) if shape else "none"


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:160]


def _open(path: Path) -> _Source:
    kind = SUFFIXES.get(path.suffix.lower())
    if not path.exists():
        raise InputError(f"{path}: no such file")
    if path.is_dir():
        raise InputError(f"{path}: is a folder; expected a file")
    if kind is None:
        known = ", ".join(SUFFIXES)
        raise InputError(f"{path}: unknown kind of file '{path.suffix}'; expected one of {known}")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: is an empty file")
    opener = {"TIFF": _open_tiff, "NPY": _open_npy, "netCDF": _open_netcdf}[kind]
    try:
        return opener(path)
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{path}: cannot be read as {kind} ({_first_line(error)})") from None


def _open_npy(path: Path) -> _Source:
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    return _Source(array.shape, array.dtype, lambda: np.asarray(array))


def _open_tiff(path: Path) -> _Source:
    import logging

    import tifffile

    logging.getLogger("tifffile").setLevel(logging.CRITICAL)
    with tifffile.TiffFile(path) as file:
        series = file.series[0]
        shape, dtype, axes = series.shape, series.dtype, series.axes
    if "C" in axes:
        raise InputError(f"{path}: has channels ({axes}, {_show(shape)}); expected one label image")
    if "S" in axes:
        raise InputError(f"{path}: is a colour image ({_show(shape)}); expected labels")

    def load() -> np.ndarray:
        try:
            pages = tifffile.imread(path)
        except ValueError:  # a compression that tifffile needs another package for
            pages = _read_pages(path)
        if pages.shape != shape:
            raise InputError(f"{path}: its pages differ in size; expected a stack of equal pages")
        return pages.transpose(2, 1, 0)

    return _Source(shape[::-1], np.dtype(dtype), load)


def _read_pages(path: Path) -> np.ndarray:
    from PIL import Image, ImageSequence

    with warnings.catch_warnings(), Image.open(path) as image:
        warnings.simplefilter("ignore")
        return np.stack([np.array(page) for page in ImageSequence.Iterator(image)])


def _open_netcdf(path: Path) -> _Source:
    import netCDF4

    with netCDF4.Dataset(path) as file:
        variables = file.variables
        whole = [name for name, v in variables.items() if v.ndim == 3 and v.dtype.kind in "iu"]
        name = "label" if "label" in variables else (whole[0] if whole else None)
        if name is None:
            raise InputError(f"{path}: holds no 3D variable of whole numbers and none named label")
        shape, dtype = variables[name].shape, np.dtype(variables[name].dtype)
        dimensions = variables[name].dimensions
    order = (0, 1, 2) if len(shape) == 3 else tuple(range(len(shape)))
    if sorted(dimensions) == list(AXES):
        order = tuple(dimensions.index(axis) for axis in AXES)

    def load() -> np.ndarray:
        with netCDF4.Dataset(path) as file:
            file.set_auto_maskandscale(False)
            return np.transpose(file.variables[name][...], order)

    return _Source(tuple(shape[a] for a in order), dtype, load)


def _translate(path: Path, raw: np.ndarray, labels: dict[str, int]) -> np.ndarray:
    known = {value: PHASES[name] for name, value in labels.items()}
    found = [int(value) for value in np.unique(raw)]
    unknown = [value for value in found if value not in known]
    if unknown:
        many = f" and {len(unknown) - 8} more" if len(unknown) > 8 else ""
        text = ", ".join(str(value) for value in unknown[:8]) + many
        named = ", ".join(f"{name}={value}" for name, value in labels.items())
        raise InputError(
            f"{path}: holds labels that --labels does not name: {text} (given {named})"
        )
    label = np.zeros(raw.shape, np.uint8)
    for value in found:
        label[raw == value] = known[value]
    return label


def _check_memory(path: Path, shape: tuple[int, ...]) -> None:
    need, free = math.prod(shape) * BYTES_PER_VOXEL, _free_memory()
    if need > free:
        raise InputError(
            f"{path}: {_show(shape)} voxels need about {need / 1e9:.1f} GB of memory, "
            f"{free / 1e9:.1f} GB are free; crop or coarsen the image"
        )


def _free_memory() -> float:
    """Bytes that a process may still take: of the machine, or of its control group if less."""
    free = math.inf
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            lines = dict(line.split(":", 1) for line in file)
        free = 1024.0 * float(lines["MemAvailable"].split()[0])
    except (OSError, KeyError, ValueError):
        pass
    try:
        group = Path("/sys/fs/cgroup")
        limit = float((group / "memory.max").read_text())
        free = min(free, limit - float((group / "memory.current").read_text()))
    except (OSError, ValueError):
        pass
    return free
