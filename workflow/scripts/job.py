"""What the scripts of all jobs share: threads, log, errors, provenance; no heavy imports."""

import os
import sys
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any

from coatline.campaign.provenance import Clock, stamp_record
from coatline.errors import CoatlineError

LIBRARIES = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "VECLIB_MAXIMUM", "NUMBA", "BLIS")


class Job:
    """A job of the workflow: within it, all output goes to the log.

    Numerical libraries read their number of threads when they are imported: import them within.
    """

    def __init__(self, snakemake: Any) -> None:
        self.snakemake = snakemake
        self.log = Path(snakemake.log[0])
        self.config = snakemake.config["resolved"]
        self.decks = Path(__file__).resolve().parents[1] / "lammps"
        self._clock = Clock()
        for library in LIBRARIES:
            os.environ[f"{library}_NUM_THREADS"] = str(snakemake.threads)

    def __enter__(self) -> "Job":
        self._terminal = os.dup(2)
        sys.stdout.flush()
        sys.stderr.flush()
        log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o644)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.close(log)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            print(f"coatline: {self.snakemake.rule} finished in {self._clock.seconds} s")
            sys.stdout.flush()
            return
        if isinstance(error, CoatlineError):
            line = f"coatline: error: {error}\n"
            os.write(self._terminal, line.encode())
            sys.stderr.write(line)
        else:
            traceback.print_exception(kind, error, trace)
        sys.stderr.flush()
        sys.exit(1)

    @staticmethod
    def path(file: str) -> Path:
        """Path of an input or output, whatever folder LAMMPS works in."""
        return Path(file).resolve()

    @property
    def engine(self) -> Any:
        """LAMMPS as the configuration names it, with the threads of this job."""
        from coatline.manufacture.engine import Engine

        settings = self.config["engine"]
        return Engine(settings["command"], settings["launcher"], self.snakemake.threads)

    def stamp(self, record: str, *before: str, **more: Any) -> None:
        """Write into a record what made it."""
        from coatline.manufacture.engine import read_version

        snakemake = self.snakemake
        run = self._clock.describe_run(
            snakemake.resources.attempt,
            snakemake.params.physics,
            lammps=read_version(self.log) or None,
            **more,
        )
        stamp_record(Path(record), snakemake.rule, run, [Path(file) for file in before])
