"""Long runs as chains of segments, so that one that is stopped goes on where it was.

A deck of long runs ends at a station once it has made the particle-steps of a segment, and a new
process goes on from the restart that it left (`workflow/lammps/segment.lmp`). Where segments end
depends on the particles and steps alone, and each begins from a restart in any case: interrupted or
not, a chain leaves the same bytes. What is kept on the way lies in a folder beside the results,
under a key of everything that the run depends on; with another key the chain begins anew.
"""

import contextlib
import gzip
import hashlib
import json
import math
import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from coatline.design.write import replace_file
from coatline.errors import CoatlineError, WalltimeError
from coatline.manufacture.engine import Engine, PhysicalFailure, read_version, run_segment

SEGMENT = 1.0e9
"""Particle-steps of a segment: ten to fifteen minutes on one core at 1.1 to 1.7 million a second.
An electrode of 0.1 µg takes less than a fifth of it in any stage."""
LEDGER = "segments.json"
FAILURE = "failure.txt"
OWNER = "owner"


@dataclass(frozen=True)
class Keeping:
    """Where the segments of a stage outlive its job.

    Attributes:
        folder: beside the results, for this stage alone.
        code: hash of the code that makes the stage.
        token: of the attempt.
        deadline: `time.monotonic()` at which the job will be ended; infinite if none.
    """

    folder: Path
    code: str = ""
    token: str = ""
    deadline: float = math.inf


def make_key(
    engine: Engine, decks: Path, files: Iterable[Path], values: object, code: str = ""
) -> str:
    """Hash of all that a run depends on: program, decks, files that it reads, values, code."""
    digest = hashlib.sha256()
    program = engine.words()
    digest.update(json.dumps([program, values, code], sort_keys=True, default=_plain).encode())
    for word in program:
        if os.path.isfile(word):
            state = os.stat(word)
            digest.update(f"{state.st_size} {state.st_mtime_ns}".encode())
    for file in [*sorted(decks.glob("*.lmp")), *files]:
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _plain(value: object) -> object:
    return value.tolist() if hasattr(value, "tolist") else str(value)


@contextmanager
def open_chain(folder: Path, key: str, token: str = "") -> Iterator[Path]:
    """The folder of a chain: as it was left if its key is the same, else empty.

    An interruption leaves it only if a segment was made, or a physical failure met. Whoever has put
    the results in place removes it. What is in it is read and copied, never moved away: an attempt
    that ends before its results are in place must find the chain as it was.
    """
    marker = folder / "key"
    if not (marker.is_file() and marker.read_text(encoding="ascii") == key):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        marker.write_text(key, encoding="ascii")
    (folder / OWNER).write_text(token, encoding="ascii")
    try:
        yield folder
    except BaseException:
        if not [*folder.glob(f"attempt*/{LEDGER}"), *folder.glob(f"attempt*/{FAILURE}")]:
            shutil.rmtree(folder, ignore_errors=True)
        raise


def run_segments(
    engine: Engine,
    deck: Path,
    folder: Path,
    log: Path,
    variables: Mapping[str, object],
    keeping: Keeping | None = None,
) -> dict[str, float]:
    """Run a deck as a chain of segments, going on from those that the folder holds.

    Args:
        engine, deck, folder, log, variables: see `run_segment`.
        keeping: of the chain; None where it does not outlive the job.

    Returns:
        The results of all segments. `series.txt` and, where there are frames, `frames.dump.gz` in
        the folder hold those of all segments.

    Raises:
        PhysicalFailure, EngineError: see `run_segment`. A failure met once is met again, not run.
        CoatlineError: another job has taken the chain over.
        WalltimeError: before a segment that would not end by the deadline.
    """
    failure = folder / FAILURE
    if failure.is_file():
        raise PhysicalFailure(failure.read_text(encoding="utf-8"))
    ledger = folder / LEDGER
    token, deadline = (keeping.token, keeping.deadline) if keeping else ("", math.inf)
    past = _read_past(folder)
    if past["segments"]:
        print(f"coatline: {deck.stem} goes on after {past['segments']} segments", flush=True)
    try:
        while True:
            if past["segments"] and time.monotonic() + 1.1 * past["longest"] > deadline:
                raise WalltimeError(
                    f"{deck.stem}: {past['segments']} segments are made; another of up to "
                    f"{past['longest']:.0f} s would not end within the walltime. The next attempt, "
                    "or the same command given again, goes on from there"
                )
            start = time.monotonic()
            given = _variables_of(variables, past)
            results, station = run_segment(engine, deck, folder, log, given)
            if keeping and (folder.parent / OWNER).read_text(encoding="ascii") != token:
                raise CoatlineError(f"{deck.stem}: another job has taken over {folder.parent}")
            version = read_version(log)
            if past["lammps"] not in ("", version):
                print(f"coatline: LAMMPS was {past['lammps']}, is {version}: begins anew")
                past = _clear(folder)
                continue
            past["lammps"] = version
            past["results"] |= results
            if station is None:
                _join_frames(folder)
                return past["results"]
            took = time.monotonic() - start
            past["segments"] += 1
            past["station"] |= station
            past["longest"] = max(past["longest"], took)
            past["times"] = [*past["times"], [token, took]]
            before = past["files"].pop(_restart(past["segments"] - 1), None)
            for file in sorted(folder.glob("*.restart")):
                if file.name != _restart(past["segments"] - 1):
                    past["files"].setdefault(file.name, _seal(file))
            replace_file(ledger, json.dumps(past, indent=1))
            if before:
                (folder / _restart(past["segments"] - 1)).unlink(missing_ok=True)
    except PhysicalFailure as error:
        replace_file(failure, str(error))
        raise
    finally:
        with contextlib.suppress(OSError, ValueError):  # what ended the run counts, not its table
            _join_series(folder)


def seconds_before(folder: Path, token: str) -> float:
    """Time that earlier attempts have spent on the segments of a chain, s.

    Args:
        folder: of the chain.
        token: of this attempt.
    """
    times = []
    for ledger in folder.glob(f"attempt*/{LEDGER}"):
        times += json.loads(ledger.read_text(encoding="utf-8"))["times"]
    return sum(took for owner, took in times if owner != token)


def _read_past(folder: Path) -> dict:
    """What the folder's segments have come to; nothing where a state of theirs has changed."""
    try:
        past = json.loads((folder / LEDGER).read_text(encoding="utf-8"))
        if all(_hash(folder / name) == digest for name, digest in past["files"].items()):
            return past
    except (OSError, ValueError, KeyError):
        pass
    return _clear(folder)


def _clear(folder: Path) -> dict:
    shutil.rmtree(folder)
    folder.mkdir()
    past = {"segments": 0, "station": {}, "results": {}, "files": {}, "times": []}
    return past | {"longest": 0.0, "lammps": ""}


def _seal(path: Path) -> str:
    """Have a file on the disk before it is counted on; its hash."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
    return _hash(path)


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _restart(number: int) -> str:
    return f"segment.{number}.restart"


def _variables_of(variables: Mapping[str, object], past: dict) -> dict[str, object]:
    number = past["segments"]
    given = dict(variables)
    if "ramp_dt" in given:  # a step for each part of drying: those of the parts to come
        given["ramp_dt"] = given["ramp_dt"][past["station"].get("parts", 0) :] or [0.0]
    given |= {"segment": SEGMENT, "onward": _restart(number + 1), "series": f"series.{number}.txt"}
    if variables.get("frame_steps"):
        given["frames"] = f"frames.{number}.dump.gz"
    return given | ({"from": _restart(number)} | past["station"] if number else {})


def _parts(folder: Path, pattern: str) -> list[Path]:
    return sorted(folder.glob(pattern), key=lambda path: int(re.findall(r"\d+", path.name)[0]))


def _join_series(folder: Path) -> None:
    """The time series of all segments as one; the first line of a segment repeats the last."""
    lines: list[str] = []
    last = -1
    for part in _parts(folder, "series.*.txt"):
        title, *rows = part.read_text(encoding="ascii").splitlines() or [""]
        lines += [] if lines else [title]
        for row in rows:
            step = row.split(" ", 1)[0]
            if step.isdigit() and int(step) > last:
                lines.append(row)
                last = int(step)
    if lines:
        (folder / "series.txt").write_text("\n".join(lines) + "\n", encoding="ascii")


def _join_frames(folder: Path) -> None:
    """The frames of all segments in one file."""
    parts = _parts(folder, "frames.*.dump.gz")
    if parts:
        with (
            open(folder / "frames.dump.gz", "wb") as raw,
            gzip.GzipFile("", "wb", 6, raw, mtime=0) as whole,  # no name and time in it
        ):
            for part in parts:
                with gzip.open(part) as file:
                    shutil.copyfileobj(file, whole)
