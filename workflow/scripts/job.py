"""What the scripts of all jobs share: threads, log, errors, provenance; no heavy imports.

A job claims its results, makes them in a folder of its own, and puts them in place once they are
proven whole. Within it `snakemake.output` names the places in that folder.
"""

import contextlib
import errno
import os
import shutil
import signal
import sys
import time
import traceback
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from coatline.campaign.causes import list_causes
from coatline.campaign.claims import FOLDER, claim
from coatline.campaign.delivery import DamagedFile, Delivery, check_inputs, digest, is_full
from coatline.campaign.provenance import (
    Clock,
    describe_code,
    name_code,
    read_said,
    read_token,
    stamp_record,
)
from coatline.campaign.removed import judge_remade, note_removal
from coatline.campaign.start import ChangedCode, check_start
from coatline.campaign.walltime import count_seconds_left
from coatline.errors import CoatlineError, WalltimeError

LIBRARIES = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "VECLIB_MAXIMUM", "NUMBA", "BLIS")
SCRIPTS = Path(__file__).resolve().parent


class Stopped(BaseException):
    """SIGTERM: SLURM at the end of the walltime, or somebody who cancels."""


class AlreadyMade(BaseException):
    """Another job has just made the same."""


class Job:
    """A job of the workflow: within it, all output goes to the log.

    Numerical libraries read their number of threads when they are imported: import them within.
    """

    def __init__(self, snakemake: Any) -> None:
        self.snakemake = snakemake
        self.log = Path(snakemake.log[0])
        self.config = snakemake.config["resolved"]
        self.decks = SCRIPTS.parent / "lammps"
        self._clock = Clock()
        self._claim = self._delivery = None
        self._stamped = False
        first = next(iter(getattr(snakemake, "output", [])), "")
        self._chain = Path(first).resolve().parent / f".chain-{snakemake.rule}"
        for library in LIBRARIES:
            os.environ[f"{library}_NUM_THREADS"] = str(snakemake.threads)
        # An electrode is made on one node; within a job MPICH would start it by srun, and wait.
        os.environ.setdefault("HYDRA_LAUNCHER", "fork")
        # Its ranks share memory: without this UCX, below MPICH, also listens on every network.
        os.environ.setdefault("UCX_TLS", "self,sm")
        if "SLURM_JOB_ID" in os.environ:  # a GPU that SLURM has not given is somebody else's
            os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

    def __enter__(self) -> "Job":
        self._terminal = os.dup(2)
        sys.stdout.flush()
        sys.stderr.flush()
        # What the segments said that are taken up again stays in the log.
        fresh = 0 if self._chain.is_dir() else os.O_TRUNC
        log = os.open(self.log, os.O_WRONLY | os.O_CREAT | fresh | os.O_APPEND, 0o644)
        self._log_start = os.fstat(log).st_size
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.close(log)
        try:
            signal.signal(signal.SIGTERM, _stop)
            if "logs" in self.log.parts:
                self._begin()
        except BaseException as error:
            self.__exit__(type(error), error, error.__traceback__)
            raise AssertionError("unreachable") from error
        return self

    def _begin(self) -> None:
        """Claim the results, check code and inputs, make a folder for the attempt."""
        snakemake = self.snakemake
        self.check_start()
        depth = len(self.log.parts) - self.log.parts[::-1].index("logs") - 1
        self._folder = folder = Path(*self.log.parts[:depth])
        name = ".".join(self.log.with_suffix("").relative_to(folder / "logs").parts)
        facts = {
            "rule": snakemake.rule,
            "outputs": [str(file) for file in snakemake.output],
            "cores": snakemake.threads,
            "minutes": snakemake.resources.get("runtime"),
        }
        self._claim = claim(folder / FOLDER / f"{name}.json", facts)
        self._delivery = Delivery(snakemake.output, name, self._claim.record["token"])
        before = self._claim.before
        history = list_causes(before) if before else []
        self._claim.add(history=history, attempt=len(history) + 1)
        if self._claim.waited and self._is_made(self._claim.waited.get("token")):
            raise AlreadyMade
        if self._claim.delayed:
            self.check_start()
        self._delivery.prepare(sweep=before is not None)  # who dies leaves a claim
        check_inputs(snakemake.input, read_said(snakemake.input))
        self._sources = [str(file) for file in snakemake.input]
        snakemake.output = self._delivery.redirect(snakemake.output)

    def _is_made(self, token: str | None) -> bool:
        """Whether all results are there as the job that was waited for made them."""
        files = [str(file) for file in self.snakemake.output]
        try:
            check_inputs(files, read_said(files))
            return token is not None and any(read_token(file) == token for file in files)
        except (CoatlineError, OSError):
            return False

    def check_start(self) -> None:
        """Check that code and configuration are those that the campaign was started with."""
        script, store = SCRIPTS / f"{self.snakemake.rule}.py", Path(".snakemake") / "coatline"
        check_start(self.config, script, self.decks, store / "fingerprints.json")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            try:
                self._finish()
                return
            except BaseException as late:
                kind, error, trace = type(late), late, late.__traceback__
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if isinstance(error, AlreadyMade):
            self._claim.release()
            print("coatline: another job has just made the same; nothing to do", flush=True)
            os._exit(0)
        cause, line = self._explain(error)
        if self._delivery:
            self._delivery.sweep()
        with contextlib.suppress(OSError):  # the log may lie on a full disk
            if line:
                os.write(self._terminal, f"coatline: error: {line}\n".encode())
                print(f"coatline: error: {line}", file=sys.stderr, flush=True)
            else:
                traceback.print_exception(kind, error, trace)
        if self._claim:
            self._claim.leave(cause, line or f"{type(error).__name__}: {error}")
        sys.exit(1)

    def _finish(self) -> None:
        """Put the results in place, unless somebody else's are due there."""
        # What has no record to say it is said by the log.
        by = "" if self._stamped else f", by coatline {name_code(describe_code())}"
        if self._claim:
            self.check_start()
            if not self._claim.is_held():
                raise CoatlineError("another job has taken over; its results stand, not these")
            for note in self._delivery.publish(self._sources):
                print(f"coatline: {note}")
            with contextlib.suppress(OSError):  # the results are in place
                if judge_remade(self._delivery.places, self.snakemake.rule):
                    print("coatline: as it was before it was damaged; what follows from it stands")
            shutil.rmtree(self._chain, ignore_errors=True)
            self._claim.release()
        print(f"coatline: {self.snakemake.rule} finished in {self._clock.seconds} s{by}")
        sys.stdout.flush()

    def _explain(self, error: BaseException) -> tuple[str, str]:
        """Cause of a failure in one word, and a line for people; empty for a bug."""
        if isinstance(error, ChangedCode):
            return "changed", str(error)
        if isinstance(error, MemoryError):
            return "memory", ""
        if isinstance(error, Stopped | KeyboardInterrupt):
            late = self._clock.seconds > 0.9 * 60 * (self.snakemake.resources.get("runtime") or 1e9)
            return (
                ("time", "stopped at the walltime") if late else ("stopped", "stopped from outside")
            )
        # What the engine wrote is gone by now, and has left room; what it said is in the log.
        said = f"{error}{self._read_log()}"
        words = [w for n in (errno.EDQUOT, errno.ENOSPC) if (w := os.strerror(n)) in said]
        if words or is_full(self.log.parent):
            word = words[0] if words else os.strerror(errno.ENOSPC)
            file = getattr(error, "filename", None) or f"{self.log.parent} and what lies beside it"
            return "disk", f"the disk or your quota is full ({word}): {file}"
        if isinstance(error, DamagedFile):
            return "damaged", self._put_aside(error)
        if isinstance(error, WalltimeError):
            return "time", str(error)
        if isinstance(error, CoatlineError):
            killed = "killed by signal 9" in str(error)
            return "memory" if killed else "error", str(error)
        return "error", ""

    def _read_log(self) -> str:
        sys.stderr.flush()
        with open(self.log, "rb") as file:
            file.seek(self._log_start)
            return file.read().decode(errors="replace")

    def _put_aside(self, error: DamagedFile) -> str:
        """Remove a damaged input that this campaign made, so that the next run makes it again."""
        named = next((f for f in self.snakemake.input if str(error).startswith(f"{f}:")), None)
        if named is None or not Path(named).is_relative_to(self._folder):
            return str(error)
        with contextlib.suppress(OSError):  # without a note its neighbours are made again as well
            note_removal(
                Path(named), read_said(self.snakemake.input).get(str(Path(named).parent), {})
            )
        Path(named).unlink(missing_ok=True)
        return f"{error}; removed, the next run (or coatline resume) makes it again"

    @staticmethod
    def path(file: str) -> Path:
        """Path of an input or output, whatever folder LAMMPS works in."""
        return Path(file).resolve()

    def place(self, file: str) -> Path:
        """Where an output will be in the end."""
        places = self._delivery.places if self._delivery else {}
        return next((Path(end) for end, now in places.items() if str(now) == str(file)), Path(file))

    def keep(self) -> Any:
        """Where the segments of a long run outlive this job, and when SLURM will end it."""
        from coatline.manufacture.segments import Keeping

        minutes = self.snakemake.resources.get("runtime")
        left = count_seconds_left(minutes, self._clock.seconds)
        token = self._claim.record["token"] if self._claim else ""
        code = self.snakemake.params.physics
        return Keeping(self._chain, code, token, time.monotonic() + left)

    @property
    def engine(self) -> Any:
        """LAMMPS as the configuration names it, with the threads of this job."""
        from coatline.manufacture.engine import Engine

        settings = self.config["engine"]
        return Engine(settings["command"], settings["launcher"], self.snakemake.threads)

    def stamp(self, record: str, *before: str, **more: Any) -> None:
        """Write into a record what made it, and what the files beside it hold."""
        from coatline.manufacture.engine import read_version

        snakemake = self.snakemake
        beside = [Path(file) for file in snakemake.output if str(file) != str(record)]
        token = self._claim.record["token"] if self._claim else None
        if self._chain.is_dir():
            from coatline.manufacture.segments import seconds_before

            more["segments_before"] = round(seconds_before(self._chain, token), 3) or None
        run = self._clock.describe_run(
            self._claim.record["attempt"] if self._claim else 1,
            snakemake.params.physics,
            lammps=read_version(self.log) or None,
            token=token,
            cores=snakemake.threads,
            files={path.name: digest(path) for path in beside} or None,
            **more,
        )
        self._stamped = True
        stamp_record(Path(record), snakemake.rule, run, [Path(file) for file in before])


def _stop(number: int, frame: FrameType | None) -> None:
    raise Stopped
