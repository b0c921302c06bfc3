"""From a recipe to the particles of a film: masses, counts and diameters, exact after rounding."""

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Ingredients:
    """What a slurry is made of: the part of a material that the recipe needs.

    Attributes:
        density_active_material, density_carbon_binder, density_solvent: g/cm³, without pores.
        diameters: classes of AM diameter, µm.
        number_shares: share of each class by number, adding to 1.
        bead_diameter: dried CBD bead, µm.
        nanoporosity: pore share inside a dried CBD bead.
    """

    density_active_material: float
    density_carbon_binder: float
    density_solvent: float
    diameters: tuple[float, ...]
    number_shares: tuple[float, ...]
    bead_diameter: float
    nanoporosity: float


@dataclass(frozen=True)
class Formulation:
    """The particles that a recipe asks for, before they have places.

    Attributes:
        area: film area, µm².
        am_diameter: (n,) AM particles, µm, largest first.
        am_density: g/cm³.
        bead_count: number of CBD beads.
        bead_diameter: dried bead, µm; within half a count of the nominal one.
        bead_diameter_liquid: bead with its share of the solvent, µm.
        bead_density_liquid: g/cm³ of that bead.
        solid_mass, am_mass, cbd_mass, solvent_mass: pg.
        nanoporosity: pore share inside a dried bead.
        slurry_volume: additive volume, µm³.
    """

    area: float
    am_diameter: np.ndarray
    am_density: float
    bead_count: int
    bead_diameter: float
    bead_diameter_liquid: float
    bead_density_liquid: float
    solid_mass: float
    am_mass: float
    cbd_mass: float
    solvent_mass: float
    nanoporosity: float
    slurry_volume: float

    @property
    def side(self) -> float:
        """Lateral size of the square film, µm."""
        return math.sqrt(self.area)

    @property
    def slurry_density(self) -> float:
        """Additive slurry density, g/cm³ (1/ρ = Σ mass fraction / density)."""
        return (self.solid_mass + self.solvent_mass) / self.slurry_volume

    @property
    def am_volume(self) -> float:
        """Volume of the active material, µm³."""
        return self.am_mass / self.am_density

    @property
    def am_mean_diameter(self) -> float:
        """Mean AM diameter by volume, D[4,3], µm."""
        return float(np.sum(self.am_diameter**4) / np.sum(self.am_diameter**3))

    @property
    def cbd_solid_volume(self) -> float:
        """Volume of the carbon-binder solid without its nanopores, µm³."""
        beads = self.bead_count * math.pi / 6 * self.bead_diameter**3
        return (1 - self.nanoporosity) * beads

    @property
    def solid_volume(self) -> float:
        """Volume of the solids without any pores, µm³."""
        return self.am_volume + self.cbd_solid_volume


def count_particles(volume: float, diameters: np.ndarray, number_shares: np.ndarray) -> np.ndarray:
    """Counts per diameter class that fill a volume, true to the shares by number.

    Classes are filled from the largest down; what rounding leaves over or takes too much of one
    class is carried to the next smaller one, so that the whole is right to half of the smallest
    particle and no class is far from its share.

    Args:
        volume: total particle volume, µm³.
        diameters: (k,) µm.
        number_shares: (k,) adding to 1.

    Returns:
        (k,) integer counts, at least one in all.
    """
    each = math.pi / 6 * diameters**3
    wanted = volume * number_shares * each / float(number_shares @ each)
    counts = np.zeros(len(diameters), dtype=int)
    carry = 0.0
    for index in np.argsort(diameters)[::-1]:
        carry += wanted[index]
        counts[index] = max(0, round(carry / each[index]))
        carry -= counts[index] * each[index]
    if counts.sum() == 0:
        counts[np.argmin(diameters)] = 1
    return counts


def formulate(
    active_material: float,
    solid_content: float,
    solid_mass: float,
    solid_loading: float,
    ingredients: Ingredients,
) -> Formulation:
    """Turn a recipe into particles.

    Rounding to whole particles is undone by scaling the diameters of each phase by one common
    factor close to 1, so that the mass of each phase is the recipe's to rounding of floats.
    A bead in the slurry has the true volume of its binder and its share of the solvent, so that
    the volumes of all spheres add up to the additive slurry volume.

    Args:
        active_material: AM mass / solid mass, %.
        solid_content: solid mass / slurry mass, %.
        solid_mass: µg.
        solid_loading: solid mass per area, mg/cm².
        ingredients: densities and sizes.

    Returns:
        The formulation; area = solid mass / solid loading.

    Raises:
        ValueError: a share is not between 0 and 100 %, or a mass is not positive.
    """
    for name, value in (("active_material", active_material), ("solid_content", solid_content)):
        if not 0 < value < 100:
            raise ValueError(f"{name} is {value} %, must lie between 0 and 100 %")
    if solid_mass <= 0 or solid_loading <= 0:
        raise ValueError("solid_mass and solid_loading must be positive")
    mass = solid_mass * 1e6  # µg → pg
    area = solid_mass / solid_loading * 1e5  # µg / (mg/cm²) = 1e-3 cm² = 1e5 µm²
    am_mass = mass * active_material / 100
    cbd_mass = mass - am_mass
    solvent_mass = mass * (100 - solid_content) / solid_content

    am_volume = am_mass / ingredients.density_active_material
    diameters = np.asarray(ingredients.diameters, dtype=float)
    counts = count_particles(am_volume, diameters, np.asarray(ingredients.number_shares))
    am_diameter = np.sort(np.repeat(diameters, counts))[::-1]
    am_diameter *= (am_volume / (math.pi / 6 * np.sum(am_diameter**3))) ** (1 / 3)

    cbd_solid = cbd_mass / ingredients.density_carbon_binder
    beads_volume = cbd_solid / (1 - ingredients.nanoporosity)
    bead_count = max(1, round(beads_volume / (math.pi / 6 * ingredients.bead_diameter**3)))
    liquid_volume = cbd_solid + solvent_mass / ingredients.density_solvent

    def diameter(volume: float) -> float:
        return (6 * volume / (math.pi * bead_count)) ** (1 / 3)

    return Formulation(
        area=area,
        am_diameter=am_diameter,
        am_density=ingredients.density_active_material,
        bead_count=bead_count,
        bead_diameter=diameter(beads_volume),
        bead_diameter_liquid=diameter(liquid_volume),
        bead_density_liquid=(cbd_mass + solvent_mass) / liquid_volume,
        solid_mass=mass,
        am_mass=am_mass,
        cbd_mass=cbd_mass,
        solvent_mass=solvent_mass,
        nanoporosity=ingredients.nanoporosity,
        slurry_volume=am_volume + liquid_volume,
    )
