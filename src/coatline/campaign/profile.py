"""What a Snakemake profile says of a campaign on SLURM: jobs at a time, groups, configuration."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coatline.campaign.given import parse_given
from coatline.errors import ConfigError
from coatline.yaml_file import read_yaml


@dataclass(frozen=True)
class Profile:
    """A Snakemake profile for SLURM.

    Attributes:
        file: that it was read from.
        jobs: in the queue at a time.
        groups: rule → group whose jobs are one SLURM job.
        look: seconds until Snakemake first asks for the state of its jobs.
        given: values that stand over those of the configuration.
    """

    file: Path
    jobs: int
    groups: Mapping[str, str]
    look: float
    given: Mapping[str, Any]


def read_profile(name: str) -> Profile:
    """Read a profile.

    Args:
        name: a folder with a config.yaml, or the name of one in ~/.config/snakemake; profiles of
            the site and files named after a version of Snakemake are not looked for.

    Raises:
        ConfigError: there is none, it cannot be read, or it does not send jobs to SLURM.
    """
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "snakemake"
    places = [folder / name / "config.yaml" for folder in (Path(), home)]
    file = next((place for place in places if place.is_file()), None)
    if file is None:
        raise ConfigError(f"--profile {name}: there is no {' nor '.join(map(str, places))}")
    said = read_yaml(file)
    if said.get("executor") != "slurm":
        raise ConfigError(
            f"{file}: executor = {said.get('executor')!r}: only slurm is foreseen; for a run on "
            "one machine give --cores"
        )
    jobs, entries, groups = said.get("jobs"), said.get("config") or [], said.get("groups") or {}
    if isinstance(groups, list):  # Snakemake takes both
        groups = dict(str(entry).partition("=")[::2] for entry in groups)
    if not isinstance(jobs, int) or jobs < 1:
        raise ConfigError(f"{file}: jobs = {jobs!r}: must be a whole number above 0, such as 200")
    if not isinstance(entries, list):
        raise ConfigError(f"{file}: config: must be a list of key=value, as profiles/slurm has it")
    look = said.get("slurm-init-seconds-before-status-checks", 40)
    return Profile(file, jobs, groups, look, parse_given(entries, str(file)))
