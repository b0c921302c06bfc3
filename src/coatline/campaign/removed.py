"""Damaged results that were removed: made again as they were, they leave their neighbours alone.

A slurry's electrodes all follow from one pressed film. Where one of its files is damaged, the film
is pressed again, and all that follows would be too, for the film is younger then. If it comes out
as it was, by code and configuration as they were, `coatline resume` gives it the times that it had.
"""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from coatline.campaign.delivery import digest
from coatline.campaign.start import VARIABLE
from coatline.design.write import replace_file

FOLDER = "manufacture"
"""Folder of the results that others of the same slurry follow from."""
PREFIX = ".removed-"
REMAKING = "COATLINE_REMAKING"
"""Environment variable of a run that makes nothing but removed files again."""


def note_removal(path: Path, said: Mapping[str, list[Any]]) -> None:
    """Note what is to be known of a damaged file, and of those beside it, when it is made again.

    Args:
        path: the file; where another job has removed it already, that one's note stands.
        said: name → size and digest of the files in its folder, where a record says so.
    """
    if path.parents[1].name != FOLDER or not path.exists():
        return
    files = {}
    for file in path.parent.iterdir():
        if file.is_file() and not file.name.startswith("."):
            files[file.name] = [file.stat().st_mtime_ns, said.get(file.name) or digest(file)]
    note = {"files": files, "started": os.environ.get(VARIABLE)}
    replace_file(_place(path), json.dumps(note) + "\n")


def list_removed(campaign: Path) -> list[str]:
    """Damaged files that were removed and are still to be made again.

    Args:
        campaign: folder of its results.
    """
    notes = sorted(campaign.glob(f"{FOLDER}/*/{PREFIX}*.json"))
    files = [path.with_name(path.name.removeprefix(PREFIX)).with_suffix("") for path in notes]
    return [str(file) for file in files if not file.exists()]


def judge_remade(outputs: Iterable[str], rule: str) -> bool:
    """Note whether results that a damaged one was made again with are what they were.

    Args:
        outputs: of the job, in place.
        rule: its rule.

    Returns:
        Whether they are, and who had them made will restore their times.
    """
    paths = [Path(output) for output in outputs]
    alike = False
    for place in [place for path in paths if (place := _place(path)).exists()]:
        note = _read_note(place)
        files = note.get("files", {})
        alike = REMAKING in os.environ and _is_same_start(
            note.get("started"), os.environ.get(VARIABLE), rule
        )
        alike = alike and all(
            path.name in files and (path.suffix == ".nc" or files[path.name][1] == digest(path))
            for path in paths  # records say when they were made
        )
        if alike:
            note["alike"] = {str(path): files[path.name][0] for path in paths}
            replace_file(place, json.dumps(note) + "\n")
        else:
            place.unlink()
    return alike


def _is_same_start(one: str | None, other: str | None, rule: str) -> bool:
    """Whether a rule ran by the same code and configuration."""
    if one is None or other is None:
        return False
    before, now = json.loads(one), json.loads(other)
    return before["config"] == now["config"] and before["rules"].get(rule) == now["rules"].get(rule)


def restore_times(files: Iterable[str]) -> None:
    """Give files that were made again, and those made with them, the times that they had.

    Only where they are what they were; those that could not be made again keep their notes. By
    Snakemake's end: it touches what its jobs have made.

    Args:
        files: that were removed.
    """
    made = [Path(file) for file in files if Path(file).exists()]
    for place in [place for path in made if (place := _place(path)).exists()]:
        note = _read_note(place)
        for file, time in note.get("alike", {}).items():
            os.utime(file, ns=(os.stat(file).st_atime_ns, time))
        place.unlink()


def _place(path: Path) -> Path:
    return path.with_name(f"{PREFIX}{path.name}.json")


def _read_note(place: Path) -> dict[str, Any]:
    try:
        return json.loads(place.read_text(encoding="utf-8"))
    except ValueError:  # cut off as well: nothing is known then
        return {}
