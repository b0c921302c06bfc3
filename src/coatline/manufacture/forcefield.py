"""From contact parameters to LAMMPS force-field files, and the time step that they allow."""

import math
from pathlib import Path

import numpy as np

from coatline.errors import InputError
from coatline.manufacture import lennardjones
from coatline.manufacture.lennardjones import Sizes, Stiffness
from coatline.manufacture.state import AM, number_types

LENNARD_JONES = "lennard-jones"
"""Name of the published law in a stage's `law`; any other stage is granular."""

PAIRS = (("cbd_cbd", 1, 1), ("am_cbd", 1, 2), ("am_am", 2, 2))
"""Contact name and LAMMPS atom types; type 3 is the plane's marker, which touches nothing."""

STIFFENING = 3
"""Moduli and damping run geometrically with this power of the share of solvent gone.

Beads fill the slurry and must have shrunk before they stiffen: with 1 a film swells by an eighth.
"""

COORDINATION = 8
"""Contacts assumed on the smallest particle of each phase; dense packings here have 5 to 7."""


def _tangential(friction: str | float) -> str:
    """Mindlin friction, or none at all where there is no friction: no history is then kept."""
    if friction == 0:
        return "tangential linear_nohistory 0.0 0.0"
    return f"tangential mindlin NULL 1.0 {friction}"


def _normal(modulus: str, damping: str, poisson: float, energy: str | float) -> str:
    if energy == 0:
        return f"hertz/material {modulus} {damping} {poisson}"
    return f"jkr {modulus} {damping} {poisson} {energy}"


def _law(contact: dict) -> str:
    """One contact as the arguments of `pair_coeff` or of a granular wall."""
    normal = _normal(
        f"{contact['young_modulus']:.10g}",
        f"{contact['damping']:.10g}",
        contact["poisson_ratio"],
        contact["surface_energy"],
    )
    return f"{normal} {_tangential(contact['friction'])} damping mass_velocity"


def _ramped(wet: dict, dried: dict) -> str:
    """One contact between two states, as functions of the LAMMPS variable `gone` in (0, 1].

    Modulus and damping run geometrically with the power `STIFFENING` of it, surface energy and
    friction linearly.
    """

    def between(key: str) -> str:
        if not (wet[key] or dried[key]):
            return "0"
        return f"$({wet[key]:.10g}*({dried[key] / wet[key]:.10g})^(v_gone^{STIFFENING}))"

    def growing(key: str) -> str | float:
        if not (wet[key] or dried[key]):
            return 0
        return f"$({wet[key]:.10g}+({dried[key] - wet[key]:.10g})*v_gone)"

    normal = _normal(
        between("young_modulus"),
        between("damping"),
        dried["poisson_ratio"],
        growing("surface_energy"),
    )
    return f"{normal} {_tangential(growing('friction'))} damping mass_velocity"


def soften(wet: dict, dried: dict, gone: float) -> dict:
    """Contacts of a drying film as numbers: what `ramp.lmp` sets once a share of solvent is gone.

    Args:
        wet, dried: contacts of both stages, as in a material file; not Lennard-Jones.
        gone: share of the solvent that has left, 0 to 1.
    """

    def between(key: str, name: str) -> float:
        first, last = wet[name][key], dried[name][key]
        return first * (last / first) ** gone**STIFFENING if first else last

    return {
        name: dried[name]
        | {key: between(key, name) for key in ("young_modulus", "damping")}
        | {
            key: wet[name][key] + (dried[name][key] - wet[name][key]) * gone
            for key in ("surface_energy", "friction")
        }
        for name in ("cbd_cbd", "am_cbd", "am_am", "wall")
    }


def _collector(law: str) -> str:
    return f"fix         bottom film wall/gran granular {law} zplane 0.0 NULL contacts\n"


def _plane(law: str) -> str:
    return f"fix         top film wall/gran/region granular {law} region above contacts\n"


def _drag(stage: dict) -> str:
    slowing = 1 / stage["drag"] if stage["drag"] else 0
    return f"variable    slowing equal {slowing:.10g}\n"


def _smooth(wall: dict) -> dict:
    """The plane: as stiff as the collector, without cohesion and without a dashpot."""
    return wall | {"damping": 0, "surface_energy": 0}


def needs_sizes(stage: dict) -> bool:
    """Whether the coefficients of a stage depend on the sizes of its particles.

    If so, each class of AM particles is an atom type of its own.
    """
    return stage.get("law") == LENNARD_JONES


def bead_in_contact(stage: dict, sizes: Sizes) -> float:
    """Diameter at which the beads of a slurry touch, µm: their own, or a multiple of it."""
    return lennardjones.bead_in_contact(stage, sizes) if needs_sizes(stage) else sizes.bead_liquid


def write_force_field(
    folder: Path,
    stage: dict,
    wet: dict | None = None,
    sizes: Sizes | None = None,
    liquid: bool = False,
) -> None:
    """Write the force-field files that `film.lmp` includes.

    `neighbours.lmp` says which types share a neighbour list, `pair.lmp` holds the pair style and
    its coefficients, `collector.lmp` and `plane.lmp` the walls, `drag.lmp` the time in which drag
    slows particles, µs (0 for none); with `wet`, `ramp.lmp` holds the coefficients on the way from
    the slurry to this stage and `drag_wet.lmp` the drag of the slurry. The plane is smooth and has
    neither cohesion nor a dashpot: a dashpot would make the first step after a restart differ from
    an uninterrupted run.

    Args:
        folder: where to write; made if missing.
        stage: contacts `cbd_cbd`, `am_cbd`, `am_am`, `wall` and `drag`, as in a material file, or
            `active_material`, `carbon_binder`, `contact`, `wall` and `drag` of a Lennard-Jones one.
        wet: the same of the slurry, for drying.
        sizes: of the particles; a Lennard-Jones force field needs them.
        liquid: whether the beads hold their solvent, which is so in the slurry.

    Raises:
        InputError: sizes are needed and missing.
    """
    marker = "hertz/material 1.0 0.0 0.3 tangential linear_nohistory 0.0 0.0 damping mass_velocity"
    ramp = None
    if needs_sizes(stage):
        if sizes is None:
            raise InputError(
                "a Lennard-Jones force field depends on the sizes of the particles; give the "
                "record of a film, e.g. --record slurry.nc"
            )
        lines = lennardjones.write_pairs(stage, sizes, liquid, marker)
        if wet is not None:
            ramp = lennardjones.write_ramp(stage, wet, sizes)
    else:
        lines = ["pair_style  granular"]
        lines += [f"pair_coeff  {a} {b} {_law(stage[name])}" for name, a, b in PAIRS]
        lines += [f"pair_coeff  {kind} 3 {marker}" for kind in (1, 2, 3)]
        if wet is not None:
            ramp = [
                f"pair_coeff  {a} {b} {_ramped(wet[name], stage[name])}" for name, a, b in PAIRS
            ]
    # Neighbours are found by kind of particle. The marker goes with the beads: of nearly no size,
    # it would ask for bins by the million, a fifth of the time of drying.
    kinds = number_types(len(sizes.active_material)) if needs_sizes(stage) else [AM]
    others = " ".join(map(str, kinds))
    collections = f"neigh_modify collection/type {len(kinds) + 1} 1,3 {others}\n"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "neighbours.lmp").write_text(collections)
    (folder / "pair.lmp").write_text("\n".join(lines) + "\n")

    wall = stage["wall"]
    (folder / "collector.lmp").write_text(_collector(_law(wall)))
    (folder / "plane.lmp").write_text(_plane(_law(_smooth(wall))))
    (folder / "drag.lmp").write_text(_drag(stage))
    if wet is not None:
        (folder / "drag_wet.lmp").write_text(_drag(wet))
    if ramp is not None:
        walls = _collector(_ramped(wet["wall"], wall))
        walls += _plane(_ramped(_smooth(wet["wall"]), _smooth(wall)))
        (folder / "ramp.lmp").write_text("\n".join(ramp) + "\n" + walls)


def contact_radius(
    force: float, radius: float, effective_modulus: float, surface_energy: float
) -> float:
    """Radius of a contact circle, µm: Hertz, or JKR where the surface energy is above zero.

    a³ = 3R/(4E*) (F + 6πγR + √(12πγRF + (6πγR)²)), Johnson, Kendall and Roberts, Proc. R. Soc.
    Lond. A 324 (1971) 301, with the work of adhesion 2γ as in LAMMPS.

    Args:
        force: nN.
        radius: effective radius, µm.
        effective_modulus: kPa.
        surface_energy: fJ/µm².
    """
    pull = 6 * math.pi * surface_energy * radius
    load = force + pull + math.sqrt(2 * pull * force + pull**2)
    return (3 * radius * load / (4 * effective_modulus)) ** (1 / 3)


def _granular_stiffness(law: dict, diameters: tuple[float, float], force: float) -> Stiffness:
    return _contact_stiffness(law, diameters[0] * diameters[1] / sum(diameters) / 2, force)


def _contact_stiffness(law: dict, radius: float, force: float) -> Stiffness:
    """Stiffness of a contact of an effective radius under a force; a wall leaves the sphere's."""
    modulus, poisson = law["young_modulus"], law["poisson_ratio"]
    normal_modulus = modulus / (2 * (1 - poisson**2))
    shear_modulus = modulus / (4 * (1 + poisson) * (2 - poisson))
    width = contact_radius(force, radius, normal_modulus, law["surface_energy"])
    shear = 8 * shear_modulus * width if law["friction"] else 0.0
    return Stiffness(normal=2 * normal_modulus * width, shear=shear, rate=law["damping"])


def critical_time_step(
    stage: dict,
    diameter: dict[str, float],
    mass: dict[str, float],
    pressure: float,
    bead: float | None = None,
) -> float:
    """Longest stable step of velocity Verlet for the stiffest, lightest particle, µs.

    Between particles, a particle of mass m in Z contacts of stiffness k_n = 2E*a and k_t = 8G*a
    (Hertz, Mindlin) swings against its neighbours with ω² = 2Z(k_n + 2k_t)/(3m), or turns with
    ω² = (10/3)Z k_t/m; dashpots add the rate c = 2Zη m_eff/m. On a wall it has one contact and
    ω² = k_n/m, or rocks with ω² = (7/2)k_t/m. Velocity Verlet is stable for
    Δt < (2/ω)(√(1 + ξ²) − ξ), ξ = c/(2ω). The contact radius a is that under the force p d² of the
    smaller sphere.

    Under a Lennard-Jones force field the pair comes to where repulsion exceeds attraction by that
    force. There, with a = √(Rδ), k_n = max(U'', 0) + (3/2) K_n a with U'' = ε (624 σ¹²/r¹⁴ −
    168 σ⁶/r⁸), k_t = K_t a and η = γ_n a. Such soft contacts let more neighbours in: Z = 12.

    Args:
        stage: contacts, as in a material file.
        diameter: smallest diameter of each phase, `cbd` and `am`, µm.
        mass: mass of these particles, pg.
        pressure: highest pressure that the step is to bear, kPa.
        bead: dried bead, µm, where `diameter` is not that of a dried one.

    Returns:
        The critical step, µs; to be multiplied with a safety factor.
    """

    def bound(pair: Stiffness, own: float, other: float | None) -> float:
        if other is None:  # one contact, with a wall
            swing, turn, rate = pair.normal / own, 3.5 * pair.shear / own, pair.rate
        else:
            swing = 2 * coordination * (pair.normal + 2 * pair.shear) / (3 * own)
            turn = 10 / 3 * coordination * pair.shear / own
            rate = 2 * coordination * pair.rate * other / (own + other)
        frequency = math.sqrt(max(swing, turn))
        share = rate / (2 * frequency)
        return 2 / frequency * (math.sqrt(1 + share**2) - share)

    steps = []
    lennard_jones = needs_sizes(stage)
    coordination = lennardjones.COORDINATION if lennard_jones else COORDINATION
    if lennard_jones:
        wells = lennardjones.smallest_wells(stage, diameter, bead or diameter["cbd"])
        contact = stage["contact"]
        factor = {
            "cbd": contact["carbon_binder_diameter"],
            "am": contact["active_material_diameter"],
        }
        coordination *= factor["cbd"] ** 3
    for name, first, second in (("cbd_cbd", "cbd", "cbd"), ("am_cbd", "cbd", "am"),
                                ("am_cbd", "am", "cbd"), ("am_am", "am", "am")):  # fmt: skip
        force = pressure * min(diameter[first], diameter[second]) ** 2
        if lennard_jones:
            touching = diameter[first] * factor[first], diameter[second] * factor[second]
            well = wells[first].mix(wells[second])
            pair = lennardjones.find_stiffness(force, well, contact, touching)
        else:
            pair = _granular_stiffness(stage[name], (diameter[first], diameter[second]), force)
        steps.append(bound(pair, mass[first], mass[second]))
    for phase in ("cbd", "am"):
        force, radius = pressure * diameter[phase] ** 2, diameter[phase] / 2
        steps.append(bound(_contact_stiffness(stage["wall"], radius, force), mass[phase], None))
    return float(np.min(steps))
