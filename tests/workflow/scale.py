"""How a campaign grows with its samples: `make scale`.

LAMMPS is a stub and measuring is the copy of one measured electrode, so that what is left is
coatline's and Snakemake's own: planning, starting jobs, proving and placing their results,
gathering them. For each number of samples, in campaigns of 20 compressions per slurry: the dry run,
the run to the dataset, the dry run after it, `coatline status`; wall time, processor time with that
of all jobs, processor time and memory of the process itself, and the campaign's files. Fails if a
sample is missing in the end, or if the dry run after it would make anything again.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import xarray as xr

from tests.workflow.clones import SNAKEMAKE, Clone, make_clone

MEASURE = '''"""Stands in for measuring: a copy of one measured electrode."""

import shutil

from job import Job

with Job(snakemake) as job:
    shutil.copyfile("{template}", snakemake.output.electrode)
    job.stamp(snakemake.output.electrode, snakemake.input.record)
'''
COMPRESSIONS = 20
COATLINE = (sys.executable, "-m", "coatline.cli")


def run(clone: Clone, *command: str) -> tuple[float, float, float, float]:
    """Run a command in the clone.

    Returns:
        Wall time, processor time of it and all its jobs, that of it alone, s; memory of it, MB.
    """
    begin, before = time.monotonic(), os.times()
    with open(clone.folder / "head.log", "w") as log:
        process = subprocess.Popen(
            command,
            cwd=clone.folder,
            env=os.environ | {"PYTHONPATH": str(clone.folder / "src")},
            stdout=log,
            stderr=log,
        )
        memory, own = 0, 0.0
        while process.poll() is None:
            memory = max(memory, _resident(process.pid))
            own = max(own, _processor(process.pid))
            time.sleep(0.2)
    if process.returncode:
        raise SystemExit((clone.folder / "head.log").read_text()[-3000:])
    after = os.times()
    spent = after.children_user + after.children_system
    return (
        time.monotonic() - begin,
        spent - before.children_user - before.children_system,
        own,
        memory / 1024,
    )


def _processor(pid: int) -> float:
    """Processor time of a process without its children, s."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident(pid: int) -> int:
    """Memory of a process, kB."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in text.splitlines() if "VmRSS" in line), 0)


def prepare(folder: Path) -> Clone:
    """A clone whose LAMMPS and whose measuring are stubs."""
    clone = make_clone(folder / "clone", measures=True)
    run(clone, *SNAKEMAKE, "--cores", "1", "--configfile", "small.yaml", "--", "dataset")
    template = folder / "electrode.nc"
    shutil.copyfile(clone.folder / "results/small/measure/y00c0.nc", template)
    script = clone.folder / "workflow/scripts/measure.py"
    script.write_text(MEASURE.format(template=template), encoding="utf-8")
    return clone


def try_campaign(clone: Clone, samples: int, cores: int, dry: bool) -> None:
    """Plan, run and gather a campaign; print a row for each."""
    name = f"scale{samples}"
    clone.configure(
        campaign={"name": name},
        design={"slurries": samples // COMPRESSIONS, "compressions": COMPRESSIONS},
    )
    words = ("--cores", str(cores), "--configfile", "small.yaml")
    folder = clone.folder / "results" / name
    commands = {
        "dry run": (*SNAKEMAKE, "-n", "--quiet", "rules", *words, "--", "dataset"),
        "run": (*SNAKEMAKE, "--quiet", "all", *words, "--", "dataset"),
        "dry run after it": (*SNAKEMAKE, "-n", "--quiet", "rules", *words, "--", "dataset"),
        "coatline status": (*COATLINE, "status", "--configfile", "small.yaml"),
    }
    for what, command in list(commands.items())[: 1 if dry else None]:
        wall, processor, own, memory = run(clone, *command)
        said = (clone.folder / "head.log").read_text()
        jobs = re.findall(r"^total +(\d+)$", said, re.MULTILINE)
        if what == "dry run":
            count = int(jobs[-1])
        elif what == "dry run after it" and "Nothing to be done" not in said:
            raise SystemExit(f"made again:\n{said[-3000:]}")
        each = f"{1000 * own / count:>10.1f}"
        print(
            f"{samples:>8} {what:<18}{wall:>9.1f}{processor:>12.1f}{own:>9.1f}{each}{memory:>9.0f}",
            flush=True,
        )
    if not dry:
        files = [path for path in folder.rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files) / 1e6
        with xr.open_dataset(folder / "dataset.nc") as dataset:
            if dataset.sizes["sample"] != samples or not (dataset.status == "ok").all():
                raise SystemExit(f"{folder}/dataset.nc: not {samples} whole samples")
        print(f"{samples:>8} files {len(files)}, {size:.0f} MB; all samples are there", flush=True)


def main() -> None:
    """Try all sizes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("samples", type=int, nargs="*", default=[200, 400, 800])
    parser.add_argument("--plan", type=int, nargs="*", default=[10000], help="dry runs alone")
    parser.add_argument("--cores", type=int, default=2)
    arguments = parser.parse_args()
    if any(count < 1 or count % COMPRESSIONS for count in [*arguments.samples, *arguments.plan]):
        parser.error(f"numbers of samples: multiples of {COMPRESSIONS}")
    print(
        f"{'samples':>8} {'':<18}{'s':>9}{'processor s':>12}{'its own':>9}{'ms a job':>10}{'MB':>9}"
    )
    with tempfile.TemporaryDirectory(prefix="coatline-scale-") as temporary:
        clone = prepare(Path(temporary))
        for samples in arguments.samples:
            try_campaign(clone, samples, arguments.cores, dry=False)
        for samples in arguments.plan:
            try_campaign(clone, samples, arguments.cores, dry=True)


if __name__ == "__main__":
    main()
