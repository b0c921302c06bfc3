"""Voxels of a film: the union of its spheres, painted with partial volumes.

Every voxel is sampled at `supersampling`³ points; what comes back is the share of each phase in it.
Active material takes precedence over the carbon-binder domain where spheres overlap. The film lies
between z = 0 and z = height and is periodic in x and y: each image is painted once, whichever side
of the box its centre lies on. The fine grid exists one slab at a time, so memory grows with the
voxels alone.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from numba import njit

from coatline.errors import InputError
from coatline.manufacture.state import AM, CBD, PORE, Particles

FULL = 2e-4
"""Share of the AM volume that may be missing from a film painted whole."""


@dataclass(frozen=True)
class Volume:
    """Voxels of a film; arrays are [x, y, z].

    Attributes:
        am: (nx, ny, nz) float32, share of each voxel inside AM spheres.
        cbd: share inside CBD beads and outside AM.
        label: (nx, ny, nz) uint8, the phase that fills most of each voxel: 0 pore, 1 CBD, 2 AM.
        spacing: voxel edges (dx, dy, dz) in µm. The grid fits the box exactly, so that edges differ
            from the voxel size asked for by up to half a voxel over the whole length.
        overlap: share of the AM volume that the union of its spheres lacks; 0 unless `paint_whole`
            made up for it.
    """

    am: np.ndarray
    cbd: np.ndarray
    label: np.ndarray
    spacing: tuple[float, float, float]
    overlap: float = 0.0

    @property
    def pore(self) -> np.ndarray:
        """Share of each voxel outside all spheres, (nx, ny, nz) float32."""
        return np.maximum(np.float32(1) - self.am - self.cbd, np.float32(0))

    @property
    def fraction(self) -> dict[str, float]:
        """Volume fractions of pore, cbd and am from the fine grid; they sum to 1."""
        am, cbd = (float(part.mean(dtype=np.float64)) for part in (self.am, self.cbd))
        return {"pore": 1.0 - am - cbd, "cbd": cbd, "am": am}


def fit_grid(
    side: tuple[float, float], height: float, voxel_size: float
) -> tuple[tuple[int, int, int], tuple[float, float, float]]:
    """Number of voxels and their edges (µm) for a box that they fill exactly.

    Laterally the number is even: TauFactor updates every other voxel in turn, and across periodic
    edges that only closes so; an odd side would have to be laid twice.

    Raises:
        InputError: a length or the voxel size is not positive and finite.
    """
    lengths = (*side, height)
    if not all(math.isfinite(value) and value > 0 for value in (*lengths, voxel_size)):
        raise InputError(
            f"film of {side[0]:g} x {side[1]:g} x {height:g} µm with voxels of {voxel_size:g} µm: "
            "lengths must be positive"
        )
    lateral = (2 * max(1, round(length / voxel_size / 2)) for length in side)
    shape = (*lateral, max(1, round(height / voxel_size)))
    return shape, tuple(length / count for length, count in zip(lengths, shape))


def paint(
    particles: Particles,
    height: float,
    voxel_size: float,
    supersampling: int = 4,
) -> Volume:
    """Paint the union of spheres of a film onto voxels.

    Args:
        particles: the film, periodic in x and y.
        height: upper end of the film in µm; parts of spheres outside [0, height] are not counted.
        voxel_size: wished edge in µm; the grid is fitted to the box, see `fit_grid`.
        supersampling: sample points per voxel edge.

    Raises:
        InputError: a length, the voxel size or the supersampling is not positive.
    """
    if supersampling < 1:
        raise InputError(f"supersampling {supersampling}: must be at least 1")
    shape, spacing = fit_grid(particles.side, height, voxel_size)
    order = np.concatenate([np.flatnonzero(particles.phase == phase) for phase in (CBD, AM)])
    centre = np.ascontiguousarray(particles.position[order], dtype=np.float64)
    radius = 0.5 * particles.diameter[order].astype(np.float64)
    phase = particles.phase[order].astype(np.uint8)
    parts = _paint((centre, radius, phase), shape, np.array(spacing), supersampling)
    return Volume(*parts, spacing=spacing)


def paint_whole(
    particles: Particles,
    height: float,
    voxel_size: float,
    supersampling: int = 4,
) -> Volume:
    """Paint a film whose active material keeps its volume where it was pressed flat.

    Neighbours that were pressed together overlap as spheres, and their union is less than what they
    hold. The material of a flattened contact is still there, beside it: all AM diameters are
    enlarged by one factor, a few thousandths, until the painted AM has the volume of its spheres.
    How much was missing is kept, as `overlap`.

    Args:
        particles, height, voxel_size, supersampling: as in `paint`.

    Raises:
        InputError: as `paint`; or AM does not fit into the film.
    """
    volume = paint(particles, height, voxel_size, supersampling)
    am = particles.phase == AM
    held = np.pi / 6 * float((particles.diameter[am] ** 3).sum())
    aim = held / (particles.side[0] * particles.side[1] * height)
    if aim >= 1:
        raise InputError(f"film of {height:g} µm: its active material alone fills {aim:.3f} of it")
    overlap = max(0.0, 1 - volume.fraction["am"] / aim) if aim else 0.0
    factor = 1.0
    for _ in range(20):
        if volume.fraction["am"] >= aim * (1 - FULL):
            return replace(volume, overlap=overlap)
        # Of the surface that a growing sphere adds, only what faces no other AM counts: each step
        # falls short, and the next makes up for it.
        factor *= (aim / volume.fraction["am"]) ** (1 / 3)
        diameter = np.where(am, factor * particles.diameter, particles.diameter)
        volume = paint(replace(particles, diameter=diameter), height, voxel_size, supersampling)
    raise InputError(
        f"film of {height:g} µm: active material enlarged by {100 * (factor - 1):.1f} % still "
        f"fills {volume.fraction['am']:.3f} of it and not {aim:.3f}"
    )


@njit(cache=True)
def _slab_list(
    low: np.ndarray, high: np.ndarray, width: float, count: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which objects touch which slab: start offsets, object and unwrapped slab number of each."""
    start = np.zeros(count + 1, np.int64)
    for pass_number in range(2):
        if pass_number == 1:
            start[1:] = np.cumsum(start[1:])
            owner = np.empty(start[count], np.int64)
            slab = np.empty(start[count], np.int64)
            cursor = start[:-1].copy()
        for k in range(len(low)):
            for u in range(math.floor(low[k] / width), math.floor(high[k] / width) + 1):
                i = u % count
                if pass_number == 0:
                    start[i + 1] += 1
                else:
                    owner[cursor[i]] = k
                    slab[cursor[i]] = u
                    cursor[i] += 1
    return start, owner, slab


@njit(cache=True)
def _paint_sphere(
    fine: np.ndarray, x0: float, step: np.ndarray, centre: np.ndarray, radius: float, value: int
) -> None:
    samples, ny, nz = fine.shape
    for a in range(samples):
        across = radius * radius - (x0 + (a + 0.5) * step[0] - centre[0]) ** 2
        if across <= 0.0:
            continue
        half = math.sqrt(across)
        low = math.ceil((centre[1] - half) / step[1] - 0.5)
        high = math.floor((centre[1] + half) / step[1] - 0.5)
        for j in range(low, high + 1):
            along = across - ((j + 0.5) * step[1] - centre[1]) ** 2
            if along <= 0.0:
                continue
            reach = math.sqrt(along)
            first = max(0, math.ceil((centre[2] - reach) / step[2] - 0.5))
            last = min(nz - 1, math.floor((centre[2] + reach) / step[2] - 0.5))
            fine[a, j % ny, first : last + 1] = value


@njit(cache=True)
def _paint(
    spheres: tuple,
    shape: tuple[int, int, int],
    spacing: np.ndarray,
    samples: int,
) -> tuple[np.ndarray, ...]:
    centre, radius, phase = spheres
    nx, ny, nz = shape
    step = spacing / samples
    am = np.zeros((nx, ny, nz), np.float32)
    cbd = np.zeros((nx, ny, nz), np.float32)
    label = np.zeros((nx, ny, nz), np.uint8)
    fine = np.zeros((samples, ny * samples, nz * samples), np.uint8)
    start, owner, slab = _slab_list(centre[:, 0] - radius, centre[:, 0] + radius, spacing[0], nx)
    share = np.float32(1.0 / samples**3)
    for i in range(nx):
        fine[:] = PORE
        for n in range(start[i], start[i + 1]):
            k = owner[n]
            _paint_sphere(fine, slab[n] * spacing[0], step, centre[k], radius[k], phase[k])
        for j in range(ny):
            for k in range(nz):
                n_am = n_cbd = 0
                for a in range(samples):
                    for b in range(j * samples, (j + 1) * samples):
                        for c in range(k * samples, (k + 1) * samples):
                            value = fine[a, b, c]
                            n_am += value == AM
                            n_cbd += value == CBD
                n_pore = samples**3 - n_am - n_cbd
                am[i, j, k] = n_am * share
                cbd[i, j, k] = n_cbd * share
                if n_am >= n_cbd and n_am >= n_pore:
                    label[i, j, k] = AM
                elif n_cbd >= n_pore:
                    label[i, j, k] = CBD
    return am, cbd, label
