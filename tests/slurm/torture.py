"""Kills, corrupts and restarts a campaign at random; in the end its dataset is the undisturbed one.

Run by `make torture`. Snakemake and its jobs are killed by signals that they cannot act on, results
are cut off with their times kept, SIGTERM and SIGINT come at any moment. After each fault the
campaign is taken up again as a user would: by `coatline resume`. Faults that hit nothing, such as a
signal to what has just ended, or a file cut off that nobody reads any more, do not count.
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
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from coatline.campaign.claims import list_claims, tell_life
from tests.slurm.campaign import DATASET, read_variables
from tests.workflow.clones import Clone, make_clone

BIN = Path(sys.executable).parent
OPTIONS = ("--cores", "2", "--configfile", "small.yaml", "--", DATASET)
SIGNALS = {
    "kill Snakemake": signal.SIGKILL,
    "SIGTERM": signal.SIGTERM,
    "SIGINT": signal.SIGINT,
}
FAULTS = (*SIGNALS, "kill a job", "cut off a file")
STATIONS = "2*1.5@/.chain-slurry/;3*1.5@/.chain-dry/;2*1.5@/.chain-press/"
"""Stages as chains of segments that take their time, so that faults find jobs at work."""
STARTS = 100
"""Starts of Snakemake in which a campaign has to be complete."""


def start(clone: Clone, *command: str) -> subprocess.Popen:
    with open(clone.folder / "head.log", "a") as log:
        return subprocess.Popen(
            [*command],
            cwd=clone.folder,
            env=os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}", "STUB_STATIONS": STATIONS},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


@dataclass
class Faults:
    """What was done to a campaign; a fault counts once it is known to have hit something.

    Attributes:
        counts: faults that did, by kind.
        signals: sent to the process in charge, which count if it ends otherwise than well.
        cut: files and what was left of them, which count if they are made again.
    """

    counts: Counter = field(default_factory=Counter)
    signals: list[str] = field(default_factory=list)
    cut: dict[Path, bytes] = field(default_factory=dict)

    def cause(self, fault: str, clone: Clone, head: subprocess.Popen, dice: random.Random) -> None:
        """Cause a fault, if there is anything to hit."""
        folder = clone.folder / "results/small"
        if fault == "kill a job":
            living = [owner["pid"] for owner in list_claims(folder).values() if tell_life(owner)]
            if living:
                with suppress(ProcessLookupError):
                    os.kill(dice.choice(living), signal.SIGKILL)
                    self.counts[fault] += 1
        elif fault == "cut off a file":
            kinds = ("manufacture/*/*.restart", "manufacture/*/*.gz", "m*/**/*.nc")
            files = [f for kind in kinds for f in folder.glob(kind) if f.stat().st_size > 9]
            if files:
                path = dice.choice(sorted(files))
                times = path.stat()
                self.cut[path] = path.read_bytes()[: dice.randrange(1, times.st_size)]
                path.write_bytes(self.cut[path])
                os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        elif head.poll() is None:
            for pid in [head.pid, *_children(head.pid)][:2]:  # `coatline resume` has it as a child
                with suppress(ProcessLookupError):
                    os.kill(pid, SIGNALS[fault])
            self.signals.append(fault)

    def note_end(self, code: int) -> None:
        """The process in charge has ended: by the last signal it was sent, unless it ended well."""
        if code and self.signals:
            self.counts[self.signals[-1]] += 1
        self.signals.clear()

    def note_complete(self) -> None:
        """The campaign is complete: files that are still cut off had nobody to read them."""
        for path, left in self.cut.items():
            if not path.exists() or path.read_bytes() != left:
                self.counts["cut off a file"] += 1
        self.cut.clear()


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
    faults = Faults()
    rounds = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end or rounds == 0:
        complete(clone, faults, end, dice)
        made = read_variables(clone.folder / DATASET)
        if made != wanted:
            raise SystemExit(f"the dataset differs after {dict(faults.counts)}")
        faults.note_complete()
        rounds += 1
        print(f"campaign {rounds}: equal after {sum(faults.counts.values())} faults", flush=True)
        subprocess.run(["rm", "-r", str(clone.folder / "results" / "small")], check=True)
    return faults.counts, rounds


def complete(clone: Clone, faults: Faults, end: float, dice: random.Random) -> None:
    """Make the campaign, and take it up after each fault as a user would."""
    log = clone.folder / "head.log"
    plain = (str(BIN / "snakemake"), *OPTIONS)
    resume = (str(BIN / "coatline"), "resume", "small", "--", *OPTIONS)
    command = plain
    for _ in range(STARTS):
        log.unlink(missing_ok=True)
        head = start(clone, *command)
        while True:
            try:
                head.wait(timeout=dice.uniform(1, 15) if time.monotonic() < end else 900)
                break
            except subprocess.TimeoutExpired:
                if time.monotonic() > end + 900:
                    raise SystemExit(f"it hangs:\n{log.read_text()[-3000:]}") from None
                faults.cause(dice.choice(FAULTS), clone, head, dice)
        faults.note_end(head.returncode)
        if head.returncode == 0:
            return
        said = log.read_text()
        command = plain if "there is no campaign 'small'" in said else resume
        if "a Snakemake is at work on small" in said:  # it had SIGTERM, and waits for its jobs
            time.sleep(3)
    raise SystemExit(f"not complete after {STARTS} starts:\n{log.read_text()[-3000:]}")


if __name__ == "__main__":
    sys.exit(main())
