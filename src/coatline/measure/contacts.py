"""Neighbours of a film's spheres, and their overlaps."""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from coatline.manufacture.state import Particles


@dataclass(frozen=True)
class Pairs:
    """Pairs of spheres closer than some gap, each once per image.

    Attributes:
        first, second: (m,) indices of spheres.
        vector: (m, 3) from the first centre to the image of the second, in µm.
        distance: (m,) its length.
    """

    first: np.ndarray
    second: np.ndarray
    vector: np.ndarray
    distance: np.ndarray


def find_pairs(particles: Particles, gap: float = 0.0) -> Pairs:
    """Pairs of spheres whose surfaces are closer than a gap (µm), over the lateral edges as well.

    The larger sphere of a pair comes first. Linear in the number of spheres, whatever their sizes.
    """
    radius = 0.5 * particles.diameter.astype(np.float64)
    if len(radius) == 0:
        return Pairs(*(np.zeros(0, np.int64) for _ in "ab"), np.zeros((0, 3)), np.zeros(0))
    position = np.ascontiguousarray(particles.position, dtype=np.float64)
    first, second, vector = _find_pairs(position, radius, np.array(particles.side, float), gap)
    return Pairs(first, second, vector, np.sqrt((vector**2).sum(axis=1)))


def mean_overlap(particles: Particles, pairs: Pairs | None = None) -> float:
    """Mean overlap of touching spheres over the smaller diameter, in %; 0 without contacts."""
    pairs = find_pairs(particles) if pairs is None else pairs
    diameter = particles.diameter
    depth = 0.5 * (diameter[pairs.first] + diameter[pairs.second]) - pairs.distance
    share = depth / np.minimum(diameter[pairs.first], diameter[pairs.second])
    share = share[depth > 0]
    return float(100 * share.mean()) if len(share) else 0.0


@njit(cache=True)
def _find_pairs(
    position: np.ndarray, radius: np.ndarray, side: np.ndarray, gap: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    n = len(radius)
    low, high = position[:, 2].min(), position[:, 2].max()
    # Cells as wide as a typical search; their number stays near that of the spheres.
    wide = max(
        2 * np.median(radius) + gap, (side[0] * side[1] * (high - low + 1e-9) / n) ** (1 / 3)
    )
    nx, ny = max(1, int(side[0] / wide)), max(1, int(side[1] / wide))
    nz = max(1, int((high - low) / wide))
    dx, dy, dz = side[0] / nx, side[1] / ny, max((high - low) / nz, 1e-9)
    head = np.full((nx, ny, nz), -1, np.int64)
    tail = np.full(n, -1, np.int64)
    wrapped = np.empty_like(position)
    for i in range(n):
        wrapped[i, 0] = position[i, 0] - math.floor(position[i, 0] / side[0]) * side[0]
        wrapped[i, 1] = position[i, 1] - math.floor(position[i, 1] / side[1]) * side[1]
        wrapped[i, 2] = position[i, 2]
        a = min(nx - 1, int(wrapped[i, 0] / dx))
        b = min(ny - 1, int(wrapped[i, 1] / dy))
        c = min(nz - 1, int((wrapped[i, 2] - low) / dz))
        tail[i] = head[a, b, c]
        head[a, b, c] = i
    first = [np.int64(0) for _ in range(0)]
    second = [np.int64(0) for _ in range(0)]
    vx = [0.0 for _ in range(0)]
    vy = [0.0 for _ in range(0)]
    vz = [0.0 for _ in range(0)]
    for i in range(n):
        x, y, z = wrapped[i]
        reach = 2 * radius[i] + gap  # partners are no larger than this sphere
        z0 = min(nz - 1, max(0, math.floor((z - reach - low) / dz)))
        z1 = min(nz - 1, max(0, math.floor((z + reach - low) / dz)))
        for u in range(math.floor((x - reach) / dx), math.floor((x + reach) / dx) + 1):
            for v in range(math.floor((y - reach) / dy), math.floor((y + reach) / dy) + 1):
                shift_x = (u // nx) * side[0]
                shift_y = (v // ny) * side[1]
                for w in range(z0, z1 + 1):
                    j = head[u % nx, v % ny, w]
                    while j >= 0:
                        smaller = radius[j] < radius[i] or (radius[j] == radius[i] and j < i)
                        if smaller:
                            rx = wrapped[j, 0] + shift_x - x
                            ry = wrapped[j, 1] + shift_y - y
                            rz = wrapped[j, 2] - z
                            limit = radius[i] + radius[j] + gap
                            if rx * rx + ry * ry + rz * rz < limit * limit:
                                first.append(i)
                                second.append(j)
                                vx.append(rx)
                                vy.append(ry)
                                vz.append(rz)
                        j = tail[j]
    vector = np.empty((len(vx), 3))
    for k in range(len(vx)):
        vector[k, 0] = vx[k]
        vector[k, 1] = vy[k]
        vector[k, 2] = vz[k]
    return np.array(first), np.array(second), vector
