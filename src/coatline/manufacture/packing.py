"""Where particles start: without order, AM particles apart from each other, beads anywhere."""

import math
from pathlib import Path

import numpy as np

from coatline.manufacture.engine import PhysicalFailure
from coatline.manufacture.recipe import Formulation
from coatline.manufacture.state import AM, CBD, PLANE, number_types

CLOSENESS = 0.9
"""AM particles start at least this share of the sum of their radii apart."""


def place_particles(
    formulation: Formulation, height: float, rng: np.random.Generator, tries: int = 100_000
) -> np.ndarray:
    """Random places between collector and plane: beads first, then AM in order of the formulation.

    AM particles are placed by random sequential addition, largest first, in a film periodic in x
    and y; beads overlap at first and are pushed apart by the slurry stage.

    Args:
        formulation: the particles.
        height: of the plane, µm.
        rng: source of randomness.
        tries: random places tried for one AM particle before giving up.

    Returns:
        (bead_count + AM count, 3) centres in µm.

    Raises:
        PhysicalFailure: an AM particle finds no place.
    """
    side = formulation.side

    def draw(radius: float, count: int) -> np.ndarray:
        low, high = (0, 0, radius), (side, side, height - radius)
        return rng.uniform(low, high, size=(count, 3))

    placed = np.empty((len(formulation.am_diameter), 3))
    radii = formulation.am_diameter / 2
    for index, radius in enumerate(radii):
        near = CLOSENESS * (radii[:index] + radius)
        for _ in range(tries):
            point = draw(radius, 1)[0]
            away = placed[:index] - point
            away[:, :2] -= side * np.round(away[:, :2] / side)
            if np.all(np.einsum("ij,ij->i", away, away) > near**2):
                placed[index] = point
                break
        else:
            raise PhysicalFailure(f"no place for AM particle {index + 1} of {len(radii)}")
    beads = draw(formulation.bead_diameter_liquid / 2, formulation.bead_count)
    return np.vstack([beads, placed])


def write_packing(
    path: Path,
    formulation: Formulation,
    position: np.ndarray,
    height: float,
    type_per_class: bool = False,
) -> int:
    """Write the start of the slurry stage as a LAMMPS data file; beads carry their solvent.

    The plane's marker is the last atom; its mass, a tenth of the film's, is that of the plane.

    Args:
        path: file to write.
        formulation: the particles.
        position: (n, 3) centres, beads first.
        height: of the plane, µm.
        type_per_class: whether each class of AM diameter is an atom type of its own, smallest
            first: 2, then 4 and up.

    Returns:
        Atom id of the plane's marker.
    """
    beads = formulation.bead_count
    marker = len(position) + 1
    diameter = np.concatenate(
        [np.full(beads, formulation.bead_diameter_liquid), formulation.am_diameter]
    )
    density = np.full(len(position), formulation.am_density)
    density[:beads] = formulation.bead_density_liquid
    plane_mass = 0.1 * (formulation.solid_mass + formulation.solvent_mass)
    plane_diameter = 0.1
    plane_density = plane_mass / (math.pi / 6 * plane_diameter**3)
    classes, member = np.unique(formulation.am_diameter, return_inverse=True)
    am_types = number_types(len(classes)) if type_per_class else [AM] * len(classes)
    kinds = [CBD] * beads + [am_types[one] for one in member]
    lines = [
        "coatline packing: 1 CBD bead with its solvent, 2 AM particle, 3 marker of the plane",
        "",
        f"{marker} atoms",
        f"{max(PLANE, *am_types)} atom types",
        "",
        f"0 {formulation.side:.17g} xlo xhi",
        f"0 {formulation.side:.17g} ylo yhi",
        f"-3 {1.3 * height + 10:.17g} zlo zhi",
        "",
        "Atoms # sphere",
        "",
    ]
    for index, (x, y, z) in enumerate(position):
        lines.append(
            f"{index + 1} {kinds[index]} {diameter[index]:.17g} {density[index]:.17g} "
            f"{x:.17g} {y:.17g} {z:.17g}"
        )
    lines.append(f"{marker} {PLANE} {plane_diameter} {plane_density:.17g} 0 0 {height:.17g}")
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    return marker
