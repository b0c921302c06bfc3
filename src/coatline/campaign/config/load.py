"""The whole configuration of a campaign, and how it is read from a file or a mapping."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, PrivateAttr, ValidationError, field_validator

from coatline.campaign.config.base import Block, KeyProblem, describe
from coatline.campaign.config.blocks import Campaign, Electrode, Engine, Measure
from coatline.campaign.config.cluster import Cluster
from coatline.campaign.config.design import Design
from coatline.campaign.config.explain import explain, show
from coatline.campaign.config.learn import Learn, Optimise
from coatline.campaign.config.manufacture import Manufacture
from coatline.campaign.config.recipes import read_recipes
from coatline.errors import ConfigError

ROOT = Path(__file__).resolve().parents[4]
"""Root of the repository."""

_NETCDF = b"\x89HDF\r\n\x1a\n"
"""What a netCDF 4 file begins with."""


class Config(Block):
    """Configuration of one campaign: one block per part of the line."""

    campaign: Campaign = Field(description="name, seed and rule of success")
    material: str = describe(
        "name of a file in config/materials/ without .yaml, or a path",
        "nmc111",
        example="nmc111",
        min_length=1,
    )
    design: Design = Field(description="which electrodes are made")
    electrode: Electrode = Field(default=Electrode(), description="size of the electrodes")
    manufacture: Manufacture = Field(default=Manufacture(), description="how they are made")
    measure: Measure = Field(default=Measure(), description="how they are measured")
    learn: Learn | None = Field(
        default=None,
        description="surrogates of the dataset; not made where the block is left out, {} takes all "
        "defaults",
    )
    optimise: Optimise | None = Field(
        default=None,
        description="best recipes from the surrogates, and their electrodes; not made where the "
        "block is left out, {} takes all defaults",
    )
    engine: Engine = Field(default=Engine(), description="how LAMMPS is started")
    cluster: Cluster = Field(default=Cluster(), description="limits of the cluster's partition")

    _source: str = PrivateAttr(default="config")

    @field_validator("learn", "optimise", mode="before")
    @classmethod
    def _refuse_nothing(cls, value: Any) -> Any:
        if value is None:
            raise KeyProblem("has no value; give {} for all defaults, or leave the block out")
        return value

    @property
    def source(self) -> str:
        """Name of the file that the configuration came from."""
        return self._source

    @property
    def material_file(self) -> Path:
        """Path of the material file."""
        return find_material(self.material, self._source)

    @property
    def dataset_file(self) -> Path | None:
        """Path of the dataset that the campaign starts from; none where it makes its own."""
        given = self.campaign.dataset
        return None if given is None else find_dataset(given, self._source)


def load_config(mapping: Mapping[str, Any], source: str) -> Config:
    """Check a configuration.

    Args:
        mapping: the blocks, as YAML gives them.
        source: file that they came from; named in errors, and paths in it are relative to it.

    Returns:
        The configuration, recipes read in, defaults filled in, files found.

    Raises:
        ConfigError: one line that names file, dotted key, value and what would be right.
    """
    if not isinstance(mapping, Mapping):
        raise ConfigError(f"{source}: must hold keys and values, as config/demo.yaml does")
    given = _read_recipes(_read_recipes(dict(mapping), source, "design"), source, "optimise")
    try:
        config = Config.model_validate(given)
    except ValidationError as error:
        lines = []
        for one in sorted(error.errors(), key=_rank):
            line = explain(one, Config, given)
            if line not in lines:
                lines.append(line)
        others = sorted({line.split(" ")[0].rstrip(":") for line in lines[1:]})
        more = f" (also wrong: {', '.join(others)})" if others else ""
        raise ConfigError(f"{source}: {lines[0]}{more}") from None
    config._source = source
    find_material(config.material, source)
    if config.campaign.dataset is not None:
        find_dataset(config.campaign.dataset, source)
    return config


def read_config(path: Path | str) -> Config:
    """Read a configuration file.

    Raises:
        ConfigError: as `load_config`; also where the file is missing, is no YAML, or has a key
            twice.
    """
    from coatline.yaml_file import read_yaml

    return load_config(read_yaml(Path(path)), str(path))


def find_material(material: str, source: str) -> Path:
    """Find the file of a material.

    Args:
        material: a bare name, for config/materials/<name>.yaml, or a path.
        source: the configuration file; a relative path is looked for beside it, then in the
            working directory, then in the repository.

    Returns:
        Path of an existing file.

    Raises:
        ConfigError: there is no such file; the line names those that there are.
    """
    is_name = not material.endswith((".yaml", ".yml")) and "/" not in material
    name = f"config/materials/{material}.yaml" if is_name else material
    found = _locate(name, source, beside=not is_name)
    if found is None:
        known = sorted(file.stem for file in (ROOT / "config" / "materials").glob("*.yaml"))
        raise ConfigError(
            f"{source}: material = {show(material)}: there is no file {name}; give a path or one "
            f"of {', '.join(known)}"
        )
    return found


def find_dataset(dataset: str, source: str) -> Path:
    """Find the dataset that a campaign starts from.

    Args:
        dataset: path of the file.
        source: the configuration file; a relative path is looked for beside it, then in the
            working directory, then in the repository.

    Returns:
        Path of an existing netCDF file; whether it holds electrodes is seen by who reads it.

    Raises:
        ConfigError: there is no such file, or it is no netCDF file.
    """
    found = _locate(dataset, source)
    if found is None:
        raise ConfigError(
            f"{source}: campaign.dataset = {show(dataset)}: there is no such file; give the path "
            "of the dataset.nc of a campaign"
        )
    with open(found, "rb") as file:
        start = file.read(8)
    if start != _NETCDF:
        raise ConfigError(
            f"{source}: campaign.dataset = {show(dataset)}: is no netCDF file; give the path of "
            "the dataset.nc of a campaign"
        )
    return found


def _locate(name: str, source: str, beside: bool = True) -> Path | None:
    """Look for a file beside the configuration, in the working directory, in the repository."""
    path = Path(name).expanduser()
    folders = [Path(source).parent] if beside else []
    for folder in [*folders, Path(), ROOT]:
        if (folder / path).is_file():
            return folder / path
    return None


def _read_recipes(mapping: dict[str, Any], source: str, part: str) -> dict[str, Any]:
    """Replace the path of a recipe file in a block by its rows."""
    block = mapping.get(part)
    name = block.get("recipes") if isinstance(block, Mapping) else None
    if not isinstance(name, str):
        return mapping
    path = _locate(name, source)
    if path is None:
        raise ConfigError(
            f"{source}: {part}.recipes = {show(name)}: there is no such file; give a CSV file with "
            "the columns active_material, solid_content, compression_rate, or a list"
        )
    return {**mapping, part: {**block, "recipes": read_recipes(path)}}


def _rank(error: Mapping[str, Any]) -> int:
    """Unknown keys first: a misspelt key also makes the right one missing."""
    return {"extra_forbidden": 0, "missing": 2}.get(error["type"], 1)
