"""What a campaign makes: its checked configuration, its material and its design, resolved together.

The rule files and the command line start here. Nothing heavy is imported: a workflow is parsed for
every job.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from coatline.campaign.config import (
    Config,
    Learn,
    Optimise,
    check_choice,
    check_electrode,
    check_force_field,
    check_scores,
    find_upper_compression,
    list_arguments,
    load_config,
)
from coatline.campaign.config.explain import show
from coatline.campaign.config.load import ROOT
from coatline.campaign.late import design_choice, list_optimum, name_proposal
from coatline.campaign.settings import flatten
from coatline.design.file import check_design
from coatline.design.grid import grid_points
from coatline.design.table import Design, Sample, Slurry, make_design
from coatline.errors import ConfigError
from coatline.material import Material, load_material

CHUNK = 16
"""Slurries whose electrodes are gathered together: the first chunk always holds y00 to y15."""

REPLICATES = 3
"""Electrodes made of each recipe that is put to the test, unless the configuration says."""


@dataclass(frozen=True)
class Plan:
    """A campaign that can be made.

    Attributes:
        config: the checked configuration.
        material: the material that it names.
        design: the electrodes, computed.
        folder: where the results go, `results/<campaign>`.
    """

    config: Config
    material: Material
    design: Design
    folder: Path

    def check_dataset(self) -> None:
        """Check that the dataset that the campaign starts from, if any, is of its design.

        Raises:
            InputError: it is not; the line names file, sample, key and values.
        """
        if self.dataset is None:
            return
        from coatline.learn.measurements import check_recipes

        recipes = {
            row.sample: (row.active_material, row.solid_content, row.compression_rate)
            for row in self.design
        }
        check_recipes(self.dataset, recipes, self.config.source)

    @cached_property
    def force_field(self) -> dict[str, Any]:
        """Contact laws of the stages `slurry` and `dried`."""
        return self.material.force_field(self.config.manufacture.force_field)

    @cached_property
    def ingredients(self) -> dict[str, Any]:
        """What slurries are made of: the material's, but for the beads that the config asks for."""
        asked = self.config.electrode.bead_diameter
        own = {} if asked is None else {"bead_diameter": asked}
        return self.material.ingredients() | own

    @cached_property
    def size(self) -> dict[str, float]:
        """Mass (µg) and loading (mg/cm²) of the solids of an electrode."""
        return self.config.electrode.model_dump(include={"solid_mass", "solid_loading"})

    @cached_property
    def upper_compression(self) -> float:
        """Compression rate that every slurry is pressed to, %."""
        return float(find_upper_compression(self.config.design))

    @cached_property
    def grid(self) -> list[str]:
        """Two-digit numbers of the states that pressing leaves: 00, 01, …"""
        return [f"{point:02d}" for point in grid_points(self.upper_compression)]

    @cached_property
    def chunks(self) -> dict[str, list[str]]:
        """Ids of the samples to gather together, by name of the chunk."""
        found: dict[str, list[str]] = {}
        for row in self.design:
            found.setdefault(name_chunk(row.slurry), []).append(row.sample)
        return found

    @cached_property
    def design_arguments(self) -> dict[str, Any]:
        """Plain arguments of `coatline.design.table.make_design`, but for the cache."""
        return {"seed": self.config.campaign.seed} | list_arguments(self.config.design)

    @cached_property
    def ranges(self) -> dict[str, list[float]]:
        """Ranges of the three inputs, %; none where the recipes are the user's own."""
        arguments = self.design_arguments
        names = ("active_material", "solid_content", "compression_rate")
        return {name: list(arguments[name]) for name in names if name in arguments}

    @cached_property
    def published(self) -> Path | None:
        """Published data on the material: a file in `config/published/` of the same name."""
        file = ROOT / "config" / "published" / self.config.material_file.name
        return file if file.is_file() else None

    @cached_property
    def learn(self) -> Learn | None:
        """How surrogates are made; all defaults where only `optimise` is given, or none."""
        if self.config.learn is None and self.config.optimise is not None:
            return Learn()
        return self.config.learn

    @cached_property
    def optimise(self) -> Optimise | None:
        """What is asked of the best recipe, or none."""
        return self.config.optimise

    @cached_property
    def properties(self) -> list[str]:
        """Variables of the dataset that are learned: those asked for, then those of goals, targets.

        None where nothing is learned.
        """
        if self.learn is None:
            return []
        asked = self.optimise
        more = [] if asked is None else [*asked.goals, *asked.targets]
        return list(dict.fromkeys([*self.learn.properties, *more]))

    @cached_property
    def whole_ranges(self) -> dict[str, tuple[float, float]]:
        """Ranges of all three inputs over the design, those of the recipes where they are given."""
        return find_ranges(self.config, self.design)

    @cached_property
    def box(self) -> dict[str, list[float]]:
        """Ranges of those inputs that vary in the design, %."""
        return {n: [low, high] for n, (low, high) in self.whole_ranges.items() if low < high}

    @cached_property
    def fixed(self) -> dict[str, float]:
        """Values of those inputs that do not vary in the design, %."""
        return {n: low for n, (low, high) in self.whole_ranges.items() if low == high}

    @cached_property
    def dataset(self) -> Path | None:
        """The dataset that the campaign starts from; none where it makes its own."""
        return self.config.dataset_file

    @cached_property
    def curves(self) -> Path | None:
        """The calendering curves beside a given dataset, where there are any."""
        file = None if self.dataset is None else self.dataset.with_name("calendering_curves.nc")
        return file if file is not None and file.is_file() else None

    @cached_property
    def replicates(self) -> int:
        """Electrodes made at the optimum and at each recipe of choice."""
        if self.optimise is None:
            return 0
        if self.optimise.replicates is None:
            return 0 if self.dataset else REPLICATES
        return self.optimise.replicates

    @cached_property
    def optimum_samples(self) -> list[str]:
        """Ids of the samples made at the optimum."""
        return list_optimum(self.replicates)

    @cached_property
    def choice(self) -> Design:
        """Electrodes of the user's recipes beside the optimum."""
        recipes = self.optimise.recipes if self.optimise else ()
        rows = [(one.active_material, one.solid_content, one.compression_rate) for one in recipes]
        return design_choice(rows, self.replicates)

    @cached_property
    def rounds(self) -> dict[int, list[str]]:
        """Ids of the samples of each round of the closed loop, by its number from 1."""
        if self.optimise is None:
            return {}
        numbers = range(1, self.optimise.batch + 1)
        return {
            round: [name_proposal(round, number) for number in numbers]
            for round in range(1, self.optimise.rounds + 1)
        }

    @property
    def batch(self) -> int:
        """Recipes of a round of the closed loop that is still to be proposed."""
        return self.optimise.batch if self.optimise else 1

    @property
    def ledger(self) -> Path:
        """File that holds what the closed loop has proposed."""
        return self.folder / "optimise" / "ledger.csv"

    def find_slurry(self, slurry: str) -> Slurry:
        """Find a slurry of the design or of the user's recipes by its id."""
        return (self.choice if slurry.startswith("u") else self.design).slurries[slurry]

    def find_sample(self, sample: str) -> Sample:
        """Find an electrode of the design or of the user's recipes by its id."""
        return (self.choice if sample.startswith("u") else self.design)[sample]

    def seed_of(self, slurry: str) -> int:
        """Seed of the packing of a slurry."""
        return derive_seed(self.config.campaign.seed, slurry)

    def protocol(self, stage: str) -> dict[str, Any]:
        """How a stage is run: its block of `manufacture` and the keys that all stages share.

        Args:
            stage: `slurry`, `drying` or `pressing`.
        """
        manufacture = self.config.manufacture
        shared = {"safety_factor": manufacture.safety_factor, "retries": manufacture.retries}
        return getattr(manufacture, stage).model_dump() | shared

    @cached_property
    def settings(self) -> dict[str, Any]:
        """What every electrode is made with but for its recipe and seed, key by key."""
        measuring = self.config.measure.model_dump(mode="json", exclude={"keep_labels"})
        stages = {stage: self.protocol(stage) for stage in ("slurry", "drying", "pressing")}
        for protocol in stages.values():
            for key in ("retries", "frame_spacing"):  # they change no electrode
                protocol.pop(key, None)
        return flatten(
            {
                "electrode": self.size,
                "manufacture": stages,
                "measure": measuring,
                "material": {
                    "ingredients": self.ingredients,
                    "force_field": self.force_field,
                    "transport": self.material.conductivities(),
                },
            }
        )

    def describe(self) -> dict[str, Any]:
        """The whole configuration with its defaults, and the material, as plain values."""
        config = self.config.model_dump(mode="json", exclude={"design": {"recipes"}})
        return config | {"material": self.material.model_dump(mode="json")}


def make_plan(
    mapping: Mapping[str, Any],
    source: str,
    *,
    cache: Path | None = None,
    results: Path = Path("results"),
) -> Plan:
    """Resolve a configuration into what is to be made, and check all of it.

    Args:
        mapping: the configuration, as YAML gives it.
        source: file that it came from.
        cache: folder in which the Sobol points are remembered.
        results: folder of all campaigns.

    Returns:
        The plan.

    Raises:
        ConfigError: anything in configuration, material or design that cannot be made, or a
            `design.csv` on disk that contradicts the computed design; one line.
    """
    config = load_config(mapping, source)
    material = load_material(config.material_file)
    check_force_field(config, {name: ff.law for name, ff in material.force_fields.items()})
    check_electrode(
        config,
        max(material.particle_sizes.diameters),
        config.electrode.bead_diameter or material.carbon_binder.bead_diameter,
        material.densities.active_material.value,
    )
    arguments = list_arguments(config.design)
    design = make_design(**arguments, seed=config.campaign.seed, cache=cache)
    check_choice(config, find_ranges(config, design))
    check_scores(config, len(design))
    folder = results / config.campaign.name
    if config.dataset_file and config.dataset_file.resolve().is_relative_to(folder.resolve()):
        raise ConfigError(
            f"{source}: campaign.dataset = {show(config.campaign.dataset)}: is what this campaign "
            "makes itself; give the campaign that starts from it another campaign.name"
        )
    check_design(folder / "design" / "design.csv", design)
    return Plan(config, material, design, folder)


def find_ranges(config: Config, design: Design) -> dict[str, tuple[float, float]]:
    """Find the ranges of the three inputs, %: those of the design, or of the user's own recipes.

    Args:
        config: the configuration.
        design: its electrodes.
    """
    names = ("active_material", "solid_content", "compression_rate")
    if config.design.kind != "recipes":
        return {name: getattr(config.design, name) for name in names}
    columns = {name: [getattr(row, name) for row in design] for name in names}
    return {name: (min(values), max(values)) for name, values in columns.items()}


def derive_seed(seed: int, slurry: str) -> int:
    """Derive the seed of one slurry, which no other slurry of the design has a part in.

    Args:
        seed: of the campaign.
        slurry: id, such as y07.

    Returns:
        From 1 to 2³¹ - 2, which every random generator here takes.
    """
    digest = hashlib.sha256(f"{seed} {slurry}".encode()).digest()
    return 1 + int.from_bytes(digest[:8], "big") % (2**31 - 2)


def name_chunk(slurry: str) -> str:
    """Name the chunk that a slurry's electrodes are gathered in; it depends on its number alone."""
    return f"{int(slurry[1:].partition('r')[0]) // CHUNK:04d}"


__all__ = ["CHUNK", "Plan", "Sample", "derive_seed", "make_plan", "name_chunk"]
