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
    PATIENCE,
    Record,
    describe_owner,
    describe_self,
    read_claim,
    tell_life,
)
from coatline.design.write import replace_file

NAME = "head.json"
"""File of the head among the claims of a campaign."""


def take_up_work(campaign: Path, run: str | None, words: list[str] | None = None) -> None:
    """Note that this process is in charge of a campaign; ends it where another one is.

    Snakemake's own locks do not see to that: it removes those of all campaigns in a clone as soon
    as one of them ends.

    Args:
        campaign: folder of its results.
        run: the name that all its SLURM jobs have; none without SLURM.
        words: options that Snakemake was started with; those of this process if left out.
    """
    before = read_head(campaign)
    if before is not None and is_still_at_work(campaign):
        print(
            f"coatline: error: another Snakemake is at work on {campaign.name}: "
            f"{describe_owner(before)}",
            file=sys.stderr,
        )
        sys.exit(2)
    record = describe_self() | {"run": run, "options": sys.argv[1:] if words is None else words}
    replace_file(campaign / FOLDER / NAME, json.dumps(record) + "\n")
    threading.Thread(target=_beat, args=(campaign / FOLDER / NAME,), daemon=True).start()


def _beat(path: Path) -> None:
    """Touch the file again and again, so that other hosts see that this process lives."""
    while True:
        time.sleep(BEAT)
        with contextlib.suppress(OSError):
            os.utime(path)


def leave_work(campaign: Path) -> None:
    """Note that no process is in charge any more."""
    head = read_head(campaign)
    if head is not None and head.get("pid") == os.getpid():
        with contextlib.suppress(OSError):
            (campaign / FOLDER / NAME).unlink(missing_ok=True)


def read_head(campaign: Path) -> Record | None:
    """The process in charge of a campaign, alive or not; none where the last one ended properly."""
    return read_claim(campaign / FOLDER / NAME)


def is_at_work(campaign: Path) -> bool | None:
    """Whether a Snakemake is at work on a campaign; none where that cannot be told from here."""
    head = read_head(campaign)
    return False if head is None else tell_life(head | {"slurm": None})


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
    """Say on stderr what to do about a campaign whose Snakemake was killed; nothing otherwise."""
    if read_head(campaign) is not None and is_at_work(campaign) is False:
        print(
            f"coatline: the Snakemake at work on {campaign} was killed; "
            f"to recover: coatline resume {campaign.name}",
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
