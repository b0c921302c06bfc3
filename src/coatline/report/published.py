"""Published data on electrodes of a material: each datum with its labels and its source.

A file per material in `config/published/`, `nmc111.yaml` for NMC111; it says what the labels mean.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from coatline.errors import ConfigError, InputError
from coatline.yaml_file import read_yaml

Positive = Annotated[float, Field(gt=0)]
Axis = Literal["compression_rate", "porosity", "pressure", "gap", "floor"]


class Block(BaseModel):
    """Base of all blocks: unknown keys are refused, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Recipe(Block):
    """What is known of the formulation; null where the source does not say."""

    active_material: Annotated[float, Field(ge=50, lt=100)] = Field(description="% of the solids")
    solid_content: Annotated[float, Field(ge=20, le=90)] | None = Field(
        default=None, description="% of the slurry"
    )

    def __str__(self) -> str:
        return f"{self.active_material:g}/" + (
            f"{self.solid_content:g}" if self.solid_content else "–"
        )


class Datum(Block):
    """One published number or series.

    Attributes:
        name: unique, short.
        property: what was measured: a variable of `dataset.nc`, `density_slurry`, or `recovery`
            (thickness recovered / compressed thickness).
        over: what it is a function of; none for a slurry. `gap`: between the rolls, foil included;
            `floor`: the lowest that was reached, at about this compression.
        at: values of `over`: %, share, MPa or µm.
        values: one per value of `at`.
        spread: of each value, as published.
        relative: values are divided by the first one.
    """

    name: str = Field(pattern=r"^[a-z0-9-]+$")
    property: Literal[
        "density_slurry",
        "porosity",
        "recovery",
        "tortuosity_factor",
        "active_surface_area",
        "effective_electronic_conductivity",
    ]
    kind: Literal["experiment", "simulation", "unstated"]
    recipe: Recipe
    over: Axis | None = None
    at: list[Annotated[float, Field(ge=0)]] = Field(default=[])
    values: list[Positive] = Field(min_length=1)
    spread: list[Positive] | None = None
    relative: bool = False
    porosity: Literal["total", "without-nanopores", "unstated"] | None = None
    foil: Literal["in", "out", "unstated"] | None = None
    compression: Literal["at-gap", "after-release", "unstated"] | None = None
    source: str
    grade: Literal["paper", "inputs", "digest"]
    note: str = ""

    @model_validator(mode="after")
    def _match(self) -> "Datum":
        if self.over is None and (self.at or len(self.values) != 1):
            raise ValueError(f"{self.name}: one value and no `at` where `over` is left out")
        if self.over is not None and len(self.at) != len(self.values):
            raise ValueError(
                f"{self.name}: one value per `at`, got {len(self.values)} values and "
                f"{len(self.at)} of {self.over}"
            )
        if self.spread is not None and len(self.spread) != len(self.values):
            raise ValueError(f"{self.name}: one spread per value, got {len(self.spread)}")
        if self.property == "porosity" and self.porosity is None:
            raise ValueError(f"{self.name}: say whether porosity is total or without-nanopores")
        shares = self.values if self.property == "porosity" and not self.relative else []
        shares = [*shares, *(self.at if self.over == "porosity" else [])]
        if any(not 0 < share < 1 for share in shares):
            raise ValueError(f"{self.name}: a porosity is a share between 0 and 1")
        if self.over == "compression_rate" and max(self.at) >= 100:
            raise ValueError(
                f"{self.name}: compression rates are below 100 %, got {max(self.at):g}"
            )
        if self.relative and self.values[0] != 1:
            raise ValueError(f"{self.name}: relative values begin with 1, got {self.values[0]:g}")
        return self

    @property
    def labels(self) -> str:
        """The labels in words."""
        words = [self.kind if self.kind != "unstated" else "kind not stated"]
        if self.porosity:
            words.append("nanopores not stated" if self.porosity == "unstated" else self.porosity)
        if self.foil:
            words.append(f"foil {self.foil}")
        if self.compression:
            words.append(
                "CR not said to be at the gap or after release"
                if self.compression == "unstated"
                else f"CR {self.compression.replace('-', ' ')}"
            )
        return ", ".join(word.replace("without-nanopores", "without nanopores") for word in words)


class MeasuredElectrode(Block):
    """One electrode before and after calendering, by its maker's own numbers."""

    name: str
    source: str
    active_material: Positive = Field(description="% of the solids")
    solid_content: Positive = Field(description="% of the slurry")
    solid_density: Positive = Field(description="of the solids without pores, g/cm³")
    foil: Positive = Field(description="µm")
    loading: Positive = Field(description="mg/cm²")
    thickness: tuple[Positive, Positive] = Field(description="µm")
    density: tuple[Positive, Positive] = Field(description="g/cm³")
    tortuosity_factor: tuple[Positive, Positive]
    porosity: tuple[Positive, Positive]
    compression: Positive = Field(description="as stated, %")

    @model_validator(mode="before")
    @classmethod
    def _pairs(cls, data: object) -> object:
        if not isinstance(data, dict):
            return data
        return {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}


class Published(Block):
    """All published data on a material."""

    material: str
    sources: dict[str, str] = Field(min_length=1)
    short: dict[str, str] = Field(default={}, description="sources as in legends")
    data: list[Datum] = Field(min_length=1)
    electrode: MeasuredElectrode | None = None

    @model_validator(mode="after")
    def _check(self) -> "Published":
        for name in self.short:
            if name not in self.sources:
                raise ValueError(f"short: {name!r} is none of {', '.join(self.sources)}")
        seen: set[str] = set()
        for datum in (*self.data, *([self.electrode] if self.electrode else [])):
            if datum.source not in self.sources:
                raise ValueError(
                    f"{datum.name}: source {datum.source!r} is none of {', '.join(self.sources)}"
                )
            if datum.name in seen:
                raise ValueError(f"{datum.name}: two data have this name")
            seen.add(datum.name)
        return self

    def label(self, datum: Datum) -> str:
        """Name a datum as in legends: author and year, formulation, and what it is."""
        kind = {"experiment": "measured", "simulation": "simulated"}.get(
            datum.kind, "kind not said"
        )
        recipe = str(datum.recipe).removesuffix("/–")
        return f"{self.short.get(datum.source, datum.source)}, {recipe}, {kind}"

    def cite(self, data: Sequence[Datum]) -> str:
        """Say where data are from, as in captions: legend names and full references."""
        names = dict.fromkeys(datum.source for datum in data)
        return "; ".join(f"{self.short.get(n, n)}: {self.sources[n].rstrip('.')}" for n in names)

    def __getitem__(self, name: str) -> Datum:
        """Look up a datum by its name.

        Raises:
            InputError: there is none.
        """
        for datum in self.data:
            if datum.name == name:
                return datum
        raise InputError(f"published data on {self.material}: there is no datum {name!r}")


def load_published(path: Path) -> Published:
    """Read a file of published data.

    Raises:
        ConfigError: it is missing, is no YAML mapping, or holds what it must not; one line.
    """
    data = read_yaml(Path(path))
    try:
        return Published.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        message = " ".join(first["msg"].removeprefix("Value error, ").split())
        keys = ".".join(_name(part, data, index) for index, part in enumerate(first["loc"]))
        value = first["input"]
        shown = f" (got {value!r})" if not isinstance(value, dict | list) else ""
        raise ConfigError(f"{path}: {keys + ': ' if keys else ''}{message}{shown}") from None


def _name(part: object, data: dict, index: int) -> str:
    """A datum by its name where it has one."""
    if index == 1 and isinstance(part, int):
        datum = data["data"][part]
        return str(datum.get("name", part)) if isinstance(datum, dict) else str(part)
    return str(part)
