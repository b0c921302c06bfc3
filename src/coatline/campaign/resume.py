"""Taking up a campaign whose Snakemake was killed: its orphans end, and what they made counts.

Jobs outlive a Snakemake that is killed, here and in SLURM. Those that run are waited for, or ended
when asked; those that SLURM has not begun are taken out of the queue. Results that orphans finished
are shown to Snakemake, which would make them again otherwise. Locks of other campaigns stay.
"""

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from coatline.campaign.claims import (
    FOLDER,
    OVER,
    Record,
    ask_slurm_once,
    describe_owner,
    list_claims,
    tell_life,
)
from coatline.campaign.delivery import check_inputs
from coatline.campaign.head import (
    OPTIONS,
    forget_head,
    is_at_work,
    is_still_at_work,
    list_locks,
    read_head,
)
from coatline.campaign.provenance import read_said, read_token
from coatline.campaign.removed import REMAKING, list_removed, restore_times
from coatline.errors import CoatlineError, InputError
from coatline.manufacture.segments import OWNER

Say = Callable[[str], None]


@dataclass
class Orphans:
    """What a killed Snakemake has left.

    Attributes:
        running: jobs that hold a claim and live, by name.
        queued: numbers of SLURM jobs that hold no claim: not begun, or between two steps.
        silent: jobs of other hosts of which nobody can say whether they live, by name.
    """

    running: dict[str, Record] = field(default_factory=dict)
    queued: list[str] = field(default_factory=list)
    silent: dict[str, Record] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.running or self.queued or self.silent)


def find_campaign(name: str | None, results: Path = Path("results")) -> Path:
    """Find the campaign to take up.

    Args:
        name: of the campaign; if left out, the only one that a killed Snakemake has left.
        results: folder of all campaigns.

    Raises:
        InputError: there is none, nor a lock on one; or more than one.
    """
    if name is not None:
        campaign = results / name
        if name in ("", ".", "..") or "/" in name:
            raise InputError(f"{name!r} is no name of a campaign")
        if not (campaign.is_dir() or list_locks(campaign)):
            raise InputError(f"there is no campaign {name!r} in {results}/")
        return campaign
    left = [path.parents[1] for path in sorted(results.glob(f"*/{FOLDER}/head.json"))]
    left = [campaign for campaign in left if is_at_work(campaign) is not True]
    if not left:
        raise InputError(f"no campaign in {results}/ was left by a killed Snakemake")
    if len(left) > 1:
        raise InputError(f"name one of {', '.join(campaign.name for campaign in left)}")
    return left[0]


def find_orphans(campaign: Path) -> Orphans:
    """Find all jobs of a campaign that still run or wait."""
    orphans = Orphans()
    numbers = set()
    claims = list_claims(campaign)
    ask = ask_slurm_once(owner for owner in claims.values() if not owner.get("ended"))
    for name, owner in claims.items():
        life = tell_life(owner, ask)
        if life:
            orphans.running[name] = owner
            numbers.add(owner.get("slurm"))
        elif life is None:
            orphans.silent[name] = owner
    run = (read_head(campaign) or {}).get("run")
    orphans.queued = [job for job in list_slurm_jobs(run) if job not in numbers] if run else []
    return orphans


def list_slurm_jobs(run: str) -> list[str]:
    """Numbers of the SLURM jobs of one run of Snakemake that are not over.

    Raises:
        CoatlineError: SLURM does not answer: jobs could be running that nobody sees.
    """
    command = ["squeue", "-h", "--name", run, "-o", "%i|%T"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CoatlineError(f"SLURM does not say which jobs are left ({error})") from None
    if done.returncode:
        raise CoatlineError(f"SLURM does not say which jobs are left ({done.stderr.strip()})")
    pairs = [line.split("|") for line in done.stdout.splitlines() if "|" in line]
    return [job for job, state in pairs if state not in OVER]


def cancel_queued(jobs: Iterable[str], pending: bool) -> None:
    """Take jobs out of SLURM's queue.

    Args:
        jobs: their numbers.
        pending: only those that have not begun.
    """
    which = ["--state=PENDING"] if pending else []
    for job in jobs:
        subprocess.run(["scancel", *which, job], capture_output=True, timeout=60, check=False)


def end_job(owner: Record) -> None:
    """End a running job: through SLURM, or by a signal on this host."""
    # Jobs of a Snakemake within an allocation all bear its number: that is not theirs to end.
    if owner.get("slurm") and str(owner["slurm"]) != os.environ.get("SLURM_JOB_ID"):
        cancel_queued([str(owner["slurm"])], pending=False)
    elif tell_life(owner):
        try:
            os.kill(int(owner["pid"]), signal.SIGTERM)
        except ProcessLookupError:
            return


def settle(campaign: Path, cancel: bool, say: Say, wait: float = 5.0) -> None:
    """Wait until no orphan is left.

    Args:
        campaign: folder of its results.
        cancel: end them at once.
        say: takes a line for people whenever something changes.
        wait: seconds between two looks.

    Raises:
        CoatlineError: SLURM does not answer, or jobs of another host cannot be judged from here.
    """
    before = ""
    while orphans := find_orphans(campaign):
        if orphans.silent and not orphans.running and not orphans.queued:
            names = ", ".join(f"{n} ({describe_owner(o)})" for n, o in orphans.silent.items())
            raise CoatlineError(
                f"it cannot be told from here whether these jobs live: {names}; run this on their "
                "host, or, if you know that they are dead, remove their files in "
                f"{campaign}/{FOLDER}"
            )
        if cancel:
            for owner in orphans.running.values():
                end_job(owner)
        cancel_queued(orphans.queued, pending=not cancel)
        text = ", ".join(orphans.running) or f"{len(orphans.queued)} SLURM jobs"
        if text != before:
            say(f"{'ending' if cancel else 'waiting for'} {text}")
            before = text
        time.sleep(wait)


def list_unsettled(campaign: Path, snakemake: Path = Path(".snakemake")) -> list[str]:
    """Results that Snakemake has begun and never seen finished.

    Args:
        campaign: folder of the campaign's results.
        snakemake: Snakemake's folder in the clone.
    """
    root = snakemake / "incomplete"
    found = []
    for path in sorted(root.rglob("*")):
        if path.is_file():
            code = "".join(part.removeprefix("@") for part in path.relative_to(root).parts)
            try:
                name = base64.urlsafe_b64decode(code).decode()
            except ValueError:
                continue
            if name.startswith(f"{campaign.as_posix()}/"):
                found.append(name)
    return found


def find_finished(campaign: Path) -> list[str]:
    """Records that orphans have put in place, with all that they say lies beside them, whole."""
    finished = []
    for file in list_unsettled(campaign):
        if read_token(file) is not None and _is_whole(file):
            finished.append(file)
    return finished


def _is_whole(record: str) -> bool:
    """Whether all that a record says lies beside it is there, as it was made."""
    folder = str(Path(record).parent)
    beside = read_said([record]).get(folder, {})
    try:
        check_inputs([record, *(f"{folder}/{name}" for name in beside)], {folder: beside})
    except CoatlineError:
        return False
    return True


def sweep_chains(campaign: Path) -> None:
    """Remove segments whose job was killed after it had put its results in place.

    Args:
        campaign: folder of the campaign's results, with no job at work on it.
    """
    for owner in campaign.glob(f"manufacture/*/.chain-*/{OWNER}"):
        chain, token = owner.parent, owner.read_text(encoding="ascii", errors="replace")
        records = [str(file) for file in chain.parent.glob("*.nc")]
        if token and any(read_token(file) == token and _is_whole(file) for file in records):
            shutil.rmtree(chain, ignore_errors=True)


def unlock(campaign: Path) -> int:
    """Remove Snakemake's locks on a campaign, and on no other; how many there were."""
    locks = list_locks(campaign)
    for lock in locks:
        lock.unlink(missing_ok=True)
    return len(locks)


def resume(campaign: Path, cancel: bool, options: list[str], say: Say, wait: float = 5.0) -> int:
    """Take up a campaign: orphans, locks, then Snakemake with the options that it had.

    Args:
        campaign: folder of its results.
        cancel: end orphans in place of waiting for them.
        options: for Snakemake; those of the killed one where empty.
        say: takes lines for people.
        wait: seconds between two looks at the orphans.

    Returns:
        Snakemake's exit code.

    Raises:
        CoatlineError: a Snakemake is at work on it; it cannot be told whether orphans live.
        InputError: it is not known how Snakemake was started.
    """
    head = read_head(campaign)
    if is_still_at_work(campaign):
        raise CoatlineError(f"a Snakemake is at work on {campaign.name}: {describe_owner(head)}")
    options = options or list((head or {}).get("options", []))
    if not options:
        raise InputError("it is not known how Snakemake was started; give its options after --")
    settle(campaign, cancel, say, wait)
    sweep_chains(campaign)
    finished = find_finished(campaign)
    if unlock(campaign):
        say("unlocked")
    command = [sys.executable, "-m", "snakemake", *options]
    behalf = {OPTIONS: json.dumps(options)}
    if finished:
        say(f"what orphans finished counts: {', '.join(finished)}")
        touch = _local(options)
        done = subprocess.run(
            [sys.executable, "-m", "snakemake", *touch, "--touch", "--", *finished],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | behalf,
        )
        if done.returncode:
            say("Snakemake does not take them; they are made again")
            unlock(campaign)
    forget_head(campaign)
    say(f"going on: snakemake {' '.join(options)}")
    code = _run(command)
    for _ in range(3):
        repaired = _list_damaged(campaign)
        if code == 0 or not repaired:
            return code
        say(f"going on, to make again what {', '.join(repaired)} found damaged")
        if removed := list_removed(campaign):
            # First, and alone: planned with them, all that follows from them would be made again.
            again = [*command[:3], "--until", *removed, "--keep-going", *options]
            code = _run(again, **{REMAKING: "1"}, **behalf)
            restore_times(removed)
            if code:  # perhaps for another file, which is next
                continue
        code = _run(command)
    return code


def _run(command: list[str], **environment: str) -> int:
    """Run Snakemake to its end; after Ctrl-C it takes its time to end its jobs.

    Raises:
        KeyboardInterrupt: it has ended after Ctrl-C.
    """
    interrupted = False
    with subprocess.Popen(command, env=os.environ | environment) as process:
        while True:
            try:
                code = process.wait()
            except KeyboardInterrupt:
                interrupted = True
                continue
            if interrupted:
                raise KeyboardInterrupt
            return code


def _list_damaged(campaign: Path) -> list[str]:
    """Jobs that failed because an input of theirs was damaged, which they have removed."""
    claims = list_claims(campaign)
    return [name for name, owner in claims.items() if owner.get("cause") == "damaged"]


def _local(options: list[str]) -> list[str]:
    """Options that name the campaign, without those that say where and what to run."""
    kept: list[str] = []
    words = iter(options)
    taking = False
    for word in words:
        if word.startswith("-"):
            taking = word in ("--configfile", "--configfiles", "--config", "-C")
            if word.startswith(("--configfile=", "--config=")):
                kept.append(word)
                continue
        if taking:
            kept.append(word)
    return [*kept, "--cores", "1"]
