"""A finished campaign as a folder to hand on: what later parts and readers need, and no more.

Its `campaign.yaml` makes everything that follows the dataset again, without LAMMPS; the report
finds curves, provenance, structures and pictures beside the dataset.
"""

import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from coatline.campaign.plan import Plan
from coatline.design.write import replace_file
from coatline.errors import InputError

FILES = {
    "dataset.nc": "dataset.nc",
    "design.csv": "design/design.csv",
    "calendering_curves.nc": "calendering_curves.nc",
    "structures.nc": "structures.nc",
    "made.nc": "optimise/made.nc",
    "made.csv": "optimise/made.csv",
}
"""Name in the folder → file of the campaign; all but the first two may be missing."""
NEEDED = ("dataset.nc", "design.csv", "provenance.json")
MADE_LATER = ("replicates", "recipes", "rounds", "batch")
"""Keys of `optimise` that ask for electrodes."""
PRIVATE = ("host", "hosts", "token", "files")
"""Keys of the provenance that say something of the machine alone."""


def ship_campaign(plan: Plan, folder: Path) -> list[Path]:
    """Copy what a finished campaign has brought into a folder.

    Args:
        plan: the campaign.
        folder: to write; made if there is none. Files of the same names are replaced.

    Returns:
        The files, with `SHA256SUMS` last.

    Raises:
        InputError: the campaign is not finished; the line names the file that is missing.
    """
    provenance = plan.folder / "provenance.json"
    sources = {name: plan.folder / path for name, path in FILES.items()}
    for name, path in {**sources, "provenance.json": provenance}.items():
        if name in NEEDED and not path.is_file():
            raise InputError(
                f"{path}: is not there; run the campaign to its end before it is shipped"
            )
    pictures = sorted((plan.folder / "electrodes").glob("*.jpg"))
    sources |= {f"electrodes/{path.name}": path for path in pictures}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "electrodes").mkdir(exist_ok=True)
    written = []
    for name, path in sources.items():
        if path.is_file():
            written.append(Path(shutil.copyfile(path, folder / name)))
    written.append(
        Path(shutil.copyfile(plan.config.material_file, folder / plan.config.material_file.name))
    )
    replace_file(folder / "campaign.yaml", _write_config(plan))
    written.append(folder / "campaign.yaml")
    record = json.loads(provenance.read_text(encoding="utf-8"))
    text = json.dumps(_drop_private(record), ensure_ascii=False, separators=(",", ":"))
    replace_file(folder / "provenance.json", text + "\n")
    written.append(folder / "provenance.json")
    sums = (f"{_hash_file(path)}  {path.relative_to(folder).as_posix()}\n" for path in written)
    replace_file(folder / "SHA256SUMS", "".join(sums))
    return [*written, folder / "SHA256SUMS"]


def _write_config(plan: Plan) -> str:
    """The configuration that starts at the dataset: nothing of it is made by LAMMPS."""
    config = plan.config.model_dump(mode="json", exclude_unset=True)
    config["campaign"] |= {"name": f"{config['campaign']['name'][:32]}-shipped"}
    config["campaign"]["dataset"] = "dataset.nc"
    config["material"] = plan.config.material_file.name
    for key in MADE_LATER:
        config.get("optimise", {}).pop(key, None)
    for part in ("engine", "cluster"):
        config.pop(part, None)
    text = yaml.safe_dump(config, sort_keys=False, allow_unicode=True)
    return f"# All that follows the dataset beside this file; no LAMMPS is run.\n{text}"


def _drop_private(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _drop_private(v) for k, v in value.items() if k not in PRIVATE}
    return value


def _hash_file(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def compare_physics(dataset: Path, now: Mapping[str, str]) -> Iterator[str]:
    """Compare the code that made a dataset with that of today.

    Args:
        dataset: netCDF file of a campaign.
        now: stage → hash of its code and decks today.

    Yields:
        A line for each stage that differs, and one where the dataset does not say what made it.

    Raises:
        InputError: the file cannot be read.
    """
    import netCDF4

    try:
        with netCDF4.Dataset(dataset) as file:
            made = json.loads(file.__dict__.get("physics", "{}"))
    except (OSError, ValueError) as error:
        raise InputError(f"{dataset}: cannot be read as a dataset ({error})") from None
    if not made:
        yield f"{dataset}: does not say what code made it"
    for stage, hashes in made.items():
        if stage in now and hashes != [now[stage]]:
            yield (
                f"{dataset}: {stage} was made by other code ({_join(hashes)}) than that of today "
                f"({now[stage]})"
            )


def _join(hashes: Iterable[str]) -> str:
    return ", ".join(hashes)
