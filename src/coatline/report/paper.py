"""The published campaign that ours is set beside: its tables and recipes, each with its source.

A file per material in `config/published/`, such as `nmc111-campaign.yaml`.
"""

from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError, field_validator

from coatline.errors import ConfigError
from coatline.report.published import Block
from coatline.yaml_file import read_yaml

Positive = Annotated[float, Field(gt=0)]
Percent = Annotated[float, Field(ge=0, le=100)]


class FullRecipe(Block):
    """A recipe, %."""

    active_material: Percent
    solid_content: Percent
    compression_rate: Percent

    @property
    def values(self) -> tuple[float, float, float]:
        """Active material, solid content, compression rate."""
        return self.active_material, self.solid_content, self.compression_rate


class PublishedOptimum(Block):
    """The best recipe and what is said of its properties, in the units of a dataset."""

    recipe: FullRecipe
    properties: dict[str, Positive] = Field(default={})


class PublishedScore(Block):
    """How well one property was learned: test and training set, and the interval of the mean R²."""

    rmse_percent: Positive
    r2: Positive
    ci95: tuple[Positive, Positive]
    train_rmse_percent: Positive
    train_r2: Positive

    @field_validator("ci95", mode="before")
    @classmethod
    def _pair(cls, value: object) -> object:
        return tuple(value) if isinstance(value, list) else value


class PublishedHours(Block):
    """Computing time of one film, slurry and drying, and of one calendering, h."""

    film: Positive
    calendering: Positive


class PublishedCampaign(Block):
    """A published campaign."""

    material: str
    source: str
    samples: int = Field(gt=0)
    calls: int = Field(gt=0)
    seeds: int = Field(gt=0)
    hours: PublishedHours
    optimum: PublishedOptimum
    scores: dict[str, PublishedScore]
    extremes: dict[str, FullRecipe]


def load_paper(path: Path) -> PublishedCampaign:
    """Read a published campaign.

    Raises:
        ConfigError: it is missing, is no YAML mapping, or holds what it must not; one line.
    """
    try:
        return PublishedCampaign.model_validate(read_yaml(Path(path)))
    except ValidationError as error:
        first = error.errors()[0]
        keys = ".".join(map(str, first["loc"]))
        raise ConfigError(f"{path}: {keys}: {first['msg']}") from None
