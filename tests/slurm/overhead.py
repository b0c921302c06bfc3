"""What coatline adds to a SLURM job, against bare sbatch: `make overhead`.

A campaign whose LAMMPS and whose measuring are stubs runs on a private SLURM of two processors
through the shipped profile, but for its waiting times; then as many bare jobs that do nothing. Both
are read from SLURM's own record of finished jobs, in whole seconds, so only means over tens of jobs
count. Also reported: processor time of Snakemake with its local steps and its calls of SLURM, and
the most memory that one of these took. Asserts the number of slurries alone.
"""

import argparse
import os
import re
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from tests.slurm.campaign import Campaign
from tests.slurm.cluster import Cluster, run_cluster
from tests.workflow.scale import prepare

NAME = "overhead"


def _finished(cluster: Cluster) -> Iterator[tuple[str, float]]:
    """Number and seconds of each finished job."""
    text = (cluster.folder / "completed.txt").read_text()
    for line in text.splitlines():
        fields = dict(re.findall(r"(\w+)=(\S+)", line))
        begin, end = (datetime.fromisoformat(fields[f"{name}Time"]) for name in ("Start", "End"))
        yield fields["JobId"], (end - begin).total_seconds()


def _run_campaign(cluster: Cluster, folder: Path, slurries: int) -> dict[str, list[float]]:
    """Seconds of the campaign's SLURM jobs, by rule."""
    campaign = Campaign(prepare(folder), cluster)
    # A name of its own: what `prepare` has made is not made again.
    campaign.clone.configure(
        campaign={"name": NAME}, design={"slurries": slurries, "compressions": 4}
    )
    begin = time.monotonic()
    process = campaign.start("--", f"results/{NAME}/dataset.nc")
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - begin
    if status:
        raise SystemExit(campaign.log[-3000:])
    cluster.wait_until_idle()
    seconds = dict(_finished(cluster))
    rules: dict[str, list[float]] = {}
    for one in campaign.list_submitted():
        rule = re.sub(r"^rule_|^group_[a-z]\d+c\d+_", "", one.name.split("/")[0])
        rules.setdefault(rule, []).append(seconds[one.job])
    if len(rules["slurry"]) != slurries:
        raise SystemExit(f"{len(rules['slurry'])} slurries were made, not {slurries}")
    print(
        f"the campaign: {sum(map(len, rules.values()))} SLURM jobs in {wall:.0f} s; beside them "
        f"{usage.ru_utime + usage.ru_stime:.0f} s of processor, {usage.ru_maxrss / 1024:.0f} MB"
    )
    return rules


def _run_bare(cluster: Cluster, folder: Path, count: int) -> list[float]:
    """Seconds of as many jobs that do nothing."""
    before = dict(_finished(cluster))
    begin = time.monotonic()
    for _ in range(count):
        cluster.ask("sbatch", f"--chdir={folder}", "--output=/dev/null", "--wrap", "true")
    cluster.wait_until_idle(600)
    print(f"bare: {count} SLURM jobs in {time.monotonic() - begin:.0f} s")
    return [value for job, value in _finished(cluster) if job not in before]


def main() -> None:
    """Run both and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--slurries", type=int, default=6, help="of the stub campaign, four samples each"
    )
    arguments = parser.parse_args()
    with (
        run_cluster(cpus=2) as cluster,
        tempfile.TemporaryDirectory(prefix="coatline-overhead-") as temporary,
    ):
        rules = _run_campaign(cluster, Path(temporary), arguments.slurries)
        bare = _run_bare(cluster, Path(temporary), sum(map(len, rules.values())))
    base = statistics.fmean(bare)
    print(f"\n{'job':<24}{'jobs':>6}{'s, mean':>9}{'more than bare':>16}")
    print(f"{'bare sbatch':<24}{len(bare):>6}{base:>9.1f}")
    for rule, seconds in rules.items():
        mean = statistics.fmean(seconds)
        print(f"{rule:<24}{len(seconds):>6}{mean:>9.1f}{mean - base:>16.1f}")


if __name__ == "__main__":
    main()
