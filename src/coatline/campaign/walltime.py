"""How long SLURM still leaves a job, told without comparing its clock with that of the node."""

import math
import os
import time
from pathlib import Path

from coatline.campaign.claims import read_start


def count_seconds_left(minutes: float | None, seconds: float) -> float:
    """Seconds until SLURM ends the job that this process is in; infinite where none would.

    SLURM's start and end of the job are of one clock, and what has passed since is the node's own.
    Where SLURM says neither (22.05 does not), the job has what was asked for.

    Args:
        minutes: asked for; none where that is not known.
        seconds: since this process took up its work.
    """
    job = os.environ.get("SLURM_JOB_ID")
    start, end = (os.environ.get(f"SLURM_JOB_{name}_TIME") for name in ("START", "END"))
    if job and start and end:
        return float(end) - float(start) - count_seconds_in(job)
    return 60 * minutes - seconds if job and minutes else math.inf


def count_seconds_in(job: str) -> float:
    """Seconds since the first process of a SLURM job began here; of those that still run.

    Args:
        job: its number.
    """
    mark = f"SLURM_JOB_ID={job}".encode()
    begun = [read_start(os.getpid())]
    for file in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark in file.read_bytes().split(b"\0"):
                begun.append(read_start(int(file.parent.name)))
        except OSError:  # somebody else's, or over
            continue
    first = min((ticks for ticks in begun if ticks is not None), default=None)
    if first is None:
        return 0.0
    return time.clock_gettime(time.CLOCK_BOOTTIME) - first / os.sysconf("SC_CLK_TCK")
