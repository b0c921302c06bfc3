"""Provenance: what made each result, and when, where and at which attempt.

Each stage leaves a line about itself in its netCDF record, beside the lines of the stages before
it. All of them are gathered into `provenance.json`; none of them goes into `dataset.nc`, so that
equal campaigns give equal datasets.
"""

import json
import socket
import subprocess
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import coatline
from coatline.design.write import replace_file

ATTRIBUTE = "provenance"
"""Global attribute of records: JSON, stage → what ran it."""

Run = dict[str, Any]


def describe_code() -> dict[str, Any]:
    """Describe the code in use: version, git commit, and whether files differ from it.

    Returns:
        `coatline`, `commit` (none where there is no git), `dirty` (none where unknown).
    """
    commit = _ask_git("rev-parse", "HEAD")
    changes = None if commit is None else _ask_git("status", "--porcelain")
    return {
        "coatline": coatline.__version__,
        "commit": commit,
        "dirty": None if changes is None else bool(changes),
    }


def name_code(code: Mapping[str, Any]) -> str:
    """Name code for people: version, commit, and whether files differ from it.

    Args:
        code: as `describe_code` describes it.
    """
    commit = code.get("commit")
    tail = f", commit {commit[:12]}" if commit else ""
    return f"{code.get('coatline', 'unknown')}{tail}{' with changes' if code.get('dirty') else ''}"


def _ask_git(*words: str) -> str | None:
    root = Path(__file__).resolve().parents[3]
    command = ["git", "-C", str(root), "--no-optional-locks", *words]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None


class Clock:
    """Start and length of a job."""

    def __init__(self) -> None:
        self._started = datetime.now(UTC)
        self._count = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Time since the start, s."""
        return round(time.perf_counter() - self._count, 3)

    def describe_run(self, attempt: int, physics: str, **more: Any) -> Run:
        """Describe the job so far.

        Args:
            attempt: 1 for the first.
            physics: hash of the code and decks it depends on.
            more: further facts, such as `seed` or `lammps`; none are left out.
        """
        run = {
            "started": self._started.isoformat(timespec="seconds"),
            "seconds": self.seconds,
            "host": socket.gethostname(),
            "attempt": attempt,
            "physics": physics,
        }
        return run | describe_code() | {name: v for name, v in more.items() if v is not None}


def stamp_record(path: Path, stage: str, run: Run, before: Iterable[Path] = ()) -> None:
    """Write into a record what made it, and what made the records it came from.

    Args:
        path: the record, netCDF.
        stage: slurry, dry, press, calender or measure.
        run: as `Clock.describe_run` gives it.
        before: records of the stages before.
    """
    import netCDF4

    lines: dict[str, Run] = {}
    for record in before:
        lines |= read_provenance(record)
    lines[stage] = run | {"record": path.name}
    with netCDF4.Dataset(path, "a") as file:
        file.setncattr(ATTRIBUTE, json.dumps(lines))


def read_provenance(path: Path) -> dict[str, Run]:
    """Read what made a record, stage by stage; empty where it does not say."""
    import netCDF4

    with netCDF4.Dataset(path) as file:
        return parse_provenance(file.__dict__)


def parse_provenance(attributes: Mapping[str, Any]) -> dict[str, Run]:
    """Read what made a record from its global attributes."""
    return json.loads(attributes.get(ATTRIBUTE, "{}"))


def read_said(files: Iterable[str]) -> dict[str, dict[str, list[Any]]]:
    """What the records among some files say of the files beside them.

    Args:
        files: any files; those that cannot be read say nothing.

    Returns:
        folder → name of a file → its size and SHA-256.
    """
    said: dict[str, dict[str, list[Any]]] = {}
    for file in map(Path, files):
        for run in _read_runs(file).values():
            if run.get("record") == file.name:
                said.setdefault(str(file.parent), {}).update(run.get("files") or {})
    return said


def read_token(file: str) -> str | None:
    """The attempt that made a record; none for other files."""
    path = Path(file)
    return next(
        (r.get("token") for r in _read_runs(path).values() if r.get("record") == path.name), None
    )


def _read_runs(path: Path) -> dict[str, Run]:
    if path.suffix != ".nc":
        return {}
    try:
        return read_provenance(path)
    except (OSError, ValueError):
        return {}


def write_provenance(
    path: Path, chunks: Iterable[Path], campaign: str, config: Mapping[str, Any]
) -> None:
    """Write the provenance of a whole campaign as JSON.

    Args:
        path: file to write, in one step.
        chunks: files with sample → stage → run, as gathering leaves them.
        campaign: its name.
        config: the configuration with its defaults, and the material.
    """
    slurries: dict[str, dict[str, Run]] = {}
    samples: dict[str, dict[str, Run]] = {}
    for chunk in chunks:
        for sample, runs in json.loads(Path(chunk).read_text(encoding="utf-8")).items():
            own = ("calender", "measure")
            samples[sample] = {stage: run for stage, run in runs.items() if stage in own}
            shared = {stage: run for stage, run in runs.items() if stage not in own}
            slurries.setdefault(sample.partition("c")[0], {}).update(shared)
    runs = [run for one in (*slurries.values(), *samples.values()) for run in one.values()]
    content = {
        "campaign": campaign,
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "code": describe_code(),
        "seconds": round(sum(run["seconds"] for run in runs), 3),
        "hosts": sorted({run["host"] for run in runs}),
        "lammps": sorted({run["lammps"] for run in runs if run.get("lammps")}),
        "config": config,
        "slurries": slurries,
        "samples": samples,
    }
    replace_file(Path(path), json.dumps(content, indent=1, ensure_ascii=False) + "\n")
