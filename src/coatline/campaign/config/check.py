"""Checks of a configuration against its material."""

import math
from collections.abc import Mapping

from coatline.campaign.config.explain import show
from coatline.campaign.config.load import Config
from coatline.errors import ConfigError

SOFT_FILM = 60.0
"""kPa that a film of the published, soft contacts is to be dried under at least."""


def check_electrode(
    config: Config, largest_diameter: float, smallest_bead: float, density: float
) -> None:
    """Check that electrode and voxels fit the particles.

    Args:
        config: the configuration.
        largest_diameter: of the material's particles, µm.
        smallest_bead: diameter of the smallest CBD bead, µm.
        density: of the active material, g/cm³.

    Raises:
        ConfigError: the electrode is not wider, or its solids are not thicker, than the largest
            particle, or a voxel is larger than a bead.
    """
    electrode, voxel = config.electrode, config.measure.voxel_size
    if electrode.side <= largest_diameter:
        least = (largest_diameter * 1.01) ** 2 / 1e5 * electrode.solid_loading
        raise ConfigError(
            f"{config.source}: electrode.solid_mass = {electrode.solid_mass:g}: makes an electrode "
            f"{electrode.side:.1f} µm wide, not wider than the largest particle of "
            f"{config.material}, {largest_diameter:g} µm; give at least {least:.2g} µg"
        )
    height = 10 * electrode.solid_loading / density
    if height <= largest_diameter:
        least = largest_diameter * 1.01 * density / 10
        raise ConfigError(
            f"{config.source}: electrode.solid_loading = {electrode.solid_loading:g}: its solids "
            f"make a layer of {height:.1f} µm, thinner than the largest particle of "
            f"{config.material}, {largest_diameter:g} µm; give at least {least:.2g} mg/cm²"
        )
    if voxel > smallest_bead:
        raise ConfigError(
            f"{config.source}: measure.voxel_size = {voxel:g}: is larger than a CBD bead of "
            f"{config.material}; must be at most {smallest_bead:g} µm, better a quarter of it"
        )


def check_choice(config: Config, ranges: Mapping[str, tuple[float, float]]) -> None:
    """Check that the user's recipes beside the optimum lie where surrogates can predict them.

    Args:
        config: the configuration.
        ranges: of the three inputs over the design, %.

    Raises:
        ConfigError: one does not.
    """
    for index, recipe in enumerate(config.optimise.recipes if config.optimise else ()):
        for name, (low, high) in ranges.items():
            value = getattr(recipe, name)
            if not low <= value <= high:
                raise ConfigError(
                    f"{config.source}: optimise.recipes[{index}].{name} = {value:g}: is out of the "
                    f"design's range, {low:g} to {high:g} %, where surrogates hold"
                )


def check_scores(config: Config, samples: int) -> None:
    """Check that the share of electrodes asked for leaves some to score on.

    Args:
        config: the configuration.
        samples: electrodes of the design.

    Raises:
        ConfigError: fewer than two are left.
    """
    learn = config.learn
    if learn is None or config.dataset_file or "test_share" not in learn.model_fields_set:
        return
    tested = math.ceil(learn.test_share * samples)
    if tested < 2 <= samples:
        raise ConfigError(
            f"{config.source}: learn.test_share = {learn.test_share:g}: leaves {tested} of "
            f"{samples} electrodes to test on, and R² needs two; must be above {1 / samples:.3g}"
        )


def check_force_field(config: Config, laws: Mapping[str, str]) -> None:
    """Check that the material has the force field that is asked for.

    Args:
        config: the configuration.
        laws: the law of each force field of the material, by name.

    Raises:
        ConfigError: it has no such force field, or one that cannot be dried in the way asked for.
    """
    wanted = config.manufacture.force_field
    if wanted not in laws:
        raise ConfigError(
            f"{config.source}: manufacture.force_field = {show(wanted)}: is no force field of "
            f"{config.material}; must be one of {', '.join(sorted(laws))}"
        )
    if config.manufacture.drying.model == "heterogeneous" and laws[wanted] != "granular":
        # Its wet beads are wider than what they hold: solvent would flow that is not there.
        raise ConfigError(
            f"{config.source}: manufacture.drying.model = 'heterogeneous': needs a force field "
            f"whose beads have the volume of their solvent; {show(wanted)} is {laws[wanted]}, take "
            "a granular one or drying.model = 'homogeneous'"
        )
    pressure = config.manufacture.drying.pressure
    if pressure < SOFT_FILM and laws[wanted] != "granular":
        raise ConfigError(
            f"{config.source}: manufacture.drying.pressure = {pressure:g}: a slurry of "
            f"the force field {show(wanted)} is so soft that it throws the plane off; must be at "
            f"least {SOFT_FILM:g} kPa; config/validation/published-a.yaml has 80, and says why"
        )
