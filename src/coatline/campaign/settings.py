"""What electrodes were made with, as one attribute of the file that gathers them.

Electrodes of several files may be learned from together only if they were made alike; see
`coatline.learn.measurements`. Nothing in it differs between two equal campaigns.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ATTRIBUTE = "made_with"
"""Global attribute: JSON, key as in the configuration → value."""


def flatten(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Bring nested settings to one level: `{"a": {"b": 1}}` becomes `{"a.b": 1}`."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        name = f"{prefix}{key}"
        flat |= flatten(value, f"{name}.") if isinstance(value, Mapping) else {name: value}
    return flat


def write_settings(path: Path, settings: Mapping[str, Any]) -> None:
    """Write into gathered electrodes, netCDF, what they were made with."""
    import netCDF4

    with netCDF4.Dataset(path, "a") as file:
        file.setncattr(ATTRIBUTE, json.dumps(settings, sort_keys=True))
