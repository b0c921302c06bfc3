"""The small blocks of the configuration: campaign, electrode, measure and engine."""

import math
import string
from typing import Annotated

from pydantic import AfterValidator, model_validator

from coatline.campaign.config.base import Block, KeyProblem, describe

SMALLEST_SIDE = 16.0
"""Smallest lateral size of an electrode, µm."""


class Campaign(Block):
    """Name, seed and rule of success of a campaign."""

    name: str = describe(
        "name of the campaign and of its folder under results/: lower-case letters, digits, - "
        "and _, at most 40, beginning with a letter or digit",
        example="demo",
        pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$",
    )
    seed: int = describe(
        "seed of the design and of every electrode; another seed gives other electrodes",
        1,
        example=1,
        ge=0,
        le=2**31 - 1,
    )
    minimum_success: float = describe(
        "share of the samples that must succeed; below it the campaign stops",
        0.9,
        example=0.9,
        unit="share",
        ge=0,
        le=1,
    )
    dataset: str | None = describe(
        "dataset.nc of a finished campaign of the same design to start from: all after it is made, "
        "and no electrode of the design; a path from this file, the working directory or the "
        "repository. A calendering_curves.nc beside it is used as well",
        None,
        example="results/paper/dataset.nc",
        min_length=1,
    )


class Electrode(Block):
    """Size of the simulated electrodes: a square, periodic piece of the film."""

    solid_mass: float = describe(
        "mass of the solids (active material, carbon and binder) of one electrode",
        0.1,
        example=0.1,
        unit="µg",
        gt=0,
        le=100,
    )
    solid_loading: float = describe(
        "mass of the solids per area of the film",
        10.0,
        example=10,
        unit="mg/cm²",
        ge=0.5,
        le=100,
    )

    bead_diameter: float | None = describe(
        "diameter of the dried CBD beads; null takes that of the material",
        None,
        example=1.3,
        unit="µm",
        gt=0.1,
        lt=20,
    )

    @property
    def area(self) -> float:
        """Film area, µm²: 1 µg / (1 mg/cm²) = 1e-3 cm² = 1e5 µm²."""
        return self.solid_mass / self.solid_loading * 1e5

    @property
    def side(self) -> float:
        """Lateral size of the square film, µm."""
        return math.sqrt(self.area)

    @model_validator(mode="after")
    def _check_side(self) -> "Electrode":
        if self.side < SMALLEST_SIDE * (1 - 1e-9):
            least = SMALLEST_SIDE**2 / 1e5 * self.solid_loading
            raise KeyProblem(
                f"makes an electrode {self.side:.1f} µm wide at a solid_loading of "
                f"{self.solid_loading:g} mg/cm², narrower than {SMALLEST_SIDE:g} µm; give at least "
                f"{math.ceil(least * 1e4 - 1e-6) / 1e4:g} µg",
                key="solid_mass",
            )
        return self


class Measure(Block):
    """How structure and properties are computed."""

    voxel_size: float = describe(
        "edge of the cubic voxels that the properties are computed on",
        0.4,
        example=0.4,
        unit="µm",
        ge=0.05,
        le=5,
    )
    supersampling: int = describe(
        "points per voxel edge that its phase fractions are counted on",
        4,
        example=4,
        unit="points per edge",
        ge=1,
        le=8,
    )
    keep_labels: bool = describe(
        "keep the labelled voxels of every electrode (pore 0, CBD 1, AM 2); they take space",
        False,
        example=False,
    )


def _check_launcher(value: str) -> str:
    try:
        names = {name for _, name, _, _ in string.Formatter().parse(value) if name is not None}
    except ValueError:
        names = {"?"}
    if names - {"threads"}:
        raise KeyProblem("may hold the placeholder {threads} only, as in 'mpiexec -n {threads}'")
    return value


class Engine(Block):
    """How LAMMPS is started; it changes the speed, never a recipe."""

    command: str = describe(
        "LAMMPS program: a name on the search path or a path", "lmp", example="lmp", min_length=1
    )
    launcher: Annotated[str, AfterValidator(_check_launcher)] = describe(
        "what stands before the program; {threads} becomes the threads of the job; empty for none",
        "mpiexec -n {threads}",
        example="srun -n {threads}",
    )
    threads: int = describe(
        "most processes that one electrode runs on; their number changes the last digits of "
        "a result",
        1,
        example=1,
        unit="processes",
        ge=1,
        le=1024,
    )
    particles_per_process: int = describe(
        "particles that make another process worth while: small electrodes run on fewer",
        5000,
        example=5000,
        unit="particles",
        ge=1,
        le=10_000_000,
    )

    @model_validator(mode="after")
    def _check_threads(self) -> "Engine":
        if self.threads > 1 and "{threads}" not in self.launcher:
            raise KeyProblem(
                "needs a launcher that starts them, as in launcher: 'mpiexec -n {threads}'",
                key="threads",
            )
        return self
