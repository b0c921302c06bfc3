"""A battery material: densities, sizes, force fields and conductivities, each with its source.

A material is one file in `config/materials/`; a second material is a second file and no code.
Units are LAMMPS `micro`: µm, µs, pg, so that pressure is in kPa and density in g/cm³.
"""

import difflib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    model_validator,
)

from coatline.errors import ConfigError
from coatline.yaml_file import read_yaml


class Block(BaseModel):
    """Base of all material blocks: unknown keys are refused, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, lt=1)]


class Density(Block):
    """Density of one ingredient."""

    value: Annotated[float, Field(gt=0.1, lt=25)] = Field(description="density, g/cm³")
    source: str = Field(min_length=3, description="where the value was published or measured")


class Densities(Block):
    """Densities of the ingredients, without pores."""

    active_material: Density
    carbon_binder: Density = Field(description="solid of the carbon-binder domain")
    solvent: Density


class ParticleSizes(Block):
    """Classes of particle diameter with their shares by number."""

    diameters: list[Annotated[float, Field(gt=0.05, lt=100)]] = Field(description="µm")
    number_shares: list[Positive] = Field(description="share of each class by number, adding to 1")
    source: str = Field(min_length=3)

    @model_validator(mode="after")
    def _match(self) -> "ParticleSizes":
        if len(self.diameters) != len(self.number_shares) or not self.diameters:
            raise ValueError(
                f"needs one number_share per diameter, got {len(self.diameters)} diameters and "
                f"{len(self.number_shares)} shares"
            )
        if abs(sum(self.number_shares) - 1) > 1e-6:
            raise ValueError(f"number_shares add to {sum(self.number_shares):.4f}, must add to 1")
        return self


class CarbonBinder(Block):
    """The carbon-binder domain (CBD) as spherical beads."""

    bead_diameter: Annotated[float, Field(gt=0.1, lt=20)] = Field(description="dried bead, µm")
    nanoporosity: Share = Field(description="pore share inside a dried bead")
    source: str = Field(min_length=3)


class Contact(Block):
    """Contact law between two types of particles (LAMMPS `pair_style granular`).

    JKR (Johnson, Kendall, Roberts 1971) where surface_energy is above zero, Hertz elsewhere;
    Mindlin friction; a dashpot proportional to the reduced mass.
    """

    young_modulus: Positive = Field(description="of both bodies, kPa")
    poisson_ratio: Annotated[float, Field(ge=0, lt=0.5)] = Field(default=0.3, description="-")
    surface_energy: Annotated[float, Field(ge=0)] = Field(
        default=0, description="JKR surface energy, fJ/µm² (1e-3 J/m²); 0 is a plain Hertz contact"
    )
    friction: Annotated[float, Field(ge=0, le=20)] = Field(default=0, description="Coulomb, -")
    damping: Annotated[float, Field(gt=0)] = Field(
        description="rate of the normal dashpot per reduced mass, 1/µs"
    )


class StageForceField(Block):
    """Contacts of the three pairs, and of the particles with the collector and the plane."""

    cbd_cbd: Contact
    am_cbd: Contact
    am_am: Contact
    wall: Contact
    drag: Annotated[float, Field(ge=0)] = Field(
        default=0, description="rate of the viscous drag on every particle, 1/µs"
    )


class BinderYield(Block):
    """How a bead of the carbon-binder domain yields: its nanopores crush for good under load."""

    yield_stress: Positive = Field(description="stress where an uncrushed bead yields, kPa")
    hardening: Annotated[float, Field(ge=0, le=20)] = Field(
        description="yield stress grows with (uncrushed volume / volume) to this power"
    )


class ParticleYield(Block):
    """How an AM particle yields: it flattens at its contacts, for good."""

    yield_stress: Positive = Field(description="stress where a whole particle yields, kPa")
    hardening: Annotated[float, Field(ge=0)] = Field(
        description="growth of the yield stress per share of the contact diameter lost, kPa"
    )
    largest_flattening: Annotated[float, Field(ge=0, le=0.2)] = Field(
        description="largest share of its contact diameter that a particle loses"
    )


class Yielding(Block):
    """What stays of a deformation when the load is gone."""

    carbon_binder: BinderYield
    active_material: ParticleYield
    rate: Annotated[float, Field(gt=0, le=1)] = Field(
        description="share of the diameter lost per µs at twice the yield stress and above, 1/µs"
    )


class ForceField(Block):
    """Contact laws of the slurry and of the dried film (pressing, release)."""

    law: Literal["granular"] = Field(default="granular", description="what the stages hold")
    slurry: StageForceField
    dried: StageForceField
    yielding: Yielding | None = Field(default=None, description="null: nothing yields")
    source: str = Field(min_length=3)


class Attraction(Block):
    """Lennard-Jones interaction of one phase with itself, by the diameter d of its particles.

    For CBD the well depth goes by the diameter that a bead has in this stage, solvent included;
    the lengths go by that of the dried bead.
    """

    well_depth: Positive = Field(description="depth of the well over d, fJ/µm")
    sigma: Annotated[float, Field(gt=0, le=1.5)] = Field(
        description="distance of zero energy between centres, over d"
    )
    cutoff: Annotated[float, Field(gt=0, le=4)] = Field(
        description="distance between centres where force and energy end, over d"
    )

    @model_validator(mode="after")
    def _reach(self) -> "Attraction":
        if self.cutoff <= self.sigma:
            raise ValueError(f"cutoff {self.cutoff:g} must be larger than sigma {self.sigma:g}")
        return self


class SoftContact(Block):
    """Hertz contact with Mindlin friction and viscoelastic dashpots, as in `gran/hertz/history`.

    F_n = √(Rδ) (K_n δ − γ_n m v_n) and the like along the surface, with the overlap δ, the reduced
    radius R and mass m.
    """

    normal_stiffness: Positive = Field(description="K_n, kPa")
    tangential_ratio: Annotated[float, Field(ge=0, le=2)] = Field(description="K_t / K_n")
    normal_damping: Positive = Field(description="γ_n, 1/(µm µs)")
    tangential_damping_ratio: Annotated[float, Field(ge=0, le=2)] = Field(description="γ_t / γ_n")
    friction: Annotated[float, Field(ge=0, le=20)] = Field(description="Coulomb, -")
    active_material_diameter: Annotated[float, Field(ge=1, le=1.5)] = Field(
        default=1, description="diameter of an AM particle in contact over its own"
    )
    carbon_binder_diameter: Annotated[float, Field(ge=1, le=4)] = Field(
        default=1, description="diameter of a bead of the slurry in contact over its own"
    )


class LennardJonesStage(Block):
    """Lennard-Jones plus one soft contact for all pairs; contact with the collector and plane."""

    active_material: Attraction
    carbon_binder: Attraction
    contact: SoftContact
    wall: Contact
    drag: Annotated[float, Field(ge=0)] = Field(
        default=0, description="rate of the viscous drag on every particle, 1/µs"
    )


class LennardJonesForceField(ForceField):
    """The published law: `lj/sf`, today `lj/smooth/linear`, over a granular contact."""

    law: Literal["lennard-jones"]
    slurry: LennardJonesStage
    dried: LennardJonesStage

    @model_validator(mode="after")
    def _dried_beads(self) -> "LennardJonesForceField":
        factor = self.dried.contact.carbon_binder_diameter
        if factor != 1:
            raise ValueError(
                f"dried.contact.carbon_binder_diameter = {factor:g} must be 1: a dried bead "
                "touches at its own diameter"
            )
        return self


def _law_of(value: object) -> str:
    law = value.get("law", "granular") if isinstance(value, dict) else getattr(value, "law", "")
    return str(law)


LAWS = {"granular": ForceField, "lennard-jones": LennardJonesForceField}
"""Name of a contact law → block of a force field that follows it."""

AnyForceField = Annotated[
    Annotated[ForceField, Tag("granular")]
    | Annotated[LennardJonesForceField, Tag("lennard-jones")],
    Discriminator(_law_of),
]


class Conductivity(Block):
    """Electronic conductivity of one phase."""

    value: Positive = Field(description="S/m")
    source: str = Field(min_length=3)


class Diffusivity(Block):
    """Diffusivity in one phase, relative to the free electrolyte."""

    value: Annotated[float, Field(ge=0, le=1)] = Field(description="-")
    source: str = Field(min_length=3)


class ContactResistance(Block):
    """Resistance of the interface where two particles touch, beside that of their bulk."""

    value: Annotated[float, Field(ge=0, lt=1e3)] = Field(description="Ω cm²")
    source: str = Field(min_length=3)


class Coverage(Block):
    """How far from a bead's surface the AM beneath counts as covered by binder."""

    distance: Annotated[float, Field(ge=0, lt=5)] = Field(description="µm")
    source: str = Field(min_length=3)


class Transport(Block):
    """What the effective properties are computed from."""

    conductivity_active_material: Conductivity
    conductivity_carbon_binder: Conductivity
    diffusivity_carbon_binder: Diffusivity
    contact_resistance: ContactResistance
    coverage: Coverage


class Material(Block):
    """One battery material; see `config/materials/nmc111.yaml` for a full example."""

    name: str = Field(min_length=1)
    kind: Literal["positive", "negative"] = "positive"
    densities: Densities
    particle_sizes: ParticleSizes
    carbon_binder: CarbonBinder
    force_fields: dict[str, AnyForceField] = Field(min_length=1)
    transport: Transport

    def ingredients(self) -> dict:
        """What the recipe of a slurry needs, as plain values: densities, sizes, beads."""
        return {
            "density_active_material": self.densities.active_material.value,
            "density_carbon_binder": self.densities.carbon_binder.value,
            "density_solvent": self.densities.solvent.value,
            "diameters": list(self.particle_sizes.diameters),
            "number_shares": list(self.particle_sizes.number_shares),
            "bead_diameter": self.carbon_binder.bead_diameter,
            "nanoporosity": self.carbon_binder.nanoporosity,
        }

    def force_field(self, name: str) -> dict:
        """The contact laws of one force field, stage by stage, as plain values.

        Each stage carries the name of its `law`.

        Raises:
            ConfigError: the material has no force field of that name.
        """
        if name not in self.force_fields:
            known = ", ".join(sorted(self.force_fields))
            raise ConfigError(
                f"manufacture.force_field: {name!r} is not in material {self.name}; known: {known}"
            )
        field = self.force_fields[name]
        values = field.model_dump(exclude={"source", "law"})
        for stage in ("slurry", "dried"):
            values[stage]["law"] = field.law
        return values

    def conductivities(self) -> dict:
        """What effective transport is computed from, as plain values."""
        transport = self.transport
        return {
            "conductivity_active_material": transport.conductivity_active_material.value,
            "conductivity_carbon_binder": transport.conductivity_carbon_binder.value,
            "diffusivity_carbon_binder": transport.diffusivity_carbon_binder.value,
            "contact_resistance": transport.contact_resistance.value,
            "coverage": transport.coverage.distance,
        }


def _describe(error: dict, data: dict, path: Path) -> str:
    """One line for the first thing wrong: file, key, value, what would be right."""
    keys = [str(part) for part in error["loc"]]
    law = keys.pop(2) if keys[0] == "force_fields" and len(keys) > 2 else ""
    dotted = ".".join(keys)
    if error["type"] == "union_tag_invalid":
        law = error["ctx"]["tag"]
        return f"{path}: {dotted}.law: must be one of {', '.join(LAWS)} (got {law!r})"
    if error["type"] == "extra_forbidden":
        parent: object = LAWS[law] if law else Material
        for key in keys[2:-1] if law else keys[:-1]:
            field = getattr(parent, "model_fields", {}).get(key)
            parent = field.annotation if field else None
        known = list(getattr(parent, "model_fields", {}))
        close = difflib.get_close_matches(keys[-1], known, 1)
        hint = f"did you mean {close[0]!r}?" if close else f"known keys: {', '.join(known)}"
        return f"{path}: {dotted}: unknown key; {hint}"
    if error["type"] == "missing":
        return f"{path}: {dotted}: is missing"
    message = error["msg"].removeprefix("Value error, ")
    value = error["input"]
    shown = f" (got {value!r})" if not isinstance(value, dict | list) else ""
    return f"{path}: {dotted}: {message[0].lower()}{message[1:]}{shown}"


def load_material(path: Path) -> Material:
    """Read a material file.

    Raises:
        ConfigError: the file is missing, is no YAML mapping, or holds an unknown key or a value out
            of range; the one line names file and key and says what would be right.
    """
    path = Path(path)
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in path.parent.glob("*.yaml"))) or "none"
        raise ConfigError(f"{path}: no such material file; there are: {known}")
    data = read_yaml(path)
    try:
        return Material.model_validate(data)
    except ValidationError as error:
        raise ConfigError(_describe(error.errors()[0], data, path)) from None
