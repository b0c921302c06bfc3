"""Running LAMMPS: the command, its result lines, and telling physics from bad luck."""

import contextlib
import math
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from coatline.errors import CoatlineError, ConfigError

GUARD = Path(__file__).with_name("guard.py")
RESULT = re.compile(r"^coatline: result (\w+) (\S+)$", re.MULTILINE)
STATION = re.compile(r"^coatline: station (\w+)((?: \w+ \d+)*)$", re.MULTILINE)
NOT_CONVERGED = re.compile(r"^coatline: not converged: (.+)$", re.MULTILINE)
BLOW_UP = (
    "Lost atoms",
    "Non-numeric atom coords",
    "Non-numeric box dimensions",
    "Non-numeric pressure",
    "Out of range atoms",
    "Atoms missing",
    "Particle outside surface of region used in fix wall/gran/region",
    "Particle on or inside surface of region used in fix wall/gran/region",
)
"""What LAMMPS says when the simulation itself has failed, as against the machine it runs on."""


class PhysicalFailure(CoatlineError):
    """A blow-up, a lost particle or no convergence: the simulation failed, not the machine."""


class EngineError(CoatlineError):
    """LAMMPS did not run as it should, for reasons that are not physics: killed, memory, a bug."""


@dataclass(frozen=True)
class Engine:
    """How to start LAMMPS.

    Attributes:
        command: the executable, on PATH or beside the Python in use.
        launcher: what starts it in parallel; `{threads}` is replaced.
        threads: MPI ranks; 1 starts the executable as it is.
    """

    command: str = "lmp"
    launcher: str = "mpiexec -n {threads}"
    threads: int = 1

    def words(self) -> list[str]:
        """The command line up to LAMMPS's own options.

        Raises:
            ConfigError: an executable is not to be found.
        """
        line = self.launcher.format(threads=self.threads).split() if self.threads > 1 else []
        for key, name in (("launcher", line[0] if line else None), ("command", self.command)):
            if name is None:
                continue
            beside = Path(sys.executable).parent / name
            found = shutil.which(name) or (str(beside) if beside.is_file() else None)
            if found is None:
                raise ConfigError(f"engine.{key}: no program {name!r} on PATH")
            if key == "launcher":
                line[0] = found
            else:
                line.append(found)
        return line


def _write(value: object) -> str:
    return f"{value:.17g}" if isinstance(value, float) else str(value)


def run_segment(
    engine: Engine, deck: Path, folder: Path, log: Path, variables: Mapping[str, object]
) -> tuple[dict[str, float], dict[str, object] | None]:
    """Run one deck in a folder, to its end or to a station where it lets go (`segment.lmp`).

    Args:
        engine: how to start LAMMPS.
        deck: input file; its folder becomes the variable `decks`.
        folder: working directory.
        log: receives LAMMPS's screen output as it comes; appended to.
        variables: `-var` name and value, or list of values; floats are written with 17 digits.

    Returns:
        Name → value of each `coatline: result NAME VALUE` line, the last one if repeated; and what
        the next segment is to be told (`entry` and counts), or None at the end of the deck.

    Raises:
        PhysicalFailure: the simulation blew up, lost a particle or did not converge.
        EngineError: LAMMPS stopped for any other reason.
    """
    command = [*engine.words(), "-in", str(deck), "-log", "none", "-nocite"]
    for name, value in {"decks": deck.parent, **variables}.items():
        values = value if isinstance(value, list) else [value]
        command += ["-var", name, *(_write(each) for each in values)]
    # Read where it was written, even if somebody has meanwhile put another log in its place.
    with open(log, "a+", encoding="utf-8", errors="replace") as file:
        print("coatline: run", " ".join(command), file=file, flush=True)
        start = file.tell()
        code = _run_guarded(command, folder, file)
        file.seek(start)
        text = file.read()
    copies = len(re.findall(r"^LAMMPS \(", text, re.MULTILINE))
    if copies > 1:
        raise EngineError(
            f"engine.launcher: {copies} separate LAMMPS ran in place of one on {engine.threads} "
            "processes; the launcher must belong to the MPI that LAMMPS was built with"
        )
    stations = STATION.findall(text)
    if code == 0 and ("coatline: done" in text or stations):
        results = {name: float(value) for name, value in RESULT.findall(text)}
        for name, value in results.items():
            if not math.isfinite(value):
                raise PhysicalFailure(f"{deck.stem}: {name} is {value}")
        if "coatline: done" in text:
            return results, None
        entry, counts = stations[-1]
        words = counts.split()
        return results, {"entry": entry} | {
            name: int(value) for name, value in zip(words[::2], words[1::2], strict=True)
        }
    unsettled = NOT_CONVERGED.findall(text)
    if unsettled:
        raise PhysicalFailure(f"{deck.stem}: not converged: {unsettled[-1]}")
    errors = re.findall(r"^ERROR(?: on proc \d+)?: (.+)$", text, re.MULTILINE)
    if errors and any(sign in errors[-1] for sign in BLOW_UP):
        raise PhysicalFailure(f"{deck.stem}: {errors[-1].split(' (src')[0]}")
    number = _signal_of(code)
    if number:
        raise EngineError(f"{deck.stem}: LAMMPS was killed by signal {number}; see {log}")
    reason = errors[-1] if errors else f"exit code {code}"
    raise EngineError(f"{deck.stem}: LAMMPS stopped ({reason}); see {log}")


def _signal_of(code: int) -> int:
    """Signal that ended a program, or 0; launchers pass it on as 128 + n, or as -n modulo 256."""
    if code < 0:
        return -code
    if 128 < code < 160:
        return code - 128
    return 256 - code if 224 < code < 255 else 0


def read_version(log: Path) -> str:
    """The LAMMPS version that last wrote to a log, or an empty string."""
    if not log.exists():
        return ""
    with open(log, encoding="utf-8", errors="replace") as file:
        found = re.findall(r"^LAMMPS \((.+)\)$", file.read(), re.MULTILINE)
    return found[-1] if found else ""


def _run_guarded(command: list[str], folder: Path, log: IO[str]) -> int:
    """Run a command that ends when this process does, however that ends; its exit code.

    Its whole process group ends with it, so that nothing stays behind a wrapper or MPI launcher.
    """
    guard = subprocess.Popen(
        [sys.executable, "-I", "-S", str(GUARD), *command],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=log,
        process_group=0,
    )
    code = -signal.SIGKILL
    try:
        code = guard.wait()
    finally:
        if code < 0:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(guard.pid, signal.SIGKILL)
        guard.stdin.close()
        guard.wait()
    return code
