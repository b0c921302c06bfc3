"""Kills, corrupts and restarts a campaign at random; in the end its dataset is the undisturbed one.

Run by `make torture`. Snakemake and its jobs are killed by signals that they cannot act on, results
are cut off with their times kept, SIGTERM and SIGINT come at any moment. After each fault the
campaign is taken up again as a user would: by `coatline resume`.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from coatline.campaign.claims import list_claims, tell_life
from tests.slurm.campaign import DATASET, read_variables
from tests.workflow.clones import Clone, make_clone

BIN = Path(sys.executable).parent
OPTIONS = ("--cores", "2", "--configfile", "small.yaml", "--", DATASET)
FAULTS = ("kill Snakemake", "kill a job", "cut off a file", "SIGTERM", "SIGINT")


def start(clone: Clone, *command: str) -> subprocess.Popen:
    with open(clone.folder / "head.log", "a") as log:
        return subprocess.Popen(
            [*command],
            cwd=clone.folder,
            env=os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}"},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def cause(fault: str, clone: Clone, head: subprocess.Popen, dice: random.Random) -> bool:
    """Cause a fault; whether there was anything to hit."""
    folder = clone.folder / "results/small"
    if fault == "kill a job":
        living = [owner for owner in list_claims(folder).values() if tell_life(owner)]
        if not living:
            return False
        os.kill(dice.choice(living)["pid"], signal.SIGKILL)
        return True
    if fault == "cut off a file":
        kinds = ("manufacture/*/*.restart", "manufacture/*/*.gz", "m*/**/*.nc")
        files = [path for kind in kinds for path in folder.glob(kind) if path.stat().st_size > 9]
        if not files:
            return False
        path = dice.choice(sorted(files))
        times = path.stat()
        path.write_bytes(path.read_bytes()[: dice.randrange(1, times.st_size)])
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        return True
    number = {"SIGTERM": signal.SIGTERM, "SIGINT": signal.SIGINT}.get(fault, signal.SIGKILL)
    pids = [head.pid, *_children(head.pid)]  # `coatline resume` has Snakemake as its child
    for pid in pids[:2]:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
    return head.poll() is None or bool(pids)


def _children(pid: int) -> list[int]:
    try:
        return [int(w) for w in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    arguments = parser.parse_args()
    dice = random.Random(arguments.seed)
    print(f"seed {arguments.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="coatline-torture-") as name:
        calm = make_clone(Path(name) / "calm", measures=True)
        clone = make_clone(Path(name) / "clone", measures=True)
        for one in (calm, clone):
            one.configure(design={"slurries": 3, "compressions": 2})
        made = calm.snakemake(*OPTIONS)
        if made.returncode:
            print(made.stdout + made.stderr)
            return 1
        wanted = read_variables(calm.folder / DATASET)
        counts, rounds = torture(clone, wanted, 60 * arguments.minutes, dice)
        text = ", ".join(f"{count} × {fault}" for fault, count in counts.items())
        print(f"survived {sum(counts.values())} faults in {rounds} campaigns: {text}")
    return 0


def torture(
    clone: Clone, wanted: dict[str, object], seconds: float, dice: random.Random
) -> tuple[Counter, int]:
    """Make the campaign again and again under faults; faults by kind, and campaigns completed."""
    counts: Counter = Counter()
    rounds = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end or rounds == 0:
        head = start(clone, str(BIN / "snakemake"), *OPTIONS)
        while True:
            try:
                head.wait(timeout=dice.uniform(1, 15) if time.monotonic() < end else 900)
            except subprocess.TimeoutExpired:
                fault = dice.choice(FAULTS)
                counts[fault] += cause(fault, clone, head, dice)
                continue
            if head.returncode == 0:
                break
            head = start(clone, str(BIN / "coatline"), "resume", "small", "--", *OPTIONS)
        made = read_variables(clone.folder / DATASET)
        if made != wanted:
            raise SystemExit(f"the dataset differs after {dict(counts)}")
        rounds += 1
        print(f"campaign {rounds}: equal after {sum(counts.values())} faults", flush=True)
        subprocess.run(["rm", "-r", str(clone.folder / "results" / "small")], check=True)
    return counts, rounds


if __name__ == "__main__":
    sys.exit(main())
