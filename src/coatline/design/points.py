"""Base points of the design: scrambled Sobol points from SALib, remembered between runs.

SALib brings scipy.stats and pandas, more than a second of imports. A workflow is parsed for every
job, so the points are kept in a small JSON file, and reading it imports neither of them nor numpy.
"""

import contextlib
import hashlib
import json
from importlib.metadata import version
from pathlib import Path

from coatline.design.write import replace_file

Point = tuple[float, ...]

LEAST = 64
"""Smallest number of points computed at once, so that a campaign can grow within its file."""


def base_points(
    count: int, dimensions: int, seed: int, cache: Path | None = None
) -> list[tuple[Point, Point]]:
    """Compute the base points of Saltelli's scheme.

    `SALib.sample.sobol` with scrambling; its first points stay the same as their number grows, so
    a larger number, rounded up to a power of two, is computed and kept.

    Args:
        count: number of points.
        dimensions: number of inputs D.
        seed: of the scrambling.
        cache: folder for the file of points; none keeps nothing. A file that is damaged, or of
            another SALib or SciPy, is replaced; a folder that cannot be written does no harm.

    Returns:
        `count` pairs (row of matrix A, row of matrix B), each of D values in [0, 1).

    Source: Saltelli, Computer Physics Communications 145 (2002) 280; A and B as SALib names them.
    """
    if count < 1 or dimensions < 1:
        raise ValueError(f"count and dimensions must be at least 1, got {count} and {dimensions}")
    key = {
        "salib": version("SALib"),
        "scipy": version("scipy"),
        "dimensions": dimensions,
        "seed": seed,
    }
    path = cache / f"sobol-{dimensions}d-seed{seed}.json" if cache else None
    points = _read(path, key) if path else []
    if len(points) < count:
        points = _sample(max(LEAST, 1 << (count - 1).bit_length()), dimensions, seed)
        if path:
            _write(path, key, points)
    return points[:count]


def _sample(count: int, dimensions: int, seed: int) -> list[tuple[Point, Point]]:
    """Take rows A and B out of the blocks (A, AB_1 … AB_D, B) of `SALib.sample.sobol`."""
    from SALib.sample import sobol

    names = [f"x{index}" for index in range(dimensions)]
    problem = {"num_vars": dimensions, "names": names, "bounds": [[0.0, 1.0]] * dimensions}
    rows = sobol.sample(problem, count, calc_second_order=False, scramble=True, seed=seed)
    block = dimensions + 2
    first, last = rows[::block].tolist(), rows[block - 1 :: block].tolist()
    return [(tuple(a), tuple(b)) for a, b in zip(first, last, strict=True)]


def _read(path: Path, key: dict[str, object]) -> list[tuple[Point, Point]]:
    """Read points back; none where the file is missing, damaged or of other versions."""
    try:
        text = path.read_text(encoding="utf-8")
        found = json.loads(text)
        if found["key"] != key or found["checksum"] != _sum(found["points"]):
            return []
        return [(tuple(a), tuple(b)) for a, b in found["points"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _write(path: Path, key: dict[str, object], points: list[tuple[Point, Point]]) -> None:
    """Write in one step, so that another parse never reads half a file."""
    record = {"key": key, "checksum": _sum(points), "points": points}
    with contextlib.suppress(OSError):
        replace_file(path, json.dumps(record))


def _sum(points: object) -> str:
    """Checksum of the points; floats in JSON are exact."""
    return hashlib.sha256(json.dumps(points).encode()).hexdigest()
