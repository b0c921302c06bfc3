"""The published law: Lennard-Jones attraction over a soft granular contact, as LAMMPS input.

`hybrid/overlay` of `lj/sf` and `gran/hertz/history` in the published inputs of the ARTISTIC
project. Here `lj/sf` goes by the name it has today, `lj/smooth/linear`, and the contact by
`pair_style granular` with `hertz`, `mindlin` and viscoelastic dashpots: the same forces, and its
coefficients can be set anew while a film dries without losing the springs of its contacts.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from coatline.manufacture.state import CBD, number_types

COORDINATION = 12
"""Neighbours assumed on a particle: these contacts are so soft that films are dense packings. Beads
blown up in contact by a factor have its cube times as many."""


@dataclass(frozen=True)
class Sizes:
    """Diameters that the coefficients depend on, µm.

    Attributes:
        bead: dried CBD bead.
        bead_liquid: bead with its solvent.
        active_material: classes of AM diameter, smallest first.
    """

    bead: float
    bead_liquid: float
    active_material: tuple[float, ...]


@dataclass(frozen=True)
class Well:
    """Lennard-Jones coefficients of one pair: depth in fJ, sigma and cut-off in µm."""

    depth: float
    sigma: float
    cutoff: float

    def mix(self, other: "Well") -> "Well":
        """Coefficients between unlike particles: geometric depth, arithmetic lengths."""
        return Well(
            math.sqrt(self.depth * other.depth),
            (self.sigma + other.sigma) / 2,
            (self.cutoff + other.cutoff) / 2,
        )


def _well(attraction: dict, diameter: float, length: float) -> Well:
    return Well(
        attraction["well_depth"] * diameter,
        attraction["sigma"] * length,
        attraction["cutoff"] * length,
    )


def find_wells(stage: dict, sizes: Sizes, liquid: bool) -> dict[int, Well]:
    """Coefficients of each LAMMPS atom type with itself.

    Args:
        stage: of a Lennard-Jones force field, as in a material file.
        sizes: of the film's particles.
        liquid: whether beads hold their solvent: that counts for the depth of their well.
    """
    now = sizes.bead_liquid if liquid else sizes.bead
    wells = {CBD: _well(stage["carbon_binder"], now, sizes.bead)}
    types = number_types(len(sizes.active_material))
    for kind, diameter in zip(types, sizes.active_material, strict=True):
        wells[kind] = _well(stage["active_material"], diameter, diameter)
    return wells


def _write(value: float) -> str:
    return f"{value:.10g}"


def _contact(value: Callable[[str], str]) -> str:
    """The soft contact as arguments of `pair_coeff`; `value` writes a key's number or ramp."""
    return (
        f"granular hertz {value('normal_stiffness')} {value('normal_damping')} "
        f"tangential mindlin {value('tangential_stiffness')} {value('tangential_damping_ratio')} "
        f"{value('friction')} damping viscoelastic"
    )


def _with_tangential(contact: dict) -> dict:
    stiffness = contact["normal_stiffness"] * contact["tangential_ratio"]
    return contact | {"tangential_stiffness": stiffness}


def write_pairs(stage: dict, sizes: Sizes, liquid: bool, marker: str) -> list[str]:
    """Lines of `pair.lmp`: styles, coefficients of each pair, contact diameters of AM.

    Args:
        stage, sizes, liquid: see `find_wells`.
        marker: `pair_coeff` arguments of the granular law of the plane's marker.
    """
    wells = find_wells(stage, sizes, liquid)
    reach = max(well.cutoff for well in wells.values())
    contact = _contact(lambda key: _write(_with_tangential(stage["contact"])[key]))
    lines = [f"pair_style  hybrid/overlay granular lj/smooth/linear {_write(reach)}"]
    for first, second in _pairs(wells):
        mixed = wells[first].mix(wells[second])
        lines += [
            f"pair_coeff  {first} {second} {contact}",
            f"pair_coeff  {first} {second} lj/smooth/linear {_write(mixed.depth)} "
            f"{_write(mixed.sigma)} {_write(mixed.cutoff)}",
        ]
    lines += [f"pair_coeff  * 3 granular {marker}", f"pair_coeff  3 * granular {marker}"]
    factor = stage["contact"]["active_material_diameter"]
    lines += _set_diameters(sizes, _write(factor))
    if liquid:
        lines.append(f"set         type 1 diameter {_write(bead_in_contact(stage, sizes))}")
    return lines


def bead_in_contact(stage: dict, sizes: Sizes) -> float:
    """Diameter at which a bead of the slurry touches, µm."""
    return stage["contact"]["carbon_binder_diameter"] * sizes.bead_liquid


def write_ramp(stage: dict, wet: dict, sizes: Sizes) -> list[str]:
    """Lines of `ramp.lmp`: coefficients between slurry and dried, by the LAMMPS variable `gone`.

    Stiffness and damping run geometrically; well depth, lengths, friction and ratios linearly.
    """

    def between(first: float, last: float) -> str:
        return f"$({_write(first)}*({_write(last / first)})^v_gone)"

    def growing(first: float, last: float) -> str:
        if math.isclose(first, last):
            return _write(last)
        return f"$({_write(first)}+({_write(last - first)})*v_gone)"

    old, new = _with_tangential(wet["contact"]), _with_tangential(stage["contact"])
    geometric = ("normal_stiffness", "normal_damping")
    if old["tangential_ratio"] and new["tangential_ratio"]:
        geometric += ("tangential_stiffness",)
    contact = _contact(lambda key: (between if key in geometric else growing)(old[key], new[key]))
    starts, ends = find_wells(wet, sizes, True), find_wells(stage, sizes, False)
    lines = []
    for first, second in _pairs(ends):
        start, end = starts[first].mix(starts[second]), ends[first].mix(ends[second])
        lines += [
            f"pair_coeff  {first} {second} {contact}",
            f"pair_coeff  {first} {second} lj/smooth/linear {growing(start.depth, end.depth)} "
            f"{growing(start.sigma, end.sigma)} {growing(start.cutoff, end.cutoff)}",
        ]
    factors = (old["active_material_diameter"], new["active_material_diameter"])
    return lines + _set_diameters(sizes, growing(*factors))


def _pairs(wells: dict[int, Well]) -> list[tuple[int, int]]:
    kinds = sorted(wells)
    return [(a, b) for a in kinds for b in kinds if a <= b]


def _set_diameters(sizes: Sizes, factor: str) -> list[str]:
    """Contact diameters of AM; `set` leaves the mass, which tells the particle's own diameter."""
    if factor.startswith("$("):
        factor = factor[1:]
        return [
            f"set         type {kind} diameter $({_write(diameter)}*{factor})"
            for kind, diameter in _classes(sizes)
        ]
    return [
        f"set         type {kind} diameter {_write(diameter * float(factor))}"
        for kind, diameter in _classes(sizes)
    ]


def _classes(sizes: Sizes) -> list[tuple[int, float]]:
    types = number_types(len(sizes.active_material))
    return list(zip(types, sizes.active_material, strict=True))


@dataclass(frozen=True)
class Stiffness:
    """What a pair's contact sets against motion.

    Attributes:
        normal, shear: pg/µs².
        rate: of the normal dashpot per reduced mass, 1/µs.
    """

    normal: float
    shear: float
    rate: float


def pair_force(distance: float, well: Well, contact: dict, diameters: tuple[float, float]) -> float:
    """Force between two particles at rest, nN, repulsion positive.

    Lennard-Jones with force and energy shifted to zero at the cut-off (LAMMPS `lj/smooth/linear`)
    plus Hertz, K_n √R δ^1.5.

    Args:
        distance: between centres, µm.
        well: of the pair.
        contact: the soft contact.
        diameters: at which the contact begins, µm.
    """

    def attraction(r: float) -> float:
        return 24 * well.depth * (2 * (well.sigma / r) ** 12 - (well.sigma / r) ** 6) / r

    force = 0.0
    if distance < well.cutoff:
        force = attraction(distance) - attraction(well.cutoff)
    overlap = sum(diameters) / 2 - distance
    if overlap > 0:
        radius = diameters[0] * diameters[1] / sum(diameters) / 2
        force += contact["normal_stiffness"] * math.sqrt(radius) * overlap**1.5
    return force


def find_stiffness(
    force: float, well: Well, contact: dict, diameters: tuple[float, float]
) -> Stiffness:
    """Stiffness of a pair where it bears a force: where repulsion exceeds attraction by that much.

    Args:
        force: nN.
        well, contact, diameters: see `pair_force`.
    """
    near, far = 0.2 * well.sigma, max(well.cutoff, sum(diameters) / 2)
    for _ in range(60):
        middle = (near + far) / 2
        if pair_force(middle, well, contact, diameters) > force:
            near = middle
        else:
            far = middle
    distance = near
    overlap = max(sum(diameters) / 2 - distance, 0.0)
    radius = diameters[0] * diameters[1] / sum(diameters) / 2
    width = math.sqrt(radius * overlap)
    inverse = (well.sigma / distance) ** 6
    core = well.depth * (624 * inverse**2 - 168 * inverse) / distance**2
    return Stiffness(
        normal=max(core, 0.0) + 1.5 * contact["normal_stiffness"] * width,
        shear=contact["normal_stiffness"] * contact["tangential_ratio"] * width,
        rate=contact["normal_damping"] * width,
    )


def smallest_wells(stage: dict, diameter: dict[str, float], bead: float) -> dict[str, Well]:
    """Coefficients of the smallest particle of each phase with its like.

    Args:
        stage: as in a material file.
        diameter: smallest diameter of each phase, `cbd` and `am`, µm.
        bead: dried bead, µm.
    """
    return {
        "cbd": _well(stage["carbon_binder"], diameter["cbd"], bead),
        "am": _well(stage["active_material"], diameter["am"], diameter["am"]),
    }
