"""Claims: who is making a result, so that no two jobs ever make one at the same time.

A job claims its results by a small file in `results/<campaign>/jobs/`, named after the job's log.
It says who the owner is; whether that owner still lives is asked of the kernel, of SLURM, or seen
from the claim being touched again and again. What a failed job ended with stays there until the job
succeeds; after success nothing stays. No clock is compared with another one's.
"""

import contextlib
import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from coatline.design.write import replace_file

FOLDER = "jobs"
"""Folder of the claims within that of the campaign."""
BEAT = 15.0
"""Seconds between two touches of a claim."""
PATIENCE = 4
"""Beats that a living owner may miss."""
OVER = {
    "BOOT_FAIL",
    "CANCELLED",
    "COMPLETED",
    "DEADLINE",
    "FAILED",
    "NODE_FAIL",
    "OUT_OF_MEMORY",
    "PREEMPTED",
    "REVOKED",
    "TIMEOUT",
}
"""States of SLURM jobs that nothing follows."""

HEAD_JOB = "COATLINE_HEAD_JOB"
"""Environment variable: the SLURM job that Snakemake itself runs in, which its executor hides."""

Record = dict[str, Any]


def describe_self() -> Record:
    """Describe this process so that others can tell whether it lives: host, boot, id, start."""
    return {
        "host": socket.gethostname(),
        "boot": _read_boot(),
        "pid": os.getpid(),
        "ticks": read_start(os.getpid()),
        "slurm": os.environ.get("SLURM_JOB_ID") or os.environ.get(HEAD_JOB),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _read_boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def read_start(pid: int) -> int | None:
    """When a process began, in ticks since boot; none where there is no such process."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if words[0] in ("Z", "X") else int(words[19])


def ask_slurm(job: str) -> str | None:
    """State of a SLURM job; empty where SLURM knows it no longer, none where SLURM does not answer.

    Args:
        job: its number.
    """
    command = ["squeue", "-h", "--states=all", "-j", job, "-o", "%T"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode == 0:
        return done.stdout.strip()
    return "" if "Invalid job id" in done.stderr else None


def ask_slurm_once(owners: Iterable[Mapping[str, Any]]) -> Callable[[str], str | None]:
    """Ask SLURM about the jobs of many owners in one question.

    Args:
        owners: as `describe_self` described them.

    Returns:
        What gives the state of a job, by its number, as it was when this was asked: empty where
        SLURM knows the job no longer, none where SLURM did not answer.
    """
    jobs = {str(owner["slurm"]) for owner in owners if owner.get("slurm")}
    if len(jobs) < 2:  # of one job it says plainly that it does not know it
        return ask_slurm
    command = ["squeue", "-h", "--states=all", "-j", ",".join(sorted(jobs)), "-o", "%i|%T"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return lambda job: None
    if done.returncode:
        # Some SLURM refuse the whole list for one job that they have forgotten; any other failure
        # would be that of each question on its own.
        return ask_slurm if "Invalid job id" in done.stderr else lambda job: None
    states = dict(line.split("|") for line in done.stdout.splitlines() if "|" in line)
    return lambda job: states.get(job, "")


def is_over(state: str | None) -> bool:
    """Whether nothing follows in SLURM on a job of this state, as `ask_slurm` gives it."""
    return state is not None and (state == "" or state in OVER)


def tell_life(
    owner: Mapping[str, Any], ask: Callable[[str], str | None] | None = None
) -> bool | None:
    """Whether the owner of a claim lives; none where neither this kernel nor SLURM can say.

    Args:
        owner: as `describe_self` described it.
        ask: gives the state of a SLURM job, as `ask_slurm` does.
    """
    if owner.get("ended"):
        return False
    here = owner.get("host") == socket.gethostname()
    if here and owner.get("boot") == _read_boot() and owner.get("ticks") is not None:
        return read_start(int(owner["pid"])) == owner["ticks"]
    if owner.get("slurm"):
        state = (ask or ask_slurm)(str(owner["slurm"]))
        if is_over(state):
            return False
        if state is not None and owner["slurm"] != os.environ.get("SLURM_JOB_ID"):
            return True
        if state is not None:  # this very job, begun once more by SLURM
            return False
    return False if here and owner.get("boot") != _read_boot() else None


def read_claim(path: Path) -> Record | None:
    """Read a claim, or how its owner ended; none where there is none."""
    for _ in range(3):
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError):
            time.sleep(0.1)
    return {"broken": True, "ended": "unknown", "cause": "unknown"}


@dataclass
class Claim:
    """A claim that this process holds.

    Attributes:
        path: its file.
        record: what it says.
        before: what stood there before: how an earlier attempt ended, or its dead owner.
        waited: the owner that was waited for and that succeeded, or none.
        delayed: any owner was waited for.
    """

    path: Path
    record: Record
    before: Record | None = None
    waited: Record | None = None
    delayed: bool = False

    def __post_init__(self) -> None:
        self._over = threading.Event()
        threading.Thread(target=self._beat, daemon=True).start()

    def _beat(self) -> None:
        while not self._over.wait(BEAT):
            with contextlib.suppress(OSError):
                if not self.is_held():  # a new owner must not look alive by our beat
                    return
                os.utime(self.path)

    def add(self, **facts: Any) -> None:
        """Let the claim say more."""
        self.record |= facts
        if self.is_held():
            replace_file(self.path, json.dumps(self.record) + "\n")

    def is_held(self) -> bool:
        """Whether the claim is still this process's own; a job that lost it must not publish."""
        now = read_claim(self.path)
        return now is not None and now.get("token") == self.record["token"]

    def release(self) -> None:
        """Give the claim back after success."""
        self._over.set()
        if self.is_held():
            self.path.unlink(missing_ok=True)

    def leave(self, cause: str, line: str) -> None:
        """Give the claim back after a failure, and leave why.

        Args:
            cause: one word, such as `memory`.
            line: one line for people.
        """
        self._over.set()
        if self.is_held():
            ended = datetime.now(UTC).isoformat(timespec="seconds")
            with contextlib.suppress(OSError):  # a full disk must not hide why the job failed
                record = self.record | {"ended": ended, "cause": cause, "line": line}
                replace_file(self.path, json.dumps(record) + "\n")


def claim(path: Path, facts: Mapping[str, Any], wait: float = 5.0) -> Claim:
    """Claim a result; waits while another living job holds it.

    Args:
        path: file of the claim.
        facts: what it is to say beside who made it.
        wait: seconds between two looks at another one's claim.

    Returns:
        The claim.

    Raises:
        OSError: the file cannot be written.
    """
    record = describe_self() | {"token": os.urandom(6).hex()} | dict(facts)
    path.parent.mkdir(parents=True, exist_ok=True)
    before = waited = seen = None
    delayed = False
    still = time.monotonic()
    part = path.with_name(f"{path.name}.{record['token']}.part")
    part.write_text(json.dumps(record) + "\n", encoding="utf-8")
    try:
        while True:
            try:
                os.link(part, path)
                return Claim(path, record, before, waited, delayed)
            except FileExistsError:
                owner = read_claim(path)
                if owner is not None and owner.get("token") == record["token"]:
                    # A repeated request on NFS.
                    return Claim(path, record, before, waited, delayed)
            if owner is None:
                continue
            life = tell_life(owner)
            if life is None:  # judged by whether it is touched, on this process's own clock
                beat = _touched(path)
                if beat != seen:
                    seen, still = beat, time.monotonic()
                life = time.monotonic() - still < PATIENCE * BEAT
            if life:
                waited, delayed = owner, True
                print(
                    f"coatline: waiting for {describe_owner(owner)}, who makes the same", flush=True
                )
                time.sleep(wait)
            elif _take_away(path, owner, record["token"]):
                before, waited = owner, None
    finally:
        part.unlink(missing_ok=True)


def _touched(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None


def _take_away(path: Path, owner: Record, token: str) -> bool:
    """Take a dead owner's claim away; of several who try, one succeeds."""
    aside = path.with_name(f"{path.name}.{token}.old")
    try:
        os.rename(path, aside)
    except FileNotFoundError:
        return False
    taken = read_claim(aside)
    if taken is not None and taken.get("token") != owner.get("token"):
        with contextlib.suppress(FileExistsError):
            os.link(aside, path)  # somebody was quicker: it is a new claim, and goes back
        aside.unlink(missing_ok=True)
        return False
    aside.unlink(missing_ok=True)
    return True


def describe_owner(owner: Mapping[str, Any]) -> str:
    """Name the owner of a claim for people."""
    job = f"SLURM job {owner['slurm']}, " if owner.get("slurm") else ""
    return f"{job}process {owner.get('pid')} on {owner.get('host')}"


def list_claims(campaign: Path) -> dict[str, Record]:
    """All claims of a campaign, and what is left of failed jobs, by the name of the job."""
    found = {}
    for path in sorted((campaign / FOLDER).glob("*.json")):
        record = read_claim(path)
        if record is not None and "rule" in record:
            found[path.stem] = record
    return found
