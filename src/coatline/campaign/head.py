"""The head: the Snakemake process in charge of a campaign, and what it leaves when it is killed."""

import contextlib
import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from coatline.campaign.claims import (
    BEAT,
    FOLDER,
    HEAD_JOB,
    PATIENCE,
    Record,
    ask_slurm,
    describe_owner,
    describe_self,
    is_over,
    read_claim,
    tell_life,
)
from coatline.design.write import replace_file

NAME = "head.json"
"""File of the head among the claims of a campaign."""
OPTIONS = "COATLINE_OPTIONS"
"""Environment variable: options of the campaign, as JSON, where a run on its behalf has others."""


def note_own_job() -> None:
    """Note the SLURM job that this process runs in, before Snakemake's executor hides it."""
    os.environ.pop(HEAD_JOB, None)
    if "SLURM_JOB_ID" in os.environ:
        os.environ[HEAD_JOB] = os.environ["SLURM_JOB_ID"]


def take_up_work(
    campaign: Path, run: str | None, words: list[str] | None = None, begun: bool = True
) -> None:
    """Note that this process is in charge of a campaign; ends it where another one is.

    Snakemake's own locks do not see to that: `--nolock` passes them over.

    Args:
        campaign: folder of its results.
        run: the name that all its SLURM jobs have; none without SLURM, and before jobs are begun.
        words: options that Snakemake was started with; those of this process, or those that it
            runs on behalf of, if left out.
        begun: jobs are begun now; not yet where Snakemake only takes its locks.
    """
    before = read_head(campaign)
    own = before is not None and _is_own(before)
    if before is not None and not own and is_still_at_work(campaign):
        print(
            f"coatline: error: another Snakemake is at work on {campaign.name}: "
            f"{describe_owner(before)}",
            file=sys.stderr,
        )
        sys.exit(2)
    if before is not None and not own and not begun:
        return  # what a killed one has left stands until jobs are begun
    record = describe_self() | {"run": run, "begun": begun}
    given = os.environ.get(OPTIONS)
    record["options"] = words or (json.loads(given) if given else sys.argv[1:])
    replace_file(campaign / FOLDER / NAME, json.dumps(record) + "\n")
    if not own:
        threading.Thread(target=_beat, args=(campaign / FOLDER / NAME,), daemon=True).start()


def _is_own(head: Record) -> bool:
    me = describe_self()
    return all(head.get(name) == me[name] for name in ("host", "boot", "pid", "ticks"))


def _beat(path: Path) -> None:
    """Touch the file again and again, so that other hosts see that this process lives."""
    while True:
        time.sleep(BEAT)
        with contextlib.suppress(OSError):
            os.utime(path)


def leave_work(campaign: Path, begun: bool = True) -> None:
    """Note that this process is no longer in charge.

    Args:
        campaign: folder of its results.
        begun: also where it has begun jobs.
    """
    head = read_head(campaign)
    if head is not None and _is_own(head) and (begun or not head.get("begun")):
        with contextlib.suppress(OSError):
            (campaign / FOLDER / NAME).unlink(missing_ok=True)


def read_head(campaign: Path) -> Record | None:
    """The process in charge of a campaign, alive or not; none where the last one ended properly."""
    return read_claim(campaign / FOLDER / NAME)


def is_at_work(campaign: Path) -> bool | None:
    """Whether a Snakemake is at work on a campaign; none where that cannot be told from here."""
    head = read_head(campaign)
    if head is None:
        return False
    life = tell_life(head | {"slurm": None})
    # While its SLURM job lasts, the process in it may yet be dead.
    if life is None and head.get("slurm") and is_over(ask_slurm(str(head["slurm"]))):
        return False
    return life


def is_still_at_work(campaign: Path) -> bool:
    """Whether a Snakemake is at work on a campaign; one of another host is watched for a minute.

    Its file is touched as long as it lives; clocks are not compared.
    """
    life = is_at_work(campaign)
    if life is not None:
        return life
    path = campaign / FOLDER / NAME
    try:
        first = path.stat().st_mtime_ns
        for _ in range(PATIENCE):
            time.sleep(BEAT)
            if path.stat().st_mtime_ns != first:
                return True
    except FileNotFoundError:
        return False
    return False


def forget_head(campaign: Path) -> None:
    """Remove what a dead head has left."""
    with contextlib.suppress(OSError):
        (campaign / FOLDER / NAME).unlink(missing_ok=True)


def list_locks(campaign: Path, snakemake: Path = Path(".snakemake")) -> list[Path]:
    """Snakemake's lock files that lock results of a campaign.

    Args:
        campaign: folder of its results.
        snakemake: Snakemake's folder in the clone.
    """
    return [path for path in sorted((snakemake / "locks").glob("*.lock")) if _locks(path, campaign)]


def _locks(path: Path, campaign: Path) -> bool:
    start = f"{campaign.as_posix()}/"
    try:
        return any(line.startswith(start) for line in _lines(path))
    except OSError:
        return False


def _lines(path: Path) -> Iterator[str]:
    with open(path, encoding="utf-8") as file:
        yield from file


def advise(campaign: Path) -> None:
    """Say on stderr what to do about a campaign whose Snakemake was, or may have been, killed."""
    head = read_head(campaign)
    life = is_at_work(campaign)
    recover = f"to recover: coatline resume {campaign.name}"
    if head is None:
        if list_locks(campaign):
            print(
                f"coatline: {campaign} is locked, and nothing says by which Snakemake; if none is "
                f"at work on it on any host, {recover} -- OPTIONS, those that it had",
                file=sys.stderr,
            )
    elif life is False:
        print(
            f"coatline: the Snakemake at work on {campaign} was killed; {recover}", file=sys.stderr
        )
    elif life is None and list_locks(campaign):
        print(
            f"coatline: {campaign} is locked by another Snakemake, {describe_owner(head)}; it "
            f"cannot be told from here whether it lives: look on {head.get('host')} "
            f"(ps -p {head.get('pid')}); if it is gone, {recover}",
            file=sys.stderr,
        )


def describe_head(campaign: Path) -> str:
    """Say in words who is in charge of a campaign."""
    head = read_head(campaign)
    if head is None:
        return "no Snakemake is at work on it"
    if is_at_work(campaign) is False:
        return f"its Snakemake was killed; to recover: coatline resume {campaign.name}"
    return f"Snakemake at work, {describe_owner(head | {'slurm': None})}"
