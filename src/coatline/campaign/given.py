"""Values that Snakemake hands on from its command line and its profile: `--config key=value`."""

import re
import shlex
import typing
from collections.abc import Mapping
from typing import Any

import yaml
from pydantic import BaseModel

from coatline.campaign.config import Config
from coatline.errors import ConfigError

_EXPANDED = re.compile(r"[$`\\]")
"""What a shell expands, or takes away, between double quotes."""
_QUOTED = re.compile(r"^['\"].+['\"]")
"""What Snakemake takes for quoted already."""


def restore_types(value: Any, kind: Any = Config) -> Any:
    """Numbers, truth values and nothing where Snakemake left text.

    Snakemake reads `cluster={longest_job: 1440}` without types: the 1440 arrives as "1440".

    Args:
        value: a value, list or mapping as Snakemake parsed it.
        kind: type that the configuration has there; what is text there stays text.

    Returns:
        The same with types as in a configuration file.
    """
    kinds = [one for one in typing.get_args(kind) or (kind,) if isinstance(one, type)]
    if isinstance(value, Mapping):
        block = next((one for one in kinds if issubclass(one, BaseModel)), None)
        fields = block.model_fields if block else {}
        return {
            key: restore_types(one, fields[key].annotation if key in fields else object)
            for key, one in value.items()
        }
    if isinstance(value, list):
        return [restore_types(one, object) for one in value]
    if not isinstance(value, str) or str in kinds:
        return value
    try:
        read = yaml.safe_load(value)
    except yaml.YAMLError:
        return value
    return read if read is None or isinstance(read, bool | int | float) else value


def merge_given(config: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Put values over those of a configuration, block by block, as Snakemake does.

    Args:
        config: as a configuration file has it.
        given: what is put over it.
    """
    merged = dict(config)
    for key, value in given.items():
        below = merged.get(key)
        both = isinstance(below, Mapping) and isinstance(value, Mapping)
        merged[key] = merge_given(below, value) if both else value
    return merged


def parse_given(entries: list[str], source: str) -> dict[str, Any]:
    """Read the entries of `config:` in a profile, as Snakemake would.

    Args:
        entries: such as "cluster={longest_job: 1440}".
        source: the profile; named in errors.

    Raises:
        ConfigError: an entry is no key=value.
    """
    given: dict[str, Any] = {}
    for entry in entries:
        key, mark, text = str(entry).partition("=")
        try:
            value = yaml.load(text, Loader=yaml.BaseLoader)  # texts alone, as Snakemake reads it
        except yaml.YAMLError:
            value = text
        if not (mark and key.isidentifier()):
            raise ConfigError(
                f"{source}: config: {entry!r}: must be key=value, "
                "as in cluster={longest_job: 1440}"
            )
        given = merge_given(given, {key: value})
    return restore_types(given)


def check_carried(texts: Mapping[str, list[str]]) -> None:
    """Refuse what Snakemake would write into the scripts of SLURM jobs so that a shell reads it.

    Also for runs on one machine, so that a campaign can move to a cluster as it stands.

    Snakemake quotes these texts as Python does (`format_cli_value` in
    snakemake_interface_executor_plugins): one with a single quote goes between double quotes, where
    the shell still expands `$`, and one with both kinds of quotes ends in the middle.

    Args:
        texts: where a text stands → the texts.

    Raises:
        ConfigError: a shell would not read one of them as it stands.
    """
    for where, ones in texts.items():
        for text in ones:
            quoted = text if _QUOTED.match(text) else repr(text)
            try:
                whole = shlex.split(quoted) == [text]
            except ValueError:
                whole = False
            if not whole or (quoted[0] == '"' and _EXPANDED.search(text)):
                raise ConfigError(
                    f"{where} {text!r}: holds quotes, $, ` or \\ so that the shell of a SLURM job "
                    "would not read it as it stands; leave them out"
                )
