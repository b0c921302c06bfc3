"""Particles of a film, as they lie after a stage: the hand-over to measuring and to people."""

import gzip
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from coatline.errors import InputError

PORE, CBD, AM = 0, 1, 2
"""Phase labels of every labelled array; CBD and AM are also LAMMPS atom types."""

PLANE = 3
"""LAMMPS atom type of the plane's marker. Types above it are further classes of AM particles, where
a contact law needs one type per size."""


def number_types(classes: int) -> list[int]:
    """LAMMPS atom types of that many classes of AM particles: 2, then those above the plane's."""
    return [AM, *range(PLANE + 1, PLANE + classes)]


@dataclass(frozen=True)
class Particles:
    """Spheres of a film on a collector at z = 0, periodic in x and y.

    Attributes:
        position: (n, 3) sphere centres in µm, x and y within [0, side).
        diameter: (n,) in µm.
        phase: (n,) uint8, 1 CBD or 2 AM.
        side: lateral size (Lx, Ly) of the periodic box in µm.
        density: (n,) mass / sphere volume in g/cm³ as the engine integrates it, or None. A drying
            bead keeps the mass it had with its solvent, so this is not the material's density.
    """

    position: np.ndarray
    diameter: np.ndarray
    phase: np.ndarray
    side: tuple[float, float]
    density: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.diameter)


def restore_active_material(
    particles: Particles, am_density: float, heavy: float = 0.0
) -> Particles:
    """The film with each AM particle as large as its mass says, and of its own density.

    An AM particle that has yielded touches its neighbours at a smaller diameter than its own; what
    is measured is the whole particle, overlapping its neighbours where they are pressed flat.

    Args:
        particles: the film, with densities.
        am_density: of the material, g/cm³.
        heavy: diameter below which the engine was given the mass π/6 ρ d heavy², µm (`dry.lmp`).
    """
    am = particles.phase == AM
    diameter, density = particles.diameter.copy(), particles.density.copy()
    cube = density[am] / am_density * diameter[am] ** 3
    small = cube < heavy**3
    diameter[am] = np.where(small, cube / max(heavy, 1e-12) ** 2, cube ** (1 / 3))
    density[am] = am_density
    return replace(particles, diameter=diameter, density=density)


def read_state(path: Path) -> Particles:
    """Read a LAMMPS data file (atom style sphere, plain or .gz) into particles.

    The plane's marker is left out, all types above it are AM; the particles are ordered by atom id,
    with x and y wrapped into the box.

    Raises:
        InputError: the file is missing or is no such data file.
    """
    path = Path(path)
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="ascii") as file:
            lines = file.read().splitlines()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as a LAMMPS data file ({error})") from None
    side, low, start = [0.0, 0.0], [0.0, 0.0], None
    for number, line in enumerate(lines):
        words = line.split()
        for axis, key in enumerate("xy"):
            if words[2:4] == [f"{key}lo", f"{key}hi"]:
                low[axis], side[axis] = float(words[0]), float(words[1]) - float(words[0])
        if words[:1] == ["Atoms"]:
            start = number + 2
            break
    if start is None or min(side) <= 0:
        raise InputError(f"{path}: holds no box or no Atoms section; expected a LAMMPS data file")
    rows = []
    for line in lines[start:]:
        if not line.strip():
            break
        rows.append(line.split()[:7])
    table = np.array(rows, dtype=float)
    table = table[table[:, 1] != PLANE]
    table = table[np.argsort(table[:, 0])]
    position = table[:, 4:7].copy()
    position[:, :2] = np.mod(position[:, :2] - low, side)
    return Particles(
        position=position,
        diameter=table[:, 2].copy(),
        phase=np.where(table[:, 1] == CBD, CBD, AM).astype(np.uint8),
        side=(side[0], side[1]),
        density=table[:, 3].copy(),
    )


def write_state(path: Path, particles: Particles, top: float, title: str = "coatline film") -> None:
    """Write particles as a LAMMPS data file, gzipped if the path ends in .gz, same bytes each time.

    Args:
        path: file to write.
        particles: the film; without densities, 1 g/cm³ is written.
        top: upper end of the box in µm.
        title: first line of the file.
    """
    density = np.ones(len(particles)) if particles.density is None else particles.density
    lines = [
        title,
        "",
        f"{len(particles)} atoms",
        "2 atom types",
        "",
        f"0 {particles.side[0]:.17g} xlo xhi",
        f"0 {particles.side[1]:.17g} ylo yhi",
        f"0 {top:.17g} zlo zhi",
        "",
        "Atoms # sphere",
        "",
    ]
    columns = zip(particles.phase, particles.diameter, density, particles.position)
    for number, (phase, diameter, rho, (x, y, z)) in enumerate(columns, start=1):
        lines.append(f"{number} {phase} {diameter:.17g} {rho:.17g} {x:.17g} {y:.17g} {z:.17g}")
    text = ("\n".join(lines) + "\n").encode("ascii")
    path = Path(path)
    if path.suffix == ".gz":
        with open(path, "wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as file:
            file.write(text)
    else:
        path.write_bytes(text)
